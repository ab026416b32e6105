/* What is right for a key by itself, in code and in the words of the refusal. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "config/config_value.h"
#include "config/json_writer.h"
#include "config/utf8.h"

/* In bytes: file systems' limits, which do for the names of classes too. */
enum { MAX_NAME_LENGTH = 255, MAX_PATH_LENGTH = 4095 };
enum { MIN_CLASSES = 2 };
enum { WANTED_SIZE = 256 };

const char mlp_config_name_rule[] =
    "a folder's name: 1 to 255 bytes, no \"/\", no control character, no \".\" at the start, "
    "not \"latest\"";

const char mlp_config_class_name_rule[] = "a name of 1 to 255 bytes, no control character";

static bool has_control_character(const char *string)
{
    for (; *string != '\0'; string++) {
        if (mlp_utf8_is_control(string))
            return true;
    }
    return false;
}

bool mlp_config_is_name(const char *name)
{
    size_t length = strlen(name);
    return length > 0 && length <= MAX_NAME_LENGTH && name[0] != '.' && strchr(name, '/') == NULL &&
           !has_control_character(name) &&
           strcmp(name, "latest") != 0; /* the link to the newest run */
}

bool mlp_config_find_choice(const mlp_config_key *key, const mlp_json *value, size_t *index)
{
    const char *name;
    if (!mlp_json_get_string(value, &name))
        return false;
    for (size_t i = 0; key->choices[i] != NULL; i++) {
        if (strcmp(key->choices[i], name) == 0) {
            *index = i;
            return true;
        }
    }
    return false;
}

static bool is_in_range(const mlp_config_range *range, double x)
{
    return (range->excludes_minimum ? x > range->minimum : x >= range->minimum) &&
           (range->excludes_maximum ? x < range->maximum : x <= range->maximum);
}

static bool is_number(const mlp_config_key *key, const mlp_json *value)
{
    double x;
    return mlp_json_get_double(value, &x) && is_in_range(key->range, x);
}

static bool is_integer(const mlp_config_key *key, const mlp_json *value)
{
    uint64_t n;
    return mlp_json_get_uint(value, UINT64_MAX, &n) && is_number(key, value);
}

bool mlp_config_is_class_name(const char *name)
{
    size_t length = strlen(name);
    return length > 0 && length <= MAX_NAME_LENGTH && !has_control_character(name);
}

/* Whether the value, or one entry of an array, is right by itself. */
static bool is_right(const mlp_config_key *key, const mlp_json *value)
{
    bool flag;
    size_t index;
    const char *s;
    switch (key->type) {
    case MLP_KEY_BOOL:
        return mlp_json_get_bool(value, &flag);
    case MLP_KEY_UINT64:
    case MLP_KEY_SIZE:
    case MLP_KEY_LABEL:
    case MLP_KEY_LABELS:
    case MLP_KEY_WIDTHS:
        return is_integer(key, value);
    case MLP_KEY_NUMBER:
    case MLP_KEY_CLASS_WEIGHTS:
        return is_number(key, value);
    case MLP_KEY_CHOICE:
        return mlp_config_find_choice(key, value, &index);
    case MLP_KEY_NAME:
        return mlp_json_get_string(value, &s) && mlp_config_is_name(s);
    case MLP_KEY_PATH:
        return mlp_json_get_string(value, &s) && s[0] != '\0' && strlen(s) <= MAX_PATH_LENGTH;
    case MLP_KEY_CLASS_NAMES:
        return mlp_json_get_string(value, &s) && mlp_config_is_class_name(s);
    }
    return false;
}

/* "an integer from 0 to 255", "a number above 0", "a number from 0 to below 1". */
static void describe_range(const mlp_config_range *range, const char *noun, char *out, size_t size)
{
    char minimum[MLP_JSON_NUMBER_SIZE], maximum[MLP_JSON_NUMBER_SIZE];
    const char *lower = range->excludes_minimum ? "above" : "from";
    const char *upper = range->excludes_maximum ? "to below" : "to";
    mlp_json_format_double(range->minimum, minimum);
    mlp_json_format_double(range->maximum, maximum);
    if (isfinite(range->maximum))
        snprintf(out, size, "%s %s %s %s %s", noun, lower, minimum, upper, maximum);
    else
        snprintf(out, size, "%s %s %s%s", noun, lower, minimum,
                 range->excludes_minimum ? "" : " up");
}

/* The choices that can be had now. */
static void describe_choices(const mlp_config_key *key, char *out, size_t size)
{
    size_t used = 0;
    for (size_t i = 0; i < key->n_supported && used < size; i++)
        used += (size_t)snprintf(out + used, size - used, "%s\"%s\"", i > 0 ? " or " : "",
                                 key->choices[i]);
}

/* What is_right asks for, in words. */
static void describe_right(const mlp_config_key *key, char *out, size_t size)
{
    switch (key->type) {
    case MLP_KEY_BOOL:
        snprintf(out, size, "true or false");
        break;
    case MLP_KEY_UINT64:
    case MLP_KEY_SIZE:
    case MLP_KEY_LABEL:
    case MLP_KEY_LABELS:
    case MLP_KEY_WIDTHS:
        describe_range(key->range, "an integer", out, size);
        break;
    case MLP_KEY_NUMBER:
    case MLP_KEY_CLASS_WEIGHTS:
        describe_range(key->range, "a number", out, size);
        break;
    case MLP_KEY_CHOICE:
        describe_choices(key, out, size);
        break;
    case MLP_KEY_NAME:
        snprintf(out, size, "%s", mlp_config_name_rule);
        break;
    case MLP_KEY_PATH:
        snprintf(out, size, "a path of 1 to %d bytes", MAX_PATH_LENGTH);
        break;
    case MLP_KEY_CLASS_NAMES:
        snprintf(out, size, "%s", mlp_config_class_name_rule);
        break;
    }
}

static bool has_choices(const mlp_config_key *key)
{
    return key->type == MLP_KEY_CHOICE || key->type == MLP_KEY_CLASS_WEIGHTS;
}

static bool is_array_key(const mlp_config_key *key)
{
    return key->type == MLP_KEY_LABELS || key->type == MLP_KEY_CLASS_NAMES ||
           key->type == MLP_KEY_WIDTHS || key->type == MLP_KEY_CLASS_WEIGHTS;
}

/* What the key as a whole takes, in words. */
static void describe_wanted(const mlp_config_key *key, char *out, size_t size)
{
    char right[WANTED_SIZE / 2], count[32] = "";
    const char *or_null = mlp_config_is_nullable(key) ? ", or null" : "";
    if (key->type == MLP_KEY_WIDTHS)
        snprintf(count, sizeof count, " of up to %d", MLP_MAX_HIDDEN_LAYERS);
    else
        snprintf(count, sizeof count, " of %d to %d", MIN_CLASSES, MLP_MAX_CLASSES);
    describe_right(key, right, sizeof right);
    if (key->type == MLP_KEY_CLASS_WEIGHTS)
        describe_choices(key, out, size);
    else if (is_array_key(key))
        snprintf(out, size, "an array%s, each entry %s%s", count, right, or_null);
    else
        snprintf(out, size, "%s%s", right, or_null);
}

/* A check under way. */
typedef struct check {
    const mlp_config_key *key;
    const mlp_config_source *source;
    const char *colon, *path; /* ": " and the key's path; empty where the origin names the key */
    mlp_error *err;
} check;

static mlp_status refuse(const check *c, const char *found)
{
    char wanted[WANTED_SIZE];
    describe_wanted(c->key, wanted, sizeof wanted);
    return mlp_fail(c->err, MLP_ERR_CONFIG, "%s%s%s: found %s, wanted %s", c->source->origin,
                    c->colon, c->path, found, wanted);
}

static mlp_status refuse_entry(const check *c, size_t index, const mlp_json *entry,
                               const char *wanted)
{
    char found[MLP_JSON_SHOWN_SIZE];
    mlp_json_show(entry, found);
    return mlp_fail(c->err, MLP_ERR_CONFIG, "%s: %s[%zu]: found %s, wanted %s", c->source->origin,
                    c->key->path, index, found, wanted);
}

static bool is_same(const mlp_json *a, const mlp_json *b)
{
    const char *s, *t;
    double x, y;
    if (mlp_json_get_string(a, &s) && mlp_json_get_string(b, &t))
        return strcmp(s, t) == 0;
    return mlp_json_get_double(a, &x) && mlp_json_get_double(b, &y) && x == y;
}

static mlp_status check_entries(const check *c, const mlp_json *array)
{
    bool is_set = c->key->type == MLP_KEY_LABELS || c->key->type == MLP_KEY_CLASS_NAMES;
    char wanted[WANTED_SIZE];
    size_t index = 0;
    describe_right(c->key, wanted, sizeof wanted);
    for (const mlp_json *e = mlp_json_first(array); e != NULL; e = mlp_json_next(e), index++) {
        if (!is_right(c->key, e))
            return refuse_entry(c, index, e, wanted);
        const mlp_json *same = is_set ? mlp_json_first(array) : e;
        while (!is_same(same, e))
            same = mlp_json_next(same);
        if (same != e)
            return refuse_entry(c, index, e, "each entry once");
    }
    return MLP_OK;
}

static mlp_status check_array(const check *c, const mlp_json *array)
{
    char found[MLP_JSON_SHOWN_SIZE];
    size_t n = mlp_json_count(array);
    bool is_widths = c->key->type == MLP_KEY_WIDTHS;
    if (is_widths ? n <= MLP_MAX_HIDDEN_LAYERS : n >= MIN_CLASSES && n <= MLP_MAX_CLASSES)
        return check_entries(c, array);
    snprintf(found, sizeof found, "an array of %zu", n);
    return refuse(c, found);
}

static mlp_status check_scalar(const check *c, const mlp_json *value)
{
    char found[MLP_JSON_SHOWN_SIZE];
    if (!is_array_key(c->key) && is_right(c->key, value))
        return MLP_OK;
    mlp_json_show(value, found);
    return refuse(c, found);
}

static mlp_status refuse_unsupported(const check *c, const mlp_json *value)
{
    char found[MLP_JSON_SHOWN_SIZE], choices[WANTED_SIZE];
    const char *wanted = c->key->fallback;
    if (has_choices(c->key)) {
        describe_choices(c->key, choices, sizeof choices);
        wanted = choices;
    }
    mlp_json_show(value, found);
    return mlp_fail(c->err, MLP_ERR_CONFIG, "%s%s%s: %s is not supported yet (found %s, wanted %s)",
                    c->source->origin, c->colon, c->path, found, found, wanted);
}

static bool is_default(const mlp_config_key *key, const mlp_json *value)
{
    char shown[MLP_JSON_SHOWN_SIZE];
    mlp_json_show(value, shown);
    return strcmp(shown, key->fallback) == 0;
}

mlp_status mlp_config_check(const mlp_config_key *key, const mlp_json *value,
                            const mlp_config_source *source, mlp_error *err)
{
    const check c = {.key = key,
                     .source = source,
                     .colon = source->is_override ? "" : ": ",
                     .path = source->is_override ? "" : key->path,
                     .err = err};
    size_t choice;
    if (mlp_json_is_null(value) && mlp_config_is_nullable(key))
        return MLP_OK;
    if (has_choices(key) && mlp_config_find_choice(key, value, &choice))
        return choice < key->n_supported ? MLP_OK : refuse_unsupported(&c, value);
    bool is_array = is_array_key(key) && mlp_json_is_array(value);
    mlp_status status = is_array ? check_array(&c, value) : check_scalar(&c, value);
    if (status == MLP_OK && key->is_fixed && !is_default(key, value))
        status = refuse_unsupported(&c, value);
    return status;
}
