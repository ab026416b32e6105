/* safetensors.h: named float tensors in one file, the safetensors format.
 *
 *     8 bytes        N, the length of the header, little-endian
 *     N bytes        JSON: {"__metadata__": {key: string, ...},
 *                           name: {"dtype": "F32", "shape": [...], "data_offsets": [b, e]}, ...}
 *     all the rest   the data; a tensor is its bytes b to e, row-major, little-endian
 *
 * The tensors cover the data without gap or overlap. Only F32 is read and written.
 * (github.com/huggingface/safetensors, "Format")
 */
#ifndef MLP_IO_SAFETENSORS_H
#define MLP_IO_SAFETENSORS_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "config/json_reader.h"
#include "config/json_writer.h"
#include "io/atomic_file.h"

enum {
    MLP_SAFETENSORS_MAX_RANK = 8,
    MLP_SAFETENSORS_MAX_HEADER = 100000000, /* bytes, the format's own limit */
    MLP_SHAPE_TEXT = 24 * MLP_SAFETENSORS_MAX_RANK,
};

typedef struct mlp_safetensors_tensor {
    const char *name; /* the header's */
    size_t rank, shape[MLP_SAFETENSORS_MAX_RANK];
    size_t count;        /* product of the shape; 1 for rank 0 */
    size_t begin, end;   /* bytes of the data */
    const float *values; /* (count) */
} mlp_safetensors_tensor;

typedef struct mlp_safetensors {
    mlp_json *header;
    const mlp_json *metadata; /* an object of strings; NULL: the file has none */
    size_t n_tensors;
    mlp_safetensors_tensor *tensors; /* (n_tensors), in the order of the data */
    size_t data_bytes;
    float *data; /* (data_bytes / 4) */
} mlp_safetensors;

/* Reads a whole file. MLP_ERR_CHECKPOINT names file, tensor, found and wanted:
 * no such file, a length, offset, shape or dtype that does not hold, a header
 * that is no JSON. MLP_ERR_RUNTIME: out of memory, read error. On failure *file
 * is zeroed; free it in either case. */
mlp_status mlp_safetensors_read(mlp_safetensors *file, const char *path, mlp_error *err);
void mlp_safetensors_free(mlp_safetensors *file);

/* NULL where there is none of that name. */
const mlp_safetensors_tensor *mlp_safetensors_find(const mlp_safetensors *file, const char *name);
const char *mlp_safetensors_metadata(const mlp_safetensors *file, const char *key);

/* "(128, 784)", for messages; rank <= MLP_SAFETENSORS_MAX_RANK. */
void mlp_shape_show(size_t rank, const size_t *shape, char out[MLP_SHAPE_TEXT]);

/* Composes a header: begin, all metadata, all tensors in the order of their data,
 * write; then the data is appended to the file by the caller. No call but the
 * last reports failure. */
typedef struct mlp_safetensors_writer {
    mlp_json_writer json;
    size_t n_tensors, data_bytes; /* so far */
} mlp_safetensors_writer;

void mlp_safetensors_begin(mlp_safetensors_writer *w);
void mlp_safetensors_add_metadata(mlp_safetensors_writer *w, const char *key, const char *value);
void mlp_safetensors_add_tensor(mlp_safetensors_writer *w, const char *name, size_t rank,
                                const size_t *shape);
/* Length, header, and spaces that bring the data to a multiple of 8 bytes. The
 * writer is empty afterwards. */
mlp_status mlp_safetensors_write_header(mlp_safetensors_writer *w, mlp_atomic_file *file,
                                        mlp_error *err);

#endif
