/* tile_loops.h: register tiles of products, over the vector type of the file that includes it.
 * That file defines, before the include,
 *     vector, VECTOR_LANES
 *     vector_load, vector_store, vector_broadcast, vector_fma
 *     STEPS_TOGETHER   steps of a list that its loop takes in a turn
 * and calls these with constant numbers of lists, rows and vectors. The loops over a
 * register tile then have constant bounds and are unrolled, so that the sums live in
 * registers.
 */
#ifndef MLP_KERNELS_TILE_LOOPS_H
#define MLP_KERNELS_TILE_LOOPS_H

#include "kernels/list_step.h"

enum { MAX_VECTORS = 4 };

/* Where the sums of a row of c begin. */
static inline const float *start_of_row(const float *start, const float *c, size_t row)
{
    return start != NULL ? start : c + row * MLP_PANEL;
}

/* `vectors` vectors of a row of b. */
static inline __attribute__((always_inline)) void load_row(size_t vectors, const float *row,
                                                           vector b[MAX_VECTORS])
{
#pragma GCC unroll 4
    for (size_t j = 0; j < vectors; j++)
        b[j] = vector_load(row + j * VECTOR_LANES);
}

/* Adds a[i] times such a row to the sums of row i. */
static inline __attribute__((always_inline)) void add_row(size_t vectors, const float a[MLP_TILE],
                                                          const vector b[MAX_VECTORS],
                                                          vector sums[MLP_TILE][MAX_VECTORS])
{
#pragma GCC unroll 2
    for (size_t i = 0; i < MLP_TILE; i++) {
        vector a_i = vector_broadcast(a[i]);
#pragma GCC unroll 4
        for (size_t j = 0; j < vectors; j++)
            sums[i][j] = vector_fma(a_i, b[j], sums[i][j]);
    }
}

/* Adds step s of a list to its sums. */
static inline __attribute__((always_inline)) void add_step(bool pixels, size_t vectors,
                                                           const mlp_list *list, size_t s,
                                                           const float *b,
                                                           vector sums[MLP_TILE][MAX_VECTORS])
{
    list_step step = read_step(pixels, list, s, b);
    vector row[MAX_VECTORS];
    load_row(vectors, step.row, row);
    add_row(vectors, step.a, row, sums);
}

/* The sums of a list with which a product begins. */
static inline __attribute__((always_inline)) void load_sums(size_t vectors, const float *start,
                                                            const float *c, size_t column,
                                                            vector sums[MLP_TILE][MAX_VECTORS])
{
#pragma GCC unroll 2
    for (size_t i = 0; i < MLP_TILE; i++)
#pragma GCC unroll 4
        for (size_t j = 0; j < vectors; j++)
            sums[i][j] = vector_load(start_of_row(start, c, i) + column + j * VECTOR_LANES);
}

/* And those with which it ends. */
static inline __attribute__((always_inline)) void
store_sums(size_t vectors, vector sums[MLP_TILE][MAX_VECTORS], size_t column, float *c)
{
#pragma GCC unroll 2
    for (size_t i = 0; i < MLP_TILE; i++)
#pragma GCC unroll 4
        for (size_t j = 0; j < vectors; j++)
            vector_store(c + i * MLP_PANEL + column + j * VECTOR_LANES, sums[i][j]);
}

/* `vectors` vectors of columns, from `column` on, of a multiply of n_lists lists. Several lists
 * side by side keep more sums under way than a narrow tile has, for as long as the shortest of
 * them lasts. */
static inline __attribute__((always_inline)) void
multiply_lists(bool pixels, size_t n_lists, size_t vectors, const mlp_list *lists, size_t column,
               const float *b, float *c)
{
    vector sums[MLP_LISTS][MLP_TILE][MAX_VECTORS];
    size_t together = lists[0].n;
#pragma GCC unroll 4
    for (size_t l = 0; l < n_lists; l++) {
        together = lists[l].n < together ? lists[l].n : together;
        load_sums(vectors, lists[l].start, c + l * MLP_TILE_FLOATS, column, sums[l]);
    }

#pragma GCC unroll STEPS_TOGETHER
    for (size_t s = 0; s < together; s++)
#pragma GCC unroll 4
        for (size_t l = 0; l < n_lists; l++)
            add_step(pixels, vectors, &lists[l], s, b + column, sums[l]);

#pragma GCC unroll 4
    for (size_t l = 0; l < n_lists; l++) {
        for (size_t s = together; s < lists[l].n; s++)
            add_step(pixels, vectors, &lists[l], s, b + column, sums[l]);
        store_sums(vectors, sums[l], column, c + l * MLP_TILE_FLOATS);
    }
}

/* The same of `rows` rows of a multiply_dense, a being those of its left operand and c the
 * first. */
static inline __attribute__((always_inline)) void
multiply_rows(size_t rows, size_t vectors, size_t depth, const float *const *a, size_t stride,
              size_t column, const float *b, const float *start, float *c)
{
    vector sums[MLP_STACK][MAX_VECTORS];
#pragma GCC unroll 8
    for (size_t i = 0; i < rows; i++)
#pragma GCC unroll 4
        for (size_t j = 0; j < vectors; j++)
            sums[i][j] = vector_load(start_of_row(start, c, i) + column + j * VECTOR_LANES);

    for (size_t k = 0; k < depth; k++) {
        vector b_vectors[MAX_VECTORS];
        load_row(vectors, b + k * MLP_PANEL + column, b_vectors);
#pragma GCC unroll 8
        for (size_t i = 0; i < rows; i++) {
            vector a_i = vector_broadcast(a[i][k * stride]);
#pragma GCC unroll 4
            for (size_t j = 0; j < vectors; j++)
                sums[i][j] = vector_fma(a_i, b_vectors[j], sums[i][j]);
        }
    }

#pragma GCC unroll 8
    for (size_t i = 0; i < rows; i++)
#pragma GCC unroll 4
        for (size_t j = 0; j < vectors; j++)
            vector_store(c + i * MLP_PANEL + column + j * VECTOR_LANES, sums[i][j]);
}

#endif
