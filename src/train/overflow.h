/* overflow.h: finds the step in which a weight or a velocity stops being finite.
 *
 * A gradient that is not finite shows in its norm, but a finite one can take a weight past the
 * largest float, and such a weight may hide: ReLU makes 0 of what it yields. To look at all
 * weights after each step would cost too much, so the watch keeps bounds on the largest of them,
 *     V = momentum V + |g| + weight_decay W,    W = W + lr 2 V,
 * where |g| is the gradient's L2 norm and 2 V covers Nesterov's g + momentum v. Only where a
 * bound comes near the largest float are the weights looked at, and the bounds measured anew.
 */
#ifndef MLP_TRAIN_OVERFLOW_H
#define MLP_TRAIN_OVERFLOW_H

#include <stddef.h>

#include "config/config.h"
#include "nn/sgd.h"

typedef struct mlp_overflow_watch {
    double weight, velocity; /* no weight, no velocity is larger; INFINITY: not known yet */
} mlp_overflow_watch;

/* After a step with this rate, whose gradient had this norm. The layer, from 0, of the first
 * weight that is not finite, itself or its velocity; n_layers of the model when all are. */
size_t mlp_overflow_find(mlp_overflow_watch *watch, const mlp_sgd *sgd,
                         const mlp_sgd_config *config, double lr, double norm);

#endif
