/* checkpoint_describe.h: what a checkpoint says of itself besides its tensors. */
#ifndef MLP_IO_CHECKPOINT_DESCRIBE_H
#define MLP_IO_CHECKPOINT_DESCRIBE_H

#include <stdbool.h>

#include "base/status.h"
#include "io/checkpoint.h"
#include "io/safetensors.h"

/* Whether there is any metadata of ours; if so, all of it has to be there. */
bool mlp_checkpoint_is_ours(const mlp_safetensors *file);

/* c->model is there; fills in class_names, rank, dims, config_json, version and
 * preprocess from the metadata. MLP_ERR_CHECKPOINT where one is missing or does
 * not fit the model. */
mlp_status mlp_checkpoint_describe(mlp_checkpoint *c, const mlp_safetensors *file, const char *path,
                                   mlp_error *err);

/* The same for a file without, as checkpoint.h says. */
mlp_status mlp_checkpoint_describe_foreign(mlp_checkpoint *c, mlp_error *err);

#endif
