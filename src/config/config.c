/* Defaults, then the file, then the overrides, each through mlp_config_set; then
 * what only the whole shows. */
#include "config/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "config/config_path.h"
#include "config/config_read.h"

static const size_t MAX_FILE_SIZE = (size_t)16 << 20;
static const char DEFAULT_RUN_DIR[] = "runs"; /* below the working directory */

static mlp_status read_text(mlp_config_reader *r, const char *text, size_t length)
{
    mlp_json *document;
    if (length > MAX_FILE_SIZE)
        return mlp_fail(r->err, MLP_ERR_CONFIG, "%s: found more than 16 MB, wanted a config",
                        r->source.origin);
    mlp_status status =
        mlp_json_parse(&document, text, length, r->source.origin, MLP_ERR_CONFIG, r->err);
    if (status == MLP_OK)
        status = mlp_config_read_document(r, document);
    mlp_json_free(document);
    return status;
}

/* "configs/mnist.json" -> "mnist"; "<stdin>" and the like are no files: "mlp". */
static mlp_status name_after(mlp_config *config, const char *origin, mlp_error *err)
{
    const char *slash = strrchr(origin, '/'), *base = slash == NULL ? origin : slash + 1;
    size_t length = strlen(base);
    if (length == 0 || origin[0] == '<') {
        base = "mlp.json";
        length = strlen(base);
    }
    config->name = mlp_strdup(base);
    if (config->name == NULL)
        return mlp_fail_memory(err, "the config");
    if (length >= 5 && strcmp(base + length - 5, ".json") == 0)
        config->name[length - 5] = '\0';
    if (mlp_config_is_name(config->name))
        return MLP_OK;
    char shown[MLP_JSON_SHOWN_SIZE];
    mlp_json_show_string(config->name, shown);
    return mlp_fail(err, MLP_ERR_CONFIG,
                    "%s: name: found \"%s\", taken from the file's name, wanted %s", origin, shown,
                    mlp_config_name_rule);
}

static mlp_status finish(mlp_config_reader *r, const char *origin)
{
    mlp_config *config = r->config;
    if (config->name == NULL) {
        mlp_status status = name_after(config, origin, r->err);
        if (status != MLP_OK)
            return status;
    }
    if (config->run.dir == NULL) {
        config->run.dir = mlp_strdup(DEFAULT_RUN_DIR);
        if (config->run.dir == NULL)
            return mlp_fail_memory(r->err, "the config");
    }
    return mlp_config_check_together(config, r->has_positive_label, origin, r->err);
}

/* mlp_config_parse for a text of known length, which may hold a NUL byte. */
static mlp_status load_text(mlp_config *config, const char *text, size_t length,
                            const mlp_config_source *file, const mlp_override *overrides,
                            size_t n_overrides, mlp_error *err)
{
    mlp_config_reader r = {.config = config, .source = *file, .err = err};
    *config = (mlp_config){0};
    mlp_status status = mlp_config_read_defaults(&r);
    if (status == MLP_OK)
        status = read_text(&r, text, length);
    for (size_t i = 0; i < n_overrides && status == MLP_OK; i++)
        status = mlp_config_read_override(&r, overrides[i]);
    if (status == MLP_OK)
        status = finish(&r, file->origin);
    if (status != MLP_OK)
        mlp_config_free(config);
    return status;
}

mlp_status mlp_config_parse(mlp_config *config, const char *text, const char *origin,
                            const char *base_dir, const mlp_override *overrides, size_t n_overrides,
                            mlp_error *err)
{
    const mlp_config_source source = {.origin = origin, .base_dir = base_dir};
    return load_text(config, text, strlen(text), &source, overrides, n_overrides, err);
}

/* At most a little more than MAX_FILE_SIZE bytes, which read_text then refuses. */
static mlp_status read_file(FILE *file, const char *origin, char **text, size_t *length,
                            mlp_error *err)
{
    size_t capacity = 4096, n = 0;
    char *buffer = NULL;
    for (;;) {
        char *larger = realloc(buffer, capacity);
        if (larger == NULL) {
            free(buffer);
            return mlp_fail_memory(err, origin);
        }
        buffer = larger;
        n += fread(buffer + n, 1, capacity - n, file);
        if (n < capacity || n > MAX_FILE_SIZE)
            break;
        capacity *= 2;
    }
    if (ferror(file)) {
        mlp_status status = mlp_fail_errno(err, MLP_ERR_CONFIG, origin, "read");
        free(buffer);
        return status;
    }
    *text = buffer;
    *length = n;
    return MLP_OK;
}

mlp_status mlp_config_load(mlp_config *config, const char *path, const mlp_override *overrides,
                           size_t n_overrides, mlp_error *err)
{
    bool is_stdin = strcmp(path, "-") == 0;
    mlp_config_source source = {.origin = is_stdin ? "<stdin>" : path};
    FILE *file = is_stdin ? stdin : fopen(path, "rb");
    char *folder = NULL, *text = NULL;
    size_t length = 0;
    mlp_status status;
    *config = (mlp_config){0};
    if (file == NULL)
        return mlp_fail_errno(err, MLP_ERR_CONFIG, path, "open");
    status = read_file(file, source.origin, &text, &length, err);
    if (status != MLP_OK)
        goto done;
    if (!is_stdin) {
        source.base_dir = folder = mlp_config_folder_of(path);
        if (folder == NULL) {
            status = mlp_fail_memory(err, path);
            goto done;
        }
    }
    status = load_text(config, text, length, &source, overrides, n_overrides, err);
done:
    free(folder);
    free(text);
    if (!is_stdin)
        fclose(file);
    return status;
}

void mlp_config_free(mlp_config *config)
{
    free(config->name);
    free(config->data.dir);
    free(config->data.train_images);
    free(config->data.train_labels);
    free(config->data.test_images);
    free(config->data.test_labels);
    for (size_t i = 0; i < config->data.n_class_names; i++)
        free(config->data.class_names[i]);
    free(config->model.hidden);
    free(config->model.init_from);
    free(config->run.dir);
    *config = (mlp_config){0};
}
