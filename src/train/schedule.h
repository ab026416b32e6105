/* schedule.h: the learning rate of each step. */
#ifndef MLP_TRAIN_SCHEDULE_H
#define MLP_TRAIN_SCHEDULE_H

#include <stddef.h>
#include <stdint.h>

#include "config/config.h"

/* The rate of step `step` (from 0) of epochs * steps_per_epoch:
 *     warmup     lr (step + 1) / W over the first W = warmup_epochs * steps_per_epoch steps
 *     constant   lr
 *     cosine     lr (1 + cos(pi t)) / 2, t from 0 to 1 over the steps after the warm-up
 * (cosine: Loshchilov and Hutter, "SGDR", ICLR 2017, without restarts). */
double mlp_schedule_lr(const mlp_train_config *train, uint64_t step, uint64_t steps_per_epoch);

#endif
