/* tile_loops.h: the product of a packed list and a panel, over the vector type of
 * the file that includes it. That file defines, before the include,
 *     vector, VECTOR_LANES
 *     vector_load, vector_store, vector_broadcast, vector_fma
 * and calls multiply_tile with a constant number of vectors. The loops over a
 * register tile have constant bounds and are unrolled, so that the sums live in
 * registers.
 */
#ifndef MLP_KERNELS_TILE_LOOPS_H
#define MLP_KERNELS_TILE_LOOPS_H

#include "kernels/kernels.h"

enum { MAX_VECTORS = 4 };

/* c (4, vectors * VECTOR_LANES) += a^T b. */
static inline __attribute__((always_inline)) void multiply_tile(size_t vectors, size_t n,
                                                                const uint32_t *steps,
                                                                const float *a, const float *b,
                                                                float *c)
{
    vector sums[MLP_TILE][MAX_VECTORS];
#pragma GCC unroll 4
    for (size_t i = 0; i < MLP_TILE; i++)
#pragma GCC unroll 4
        for (size_t j = 0; j < vectors; j++)
            sums[i][j] = vector_load(c + i * MLP_PANEL + j * VECTOR_LANES);

    for (size_t s = 0; s < n; s++) {
        vector b_vectors[MAX_VECTORS];
#pragma GCC unroll 4
        for (size_t j = 0; j < vectors; j++)
            b_vectors[j] = vector_load(b + steps[s] + j * VECTOR_LANES);
#pragma GCC unroll 4
        for (size_t i = 0; i < MLP_TILE; i++) {
            vector a_i = vector_broadcast(a[s * MLP_TILE + i]);
#pragma GCC unroll 4
            for (size_t j = 0; j < vectors; j++)
                sums[i][j] = vector_fma(a_i, b_vectors[j], sums[i][j]);
        }
    }

#pragma GCC unroll 4
    for (size_t i = 0; i < MLP_TILE; i++)
#pragma GCC unroll 4
        for (size_t j = 0; j < vectors; j++)
            vector_store(c + i * MLP_PANEL + j * VECTOR_LANES, sums[i][j]);
}

#endif
