/* bf16_product.h: a product of bf16 matrices, one member's share of it.
 *
 * A comes in strips of 32 rows (bf16_operand.h), B as slabs, neighbouring panels of columns
 * that fit a core's cache. Whoever has a slab goes down all strips of A with it and finishes
 * each strip's sums while they are in the cache. Members share the panels, or the strips where
 * panels are too few. Blank blocks of A are passed over: a zero times B adds nothing.
 *
 * While tiles work nothing is asked for ahead but what A has stored behind the chunk, a few lines
 * with each block. They take B from the second cache, and whatever else is on its way to the first
 * holds them up.
 */
#ifndef MLP_NN_BF16_PRODUCT_H
#define MLP_NN_BF16_PRODUCT_H

#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"
#include "kernels/kernels.h"
#include "nn/bf16_operand.h"
#include "nn/pass.h"

enum {
    MLP_BF16_PANEL_SUMS = MLP_BF16_STRIP * MLP_PANEL, /* floats of a tile of sums, (32, 64) */
    MLP_BF16_SLAB_PANELS = 8,                         /* at most */
    MLP_BF16_SLAB_SUMS = MLP_BF16_SLAB_PANELS * MLP_BF16_PANEL_SUMS,
};

typedef struct mlp_bf16_product mlp_bf16_product;

/* sums (rows, columns) = start + a (rows, depth) times B (depth, columns). */
struct mlp_bf16_product {
    mlp_pass *pass;
    size_t l; /* the layer whose weights, or their gradient, it is about */
    size_t rows, depth, columns;
    mlp_bf16_operand a;
    const mlp_strips *b;
    const float *start; /* (columns, in whole panels): a row for all; NULL: zeros */

    /* Or NULL: takes each panel once, before its slab is multiplied with, and so brings B into the
     * cache. */
    void (*open)(const mlp_bf16_product *p, size_t panel);

    /* Takes a tile of sums (32, 64): strip `strip` of A, panel `panel` of all. Half a panel
     * without a strip has zeros. */
    void (*keep)(const mlp_bf16_product *p, size_t panel, size_t strip, float *sums);

    mlp_sgd *sgd; /* these two for keep, where sums are gradients of weights */
    const mlp_sgd_step *step;
};

/* No barrier behind it. */
void mlp_bf16_product_run(const mlp_bf16_product *p, const mlp_team *team, size_t thread);

/* The strips of a panel: two, or one in the last. */
static inline size_t mlp_bf16_panel_strips(const mlp_bf16_product *p, size_t panel)
{
    return mlp_min_size(MLP_BF16_PANEL_STRIPS,
                        mlp_strips_count(p->columns) - panel * MLP_BF16_PANEL_STRIPS);
}

#endif
