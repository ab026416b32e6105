/* kernels.h: the arithmetic, one table of functions for each instruction set.
 *
 * Legend: B images of a batch, K inputs of a layer, H its outputs, C classes.
 *
 * The panel layout. A matrix (rows, columns) is cut into panels of MLP_PANEL
 * columns; inside a panel rows follow each other, so element (r, c) lies at
 *     (c / 64) * panel_stride + r * 64 + c % 64.
 * Activations and their gradients are (B, features) in this layout, weights are
 * (K, H), the transpose of PyTorch's, and so are their velocities. Columns are
 * padded with zeros to whole panels and rows to whole stacks of MLP_STACK; panels,
 * starts and whatever kernels write in whole rows begin on 64 bytes.
 *
 * The packed list. Pixels, and other left operands of a product with several panels, are
 * packed two rows at a time, as Goto and van de Geijn ("Anatomy of high-performance matrix
 * multiplication", ACM TOMS 34(3), 2008) pack theirs, but without the steps in which
 * both are zero: they would add nothing, and of MNIST's steps they are 74 % forwards, in
 * batches in order (train/order.h), and 78 % in the gradient of the weights; of a hidden layer's,
 * where ReLU leaves half of its inputs, 25 %. A list of n steps is
 *     steps (n)       k, ascending: rows of a panel
 *     values (n, 2)   the two rows' elements k
 * or, of pixels, which have 256 levels,
 *     words (n)       both in one: row 0's level | k << 8 | row 1's level << 24
 *     values (256)    level / 255, which is the element
 * Several lists that leave nothing out make one wider tile.
 * Four lists' tiles (2, 64) side by side are a stack (8, 64). Where packing does not pay,
 * a stack's left operand is read where it lies: eight rows or columns of a panel.
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
    MLP_TILE = 2,          /* rows of a tile, and of a packed list */
    MLP_LISTS = 4,         /* whose tiles make a stack */
    MLP_MOST_LISTS = 12,   /* that one product takes: of three stacks */
    MLP_STACK = 8,         /* rows of a stack */
    MLP_COLUMNS = 16,      /* products are computed in units of so many columns */
    MLP_BLOCK_STEPS = 160, /* rows of a panel, 40 KB, to have in the first cache at a time; in units
                              of 32, for gather_pairs */
    MLP_LANES = 16,        /* images whose losses are computed side by side */
    MLP_TILE_FLOATS = MLP_TILE * MLP_PANEL,
    MLP_STACK_FLOATS = MLP_STACK * MLP_PANEL,
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

/* A packed list, or a block of one. */
typedef struct mlp_list {
    const float *start;    /* (64): what its product is added to, in both rows; NULL: c itself */
    size_t n;              /* of pixels at most MLP_BLOCK_STEPS */
    const uint32_t *words; /* (n) of pixels; or NULL, and */
    const uint16_t *steps; /* (n) */
    const float *values;   /* (256), or (n, 2) */
} mlp_list;

/* A list's word of step k. */
static inline uint32_t mlp_pixel_word(size_t k, uint32_t level0, uint32_t level1)
{
    return level0 | (uint32_t)k << 8 | level1 << 24;
}

typedef struct mlp_kernels {
    const char *name;

    /* c[i] (2, 64) = list i's start + its product with the panel b, for n_lists <= MLP_MOST_LISTS
     * lists of one kind, of pixels with one table of values, whose tiles c lie side by side.
     * Only the first `columns` columns, a multiple of MLP_COLUMNS. */
    void (*multiply)(size_t n_lists, const mlp_list *lists, const float *b, size_t columns,
                     float *c);

    /* The same for the first `rows` <= 8 rows of a stack c (8, 64), with one start for all, and
     * without leaving anything out: row i's element k < depth of the left operand is
     * a[i][k * stride]. */
    void (*multiply_dense)(size_t rows, size_t depth, const float *const *a, size_t stride,
                           const float *b, size_t columns, const float *start, float *c);

    /* Packs the n pixels of two images: list has a word for each step that is not zero in
     * both. Returns how many; the list has room for n rounded up to 16. n <= 2^16. */
    size_t (*pack_images)(size_t n, const uint8_t *const images[MLP_TILE], uint32_t *list);

    /* pairs (32, MLP_BLOCK_STEPS): pair (g, i) is pixels 2g and 2g + 1 of image i, of n images;
     * from each the `size` <= 64 pixels from `first` on, and a zero behind an odd one. What is
     * past the n pairs of a row is of no use. */
    void (*gather_pairs)(size_t n, const uint8_t *const *images, size_t first, size_t size,
                         uint16_t *pairs);

    /* The same as pack_images of n pairs of pixels that lie side by side already. */
    size_t (*pack_pairs)(size_t n, const uint16_t *pairs, uint32_t *list);

    /* Packs two rows of a panel, the first n columns being the steps first_k, ...; returns how
     * many, and steps and values have room for n rounded up to 16. */
    size_t (*pack_rows)(size_t n, size_t first_k, const float *rows, uint16_t *steps,
                        float *values);

    /* The same of two neighbouring columns, n rows being the steps 0 .. n - 1; columns points to
     * the first column of the first row. */
    size_t (*pack_columns)(size_t n, const float *columns, uint16_t *steps, float *values);

    /* x (n) = max(x, 0). */
    void (*relu)(size_t n, float *x);

    /* gradient (n) = 0 where the activation (n) is not > 0. */
    void (*relu_backward)(size_t n, const float *activation, float *gradient);

    /* sums (64) = the column sums of a panel of `rows` rows, from the first row on. */
    void (*sum_rows)(size_t rows, const float *panel, float *sums);

    /* One SGD step on rows of a panel, the first `columns` columns of them, a multiple of
     * MLP_COLUMNS, as torch.optim.SGD does it:
     *     g += weight_decay * w;  v = momentum * v + g;
     *     w -= lr * (nesterov ? g + momentum * v : v)
     * but for a v below MLP_TINY_VELOCITY, which becomes 0. Returns the sum of the
     * squares of the gradient: 64 lanes, which are then folded in half six times. */
    float (*sgd)(size_t rows, size_t columns, const mlp_sgd_step *step, const float *gradient,
                 float *velocity, float *weight);

    /* As multiply with all columns, and then sgd on the n_lists * 2 rows whose gradient the
     * product is. The gradient itself need not be written: c is of no use afterwards. */
    float (*multiply_sgd)(size_t n_lists, const mlp_list *lists, const float *b, float *c,
                          const mlp_sgd_step *step, float *velocity, float *weight);

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
