/* resume.h: whether a progress that was read can be one of this training. */
#ifndef MLP_TRAIN_RESUME_H
#define MLP_TRAIN_RESUME_H

#include "base/status.h"
#include "train/train.h"

/* Of the trainer's progress, which came from the file at `path`. MLP_ERR_CHECKPOINT: no training of
 * so many images and so large batches gets there. MLP_ERR_DATA: the labels are others than those it
 * trained on. MLP_ERR_CONFIG: it has passed train.epochs. */
mlp_status mlp_trainer_check_progress(const mlp_trainer *trainer, const char *path, mlp_error *err);

#endif
