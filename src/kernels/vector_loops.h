/* vector_loops.h: the element-wise kernels, as plain loops that each instruction
 * set's file compiles with its own flags. The compiler vectorises them; since
 * every step is a correctly rounded operation on its own element, or a sum in a
 * stated order, the bytes are the same whatever it makes of them.
 */
#ifndef MLP_KERNELS_VECTOR_LOOPS_H
#define MLP_KERNELS_VECTOR_LOOPS_H

#include "base/fmath.h"
#include "kernels/kernels.h"

static void relu(size_t n, float *x)
{
    for (size_t i = 0; i < n; i++)
        x[i] = x[i] < 0.0f ? 0.0f : x[i]; /* a NaN stays, for the loss to report it */
}

static void relu_backward(size_t n, const float *activation, float *gradient)
{
    for (size_t i = 0; i < n; i++)
        gradient[i] = activation[i] > 0.0f ? gradient[i] : 0.0f;
}

static void sum_rows(size_t rows, const float *panel, float *sums)
{
    float lanes[MLP_PANEL] = {0};
    for (size_t r = 0; r < rows; r++)
        for (size_t j = 0; j < MLP_PANEL; j++)
            lanes[j] += panel[r * MLP_PANEL + j];
    memcpy(sums, lanes, sizeof lanes);
}

/* The sum of 64 lanes, which become half as many six times. */
static inline float fold_lanes(float lanes[MLP_PANEL])
{
#pragma GCC unroll 6
    for (size_t half = MLP_PANEL / 2; half > 0; half /= 2)
        for (size_t j = 0; j < half; j++)
            lanes[j] += lanes[j + half];
    return lanes[0];
}

static inline float sgd_plain(size_t rows, size_t columns, const mlp_sgd_step *step,
                              const float *restrict gradient, float *restrict velocity,
                              float *restrict weight)
{
    const float lr = step->lr, momentum = step->momentum, decay = step->weight_decay;
    const int nesterov = step->nesterov;
    const float tiny = MLP_TINY_VELOCITY;
    float squares[MLP_PANEL] = {0};
    for (size_t r = 0; r < rows; r++)
        for (size_t j = 0; j < columns; j++) {
            size_t i = r * MLP_PANEL + j;
            float g = mlp_fmaf(decay, weight[i], gradient[i]);
            float v = mlp_fmaf(momentum, velocity[i], g);
            v = v < tiny && v > -tiny ? 0.0f : v;
            velocity[i] = v;
            weight[i] = mlp_fmaf(-lr, nesterov ? mlp_fmaf(momentum, v, g) : v, weight[i]);
            squares[j] = mlp_fmaf(gradient[i], gradient[i], squares[j]);
        }
    return fold_lanes(squares);
}

static void softmax(size_t classes, float *restrict z, float *restrict largest,
                    float *restrict log_sum)
{
    float sum[MLP_LANES] = {0};
    memcpy(largest, z, MLP_LANES * sizeof *largest);
    for (size_t c = 1; c < classes; c++)
        for (size_t j = 0; j < MLP_LANES; j++)
            largest[j] = z[c * MLP_LANES + j] > largest[j] ? z[c * MLP_LANES + j] : largest[j];
    for (size_t c = 0; c < classes; c++)
        for (size_t j = 0; j < MLP_LANES; j++) {
            z[c * MLP_LANES + j] = mlp_expf(z[c * MLP_LANES + j] - largest[j]);
            sum[j] += z[c * MLP_LANES + j];
        }
    for (size_t c = 0; c < classes; c++)
        for (size_t j = 0; j < MLP_LANES; j++)
            z[c * MLP_LANES + j] /= sum[j];
    for (size_t j = 0; j < MLP_LANES; j++)
        log_sum[j] = mlp_logf(sum[j]);
}

static float sigmoid(float logit, size_t label, float *probability)
{
    float magnitude = logit < 0.0f ? -logit : logit;
    float e = mlp_expf(-magnitude); /* in (0, 1]: nothing overflows */
    *probability = (logit < 0.0f ? e : 1.0f) / (1.0f + e);
    float positive_part = logit < 0.0f ? 0.0f : logit;
    return positive_part - (label != 0 ? logit : 0.0f) + mlp_log1pf(e);
}

#endif
