/* kernels.h: the arithmetic, one table of functions for each instruction set.
 *
 * Legend: B images of a batch, K inputs of a layer, H its outputs, C classes.
 *
 * The panel layout. A matrix (rows, columns) is cut into panels of MLP_PANEL
 * columns; inside a panel rows follow each other, so element (r, c) lies at
 *     (c / 32) * panel_stride + r * 32 + c % 32.
 * Activations and their gradients are (B, features) in this layout, weights are
 * (K, H), the transpose of PyTorch's, and so are their gradients. Columns are
 * padded with zeros to whole panels and rows to whole tiles of MLP_TILE; then
 * forward pass, both backward products and the update are one operation on
 * contiguous tiles of (8, 32) floats: the shape of the register tile in
 * Goto and van de Geijn, "Anatomy of high-performance matrix multiplication",
 * ACM TOMS 34(3), 2008.
 *
 * The bytes. Every output element is one chain acc = fma(a, b, acc) over
 * ascending k from a given start, in every table; lanes run across outputs. So
 * all tables give the same bytes and a test demands it. portable.c is the
 * definition. The list of steps lets a caller leave out those whose eight a
 * are all zero (81 % of MNIST's pixels are): they would add nothing.
 */
#ifndef MLP_KERNELS_KERNELS_H
#define MLP_KERNELS_KERNELS_H

#include <stddef.h>
#include <stdint.h>

enum {
    MLP_PANEL = 32, /* columns of a panel and of a tile */
    MLP_TILE = 8,   /* rows of a tile */
    MLP_TILE_FLOATS = MLP_PANEL * MLP_TILE,
};

/* A velocity smaller than this is set to 0. Where an input stays 0 the velocity
 * only decays, would become subnormal and stay so, and each operation on such a
 * number costs a hundred cycles; it moves no weight above 2^-76 by a bit. */
#define MLP_TINY_VELOCITY 0x1p-100f

/* The constants of one SGD step. */
typedef struct mlp_sgd_step {
    float lr, momentum, weight_decay;
    int nesterov; /* 0 or 1 */
} mlp_sgd_step;

typedef struct mlp_kernels {
    const char *name;

    /* c (8, 32) += a (8, K) b (K, 32) over the n steps k = steps[0] < steps[1] < ...:
     * a points to row 0 of the tile's rows in a panel-layout matrix whose columns
     * are k; b is a panel of K rows. Forward pass, and backward to the inputs. */
    void (*multiply_rows)(size_t n, const uint32_t *steps, const float *a, size_t a_panel_stride,
                          const float *b, float *c);

    /* c (8, 32) += a^T (8, B) b (B, 32) over the n steps: a points to the first of
     * the tile's 8 neighbouring columns in a panel, whose rows are k; b is a panel
     * of B rows. Gradient of the weights: inputs^T times gradient of the outputs. */
    void (*multiply_columns)(size_t n, const uint32_t *steps, const float *a, const float *b,
                             float *c);

    /* One row of a panel-layout matrix: out (1, n) = pixels (n) / 255, correctly rounded. */
    void (*unit_pixels)(size_t n, const uint8_t *pixels, float *out, size_t out_panel_stride);

    /* x (n) = max(x, 0). */
    void (*relu)(size_t n, float *x);

    /* gradient (n) = 0 where the activation (n) is not > 0. */
    void (*relu_backward)(size_t n, const float *activation, float *gradient);

    /* sums (32) = the column sums of a panel of `rows` rows, from the first row on. */
    void (*sum_rows)(size_t rows, const float *panel, float *sums);

    /* lanes (32) = the sums of squares of the 32 columns of x (n / 32, 32). */
    void (*sum_squares)(size_t n, const float *x, float *lanes);

    /* One SGD step on n parameters, as torch.optim.SGD does it:
     *     g += weight_decay * w;  v = momentum * v + g;
     *     w -= lr * (nesterov ? g + momentum * v : v)
     * but for a v below MLP_TINY_VELOCITY, which becomes 0. */
    void (*sgd)(size_t n, const mlp_sgd_step *step, const float *gradient, float *velocity,
                float *weight);

    /* Softmax with cross-entropy of one image, from its `classes` logits:
     * probabilities (classes), may be logits itself; returns the loss, ln sum exp(z) - z[label]. */
    float (*softmax)(size_t classes, size_t label, const float *logits, float *probabilities);

    /* Sigmoid with binary cross-entropy of one logit z; label 0 or 1. Stores P(1) and
     * returns the loss, max(z, 0) - z * label + ln(1 + exp(-|z|)). */
    float (*sigmoid)(float logit, size_t label, float *probability);
} mlp_kernels;

#endif
