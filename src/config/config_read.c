#include "config/config_read.h"

#include <stdio.h>
#include <string.h>

#include "config/utf8.h"

enum { SHOWN_PATH_SIZE = MLP_KEY_PATH_SIZE + MLP_JSON_SHOWN_SIZE };
enum { HINT_SIZE = MLP_KEY_PATH_SIZE + 32 };

static mlp_status set_key(mlp_config_reader *r, const mlp_config_key *key, const mlp_json *value)
{
    mlp_status status = mlp_config_set(r->config, key, value, &r->source, r->err);
    if (status == MLP_OK && key->type == MLP_KEY_LABEL)
        r->has_positive_label = !mlp_json_is_null(value);
    return status;
}

mlp_status mlp_config_read_defaults(mlp_config_reader *r)
{
    for (size_t i = 0; i < MLP_CONFIG_N_KEYS; i++) {
        const mlp_config_key *key = &mlp_config_keys[i];
        if (key->fallback == NULL)
            continue;
        mlp_json *value;
        mlp_status status = mlp_json_parse(&value, key->fallback, strlen(key->fallback), key->path,
                                           MLP_ERR_CONFIG, r->err);
        if (status == MLP_OK)
            status = set_key(r, key, value);
        mlp_json_free(value);
        if (status != MLP_OK)
            return status;
    }
    return MLP_OK;
}

/* ` (did you mean "lr"?)`, or nothing. The last name is enough where the section
 * is the same. */
static void hint(const char *unknown, bool is_override, char *out, size_t size)
{
    char meant[MLP_KEY_PATH_SIZE];
    const char *shown = meant, *dot = strrchr(unknown, '.');
    size_t section = dot == NULL ? 0 : (size_t)(dot - unknown) + 1;
    out[0] = '\0';
    if (!mlp_config_suggest(unknown, meant))
        return;
    if (!is_override && strncmp(unknown, meant, section) == 0 &&
        strchr(meant + section, '.') == NULL)
        shown = meant + section;
    snprintf(out, size, " (did you mean \"%s\"?)", shown);
}

static mlp_status refuse_unknown(const mlp_config_reader *r, const char *path, const char *key)
{
    char suggestion[HINT_SIZE];
    hint(path, false, suggestion, sizeof suggestion);
    if (strchr(key, '.') != NULL) /* "train.epochs" as one name is no way into a section */
        snprintf(suggestion, sizeof suggestion, " (a section is an object of its own here)");
    return mlp_fail(r->err, MLP_ERR_CONFIG, "%s: %s: unknown key%s", r->source.origin, path,
                    suggestion);
}

static mlp_status read_section(mlp_config_reader *r, const mlp_json *section,
                               const char *section_path);

static mlp_status read_member(mlp_config_reader *r, const mlp_json *member,
                              const char *section_path)
{
    char name[MLP_JSON_SHOWN_SIZE], path[SHOWN_PATH_SIZE];
    const char *key = mlp_json_key(member);
    mlp_json_show_string(key, name);
    snprintf(path, sizeof path, "%s%s%s", section_path, section_path[0] != '\0' ? "." : "",
             name[0] != '\0' ? name : "\"\"");
    bool is_one_name = strchr(key, '.') == NULL;
    const mlp_config_key *known = is_one_name ? mlp_config_find_key(path) : NULL;
    if (known != NULL)
        return set_key(r, known, member);
    if (!is_one_name || !mlp_config_is_section(path))
        return refuse_unknown(r, path, key);
    return read_section(r, member, path);
}

static mlp_status refuse_type(const mlp_config_reader *r, const char *path, const mlp_json *value,
                              const char *wanted)
{
    char found[MLP_JSON_SHOWN_SIZE];
    mlp_json_show(value, found);
    return mlp_fail(r->err, MLP_ERR_CONFIG, "%s: %s%sfound %s, wanted %s", r->source.origin, path,
                    path[0] != '\0' ? ": " : "", found, wanted);
}

static mlp_status read_section(mlp_config_reader *r, const mlp_json *section,
                               const char *section_path)
{
    if (!mlp_json_is_object(section))
        return refuse_type(r, section_path, section, "an object");
    bool is_top = section_path[0] == '\0';
    for (const mlp_json *m = mlp_json_first(section); m != NULL; m = mlp_json_next(m)) {
        const char *key = mlp_json_key(m), *for_editors;
        mlp_status status = MLP_OK;
        if (!is_top || strcmp(key, "$schema") != 0)
            status = read_member(r, m, section_path);
        else if (!mlp_json_get_string(m, &for_editors))
            status = refuse_type(r, key, m, "a string");
        if (status != MLP_OK)
            return status;
    }
    return MLP_OK;
}

mlp_status mlp_config_read_document(mlp_config_reader *r, const mlp_json *document)
{
    return read_section(r, document, "");
}

/* JSON, or else a string as it stands: --set name=mnist needs no quotes. */
static mlp_status parse_override_value(mlp_json **value, const char *text, mlp_error *err)
{
    mlp_error not_json;
    mlp_status status =
        mlp_json_parse(value, text, strlen(text), "--set", MLP_ERR_CONFIG, &not_json);
    if (status == MLP_ERR_CONFIG)
        *value = mlp_json_new_string(text);
    return *value == NULL ? mlp_fail_memory(err, "the config") : MLP_OK;
}

static mlp_status refuse_override_key(const mlp_config_reader *r, const char *path)
{
    char suggestion[HINT_SIZE];
    if (mlp_config_is_section(path))
        return mlp_fail(r->err, MLP_ERR_CONFIG,
                        "%s: found a section, \"%s\", wanted one of the keys in it",
                        r->source.origin, path);
    hint(path, true, suggestion, sizeof suggestion);
    return mlp_fail(r->err, MLP_ERR_CONFIG, "%s: unknown key%s", r->source.origin, suggestion);
}

static mlp_status apply_override(mlp_config_reader *r, const char *override)
{
    char path[MLP_KEY_PATH_SIZE];
    const char *equals = strchr(override, '=');
    if (equals == NULL || equals == override)
        return mlp_fail(r->err, MLP_ERR_CONFIG, "%s: found no %s, wanted KEY=VALUE",
                        r->source.origin, equals == NULL ? "\"=\"" : "key");
    if (!mlp_utf8_is_valid(override))
        return mlp_fail(r->err, MLP_ERR_CONFIG, "%s: found bytes that are not UTF-8",
                        r->source.origin);
    /* What is cut off here was too long for any known key. */
    snprintf(path, sizeof path, "%.*s", (int)(equals - override), override);
    const mlp_config_key *key = mlp_config_find_key(path);
    if (key == NULL)
        return refuse_override_key(r, path);
    mlp_json *value;
    mlp_status status = parse_override_value(&value, equals + 1, r->err);
    if (status == MLP_OK)
        status = set_key(r, key, value);
    mlp_json_free(value);
    return status;
}

mlp_status mlp_config_read_override(mlp_config_reader *r, const char *override)
{
    char shown[MLP_JSON_SHOWN_SIZE], origin[MLP_JSON_SHOWN_SIZE + 8];
    const mlp_config_source before = r->source;
    mlp_json_show_string(override, shown);
    snprintf(origin, sizeof origin, "--set %s", shown);
    r->source = (mlp_config_source){.origin = origin, .is_override = true};
    mlp_status status = apply_override(r, override);
    r->source = before;
    return status;
}
