#include "config/config_value.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "config/config_path.h"
#include "config/utf8.h"

/* Enums are stored through int. */
_Static_assert(sizeof(mlp_output) == sizeof(int) && sizeof(mlp_schedule_type) == sizeof(int) &&
                   sizeof(mlp_metric) == sizeof(int) && sizeof(mlp_precision) == sizeof(int),
               "an enum is as wide as an int");

/* The values below have passed mlp_config_check, so that the getters succeed. */

static uint64_t uint_of(const mlp_json *value)
{
    uint64_t n = 0;
    mlp_json_get_uint(value, UINT64_MAX, &n);
    return n;
}

static const char *string_of(const mlp_json *value)
{
    const char *s = "";
    mlp_json_get_string(value, &s);
    return s;
}

static mlp_status set_string(char **field, const char *value, mlp_error *err)
{
    char *copy = mlp_strdup(value);
    if (copy == NULL)
        return mlp_fail_memory(err, "the config");
    free(*field);
    *field = copy;
    return MLP_OK;
}

static mlp_status set_path(char **field, const mlp_json *value, const mlp_config_source *source,
                           mlp_error *err)
{
    char *path = NULL;
    if (!mlp_json_is_null(value)) {
        path = mlp_config_resolve_path(source->base_dir, string_of(value));
        if (path == NULL)
            return errno == ENOMEM ? mlp_fail_memory(err, "the config")
                                   : mlp_fail_errno(err, MLP_ERR_CONFIG, string_of(value),
                                                    "make the path absolute");
        if (!mlp_utf8_is_valid(path)) { /* a working directory may have any name */
            mlp_status status =
                mlp_fail(err, MLP_ERR_CONFIG, "%s: the absolute path is not UTF-8", path);
            free(path);
            return status;
        }
    }
    free(*field);
    *field = path;
    return MLP_OK;
}

static mlp_status set_widths(mlp_model_config *model, const mlp_json *array, mlp_error *err)
{
    size_t n = mlp_json_count(array), i = 0;
    size_t *hidden = mlp_alloc(n, sizeof *hidden);
    if (hidden == NULL)
        return mlp_fail_memory(err, "the config");
    for (const mlp_json *e = mlp_json_first(array); e != NULL; e = mlp_json_next(e))
        hidden[i++] = (size_t)uint_of(e);
    free(model->hidden);
    model->hidden = hidden;
    model->n_hidden = n;
    return MLP_OK;
}

/* Null has no entries, which is how n_labels and n_class_names tell "not given". */
static void set_labels(mlp_data_config *data, const mlp_json *array)
{
    data->n_labels = 0;
    for (const mlp_json *e = mlp_json_first(array); e != NULL; e = mlp_json_next(e))
        data->labels[data->n_labels++] = (uint8_t)uint_of(e);
}

static mlp_status set_class_names(mlp_data_config *data, const mlp_json *array, mlp_error *err)
{
    while (data->n_class_names > 0)
        free(data->class_names[--data->n_class_names]);
    for (const mlp_json *e = mlp_json_first(array); e != NULL; e = mlp_json_next(e)) {
        char *name = mlp_strdup(string_of(e));
        if (name == NULL)
            return mlp_fail_memory(err, "the config");
        data->class_names[data->n_class_names++] = name;
    }
    return MLP_OK;
}

static void set_choice(void *field, const mlp_config_key *key, const mlp_json *value)
{
    size_t index = 0;
    mlp_config_find_choice(key, value, &index);
    *(int *)field = (int)index;
}

mlp_status mlp_config_set(mlp_config *config, const mlp_config_key *key, const mlp_json *value,
                          const mlp_config_source *source, mlp_error *err)
{
    void *field = (char *)config + key->offset;
    mlp_status status = mlp_config_check(key, value, source, err);
    if (status != MLP_OK || key->is_fixed)
        return status;
    switch (key->type) {
    case MLP_KEY_BOOL:
        mlp_json_get_bool(value, field);
        return MLP_OK;
    case MLP_KEY_UINT64:
        *(uint64_t *)field = uint_of(value);
        return MLP_OK;
    case MLP_KEY_SIZE:
        *(size_t *)field = (size_t)uint_of(value);
        return MLP_OK;
    case MLP_KEY_LABEL:
        *(uint8_t *)field = (uint8_t)uint_of(value);
        return MLP_OK;
    case MLP_KEY_NUMBER:
        mlp_json_get_double(value, field);
        return MLP_OK;
    case MLP_KEY_CHOICE:
        set_choice(field, key, value);
        return MLP_OK;
    case MLP_KEY_NAME:
        return set_string(field, string_of(value), err);
    case MLP_KEY_PATH:
        return set_path(field, value, source, err);
    case MLP_KEY_LABELS:
        set_labels(&config->data, value);
        return MLP_OK;
    case MLP_KEY_CLASS_NAMES:
        return set_class_names(&config->data, value, err);
    case MLP_KEY_WIDTHS:
        return set_widths(&config->model, value, err);
    case MLP_KEY_CLASS_WEIGHTS: /* always fixed: nothing to keep */
        return MLP_OK;
    }
    return MLP_OK;
}
