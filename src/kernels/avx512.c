/* avx512.c: the kernels for AVX-512. Register tiles are (2, 64), 8 accumulators, just what two FMA
 * units of latency 4 need, and (4, 64) and (6, 64) where no step is left out: the more rows, the
 * fewer loads for each multiply-add. */
#include <immintrin.h>

#include "kernels/pack_loops.h"
#include "kernels/select.h"

typedef __m512 vector;
enum { VECTOR_LANES = 16, HALF_STACK = MLP_STACK / 2, RUNS = 3, WORDS_OF_LINE = 16 };

static inline vector vector_load(const float *p)
{
    return _mm512_load_ps(p);
}

static inline void vector_store(float *p, vector v)
{
    _mm512_store_ps(p, v);
}

static inline vector vector_broadcast(float x)
{
    return _mm512_set1_ps(x);
}

static inline vector vector_fma(vector a, vector b, vector c)
{
    return _mm512_fmadd_ps(a, b, c);
}

#include "kernels/avx512_pack.h"
#include "kernels/tile_loops.h"

/* The words of the next RUNS lists lie behind these, and mostly are as many: a line of each. It is
 * no matter if there are none. */
static inline __attribute__((always_inline)) void prefetch_next(const uint32_t *words, size_t s,
                                                                size_t n)
{
    for (size_t l = 0; l < RUNS; l++)
        __builtin_prefetch((const void *)((uintptr_t)words + ((RUNS + l) * n + s) * sizeof *words));
}

/* Adds step s of RUNS lists, which is the same row of the panel for all of them. */
static inline __attribute__((always_inline)) void
add_runs_step(bool pixels, const mlp_list lists[RUNS], size_t s, const float *row,
              vector sums[RUNS][MLP_TILE][MAX_VECTORS])
{
    vector b[MAX_VECTORS];
    load_row(MAX_VECTORS, row, b);
#pragma GCC unroll 3
    for (size_t l = 0; l < RUNS; l++)
        add_row(MAX_VECTORS, read_step(pixels, &lists[l], s, row).a, b, sums[l]);
}

/* Adds their n steps from a row of the panel on, by twos: a loop's own instructions take slots
 * from the multiply-adds. */
static inline __attribute__((always_inline)) void add_runs(bool pixels, const mlp_list lists[RUNS],
                                                           size_t n, const float *row,
                                                           vector sums[RUNS][MLP_TILE][MAX_VECTORS])
{
    size_t s = 0;
    for (; s + 2 <= n; s += 2) {
        if (pixels && s % WORDS_OF_LINE == 0)
            prefetch_next(lists[0].words, s, n);
        add_runs_step(pixels, lists, s, row + s * MLP_PANEL, sums);
        add_runs_step(pixels, lists, s + 1, row + (s + 1) * MLP_PANEL, sums);
    }
    if (s < n)
        add_runs_step(pixels, lists, s, row + s * MLP_PANEL, sums);
}

/* RUNS lists that leave none out from their first step up to a common end, as one tile: for each
 * multiply-add it loads less than a tile for each of them. Before the last of them has begun, each
 * is alone. */
static inline __attribute__((always_inline)) void
multiply_runs(bool pixels, const mlp_list *lists, size_t end, const float *b, float *c)
{
    vector sums[RUNS][MLP_TILE][MAX_VECTORS];
    mlp_list own[RUNS];
    size_t together = lists[0].n;
#pragma GCC unroll 3
    for (size_t l = 0; l < RUNS; l++) {
        together = lists[l].n < together ? lists[l].n : together;
        load_sums(MAX_VECTORS, lists[l].start, c + l * MLP_TILE_FLOATS, 0, sums[l]);
    }
#pragma GCC unroll 3
    for (size_t l = 0; l < RUNS; l++) {
        size_t alone = lists[l].n - together;
        for (size_t s = 0; s < alone; s++)
            add_step(pixels, MAX_VECTORS, &lists[l], s, b, sums[l]);
        own[l] = skip_steps(pixels, &lists[l], alone);
        if (pixels) /* a table of all, and one register for it */
            own[l].values = lists[0].values;
    }
    add_runs(pixels, own, together, b + (end - together) * MLP_PANEL, sums);
#pragma GCC unroll 3
    for (size_t l = 0; l < RUNS; l++)
        store_sums(MAX_VECTORS, sums[l], 0, c + l * MLP_TILE_FLOATS);
}

/* Where lists end that leave none out from their first step on and all end there; else 0. Empty
 * lists may be among them. */
static inline size_t common_end(bool pixels, size_t n_lists, const mlp_list *lists)
{
    size_t end = 0;
    for (size_t i = 0; i < n_lists; i++) {
        size_t n = lists[i].n;
        if (n == 0)
            continue;
        size_t own_end = step_at(pixels, &lists[i], n - 1) + 1;
        if (own_end - step_at(pixels, &lists[i], 0) != n || (end > 0 && own_end != end))
            return 0;
        end = own_end;
    }
    return end;
}

/* All columns. */
static inline __attribute__((always_inline)) void
multiply_wide_lists(bool pixels, size_t n_lists, const mlp_list *lists, const float *b, float *c)
{
    size_t i = 0, end = common_end(pixels, n_lists, lists);
    for (; end > 0 && i + RUNS <= n_lists; i += RUNS)
        multiply_runs(pixels, &lists[i], end, b, c + i * MLP_TILE_FLOATS);
    for (; i < n_lists; i++)
        multiply_lists(pixels, 1, MAX_VECTORS, &lists[i], 0, b, c + i * MLP_TILE_FLOATS);
}

static inline __attribute__((always_inline)) void multiply_kind(bool pixels, size_t n_lists,
                                                                const mlp_list *lists,
                                                                const float *b, size_t columns,
                                                                float *c)
{
    if (columns == MLP_PANEL) {
        multiply_wide_lists(pixels, n_lists, lists, b, c);
        return;
    }
    size_t i = 0;
    for (; i + MLP_LISTS <= n_lists; i += MLP_LISTS)
        for (size_t column = 0; column < columns; column += MLP_COLUMNS)
            multiply_lists(pixels, MLP_LISTS, 1, &lists[i], column, b, c + i * MLP_TILE_FLOATS);
    for (; i < n_lists; i++)
        for (size_t column = 0; column < columns; column += MLP_COLUMNS)
            multiply_lists(pixels, 1, 1, &lists[i], column, b, c + i * MLP_TILE_FLOATS);
}

static void multiply(size_t n_lists, const mlp_list *lists, const float *b, size_t columns,
                     float *c)
{
    if (lists->words != NULL)
        multiply_kind(true, n_lists, lists, b, columns, c);
    else
        multiply_kind(false, n_lists, lists, b, columns, c);
}

/* Rows of all columns: by fours, and what is left. */
static void multiply_wide(size_t rows, size_t depth, const float *const *a, size_t stride,
                          const float *b, const float *start, float *c)
{
    size_t i = 0;
    for (; i + HALF_STACK <= rows; i += HALF_STACK)
        multiply_rows(HALF_STACK, MAX_VECTORS, depth, a + i, stride, 0, b, start,
                      c + i * MLP_PANEL);
    for (; i + MLP_TILE <= rows; i += MLP_TILE)
        multiply_rows(MLP_TILE, MAX_VECTORS, depth, a + i, stride, 0, b, start, c + i * MLP_PANEL);
    if (i < rows)
        multiply_rows(1, MAX_VECTORS, depth, a + i, stride, 0, b, start, c + i * MLP_PANEL);
}

static void multiply_dense(size_t rows, size_t depth, const float *const *a, size_t stride,
                           const float *b, size_t columns, const float *start, float *c)
{
    if (columns == MLP_PANEL) {
        multiply_wide(rows, depth, a, stride, b, start, c);
        return;
    }
    for (size_t column = 0; column < columns; column += MLP_COLUMNS)
        if (rows == MLP_STACK)
            multiply_rows(MLP_STACK, 1, depth, a, stride, column, b, start, c);
        else
            for (size_t i = 0; i < rows; i++)
                multiply_rows(1, 1, depth, a + i, stride, column, b, start, c + i * MLP_PANEL);
}

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

/* The step of 16 weights with the gradient g, whose squares are added up. */
static inline void sgd_sixteen(const sgd_constants *k, vector g, float *velocity, float *weight,
                               vector *squares)
{
    vector w = vector_load(weight);
    *squares = vector_fma(g, g, *squares);
    g = vector_fma(k->decay, w, g);
    vector v = vector_fma(k->momentum, vector_load(velocity), g);
    v = _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(_mm512_abs_ps(v), k->tiny, _CMP_NLT_UQ), v);
    vector_store(velocity, v);
    vector_store(weight, vector_fma(k->lr, k->nesterov ? vector_fma(k->momentum, v, g) : v, w));
}

static float fold_squares(const vector squares[MAX_VECTORS])
{
    float lanes[MLP_PANEL] __attribute__((aligned(64)));
    for (size_t j = 0; j < MAX_VECTORS; j++)
        vector_store(lanes + j * VECTOR_LANES, squares[j]);
    return fold_lanes(lanes);
}

static inline __attribute__((always_inline)) void sgd_rows(size_t rows, size_t vectors,
                                                           const sgd_constants *k,
                                                           const float *gradient, float *velocity,
                                                           float *weight, vector *squares)
{
    for (size_t at = 0; at < rows * MLP_PANEL; at += MLP_PANEL)
#pragma GCC unroll 4
        for (size_t j = 0; j < vectors; j++) {
            size_t i = at + j * VECTOR_LANES;
            sgd_sixteen(k, vector_load(gradient + i), velocity + i, weight + i, &squares[j]);
        }
}

/* As sgd_plain, which gcc 12 makes half as fast. */
static float sgd(size_t rows, size_t columns, const mlp_sgd_step *step, const float *gradient,
                 float *velocity, float *weight)
{
    const sgd_constants k = broadcast_step(step);
    vector squares[MAX_VECTORS] = {{0}};
    if (columns == MLP_PANEL)
        sgd_rows(rows, MAX_VECTORS, &k, gradient, velocity, weight, squares);
    else
        for (size_t j = 0; j < columns; j += VECTOR_LANES)
            sgd_rows(rows, 1, &k, gradient + j, velocity + j, weight + j,
                     &squares[j / VECTOR_LANES]);
    return fold_squares(squares);
}

/* The sums of a list go into the step from registers. */
static inline __attribute__((always_inline)) float
multiply_sgd_kind(bool pixels, size_t n_lists, const mlp_list *lists, const float *b,
                  const float *c, const mlp_sgd_step *step, float *velocity, float *weight)
{
    const sgd_constants k = broadcast_step(step);
    vector squares[MAX_VECTORS] = {{0}};
    for (size_t l = 0; l < n_lists; l++) {
        vector sums[MLP_TILE][MAX_VECTORS];
        load_sums(MAX_VECTORS, lists[l].start, c + l * MLP_TILE_FLOATS, 0, sums);
        for (size_t s = 0; s < lists[l].n; s++)
            add_step(pixels, MAX_VECTORS, &lists[l], s, b, sums);
#pragma GCC unroll 2
        for (size_t i = 0; i < MLP_TILE; i++)
#pragma GCC unroll 4
            for (size_t j = 0; j < MAX_VECTORS; j++) {
                size_t at = l * MLP_TILE_FLOATS + i * MLP_PANEL + j * VECTOR_LANES;
                sgd_sixteen(&k, sums[i][j], velocity + at, weight + at, &squares[j]);
            }
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

const mlp_kernels mlp_kernels_avx512 = {
    .name = "avx512",
    .multiply = multiply,
    .multiply_dense = multiply_dense,
    .pack_images = pack_images,
    .gather_pairs = gather_pairs,
    .pack_pairs = pack_pairs,
    .pack_rows = pack_rows,
    .pack_columns = pack_columns,
    .relu = relu,
    .relu_backward = relu_backward,
    .sum_rows = sum_rows,
    .sgd = sgd,
    .multiply_sgd = multiply_sgd,
    .softmax = softmax,
    .sigmoid = sigmoid,
};
