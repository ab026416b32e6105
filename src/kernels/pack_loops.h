/* pack_loops.h: packed lists (kernels.h) by plain loops. Each step is written
 * whether it counts or not, and the next one over it if it did not: a branch
 * would be mispredicted at the edge of every stroke.
 */
#ifndef MLP_KERNELS_PACK_LOOPS_H
#define MLP_KERNELS_PACK_LOOPS_H

#include <string.h>

#include "kernels/vector_loops.h"

static inline void gather_words_plain(size_t n, const uint8_t *const *images, size_t first,
                                      size_t size, uint32_t *words)
{
    for (size_t g = 0; g * MLP_TILE < size; g++) {
        size_t left = size - g * MLP_TILE, bytes = left < MLP_TILE ? left : MLP_TILE;
        uint32_t *row = words + g * MLP_BLOCK_STEPS;
        memset(row, 0, n * sizeof *row);
        for (size_t i = 0; i < n; i++)
            memcpy(&row[i], images[i] + first + g * MLP_TILE, bytes);
    }
}

static inline size_t pack_pixels_plain(size_t n, size_t first_k, const uint32_t *words,
                                       uint32_t *steps, uint32_t *packed)
{
    size_t count = 0;
    for (size_t k = 0; k < n; k++) {
        steps[count] = (uint32_t)((first_k + k) * MLP_PANEL);
        packed[count] = words[k];
        count += words[k] != 0;
    }
    return count;
}

/* Is any of four floats not zero, of either sign? */
static inline size_t any_of_four(const float *x)
{
    const uint64_t no_signs = 0x7fffffff7fffffffu;
    uint64_t halves[2];
    memcpy(halves, x, sizeof halves);
    return ((halves[0] | halves[1]) & no_signs) != 0;
}

static inline size_t pack_rows_plain(size_t n, size_t first_k, const float *rows, uint32_t *steps,
                                     float *values)
{
    size_t count = 0;
    for (size_t k = 0; k < n; k++) {
        const float column[MLP_TILE] = {rows[k], rows[MLP_PANEL + k], rows[2 * MLP_PANEL + k],
                                        rows[3 * MLP_PANEL + k]};
        steps[count] = (uint32_t)((first_k + k) * MLP_PANEL);
        memcpy(values + count * MLP_TILE, column, sizeof column);
        count += any_of_four(column);
    }
    return count;
}

static size_t pack_columns(size_t n, size_t first_k, const float *columns, uint32_t *steps,
                           float *values)
{
    size_t count = 0;
    for (size_t r = 0; r < n; r++) {
        const float *from = columns + r * MLP_PANEL;
        steps[count] = (uint32_t)((first_k + r) * MLP_PANEL);
        memcpy(values + count * MLP_TILE, from, MLP_TILE * sizeof *values);
        count += any_of_four(from);
    }
    return count;
}

#endif
