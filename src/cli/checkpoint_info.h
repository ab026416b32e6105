/* checkpoint_info.h: what `mlp info` shows of a checkpoint. */
#ifndef MLP_CLI_CHECKPOINT_INFO_H
#define MLP_CLI_CHECKPOINT_INFO_H

#include "base/status.h"
#include "config/json_writer.h"
#include "io/checkpoint.h"
#include "io/safetensors.h"

typedef struct mlp_checkpoint_info {
    const char *path;          /* borrowed; NULL: nothing was read */
    mlp_checkpoint checkpoint; /* what the file means */
    mlp_safetensors file;      /* and what stands in it */
} mlp_checkpoint_info;

/* MLP_ERR_CHECKPOINT as in checkpoint.h. Free it in either case. */
mlp_status mlp_checkpoint_info_read(mlp_checkpoint_info *info, const char *path, mlp_error *err);
void mlp_checkpoint_info_free(mlp_checkpoint_info *info);

void mlp_checkpoint_info_print_text(const mlp_checkpoint_info *info);

/* An object, as a value. */
void mlp_checkpoint_info_write_json(const mlp_checkpoint_info *info, mlp_json_writer *w);

#endif
