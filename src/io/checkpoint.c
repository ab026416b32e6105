/* checkpoint.c: from the tensors of a file to a network.
 *
 * The tensors say what the network is: linear<n>.weight (H, K) for n = 1, 2, ...
 * as far as they go. Metadata adds what tensors cannot say, and has to agree
 * with them where both speak.
 */
#include "io/checkpoint.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/mem.h"
#include "io/checkpoint_describe.h"
#include "io/progress_text.h"
#include "io/safetensors.h"

/* A tensor's name with a prefix, for up to MLP_CHECKPOINT_MAX_LAYERS. */
typedef char full_name[MLP_TENSOR_NAME + sizeof "velocity."];

static mlp_status check_crc(const mlp_safetensors *file, const char *path, mlp_error *err)
{
    const char *stored = mlp_safetensors_metadata(file, "mlp.crc32");
    char found[24], wanted[MLP_JSON_SHOWN_SIZE];
    unsigned long crc = crc32_z(0, NULL, 0);
    crc = crc32_z(crc, (const void *)file->data, file->data_bytes);
    snprintf(found, sizeof found, "%08lx", crc);
    mlp_json_show_string(stored == NULL ? "" : stored, wanted);
    return stored != NULL && strcmp(found, stored) == 0
               ? MLP_OK
               : mlp_fail(err, MLP_ERR_CHECKPOINT,
                          "%s: damaged: found data with CRC-32 %s, wanted \"%s\" as in mlp.crc32",
                          path, found, wanted);
}

/* ---- the shape of the network ---- */

static const mlp_safetensors_tensor *find_parameter(const mlp_safetensors *file, size_t layer,
                                                    const char *kind, full_name name)
{
    snprintf(name, sizeof(full_name), "linear%zu.%s", layer + 1, kind);
    return mlp_safetensors_find(file, name);
}

static mlp_status refuse_shape(const char *path, const mlp_safetensors_tensor *t,
                               const char *wanted, mlp_error *err)
{
    char found[MLP_SHAPE_TEXT];
    mlp_shape_show(t->rank, t->shape, found);
    return mlp_fail(err, MLP_ERR_CHECKPOINT, "%s: tensor \"%s\": found shape %s, wanted %s", path,
                    t->name, found, wanted);
}

/* Weight and bias of a layer with `inputs`, 0 for any; *outputs is its H. */
static mlp_status check_layer(const mlp_safetensors *file, const char *path, size_t layer,
                              size_t inputs, size_t *outputs, mlp_error *err)
{
    full_name name;
    char wanted[MLP_SHAPE_TEXT];
    const mlp_safetensors_tensor *weight = find_parameter(file, layer, "weight", name);
    const mlp_safetensors_tensor *bias = find_parameter(file, layer, "bias", name);
    if (weight->rank != 2 || weight->count == 0)
        return refuse_shape(path, weight, "two sizes from 1", err);
    *outputs = weight->shape[0];
    if (inputs != 0 && weight->shape[1] != inputs) {
        mlp_shape_show(2, (size_t[]){*outputs, inputs}, wanted);
        return refuse_shape(path, weight, wanted, err);
    }
    if (bias == NULL)
        return mlp_fail(err, MLP_ERR_CHECKPOINT, "%s: no tensor \"%s\"", path, name);
    if (bias->rank == 1 && bias->shape[0] == *outputs)
        return MLP_OK;
    mlp_shape_show(1, outputs, wanted);
    return refuse_shape(path, bias, wanted, err);
}

static mlp_status count_layers(const mlp_safetensors *file, const char *path, size_t *n_layers,
                               mlp_error *err)
{
    full_name name;
    char found[MLP_JSON_SHOWN_SIZE];
    const size_t most = (size_t)4 * MLP_CHECKPOINT_MAX_LAYERS;
    if (file->n_tensors > most)
        return mlp_fail(err, MLP_ERR_CHECKPOINT, "%s: found %zu tensors, wanted at most %zu", path,
                        file->n_tensors, most);
    *n_layers = 0;
    while (find_parameter(file, *n_layers, "weight", name) != NULL)
        ++*n_layers;
    if (*n_layers > 0 && *n_layers <= MLP_CHECKPOINT_MAX_LAYERS)
        return MLP_OK;
    if (*n_layers > 0)
        return mlp_fail(err, MLP_ERR_CHECKPOINT, "%s: found %zu layers, wanted at most %d", path,
                        *n_layers, MLP_CHECKPOINT_MAX_LAYERS);
    mlp_json_show_string(file->n_tensors == 0 ? "" : file->tensors[0].name, found);
    return mlp_fail(err, MLP_ERR_CHECKPOINT, "%s: no tensor \"%s\"; the first of %zu is \"%s\"",
                    path, name, file->n_tensors, found);
}

static mlp_status init_model(mlp_model *model, const mlp_safetensors *file, const char *path,
                             const size_t *widths, size_t n_layers, mlp_error *err)
{
    mlp_error reason;
    full_name name;
    size_t features = find_parameter(file, 0, "weight", name)->shape[1];
    size_t outputs = widths[n_layers - 1];
    bool is_sigmoid = outputs == 1;
    if (outputs > MLP_MAX_CLASSES)
        return mlp_fail(err, MLP_ERR_CHECKPOINT,
                        "%s: found %zu outputs of the last layer, wanted 1 to %d", path, outputs,
                        MLP_MAX_CLASSES);
    if (features > UINT32_MAX)
        return mlp_fail(err, MLP_ERR_CHECKPOINT, "%s: found %zu inputs, wanted at most %u", path,
                        features, (unsigned)UINT32_MAX);
    mlp_status status = mlp_model_init(model, features, n_layers - 1, widths,
                                       is_sigmoid ? MLP_OUTPUT_SIGMOID : MLP_OUTPUT_SOFTMAX,
                                       is_sigmoid ? 2 : outputs, &reason);
    if (status == MLP_ERR_CONFIG)
        status = MLP_ERR_CHECKPOINT; /* its sizes come from the file */
    return status == MLP_OK ? MLP_OK : mlp_fail(err, status, "%s: %s", path, reason.message);
}

static mlp_status make_model(mlp_model *model, const mlp_safetensors *file, const char *path,
                             mlp_error *err)
{
    size_t n_layers = 0;
    mlp_status status = count_layers(file, path, &n_layers, err);
    if (status != MLP_OK)
        return status;
    size_t *widths = mlp_alloc(n_layers, sizeof *widths);
    if (widths == NULL)
        return mlp_fail_memory(err, "the layers");
    for (size_t l = 0; status == MLP_OK && l < n_layers; l++)
        status = check_layer(file, path, l, l == 0 ? 0 : widths[l - 1], &widths[l], err);
    if (status == MLP_OK)
        status = init_model(model, file, path, widths, n_layers, err);
    free(widths);
    return status;
}

/* ---- the values ---- */

static mlp_status set_tensor(const mlp_model *model, float *flat, size_t index,
                             const mlp_safetensors_tensor *t, const char *path, mlp_error *err)
{
    for (size_t i = 0; i < t->count; i++)
        if (!isfinite(t->values[i]))
            return mlp_fail(err, MLP_ERR_CHECKPOINT,
                            "%s: tensor \"%s\": found %f at index %zu, wanted finite numbers", path,
                            t->name, (double)t->values[i], i);
    mlp_model_set_tensor(model, flat, index, t->values);
    return MLP_OK;
}

/* All tensors of the model, with the prefix, into flat. */
static mlp_status set_tensors(const mlp_model *model, float *flat, const char *prefix,
                              const mlp_safetensors *file, const char *path, mlp_error *err)
{
    mlp_status status = MLP_OK;
    for (size_t i = 0; status == MLP_OK && i < mlp_model_tensor_count(model); i++) {
        full_name name;
        char wanted[MLP_SHAPE_TEXT];
        mlp_tensor tensor = mlp_model_tensor(model, i);
        snprintf(name, sizeof name, "%s%s", prefix, tensor.name);
        const mlp_safetensors_tensor *t = mlp_safetensors_find(file, name);
        mlp_shape_show(tensor.rank, tensor.shape, wanted);
        if (t == NULL)
            status = mlp_fail(err, MLP_ERR_CHECKPOINT, "%s: no tensor \"%s\", wanted one of %s",
                              path, name, wanted);
        else if (t->rank != tensor.rank ||
                 memcmp(t->shape, tensor.shape, t->rank * sizeof *t->shape) != 0)
            status = refuse_shape(path, t, wanted, err);
        else
            status = set_tensor(model, flat, i, t, path, err);
    }
    return status;
}

static bool is_tensor_of(const mlp_model *model, const char *name)
{
    for (size_t i = 0; i < mlp_model_tensor_count(model); i++)
        if (strcmp(mlp_model_tensor(model, i).name, name) == 0)
            return true;
    return false;
}

/* More tensors than the network has would mean another network than the one that
 * was found. (With no more than that, a stranger is one that is missing.) */
static mlp_status check_no_others(const mlp_checkpoint *c, const mlp_safetensors *file,
                                  const char *path, mlp_error *err)
{
    static const char prefix[] = "velocity.";
    const size_t length = sizeof prefix - 1;
    size_t n_wanted = mlp_model_tensor_count(&c->model) * (c->has_progress ? 2 : 1);
    char found[MLP_JSON_SHOWN_SIZE];
    for (size_t i = 0; file->n_tensors > n_wanted && i < file->n_tensors; i++) {
        const char *name = file->tensors[i].name;
        bool is_velocity = c->has_progress && strncmp(name, prefix, length) == 0;
        mlp_json_show_string(name, found);
        if (!is_tensor_of(&c->model, is_velocity ? name + length : name))
            return mlp_fail(err, MLP_ERR_CHECKPOINT,
                            "%s: found tensor \"%s\", wanted weight and bias of linear1 to "
                            "linear%zu%s only",
                            path, found, c->model.n_layers,
                            c->has_progress ? " and their velocities" : "");
    }
    return MLP_OK;
}

static mlp_status load_progress(mlp_checkpoint *c, const mlp_safetensors *file, const char *path,
                                mlp_error *err)
{
    c->velocities = mlp_alloc(c->model.n_params, sizeof *c->velocities);
    if (c->velocities == NULL)
        return mlp_fail_memory(err, "the velocities");
    mlp_status status = mlp_progress_init(&c->progress, c->model.n_layers, err);
    if (status == MLP_OK)
        status = mlp_progress_from_metadata(&c->progress, file, path, err);
    if (status == MLP_OK)
        status = set_tensors(&c->model, c->velocities, "velocity.", file, path, err);
    return status;
}

static mlp_status load_from(mlp_checkpoint *c, const mlp_safetensors *file, const char *path,
                            mlp_error *err)
{
    bool is_ours = mlp_checkpoint_is_ours(file);
    c->has_progress = mlp_progress_is_in(file);
    mlp_status status = is_ours ? check_crc(file, path, err) : MLP_OK;
    if (status == MLP_OK)
        status = make_model(&c->model, file, path, err);
    if (status == MLP_OK)
        status = check_no_others(c, file, path, err);
    if (status == MLP_OK)
        status = set_tensors(&c->model, c->model.params, "", file, path, err);
    if (status == MLP_OK && c->has_progress)
        status = load_progress(c, file, path, err);
    if (status == MLP_OK)
        status = is_ours ? mlp_checkpoint_describe(c, file, path, err)
                         : mlp_checkpoint_describe_foreign(c, err);
    return status;
}

mlp_status mlp_checkpoint_load(mlp_checkpoint *c, const char *path, mlp_error *err)
{
    mlp_safetensors file;
    memset(c, 0, sizeof *c);
    mlp_status status = mlp_safetensors_read(&file, path, err);
    if (status == MLP_OK)
        status = load_from(c, &file, path, err);
    mlp_safetensors_free(&file);
    if (status != MLP_OK)
        mlp_checkpoint_free(c);
    return status;
}

void mlp_checkpoint_free(mlp_checkpoint *c)
{
    for (size_t i = 0; c->class_names != NULL && i < c->model.classes; i++)
        free(c->class_names[i]);
    free(c->class_names);
    free(c->config_json);
    free(c->version);
    free(c->preprocess);
    free(c->velocities);
    mlp_progress_free(&c->progress);
    mlp_model_free(&c->model);
    memset(c, 0, sizeof *c);
}
