/* sgd_loops.h: `sgd` and `multiply_sgd` of kernels.h, over the vector type of the file that
 * includes it, which defines, before the include, what list_loops.h wants, and vector_flush(v,
 * tiny)   v, but 0 where |v| < tiny
 */
#ifndef MLP_KERNELS_SGD_LOOPS_H
#define MLP_KERNELS_SGD_LOOPS_H

#include "kernels/list_loops.h"
#include "kernels/vector_loops.h"

enum { PANEL_VECTORS = MLP_PANEL / VECTOR_LANES, COLUMN_VECTORS = MLP_COLUMNS / VECTOR_LANES };

/* The constants of an SGD step, in every lane. */
typedef struct sgd_constants {
    vector lr, momentum, decay, tiny;
    int nesterov;
} sgd_constants;

static inline sgd_constants broadcast_step(const mlp_sgd_step *step)
{
    return (sgd_constants){.lr = vector_broadcast(-step->lr),
                           .momentum = vector_broadcast(step->momentum),
                           .decay = vector_broadcast(step->weight_decay),
                           .tiny = vector_broadcast(MLP_TINY_VELOCITY),
                           .nesterov = step->nesterov};
}

/* The step of a vector of weights with the gradient g, whose squares are added up. */
static inline void sgd_vector(const sgd_constants *k, vector g, float *velocity, float *weight,
                              vector *squares)
{
    vector w = vector_load(weight);
    *squares = vector_fma(g, g, *squares);
    g = vector_fma(k->decay, w, g);
    vector v = vector_flush(vector_fma(k->momentum, vector_load(velocity), g), k->tiny);
    vector_store(velocity, v);
    vector_store(weight, vector_fma(k->lr, k->nesterov ? vector_fma(k->momentum, v, g) : v, w));
}

static float fold_squares(const vector squares[PANEL_VECTORS])
{
    float lanes[MLP_PANEL] __attribute__((aligned(64)));
    for (size_t j = 0; j < PANEL_VECTORS; j++)
        vector_store(lanes + j * VECTOR_LANES, squares[j]);
    return fold_lanes(lanes);
}

static inline __attribute__((always_inline)) void sgd_rows(size_t rows, size_t vectors,
                                                           const sgd_constants *k,
                                                           const float *gradient, float *velocity,
                                                           float *weight, vector *squares)
{
    for (size_t at = 0; at < rows * MLP_PANEL; at += MLP_PANEL)
#pragma GCC unroll 8
        for (size_t j = 0; j < vectors; j++) {
            size_t i = at + j * VECTOR_LANES;
            sgd_vector(k, vector_load(gradient + i), velocity + i, weight + i, &squares[j]);
        }
}

/* As sgd_plain, which gcc 12 makes half as fast. */
static float sgd(size_t rows, size_t columns, const mlp_sgd_step *step, const float *gradient,
                 float *velocity, float *weight)
{
    const sgd_constants k = broadcast_step(step);
    vector squares[PANEL_VECTORS] = {{0}};
    if (columns == MLP_PANEL)
        sgd_rows(rows, PANEL_VECTORS, &k, gradient, velocity, weight, squares);
    else
        for (size_t j = 0; j < columns; j += MLP_COLUMNS)
            sgd_rows(rows, COLUMN_VECTORS, &k, gradient + j, velocity + j, weight + j,
                     &squares[j / VECTOR_LANES]);
    return fold_squares(squares);
}

/* The sums of a list, from `column` on, go into the step from registers. */
static inline __attribute__((always_inline)) void
multiply_sgd_list(bool pixels, const mlp_list *list, size_t column, const float *b, const float *c,
                  const sgd_constants *k, float *velocity, float *weight, vector *squares)
{
    vector sums[MLP_TILE][MAX_VECTORS];
    load_sums(MAX_VECTORS, list->start, c, column, sums);
#pragma GCC unroll STEPS_TOGETHER
    for (size_t s = 0; s < list->n; s++)
        add_step(pixels, MAX_VECTORS, list, s, b + column, sums);
#pragma GCC unroll 2
    for (size_t i = 0; i < MLP_TILE; i++)
#pragma GCC unroll 4
        for (size_t j = 0; j < MAX_VECTORS; j++) {
            size_t at = i * MLP_PANEL + column + j * VECTOR_LANES;
            sgd_vector(k, sums[i][j], velocity + at, weight + at, &squares[j]);
        }
}

static inline __attribute__((always_inline)) float
multiply_sgd_kind(bool pixels, size_t n_lists, const mlp_list *lists, const float *b,
                  const float *c, const mlp_sgd_step *step, float *velocity, float *weight)
{
    const sgd_constants k = broadcast_step(step);
    vector squares[PANEL_VECTORS] = {{0}};
    for (size_t l = 0; l < n_lists; l++) {
        size_t at = l * MLP_TILE_FLOATS;
#pragma GCC unroll 2
        for (size_t column = 0; column < MLP_PANEL; column += WIDE)
            multiply_sgd_list(pixels, &lists[l], column, b, c + at, &k, velocity + at, weight + at,
                              &squares[column / VECTOR_LANES]);
    }
    return fold_squares(squares);
}

static float multiply_sgd(size_t n_lists, const mlp_list *lists, const float *b, float *c,
                          const mlp_sgd_step *step, float *velocity, float *weight)
{
    if (lists->words != NULL)
        return multiply_sgd_kind(true, n_lists, lists, b, c, step, velocity, weight);
    return multiply_sgd_kind(false, n_lists, lists, b, c, step, velocity, weight);
}

#endif
