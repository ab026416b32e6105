/* progress_text.h: mlp_progress as strings in a checkpoint's metadata.
 *
 * Whole numbers are decimal, doubles are hexadecimal floats (C's %a, Python's
 * float.fromhex), which are exact: "mlp.epoch" "3", "mlp.loss_sum" "0x1.8p+4".
 * "mlp.layer_norm_sums" has one for each layer, separated by spaces.
 */
#ifndef MLP_IO_PROGRESS_TEXT_H
#define MLP_IO_PROGRESS_TEXT_H

#include <stdbool.h>

#include "base/status.h"
#include "io/safetensors.h"
#include "nn/progress.h"

/* Adds every field. MLP_ERR_RUNTIME when out of memory. */
mlp_status mlp_progress_add_metadata(const mlp_progress *progress, mlp_safetensors_writer *w,
                                     mlp_error *err);

/* Whether a file has one at all. */
bool mlp_progress_is_in(const mlp_safetensors *file);

/* Reads it back; progress is initialised, for n_layers. MLP_ERR_CHECKPOINT names
 * `path`, the key, found and wanted. */
mlp_status mlp_progress_from_metadata(mlp_progress *progress, const mlp_safetensors *file,
                                      const char *path, mlp_error *err);

#endif
