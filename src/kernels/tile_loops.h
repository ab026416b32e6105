/* tile_loops.h: the register-tile products, over the vector type of the file that
 * includes it. That file defines, before the include,
 *     vector, VECTOR_LANES, TILE_ROWS, TILE_VECTORS
 *     vector_load, vector_store, vector_broadcast, vector_fma
 * and the (8, 32) tile is worked off in register tiles of TILE_ROWS rows and
 * TILE_VECTORS * VECTOR_LANES columns. The two loops over a register tile have
 * constant bounds and are unrolled, so that the sums live in registers.
 */
#ifndef MLP_KERNELS_TILE_LOOPS_H
#define MLP_KERNELS_TILE_LOOPS_H

#include "kernels/kernels.h"

typedef struct register_tile {
    vector sums[TILE_ROWS][TILE_VECTORS];
} register_tile;

static inline __attribute__((always_inline)) void load_tile(register_tile *t, const float *c)
{
#pragma GCC unroll 16
    for (size_t i = 0; i < TILE_ROWS; i++)
#pragma GCC unroll 16
        for (size_t j = 0; j < TILE_VECTORS; j++)
            t->sums[i][j] = vector_load(c + i * MLP_PANEL + j * VECTOR_LANES);
}

static inline __attribute__((always_inline)) void store_tile(const register_tile *t, float *c)
{
#pragma GCC unroll 16
    for (size_t i = 0; i < TILE_ROWS; i++)
#pragma GCC unroll 16
        for (size_t j = 0; j < TILE_VECTORS; j++)
            vector_store(c + i * MLP_PANEL + j * VECTOR_LANES, t->sums[i][j]);
}

/* sums (rows, columns) += a (rows) b (columns): one step of the chain. */
static inline __attribute__((always_inline)) void add_step(register_tile *t, const float *a,
                                                           size_t a_row_stride, const float *b)
{
    vector b_vectors[TILE_VECTORS];
#pragma GCC unroll 16
    for (size_t j = 0; j < TILE_VECTORS; j++)
        b_vectors[j] = vector_load(b + j * VECTOR_LANES);
#pragma GCC unroll 16
    for (size_t i = 0; i < TILE_ROWS; i++) {
        vector a_i = vector_broadcast(a[i * a_row_stride]);
#pragma GCC unroll 16
        for (size_t j = 0; j < TILE_VECTORS; j++)
            t->sums[i][j] = vector_fma(a_i, b_vectors[j], t->sums[i][j]);
    }
}

static void multiply_rows(size_t n, const uint32_t *steps, const float *a, size_t a_panel_stride,
                          const float *b, float *c)
{
    for (size_t row = 0; row < MLP_TILE; row += TILE_ROWS)
        for (size_t column = 0; column < MLP_PANEL; column += TILE_VECTORS * VECTOR_LANES) {
            register_tile t;
            load_tile(&t, c + row * MLP_PANEL + column);
            for (size_t s = 0; s < n; s++) {
                size_t k = steps[s];
                size_t a_k = k / MLP_PANEL * a_panel_stride + row * MLP_PANEL + k % MLP_PANEL;
                add_step(&t, a + a_k, MLP_PANEL, b + k * MLP_PANEL + column);
            }
            store_tile(&t, c + row * MLP_PANEL + column);
        }
}

static void multiply_columns(size_t n, const uint32_t *steps, const float *a, const float *b,
                             float *c)
{
    for (size_t row = 0; row < MLP_TILE; row += TILE_ROWS)
        for (size_t column = 0; column < MLP_PANEL; column += TILE_VECTORS * VECTOR_LANES) {
            register_tile t;
            load_tile(&t, c + row * MLP_PANEL + column);
            for (size_t s = 0; s < n; s++) {
                size_t k = (size_t)steps[s] * MLP_PANEL;
                add_step(&t, a + k + row, 1, b + k + column);
            }
            store_tile(&t, c + row * MLP_PANEL + column);
        }
}

#endif
