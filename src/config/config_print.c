/* The config as JSON: the table from top to bottom, sections opened and closed
 * where the paths of neighbours part. */
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "config/config_table.h"
#include "config/json_writer.h"

static void print_label(mlp_json_writer *w, const mlp_model_config *model)
{
    if (model->output == MLP_OUTPUT_SIGMOID)
        mlp_json_write_uint64(w, model->positive_label);
    else
        mlp_json_write_null(w);
}

/* A relative path is only ever run.dir's default: the working directory's, not
 * that of the file which the text may end up in, so null stands for it. */
static void print_path(mlp_json_writer *w, const char *path)
{
    if (path != NULL && path[0] == '/')
        mlp_json_write_string(w, path);
    else
        mlp_json_write_null(w);
}

static void print_labels(mlp_json_writer *w, const mlp_data_config *data)
{
    if (data->n_labels == 0) {
        mlp_json_write_null(w);
        return;
    }
    mlp_json_write_open_row(w);
    for (size_t i = 0; i < data->n_labels; i++)
        mlp_json_write_uint64(w, data->labels[i]);
    mlp_json_write_close_array(w);
}

static void print_class_names(mlp_json_writer *w, const mlp_data_config *data)
{
    if (data->n_class_names == 0) {
        mlp_json_write_null(w);
        return;
    }
    mlp_json_write_open_row(w);
    for (size_t i = 0; i < data->n_class_names; i++)
        mlp_json_write_string(w, data->class_names[i]);
    mlp_json_write_close_array(w);
}

static void print_widths(mlp_json_writer *w, const mlp_model_config *model)
{
    mlp_json_write_open_row(w);
    for (size_t i = 0; i < model->n_hidden; i++)
        mlp_json_write_uint64(w, model->hidden[i]);
    mlp_json_write_close_array(w);
}

static void print_value(mlp_json_writer *w, const mlp_config *config, const mlp_config_key *key)
{
    const void *field = (const char *)config + key->offset;
    if (key->is_fixed) {
        mlp_json_write_raw(w, key->fallback);
        return;
    }
    switch (key->type) {
    case MLP_KEY_BOOL:
        mlp_json_write_bool(w, *(const bool *)field);
        break;
    case MLP_KEY_UINT64:
        mlp_json_write_uint64(w, *(const uint64_t *)field);
        break;
    case MLP_KEY_SIZE:
        mlp_json_write_uint64(w, *(const size_t *)field);
        break;
    case MLP_KEY_LABEL:
        print_label(w, &config->model);
        break;
    case MLP_KEY_NUMBER:
        mlp_json_write_double(w, *(const double *)field);
        break;
    case MLP_KEY_CHOICE:
        mlp_json_write_string(w, key->choices[*(const int *)field]);
        break;
    case MLP_KEY_NAME:
        mlp_json_write_string(w, *(char *const *)field);
        break;
    case MLP_KEY_PATH:
        print_path(w, *(char *const *)field);
        break;
    case MLP_KEY_LABELS:
        print_labels(w, &config->data);
        break;
    case MLP_KEY_CLASS_NAMES:
        print_class_names(w, &config->data);
        break;
    case MLP_KEY_WIDTHS:
        print_widths(w, &config->model);
        break;
    case MLP_KEY_CLASS_WEIGHTS: /* always fixed */
        break;
    }
}

/* How many bytes of both paths are the same sections, with their dots. */
static size_t shared_sections(const char *a, const char *b)
{
    size_t shared = 0;
    for (size_t i = 0; a[i] != '\0' && a[i] == b[i]; i++) {
        if (a[i] == '.')
            shared = i + 1;
    }
    return shared;
}

static size_t count_dots(const char *path)
{
    size_t n = 0;
    for (; *path != '\0'; path++)
        n += *path == '.';
    return n;
}

/* From the key `last` to the key `next`: leaves sections and enters others. */
static void change_section(mlp_json_writer *w, const char *last, const char *next)
{
    size_t shared = shared_sections(last, next);
    for (size_t n = count_dots(last + shared); n > 0; n--)
        mlp_json_write_close_object(w);
    const char *dot;
    for (next += shared; (dot = strchr(next, '.')) != NULL; next = dot + 1) {
        char section[MLP_KEY_PATH_SIZE] = "";
        memcpy(section, next, (size_t)(dot - next));
        mlp_json_write_key(w, section);
        mlp_json_write_open_object(w);
    }
}

char *mlp_config_to_json(const mlp_config *config, mlp_config_part part, int indent)
{
    mlp_json_writer w;
    const char *last = "";
    mlp_json_writer_init(&w, indent);
    mlp_json_write_open_object(&w);
    for (size_t i = 0; i < MLP_CONFIG_N_KEYS; i++) {
        const char *path = mlp_config_keys[i].path, *dot = strrchr(path, '.');
        if (part == MLP_CONFIG_WITHOUT_RUN && strncmp(path, "run.", 4) == 0)
            continue;
        change_section(&w, last, path);
        mlp_json_write_key(&w, dot == NULL ? path : dot + 1);
        print_value(&w, config, &mlp_config_keys[i]);
        last = path;
    }
    change_section(&w, last, "");
    mlp_json_write_close_object(&w);
    return mlp_json_writer_finish(&w);
}
