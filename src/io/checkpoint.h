/* checkpoint.h: a trained network as a safetensors file.
 *
 * Tensors in PyTorch's layout, so that load_state_dict() takes them as they are:
 *     linear1.weight (H, K), linear1.bias (H), linear2.weight, ...
 * `last` files have all of them once more as velocity.linear1.weight, ...
 * Metadata (strings):
 *     mlp.version       of the program that wrote it
 *     mlp.config        the resolved config without run.*, JSON
 *     mlp.class_names   JSON array of C strings
 *     mlp.preprocess    "none", "digit" or "resize": what `predict` does to an image
 *     mlp.input_shape   JSON array: the shape of one image
 *     mlp.output        "softmax" or "sigmoid"
 *     mlp.crc32         of the data section, 8 hex digits (zlib's CRC-32)
 *     mlp.epoch, ...    the fields of mlp_progress, in `last` only (progress_text.h)
 * Nothing in it depends on the time, the machine or the threads: equal trainings
 * write equal bytes.
 *
 * A foreign file, one without any "mlp." metadata, is read too: softmax where the
 * last layer has two outputs or more, sigmoid where it has one, classes "0", "1",
 * ...; images of 784 pixels are taken to be 28 x 28, as MNIST's are, others flat.
 */
#ifndef MLP_IO_CHECKPOINT_H
#define MLP_IO_CHECKPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "config/config.h"
#include "data/idx.h"
#include "nn/model.h"
#include "nn/progress.h"

enum { MLP_CHECKPOINT_MAX_LAYERS = MLP_MAX_HIDDEN_LAYERS + 1 };

typedef struct mlp_checkpoint {
    mlp_model model;
    char **class_names;              /* (model.classes) */
    size_t rank;                     /* of one image */
    uint32_t dims[MLP_IDX_MAX_RANK]; /* (rank): their product is model.features */
    char *config_json;               /* NULL, as version: a foreign file */
    char *version;
    char *preprocess;
    bool has_progress;     /* of a `last` file */
    mlp_progress progress; /* zeroed without */
    float *velocities;     /* (model.n_params), flat as the parameters; NULL without */
} mlp_checkpoint;

/* Writes atomically (atomic_file.h). class_names has model->classes strings;
 * rank and dims are the shape of one image. velocities (model->n_params) and
 * progress go together; both NULL: weights only. MLP_ERR_RUNTIME;
 * MLP_ERR_CONFIG for more layers than can be read back; MLP_ERR_DIVERGED names
 * a value that is not finite. On failure the file at `path` is as it was. */
mlp_status mlp_checkpoint_write(const char *path, const mlp_model *model, const mlp_config *config,
                                char *const *class_names, size_t rank, const uint32_t *dims,
                                const float *velocities, const mlp_progress *progress,
                                mlp_error *err);

/* MLP_ERR_CHECKPOINT names file, tensor or metadata, found and wanted: all that
 * safetensors.h refuses, a CRC-32 that differs, tensors that are missing, too
 * many or do not fit one another, a value that is not finite, metadata that does
 * not fit the tensors. On failure *c is zeroed; free it in either case. */
mlp_status mlp_checkpoint_load(mlp_checkpoint *c, const char *path, mlp_error *err);
void mlp_checkpoint_free(mlp_checkpoint *c);

/* The weights of a file into a model of the same shapes, MLP_ERR_CHECKPOINT where
 * a shape differs; the model is then as it was. */
mlp_status mlp_checkpoint_load_weights_into(mlp_model *model, const char *path, mlp_error *err);

/* The same for weights, velocities (model->n_params) and progress (initialised,
 * for as many layers); refuses a file that holds weights only. */
mlp_status mlp_checkpoint_restore(const char *path, mlp_model *model, float *velocities,
                                  mlp_progress *progress, mlp_error *err);

#endif
