#include "io/checkpoint_describe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { MNIST_SIDE = 28, NUMBER_TEXT = 24 };

bool mlp_checkpoint_is_ours(const mlp_safetensors *file)
{
    static const char prefix[] = "mlp.";
    if (file->metadata == NULL)
        return false;
    for (const mlp_json *m = mlp_json_first(file->metadata); m != NULL; m = mlp_json_next(m))
        if (strncmp(mlp_json_key(m), prefix, sizeof prefix - 1) == 0)
            return true;
    return false;
}

/* A copy of the text on the heap. */
static mlp_status read_text(const mlp_safetensors *file, const char *path, const char *key,
                            char **text, mlp_error *err)
{
    const char *value = mlp_safetensors_metadata(file, key);
    if (value == NULL)
        return mlp_fail(err, MLP_ERR_CHECKPOINT, "%s: no metadata \"%s\"", path, key);
    *text = mlp_strdup(value);
    return *text == NULL ? mlp_fail_memory(err, key) : MLP_OK;
}

/* "PATH: KEY: found TEXT, wanted ..." */
static mlp_status refuse(const char *path, const char *key, const char *text, const char *wanted,
                         mlp_error *err)
{
    char found[MLP_JSON_SHOWN_SIZE];
    mlp_json_show_string(text, found);
    return mlp_fail(err, MLP_ERR_CHECKPOINT, "%s: %s: found %s, wanted %s", path, key, found,
                    wanted);
}

/* The array that stands as JSON under the key; free *document. */
static mlp_status read_array(const mlp_safetensors *file, const char *path, const char *key,
                             mlp_json **document, mlp_error *err)
{
    const char *text = mlp_safetensors_metadata(file, key);
    mlp_error reason;
    *document = NULL;
    if (text == NULL)
        return mlp_fail(err, MLP_ERR_CHECKPOINT, "%s: no metadata \"%s\"", path, key);
    mlp_status status =
        mlp_json_parse(document, text, strlen(text), key, MLP_ERR_CHECKPOINT, &reason);
    if (status != MLP_OK)
        return mlp_fail(err, status, "%s: %s", path, reason.message);
    return mlp_json_is_array(*document) ? MLP_OK : refuse(path, key, text, "a JSON array", err);
}

static mlp_status refuse_class_name(const char *path, const char *key, const mlp_json *name,
                                    mlp_error *err)
{
    char found[MLP_JSON_SHOWN_SIZE];
    mlp_json_show(name, found);
    return mlp_fail(err, MLP_ERR_CHECKPOINT, "%s: %s: found %s, wanted %s", path, key, found,
                    mlp_config_class_name_rule);
}

static mlp_status read_class_names(mlp_checkpoint *c, const mlp_safetensors *file, const char *path,
                                   mlp_error *err)
{
    static const char key[] = "mlp.class_names";
    mlp_json *document;
    const char *name;
    size_t i = 0;
    mlp_status status = read_array(file, path, key, &document, err);
    if (status == MLP_OK && mlp_json_count(document) != c->model.classes)
        status = mlp_fail(err, MLP_ERR_CHECKPOINT,
                          "%s: %s: found %zu names, wanted %zu: one for "
                          "each class",
                          path, key, mlp_json_count(document), c->model.classes);
    if (status != MLP_OK)
        goto done;
    for (const mlp_json *m = mlp_json_first(document); status == MLP_OK && m != NULL;
         m = mlp_json_next(m)) {
        if (!mlp_json_get_string(m, &name) || !mlp_config_is_class_name(name))
            status = refuse_class_name(path, key, m, err);
        else if ((c->class_names[i++] = mlp_strdup(name)) == NULL)
            status = mlp_fail_memory(err, "the class names");
    }
done:
    mlp_json_free(document);
    return status;
}

static mlp_status read_input_shape(mlp_checkpoint *c, const mlp_safetensors *file, const char *path,
                                   mlp_error *err)
{
    static const char key[] = "mlp.input_shape";
    mlp_json *document;
    char wanted[64];
    size_t features = 1;
    mlp_status status = read_array(file, path, key, &document, err);
    bool fits = status == MLP_OK && mlp_json_count(document) <= MLP_IDX_MAX_RANK;
    for (const mlp_json *m = fits ? mlp_json_first(document) : NULL; fits && m != NULL;
         m = mlp_json_next(m)) {
        uint64_t size = 0;
        fits = mlp_json_get_uint(m, UINT32_MAX, &size) &&
               mlp_size_mul(features, (size_t)size, &features);
        c->dims[c->rank++] = (uint32_t)size;
    }
    if (status == MLP_OK && (!fits || features != c->model.features)) {
        snprintf(wanted, sizeof wanted, "sizes whose product is %zu", c->model.features);
        status = refuse(path, key, mlp_safetensors_metadata(file, key), wanted, err);
    }
    mlp_json_free(document);
    return status;
}

static mlp_status check_output(const mlp_checkpoint *c, const mlp_safetensors *file,
                               const char *path, mlp_error *err)
{
    static const char key[] = "mlp.output";
    const char *found = mlp_safetensors_metadata(file, key);
    const char *wanted = c->model.output == MLP_OUTPUT_SIGMOID ? "sigmoid" : "softmax";
    if (found == NULL)
        return mlp_fail(err, MLP_ERR_CHECKPOINT, "%s: no metadata \"%s\"", path, key);
    return strcmp(found, wanted) == 0 ? MLP_OK : refuse(path, key, found, wanted, err);
}

static mlp_status read_preprocess(mlp_checkpoint *c, const mlp_safetensors *file, const char *path,
                                  mlp_error *err)
{
    static const char key[] = "mlp.preprocess";
    mlp_status status = read_text(file, path, key, &c->preprocess, err);
    if (status != MLP_OK || strcmp(c->preprocess, "none") == 0 ||
        strcmp(c->preprocess, "digit") == 0 || strcmp(c->preprocess, "resize") == 0)
        return status;
    return refuse(path, key, c->preprocess, "none, digit or resize", err);
}

static mlp_status make_room_for_names(mlp_checkpoint *c, mlp_error *err)
{
    c->class_names = mlp_alloc(c->model.classes, sizeof *c->class_names);
    return c->class_names == NULL ? mlp_fail_memory(err, "the class names") : MLP_OK;
}

mlp_status mlp_checkpoint_describe(mlp_checkpoint *c, const mlp_safetensors *file, const char *path,
                                   mlp_error *err)
{
    mlp_status status = read_text(file, path, "mlp.version", &c->version, err);
    if (status == MLP_OK)
        status = read_text(file, path, "mlp.config", &c->config_json, err);
    if (status == MLP_OK)
        status = make_room_for_names(c, err);
    if (status == MLP_OK)
        status = read_class_names(c, file, path, err);
    if (status == MLP_OK)
        status = read_preprocess(c, file, path, err);
    if (status == MLP_OK)
        status = read_input_shape(c, file, path, err);
    if (status == MLP_OK)
        status = check_output(c, file, path, err);
    return status;
}

mlp_status mlp_checkpoint_describe_foreign(mlp_checkpoint *c, mlp_error *err)
{
    char number[NUMBER_TEXT];
    mlp_status status = make_room_for_names(c, err);
    if (status != MLP_OK)
        return status;
    for (size_t i = 0; i < c->model.classes; i++) {
        snprintf(number, sizeof number, "%zu", i);
        c->class_names[i] = mlp_strdup(number);
        if (c->class_names[i] == NULL)
            return mlp_fail_memory(err, "the class names");
    }
    c->preprocess = mlp_strdup("none");
    if (c->preprocess == NULL)
        return mlp_fail_memory(err, "the preprocessing");
    bool is_square = c->model.features == (size_t)MNIST_SIDE * MNIST_SIDE;
    c->rank = is_square ? 2 : 1;
    c->dims[0] = is_square ? MNIST_SIDE : (uint32_t)c->model.features;
    c->dims[1] = is_square ? MNIST_SIDE : 0;
    return MLP_OK;
}
