/* checkpoint_write.c: two walks over the tensors, both with room for one of them
 * in PyTorch's layout: the first for the CRC-32, which the header holds and which
 * has to be known before the second writes the data.
 */
#include "io/checkpoint.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/mem.h"
#include "base/version.h"
#include "io/atomic_file.h"
#include "io/progress_text.h"
#include "io/safetensors.h"

/* What is written: tensors 0 .. count - 1 of the parameters, then, for `last`,
 * those of the velocities. */
typedef struct content {
    const mlp_model *model;
    const float *flat[2]; /* parameters and velocities */
    size_t n_flat;        /* 1 or 2 */
    float *values;        /* scratch for the largest tensor */
} content;

static mlp_status content_init(content *c, const mlp_model *model, const float *velocities,
                               mlp_error *err)
{
    size_t largest = 0;
    *c = (content){.model = model, .flat = {model->params, velocities}};
    c->n_flat = velocities == NULL ? 1 : 2;
    for (size_t i = 0; i < mlp_model_tensor_count(model); i++) {
        size_t count = mlp_model_tensor(model, i).count;
        largest = count > largest ? count : largest;
    }
    c->values = mlp_alloc(largest, sizeof *c->values);
    return c->values == NULL ? mlp_fail_memory(err, "a tensor") : MLP_OK;
}

static mlp_status check_finite(const mlp_tensor *tensor, bool is_velocity, const float *values,
                               const char *path, mlp_error *err)
{
    for (size_t i = 0; i < tensor->count; i++)
        if (!isfinite(values[i]))
            return mlp_fail(err, MLP_ERR_DIVERGED,
                            "%s: not written: tensor \"%s%s\": found %f at index %zu, wanted "
                            "finite numbers",
                            path, is_velocity ? "velocity." : "", tensor->name, (double)values[i],
                            i);
    return MLP_OK;
}

static mlp_status find_crc(const content *c, const char *path, unsigned long *crc, mlp_error *err)
{
    *crc = crc32_z(0, NULL, 0);
    for (size_t f = 0; f < c->n_flat; f++) {
        for (size_t i = 0; i < mlp_model_tensor_count(c->model); i++) {
            mlp_tensor tensor = mlp_model_tensor(c->model, i);
            mlp_model_get_tensor(c->model, c->flat[f], i, c->values);
            mlp_status status = check_finite(&tensor, f == 1, c->values, path, err);
            if (status != MLP_OK)
                return status;
            *crc = crc32_z(*crc, (const void *)c->values, tensor.count * sizeof *c->values);
        }
    }
    return MLP_OK;
}

static mlp_status append_data(const content *c, mlp_atomic_file *file, mlp_error *err)
{
    mlp_status status = MLP_OK;
    for (size_t f = 0; f < c->n_flat; f++) {
        for (size_t i = 0; status == MLP_OK && i < mlp_model_tensor_count(c->model); i++) {
            size_t count = mlp_model_tensor(c->model, i).count;
            mlp_model_get_tensor(c->model, c->flat[f], i, c->values);
            status = mlp_atomic_file_append(file, c->values, count * sizeof *c->values, err);
        }
    }
    return status;
}

/* ---- the header ---- */

static void add_tensors(mlp_safetensors_writer *w, const content *c)
{
    for (size_t f = 0; f < c->n_flat; f++) {
        for (size_t i = 0; i < mlp_model_tensor_count(c->model); i++) {
            mlp_tensor tensor = mlp_model_tensor(c->model, i);
            char name[MLP_TENSOR_NAME + sizeof "velocity."];
            snprintf(name, sizeof name, "%s%s", f == 1 ? "velocity." : "", tensor.name);
            mlp_safetensors_add_tensor(w, name, tensor.rank, tensor.shape);
        }
    }
}

/* Takes the text over; NULL stands for an allocation that failed. */
static mlp_status add_text(mlp_safetensors_writer *w, const char *key, char *text, mlp_error *err)
{
    if (text == NULL)
        return mlp_fail_memory(err, key);
    mlp_safetensors_add_metadata(w, key, text);
    free(text);
    return MLP_OK;
}

static char *class_names_to_json(char *const *class_names, size_t classes)
{
    mlp_json_writer json;
    mlp_json_writer_init(&json, 0);
    mlp_json_write_open_array(&json);
    for (size_t i = 0; i < classes; i++)
        mlp_json_write_string(&json, class_names[i]);
    mlp_json_write_close_array(&json);
    return mlp_json_writer_finish(&json);
}

static char *shape_to_json(size_t rank, const uint32_t *dims)
{
    mlp_json_writer json;
    mlp_json_writer_init(&json, 0);
    mlp_json_write_open_array(&json);
    for (size_t i = 0; i < rank; i++)
        mlp_json_write_uint64(&json, dims[i]);
    mlp_json_write_close_array(&json);
    return mlp_json_writer_finish(&json);
}

/* All metadata and tensors. class_names, rank and dims as in checkpoint.h. */
static mlp_status compose_header(mlp_safetensors_writer *w, const content *c,
                                 const mlp_config *config, char *const *class_names, size_t rank,
                                 const uint32_t *dims, const mlp_progress *progress,
                                 unsigned long crc, mlp_error *err)
{
    const mlp_model *model = c->model;
    char crc_text[24];
    snprintf(crc_text, sizeof crc_text, "%08lx", crc);
    mlp_safetensors_add_metadata(w, "mlp.version", MLP_VERSION);
    mlp_status status =
        add_text(w, "mlp.config", mlp_config_to_json(config, MLP_CONFIG_WITHOUT_RUN, 0), err);
    if (status == MLP_OK)
        status =
            add_text(w, "mlp.class_names", class_names_to_json(class_names, model->classes), err);
    mlp_safetensors_add_metadata(w, "mlp.preprocess", "none");
    if (status == MLP_OK)
        status = add_text(w, "mlp.input_shape", shape_to_json(rank, dims), err);
    mlp_safetensors_add_metadata(w, "mlp.output",
                                 model->output == MLP_OUTPUT_SIGMOID ? "sigmoid" : "softmax");
    mlp_safetensors_add_metadata(w, "mlp.crc32", crc_text);
    if (status == MLP_OK && progress != NULL)
        status = mlp_progress_add_metadata(progress, w, err);
    add_tensors(w, c);
    return status;
}

static mlp_status write_file(const char *path, const content *c, mlp_safetensors_writer *w,
                             mlp_error *err)
{
    mlp_atomic_file file;
    mlp_status status = mlp_atomic_file_open(&file, path, err);
    if (status == MLP_OK)
        status = mlp_safetensors_write_header(w, &file, err);
    if (status == MLP_OK)
        status = append_data(c, &file, err);
    if (status == MLP_OK)
        status = mlp_atomic_file_commit(&file, err);
    mlp_atomic_file_discard(&file);
    return status;
}

mlp_status mlp_checkpoint_write(const char *path, const mlp_model *model, const mlp_config *config,
                                char *const *class_names, size_t rank, const uint32_t *dims,
                                const float *velocities, const mlp_progress *progress,
                                mlp_error *err)
{
    content c;
    mlp_safetensors_writer w;
    unsigned long crc = 0;
    if (model->n_layers > MLP_CHECKPOINT_MAX_LAYERS)
        return mlp_fail(err, MLP_ERR_CONFIG, "%s: found %zu layers, wanted at most %d", path,
                        model->n_layers, MLP_CHECKPOINT_MAX_LAYERS);
    mlp_safetensors_begin(&w);
    mlp_status status = content_init(&c, model, velocities, err);
    if (status == MLP_OK)
        status = find_crc(&c, path, &crc, err);
    if (status == MLP_OK)
        status = compose_header(&w, &c, config, class_names, rank, dims, progress, crc, err);
    if (status == MLP_OK)
        status = write_file(path, &c, &w, err);
    mlp_json_writer_free(&w.json);
    free(c.values);
    return status;
}
