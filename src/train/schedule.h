/* schedule.h: the learning rate of each step. */
#ifndef MLP_TRAIN_SCHEDULE_H
#define MLP_TRAIN_SCHEDULE_H

#include <stddef.h>
#include <stdint.h>

#include "config/config.h"

/* The rate of step `step` (from 0) of N = epochs * steps_per_epoch, with a warm-up of
 * W = warmup_epochs * steps_per_epoch:
 *     constant    lr
 *     cosine      lr (1 + cos(pi t)) / 2, t from 0 to 1 over the steps after the warm-up
 *     both        lr (step + 1) / W in the warm-up
 *     one_cycle   half a cosine from lr / 25 up to lr at step P - 1, and half a cosine from there
 *                 down to lr / 250000 at step N - 1; P is W, or 0.3 N where W is 0
 * (cosine: Loshchilov and Hutter, "SGDR", ICLR 2017, without restarts; one_cycle: Smith and
 * Topin, "Super-Convergence", 2019, as torch.optim.lr_scheduler.OneCycleLR does it with
 * max_lr = lr, pct_start = P / N, cycle_momentum = False and its defaults.) */
double mlp_schedule_lr(const mlp_train_config *train, uint64_t step, uint64_t steps_per_epoch);

#endif
