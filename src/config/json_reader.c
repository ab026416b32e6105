/* Three passes: the grammar (json_syntax.c), the tree (cJSON), then over the
 * tree what only it can show: duplicate keys, also where they are spelt with
 * different escapes, and numbers that became infinite. */
#include "config/json_reader.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/json_syntax.h"
#include "config/json_writer.h"
#include "config/utf8.h"

/* The way from the root to a value, for messages: a chain through the stack. */
typedef struct step {
    const struct step *parent;
    const char *key; /* NULL: an array's entry */
    size_t index;
} step;

typedef struct check {
    const char *origin;
    mlp_status status;
    mlp_error *err;
} check;

static size_t show_path(const step *place, char *out, size_t size)
{
    if (place == NULL)
        return 0;
    size_t used = show_path(place->parent, out, size);
    if (place->key != NULL) {
        char key[MLP_JSON_SHOWN_SIZE];
        mlp_json_show_string(place->key, key);
        snprintf(out + used, size - used, "%s%s", used > 0 ? "." : "", key);
    } else {
        snprintf(out + used, size - used, "[%zu]", place->index);
    }
    return used + strlen(out + used);
}

static mlp_status refuse(const check *c, const step *place, const char *problem)
{
    char path[512] = "";
    show_path(place, path, sizeof path);
    return mlp_fail(c->err, c->status, "%s: %s%s%s", c->origin, path, place != NULL ? ": " : "",
                    problem);
}

static int compare_keys(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Sorted, equal keys are neighbours: n log n also for a hostile object. */
static mlp_status check_keys(const check *c, const mlp_json *object, const step *place)
{
    size_t n = mlp_json_count(object), i = 0;
    if (n < 2)
        return MLP_OK;
    const char **keys = malloc(n * sizeof *keys);
    if (keys == NULL)
        return mlp_fail_memory(c->err, "the keys of a JSON object");
    for (const mlp_json *m = object->child; m != NULL; m = m->next)
        keys[i++] = m->string;
    qsort(keys, n, sizeof *keys, compare_keys);
    mlp_status status = MLP_OK;
    for (i = 1; i < n && status == MLP_OK; i++) {
        const step twice = {.parent = place, .key = keys[i]};
        if (strcmp(keys[i - 1], keys[i]) == 0)
            status = refuse(c, &twice, "duplicate key");
    }
    free(keys);
    return status;
}

static mlp_status check_tree(const check *c, const mlp_json *value, const step *place)
{
    if (cJSON_IsNumber(value) && !isfinite(value->valuedouble))
        return refuse(c, place, "found a number beyond the range of a double");
    if (cJSON_IsObject(value)) {
        mlp_status status = check_keys(c, value, place);
        if (status != MLP_OK)
            return status;
    }
    size_t index = 0;
    for (const mlp_json *m = value->child; m != NULL; m = m->next) {
        const step below = {.parent = place, .key = m->string, .index = index};
        mlp_status status = check_tree(c, m, &below);
        if (status != MLP_OK)
            return status;
        index++;
    }
    return MLP_OK;
}

mlp_status mlp_json_parse(mlp_json **document, const char *text, size_t length, const char *origin,
                          mlp_status status, mlp_error *err)
{
    const check c = {.origin = origin, .status = status, .err = err};
    *document = NULL;
    mlp_status result = mlp_json_check_syntax(text, length, origin, status, err);
    if (result != MLP_OK)
        return result;
    /* The grammar holds, so cJSON can fail for want of memory only. */
    mlp_json *root = cJSON_ParseWithLength(text, length);
    if (root == NULL)
        return mlp_fail_memory(err, origin);
    result = check_tree(&c, root, NULL);
    if (result == MLP_OK)
        *document = root;
    else
        cJSON_Delete(root);
    return result;
}

mlp_json *mlp_json_new_string(const char *string)
{
    return cJSON_CreateString(string);
}

void mlp_json_free(mlp_json *document)
{
    cJSON_Delete(document);
}

bool mlp_json_is_null(const mlp_json *value)
{
    return cJSON_IsNull(value);
}

bool mlp_json_is_array(const mlp_json *value)
{
    return cJSON_IsArray(value);
}

bool mlp_json_is_object(const mlp_json *value)
{
    return cJSON_IsObject(value);
}

bool mlp_json_get_bool(const mlp_json *value, bool *out)
{
    if (!cJSON_IsBool(value))
        return false;
    *out = cJSON_IsTrue(value);
    return true;
}

bool mlp_json_get_string(const mlp_json *value, const char **out)
{
    if (!cJSON_IsString(value))
        return false;
    *out = value->valuestring;
    return true;
}

bool mlp_json_get_double(const mlp_json *value, double *out)
{
    if (!cJSON_IsNumber(value))
        return false;
    *out = value->valuedouble;
    return true;
}

bool mlp_json_get_uint(const mlp_json *value, uint64_t max, uint64_t *out)
{
    double number;
    if (!mlp_json_get_double(value, &number) || !(number >= 0 && number <= 0x1p53) ||
        number != floor(number) || (uint64_t)number > max)
        return false;
    *out = (uint64_t)number;
    return true;
}

const mlp_json *mlp_json_first(const mlp_json *container)
{
    return container->child;
}

const mlp_json *mlp_json_next(const mlp_json *entry)
{
    return entry->next;
}

size_t mlp_json_count(const mlp_json *container)
{
    size_t n = 0;
    for (const mlp_json *m = container->child; m != NULL; m = m->next)
        n++;
    return n;
}

const char *mlp_json_key(const mlp_json *entry)
{
    return entry->string;
}

const mlp_json *mlp_json_member(const mlp_json *object, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(object, key);
}

void mlp_json_show_string(const char *string, char out[MLP_JSON_SHOWN_SIZE])
{
    const size_t longest_piece = sizeof "\\u0000" - 1, ellipsis = sizeof "...";
    size_t used = 0, left = strlen(string);
    while (left > 0) {
        size_t bytes = mlp_utf8_character(string, left);
        if (used + longest_piece + ellipsis > MLP_JSON_SHOWN_SIZE - 2) {
            memcpy(out + used, "...", 3);
            used += 3;
            break;
        }
        if (bytes == 0 || mlp_utf8_is_control(string)) {
            unsigned char code = (unsigned char)string[bytes > 1]; /* C2 80 is U+0080, and so on */
            used += (size_t)snprintf(out + used, longest_piece + 1,
                                     bytes == 0 ? "\\x%02x" : "\\u%04x", (unsigned)code);
            bytes += bytes == 0;
        } else {
            memcpy(out + used, string, bytes);
            used += bytes;
        }
        string += bytes;
        left -= bytes;
    }
    out[used] = '\0';
}

void mlp_json_show(const mlp_json *value, char out[MLP_JSON_SHOWN_SIZE])
{
    const size_t size = MLP_JSON_SHOWN_SIZE;
    if (cJSON_IsString(value)) {
        char inner[MLP_JSON_SHOWN_SIZE];
        mlp_json_show_string(value->valuestring, inner);
        snprintf(out, size, "\"%.*s\"", (int)size - 3, inner);
    } else if (cJSON_IsNumber(value)) {
        mlp_json_format_double(value->valuedouble, out);
    } else if (cJSON_IsBool(value)) {
        snprintf(out, size, "%s", cJSON_IsTrue(value) ? "true" : "false");
    } else {
        snprintf(out, size, "%s",
                 cJSON_IsNull(value)    ? "null"
                 : cJSON_IsArray(value) ? "an array"
                                        : "an object");
    }
}
