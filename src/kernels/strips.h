/* strips.h: storage for packed operands of bf16 products (bf16.h): strips of blocks. */
#ifndef MLP_KERNELS_STRIPS_H
#define MLP_KERNELS_STRIPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels/bf16.h"

typedef struct mlp_strips {
    size_t stride;   /* words of a strip: its blocks, and a tile lest all share a cache set */
    uint32_t *words; /* (strips, stride) */
} mlp_strips;

/* For a matrix of `rows` rows (of A) or columns (of B) and of `depth` k, zeroed. false: out of
 * memory, and *strips is zeroed. */
bool mlp_strips_init(mlp_strips *strips, size_t rows, size_t depth);
void mlp_strips_free(mlp_strips *strips);

/* How many strips n rows or columns fill, and how many blocks n k. */
static inline size_t mlp_strips_count(size_t n)
{
    return (n + MLP_BF16_STRIP - 1) / MLP_BF16_STRIP;
}

/* Words of a strip of n k. */
static inline size_t mlp_strips_stride(size_t n)
{
    return mlp_strips_count(n) * MLP_BF16_BLOCK + MLP_BF16_BLOCK / 2;
}

static inline size_t mlp_strips_bytes(size_t rows, size_t depth)
{
    return mlp_strips_count(rows) * mlp_strips_stride(depth) * sizeof(uint32_t);
}

static inline uint32_t *mlp_strips_block(const mlp_strips *strips, size_t strip, size_t block)
{
    return strips->words + strip * strips->stride + block * MLP_BF16_BLOCK;
}

#endif
