#include "train/overflow.h"

#include <float.h>
#include <math.h>

#include "base/fmath.h"

/* The largest magnitude of n floats, whose bits without the sign are in the order of magnitudes:
 * an infinity above all numbers, NaNs above it. */
static double largest(const float *x, size_t n)
{
    uint32_t bits = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t magnitude = mlp_float_bits(x[i]) & 0x7fffffffu;
        bits = magnitude > bits ? magnitude : bits;
    }
    return (double)mlp_float_from_bits(bits);
}

/* Looks at them all; the bounds become what is found. */
static size_t measure(mlp_overflow_watch *watch, const mlp_sgd *sgd)
{
    const mlp_model *model = sgd->model;
    watch->weight = watch->velocity = 0.0;
    for (size_t l = 0; l < model->n_layers; l++) {
        size_t at = model->layers[l].weight, n = model->layers[l].end - at;
        double weight = largest(model->params + at, n), velocity = largest(sgd->velocities + at, n);
        if (!isfinite(weight) || !isfinite(velocity))
            return l;
        watch->weight = fmax(watch->weight, weight);
        watch->velocity = fmax(watch->velocity, velocity);
    }
    return model->n_layers;
}

size_t mlp_overflow_find(mlp_overflow_watch *watch, const mlp_sgd *sgd,
                         const mlp_sgd_config *config, double lr, double norm)
{
    const double near = FLT_MAX / 4.0;
    const double rounding = 1.0 + 4.0 * FLT_EPSILON; /* of the step's own sums, in floats */
    watch->velocity = rounding * (config->momentum * watch->velocity + norm +
                                  config->weight_decay * watch->weight);
    watch->weight = rounding * (watch->weight + lr * 2.0 * watch->velocity);
    if (watch->weight < near && watch->velocity < near)
        return sgd->model->n_layers;
    return measure(watch, sgd);
}
