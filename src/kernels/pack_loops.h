/* pack_loops.h: packed lists (kernels.h) by plain loops. Each step is written
 * whether it counts or not, and the next one over it if it did not: a branch
 * would be mispredicted at the edge of every stroke.
 */
#ifndef MLP_KERNELS_PACK_LOOPS_H
#define MLP_KERNELS_PACK_LOOPS_H

#include <string.h>

#include "kernels/vector_loops.h"

static inline void gather_pairs_plain(size_t n, const uint8_t *const *images, size_t first,
                                      size_t size, uint16_t *pairs)
{
    for (size_t g = 0; g * MLP_TILE < size; g++) {
        size_t left = size - g * MLP_TILE, bytes = left < MLP_TILE ? left : MLP_TILE;
        uint16_t *row = pairs + g * MLP_BLOCK_STEPS;
        memset(row, 0, n * sizeof *row);
        for (size_t i = 0; i < n; i++)
            memcpy(&row[i], images[i] + first + g * MLP_TILE, bytes);
    }
}

static inline size_t pack_images_plain(size_t n, const uint8_t *const images[MLP_TILE],
                                       uint32_t *list)
{
    size_t count = 0;
    for (size_t k = 0; k < n; k++) {
        list[count] = mlp_pixel_word(k, images[0][k], images[1][k]);
        count += (images[0][k] | images[1][k]) != 0;
    }
    return count;
}

static inline size_t pack_pairs_plain(size_t n, const uint16_t *pairs, uint32_t *list)
{
    size_t count = 0;
    for (size_t k = 0; k < n; k++) {
        list[count] = mlp_pixel_word(k, pairs[k] & 0xff, pairs[k] >> 8);
        count += pairs[k] != 0;
    }
    return count;
}

/* Is one of two floats not zero, of either sign? */
static inline size_t any_of_two(const float *x)
{
    const uint64_t no_signs = 0x7fffffff7fffffffu;
    uint64_t both;
    memcpy(&both, x, sizeof both);
    return (both & no_signs) != 0;
}

static inline size_t pack_rows_plain(size_t n, size_t first_k, const float *rows, uint16_t *steps,
                                     float *values)
{
    size_t count = 0;
    for (size_t k = 0; k < n; k++) {
        const float column[MLP_TILE] = {rows[k], rows[MLP_PANEL + k]};
        steps[count] = (uint16_t)(first_k + k);
        memcpy(values + count * MLP_TILE, column, sizeof column);
        count += any_of_two(column);
    }
    return count;
}

static size_t pack_columns(size_t n, const float *columns, uint16_t *steps, float *values)
{
    size_t count = 0;
    for (size_t r = 0; r < n; r++) {
        const float *from = columns + r * MLP_PANEL;
        steps[count] = (uint16_t)r;
        memcpy(values + count * MLP_TILE, from, MLP_TILE * sizeof *values);
        count += any_of_two(from);
    }
    return count;
}

#endif
