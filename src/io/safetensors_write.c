#include "io/safetensors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LENGTH_BYTES = 8, ALIGNMENT = 8 };

void mlp_shape_show(size_t rank, const size_t *shape, char out[MLP_SHAPE_TEXT])
{
    int used = snprintf(out, MLP_SHAPE_TEXT, "(");
    for (size_t i = 0; i < rank; i++)
        used += snprintf(out + used, MLP_SHAPE_TEXT - (size_t)used, "%s%zu", i == 0 ? "" : ", ",
                         shape[i]);
    snprintf(out + used, MLP_SHAPE_TEXT - (size_t)used, ")");
}

void mlp_safetensors_begin(mlp_safetensors_writer *w)
{
    *w = (mlp_safetensors_writer){.n_tensors = 0};
    mlp_json_writer_init(&w->json, 0);
    mlp_json_write_open_object(&w->json);
    mlp_json_write_key(&w->json, "__metadata__");
    mlp_json_write_open_object(&w->json);
}

void mlp_safetensors_add_metadata(mlp_safetensors_writer *w, const char *key, const char *value)
{
    mlp_json_write_key(&w->json, key);
    mlp_json_write_string(&w->json, value);
}

void mlp_safetensors_add_tensor(mlp_safetensors_writer *w, const char *name, size_t rank,
                                const size_t *shape)
{
    mlp_json_writer *json = &w->json;
    size_t bytes = sizeof(float);
    if (w->n_tensors++ == 0)
        mlp_json_write_close_object(json); /* of the metadata */
    mlp_json_write_key(json, name);
    mlp_json_write_open_object(json);
    mlp_json_write_key(json, "dtype");
    mlp_json_write_string(json, "F32");
    mlp_json_write_key(json, "shape");
    mlp_json_write_open_row(json);
    for (size_t i = 0; i < rank; i++) {
        mlp_json_write_uint64(json, shape[i]);
        bytes *= shape[i];
    }
    mlp_json_write_close_array(json);
    mlp_json_write_key(json, "data_offsets");
    mlp_json_write_open_row(json);
    mlp_json_write_uint64(json, w->data_bytes);
    w->data_bytes += bytes;
    mlp_json_write_uint64(json, w->data_bytes);
    mlp_json_write_close_array(json);
    mlp_json_write_close_object(json);
}

mlp_status mlp_safetensors_write_header(mlp_safetensors_writer *w, mlp_atomic_file *file,
                                        mlp_error *err)
{
    static const char padding[] = "       "; /* ALIGNMENT - 1 spaces */
    uint8_t length_bytes[LENGTH_BYTES];
    if (w->n_tensors == 0)
        mlp_json_write_close_object(&w->json);
    mlp_json_write_close_object(&w->json);
    char *text = mlp_json_writer_finish(&w->json);
    if (text == NULL)
        return mlp_fail_memory(err, file->path);
    size_t n = strlen(text), n_padding = (ALIGNMENT - n % ALIGNMENT) % ALIGNMENT;
    for (size_t i = 0; i < LENGTH_BYTES; i++)
        length_bytes[i] = (uint8_t)((uint64_t)(n + n_padding) >> 8 * i);
    mlp_status status = mlp_atomic_file_append(file, length_bytes, sizeof length_bytes, err);
    if (status == MLP_OK)
        status = mlp_atomic_file_append(file, text, n, err);
    if (status == MLP_OK)
        status = mlp_atomic_file_append(file, padding, n_padding, err);
    free(text);
    return status;
}
