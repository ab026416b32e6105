#include "nn/bf16_operand.h"

#include "base/mem.h"

enum { BLOCKS_AHEAD = 4 }; /* that a block is asked for before it is made */

/* A place in the matrix. */
typedef struct place {
    size_t row, column; /* in blocks */
} place;

static place place_of(const mlp_bf16_operand *a, size_t strip, size_t block)
{
    return a->transposed ? (place){block, strip} : (place){strip, block};
}

bool mlp_bf16_operand_blank(const mlp_bf16_operand *a, size_t strip, size_t block)
{
    place at = place_of(a, strip, block);
    return a->pixels != NULL && *mlp_pixel_block_blank(a->pixels, at.row, at.column);
}

static inline __attribute__((always_inline)) void prefetch(const mlp_bf16_operand *a, place at)
{
    if (a->pixels != NULL)
        mlp_prefetch(mlp_pixel_block(a->pixels, at.row, at.column), 0, MLP_PIXEL_BLOCK);
    else
        mlp_prefetch(mlp_strips_block(a->strips, at.row, at.column), 0,
                     sizeof(uint32_t[MLP_BF16_BLOCK]));
}

static void make_block(const mlp_bf16_operand *a, const mlp_bf16_kernels *kernels, place at,
                       uint32_t *block)
{
    if (a->pixels == NULL) {
        kernels->transpose_elements(mlp_strips_block(a->strips, at.row, at.column), block);
        return;
    }
    uint8_t columns[MLP_PIXEL_BLOCK] __attribute__((aligned(64)));
    const uint8_t *pixels = mlp_pixel_block(a->pixels, at.row, at.column);
    if (a->transposed)
        kernels->transpose_pixels(pixels, columns);
    kernels->pack_pixels(a->transposed ? columns : pixels, block);
}

const uint32_t *mlp_bf16_operand_blocks(const mlp_bf16_operand *a, const mlp_bf16_kernels *kernels,
                                        size_t strip, size_t n, const uint32_t *blocks,
                                        uint32_t *room)
{
    if (mlp_bf16_operand_stored(a))
        return mlp_strips_block(a->strips, strip, 0);
    for (size_t i = 0; i < n + BLOCKS_AHEAD; i++) {
        if (i < n)
            prefetch(a, place_of(a, strip, blocks[i]));
        if (i >= BLOCKS_AHEAD) {
            size_t block = blocks[i - BLOCKS_AHEAD];
            make_block(a, kernels, place_of(a, strip, block), room + block * MLP_BF16_BLOCK);
        }
    }
    return room;
}
