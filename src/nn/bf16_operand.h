/* bf16_operand.h: A of a bf16 product, and where its blocks come from: a matrix or its transpose,
 * of strips or of pixels. What is not stored as A is made a few blocks at a time, by each member
 * that multiplies with them: it is stored once, and near when it is wanted.
 */
#ifndef MLP_NN_BF16_OPERAND_H
#define MLP_NN_BF16_OPERAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/pixel_blocks.h"
#include "kernels/strips.h"

typedef struct mlp_bf16_operand {
    const mlp_strips *strips;       /* the matrix as A, or NULL: */
    const mlp_pixel_blocks *pixels; /* the matrix, images by pixels */
    bool transposed;                /* A is its transpose */
} mlp_bf16_operand;

/* Is it known to be zero? A product may then pass over it. */
bool mlp_bf16_operand_blank(const mlp_bf16_operand *a, size_t strip, size_t block);

/* Are its strips there, one behind another? */
static inline bool mlp_bf16_operand_stored(const mlp_bf16_operand *a)
{
    return a->pixels == NULL && !a->transposed;
}

/* A strip's words, of which the n blocks blocks[0 .. n - 1] are there. They lie in the matrix, or
 * are made in room, which has space for a strip. */
const uint32_t *mlp_bf16_operand_blocks(const mlp_bf16_operand *a, const mlp_bf16_kernels *kernels,
                                        size_t strip, size_t n, const uint32_t *blocks,
                                        uint32_t *room);

#endif
