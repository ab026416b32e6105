/* kernels.h: the arithmetic, one table of functions for each instruction set.
 *
 * Legend: B images of a batch, K inputs of a layer, H its outputs, C classes.
 *
 * The panel layout. A matrix (rows, columns) is cut into panels of MLP_PANEL
 * columns; inside a panel rows follow each other, so element (r, c) lies at
 *     (c / 64) * panel_stride + r * 64 + c % 64.
 * Activations and their gradients are (B, features) in this layout, weights are
 * (K, H), the transpose of PyTorch's, and so are their velocities. Columns are
 * padded with zeros to whole panels and rows to whole tiles of MLP_TILE.
 *
 * The packed list. The left operand of every product is packed four rows at a
 * time, as Goto and van de Geijn ("Anatomy of high-performance matrix
 * multiplication", ACM TOMS 34(3), 2008) pack theirs, but without the steps in
 * which all four are zero: they would add nothing, and of MNIST's steps they are
 * 61 % forwards and 72 % in the gradient of the weights. A list of n steps is
 *     steps (n)       k * MLP_PANEL, ascending: where row k of a panel begins
 *     values (n, 4)   the four rows' elements k
 * Forward pass, both backward products and so the update are one operation, list
 * times panel, on contiguous tiles of (4, 64) floats.
 *
 * The bytes. Every output element is one chain acc = fma(a, b, acc) over
 * ascending k from a given start, in every table; lanes run across outputs. So
 * all tables give the same bytes and a test demands it. portable.c is the
 * definition.
 */
#ifndef MLP_KERNELS_KERNELS_H
#define MLP_KERNELS_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#include "kernels/bf16.h"

enum {
    MLP_PANEL = 64,        /* columns of a panel and of a tile */
    MLP_TILE = 4,          /* rows of a tile, and of a packed list */
    MLP_COLUMNS = 16,      /* products are computed in units of so many columns */
    MLP_BLOCK_STEPS = 128, /* rows of a panel that stay in the first cache: 32 KB */
    MLP_LANES = 16,        /* images whose losses are computed side by side */
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

    /* c (4, 64) += a^T b over the n steps of the packed list: a is its values (n, 4),
     * b a panel (K, 64). Only the first `columns` columns, a multiple of MLP_COLUMNS. */
    void (*multiply)(size_t n, const uint32_t *steps, const float *a, const float *b,
                     size_t columns, float *c);

    /* words (n): the n pixels of four images side by side, image 0 in the lowest byte. */
    void (*interleave)(size_t n, const uint8_t *const images[MLP_TILE], uint32_t *words);

    /* words (16, MLP_BLOCK_STEPS): word (g, i) is pixels 4g .. 4g + 3 of image i, of n images;
     * from each the `size` <= 64 pixels from `first` on, and zeros behind them. */
    void (*gather_words)(size_t n, const uint8_t *const *images, size_t first, size_t size,
                         uint32_t *words);

    /* Packs n words of four pixels, the steps first_k, first_k + 1, ...: those that are
     * not zero. Returns how many; steps and packed have room for n rounded up to 16. */
    size_t (*pack_pixels)(size_t n, size_t first_k, const uint32_t *words, uint32_t *steps,
                          uint32_t *packed);

    /* values (n, 4) = the pixels of n words / 255, correctly rounded. */
    void (*unit_pixels)(size_t n, const uint32_t *words, float *values);

    /* Packs four rows of a panel, the first n columns being the steps first_k, ... */
    size_t (*pack_rows)(size_t n, size_t first_k, const float *rows, uint32_t *steps,
                        float *values);

    /* Packs four neighbouring columns of a panel, n rows being the steps first_k, ...;
     * columns points to the first column of the first row. */
    size_t (*pack_columns)(size_t n, size_t first_k, const float *columns, uint32_t *steps,
                           float *values);

    /* x (n) = max(x, 0). */
    void (*relu)(size_t n, float *x);

    /* gradient (n) = 0 where the activation (n) is not > 0. */
    void (*relu_backward)(size_t n, const float *activation, float *gradient);

    /* sums (64) = the column sums of a panel of `rows` rows, from the first row on. */
    void (*sum_rows)(size_t rows, const float *panel, float *sums);

    /* One SGD step on n parameters, a multiple of 64, as torch.optim.SGD does it:
     *     g += weight_decay * w;  v = momentum * v + g;
     *     w -= lr * (nesterov ? g + momentum * v : v)
     * but for a v below MLP_TINY_VELOCITY, which becomes 0. Returns the sum of the
     * squares of the gradient: 64 lanes, which are then folded in half six times. */
    float (*sgd)(size_t n, const mlp_sgd_step *step, const float *gradient, float *velocity,
                 float *weight);

    /* Softmax of 16 images side by side: z (classes, 16) are their logits and become their
     * probabilities. With largest (16) = max z and log_sum (16) = ln sum exp(z - max z), the
     * cross-entropy of an image is log_sum - (z[label] - largest). */
    void (*softmax)(size_t classes, float *z, float *largest, float *log_sum);

    /* Sigmoid with binary cross-entropy of one logit z; label 0 or 1. Stores P(1) and
     * returns the loss, max(z, 0) - z * label + ln(1 + exp(-|z|)). */
    float (*sigmoid)(float logit, size_t label, float *probability);

    /* Not NULL: products are bf16, with these kernels, and the name is theirs. */
    const mlp_bf16_kernels *bf16;
} mlp_kernels;

#endif
