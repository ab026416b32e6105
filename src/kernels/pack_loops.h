/* pack_loops.h: packed lists (kernels.h) by plain loops. Each step is written
 * whether it counts or not, and the next one over it if it did not: a branch
 * would be mispredicted at the edge of every stroke.
 */
#ifndef MLP_KERNELS_PACK_LOOPS_H
#define MLP_KERNELS_PACK_LOOPS_H

#include <string.h>

#include "kernels/vector_loops.h"

static inline size_t pack_pixels_plain(size_t n, size_t first_k, const uint32_t *words,
                                       uint32_t *steps, float *values)
{
    size_t count = 0;
    for (size_t k = 0; k < n; k++) {
        steps[count] = (uint32_t)((first_k + k) * MLP_PANEL);
        for (size_t i = 0; i < MLP_TILE; i++)
            values[count * MLP_TILE + i] = unit_pixel((uint8_t)(words[k] >> (8 * i)));
        count += words[k] != 0;
    }
    return count;
}

static inline size_t pack_rows_plain(size_t n, size_t first_k, const float *rows, uint32_t *steps,
                                     float *values)
{
    size_t count = 0;
    for (size_t k = 0; k < n; k++) {
        float a = rows[k], b = rows[MLP_PANEL + k];
        float c = rows[2 * MLP_PANEL + k], d = rows[3 * MLP_PANEL + k];
        float *v = values + count * MLP_TILE;
        steps[count] = (uint32_t)((first_k + k) * MLP_PANEL);
        v[0] = a, v[1] = b, v[2] = c, v[3] = d;
        count += (size_t)((a != 0.0f) | (b != 0.0f) | (c != 0.0f) | (d != 0.0f));
    }
    return count;
}

static size_t pack_columns(size_t n, const float *columns, uint32_t *steps, float *values)
{
    size_t count = 0;
    for (size_t r = 0; r < n; r++) {
        const float *from = columns + r * MLP_PANEL;
        steps[count] = (uint32_t)(r * MLP_PANEL);
        memcpy(values + count * MLP_TILE, from, MLP_TILE * sizeof *values);
        count += (size_t)((from[0] != 0.0f) | (from[1] != 0.0f) | (from[2] != 0.0f) |
                          (from[3] != 0.0f));
    }
    return count;
}

#endif
