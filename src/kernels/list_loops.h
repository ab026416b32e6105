/* list_loops.h: `multiply` of kernels.h, over the tiles of tile_loops.h. The file that includes it
 * defines, before the include, what they want, and
 *     RUN_VECTORS    of a row of a tile of RUNS lists
 *     NARROW_LISTS   of a tile of MLP_COLUMNS columns
 * as many as its registers hold, and
 *     UNPACKS_RUNS   1: words of such lists are unpacked before, as all columns want them; or 0
 */
#ifndef MLP_KERNELS_LIST_LOOPS_H
#define MLP_KERNELS_LIST_LOOPS_H

#include "kernels/tile_loops.h"

enum {
    RUNS = 3,
    WORDS_OF_LINE = 16,
    WIDE = MAX_VECTORS * VECTOR_LANES, /* columns of a tile of one list */
    RUN_COLUMNS = RUN_VECTORS * VECTOR_LANES,
};

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
    load_row(RUN_VECTORS, row, b);
#pragma GCC unroll 3
    for (size_t l = 0; l < RUNS; l++) {
        float a[MLP_TILE];
        read_values(pixels, &lists[l], s, a);
        add_row(RUN_VECTORS, a, b, sums[l]);
    }
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

/* RUNS lists that leave none out from their first step up to a common end. */
typedef struct runs {
    const mlp_list *lists;
    mlp_list rest[RUNS]; /* each from where the last of them begins: */
    size_t first, n;     /* from this step on, so many */
} runs;

/* The values of n words, as a list of floats has them. A vector of signed numbers becomes floats by
 * one instruction, of unsigned ones by many. */
static inline void unpack_words(size_t n, const uint32_t *words, float *values)
{
    for (size_t s = 0; s < n; s++) {
        values[s * MLP_TILE] = (float)(int)(words[s] & 0xff) / UINT8_MAX;
        values[s * MLP_TILE + 1] = (float)(int)(words[s] >> 24) / UINT8_MAX;
    }
}

/* What they have in common; values: room to unpack it. */
static inline __attribute__((always_inline)) runs
find_runs(bool pixels, const mlp_list *lists, size_t end,
          float values[RUNS][MLP_BLOCK_STEPS * MLP_TILE])
{
    runs r = {.lists = lists, .n = lists[0].n};
#pragma GCC unroll 3
    for (size_t l = 1; l < RUNS; l++)
        r.n = lists[l].n < r.n ? lists[l].n : r.n;
    r.first = end - r.n;
#pragma GCC unroll 3
    for (size_t l = 0; l < RUNS; l++) {
        r.rest[l] = skip_steps(pixels, &lists[l], lists[l].n - r.n);
        if (pixels && UNPACKS_RUNS) {
            unpack_words(r.n, r.rest[l].words, values[l]);
            r.rest[l].values = values[l];
        } else if (pixels) /* a table of all, and one register for it */
            r.rest[l].values = lists[0].values;
    }
    return r;
}

/* The columns from `column` on of their product: before the last of them has begun, each is alone.
 */
static inline __attribute__((always_inline)) void
multiply_run_columns(bool pixels, const runs *r, size_t column, const float *b, float *c)
{
    vector sums[RUNS][MLP_TILE][MAX_VECTORS];
#pragma GCC unroll 3
    for (size_t l = 0; l < RUNS; l++)
        load_sums(RUN_VECTORS, r->lists[l].start, c + l * MLP_TILE_FLOATS, column, sums[l]);
#pragma GCC unroll 3
    for (size_t l = 0; l < RUNS; l++)
        for (size_t s = 0; s < r->lists[l].n - r->n; s++)
            add_step(pixels, RUN_VECTORS, &r->lists[l], s, b + column, sums[l]);
    add_runs(pixels && !UNPACKS_RUNS, r->rest, r->n, b + r->first * MLP_PANEL + column, sums);
#pragma GCC unroll 3
    for (size_t l = 0; l < RUNS; l++)
        store_sums(RUN_VECTORS, sums[l], column, c + l * MLP_TILE_FLOATS);
}

/* Their product, as one tile: for each multiply-add it loads less than a tile for each of them. */
static inline __attribute__((always_inline)) void
multiply_runs(bool pixels, const mlp_list *lists, size_t end, const float *b, float *c)
{
    float values[RUNS][MLP_BLOCK_STEPS * MLP_TILE] __attribute__((aligned(64)));
    runs r = find_runs(pixels, lists, end, values);
    for (size_t column = 0; column < MLP_PANEL; column += RUN_COLUMNS)
        multiply_run_columns(pixels, &r, column, b, c);
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
#pragma GCC unroll 2 /* so that a column is part of an address, not added at each step */
        for (size_t column = 0; column < MLP_PANEL; column += WIDE)
            multiply_lists(pixels, 1, MAX_VECTORS, &lists[i], column, b, c + i * MLP_TILE_FLOATS);
}

/* Fewer columns. */
static inline __attribute__((always_inline)) void multiply_narrow_lists(bool pixels, size_t n_lists,
                                                                        const mlp_list *lists,
                                                                        const float *b,
                                                                        size_t columns, float *c)
{
    enum { VECTORS = MLP_COLUMNS / VECTOR_LANES };
    size_t i = 0;
    for (; i + NARROW_LISTS <= n_lists; i += NARROW_LISTS)
        for (size_t column = 0; column < columns; column += MLP_COLUMNS)
            multiply_lists(pixels, NARROW_LISTS, VECTORS, &lists[i], column, b,
                           c + i * MLP_TILE_FLOATS);
    for (; i < n_lists; i++)
        for (size_t column = 0; column < columns; column += MLP_COLUMNS)
            multiply_lists(pixels, 1, VECTORS, &lists[i], column, b, c + i * MLP_TILE_FLOATS);
}

static inline __attribute__((always_inline)) void multiply_kind(bool pixels, size_t n_lists,
                                                                const mlp_list *lists,
                                                                const float *b, size_t columns,
                                                                float *c)
{
    if (columns == MLP_PANEL)
        multiply_wide_lists(pixels, n_lists, lists, b, c);
    else
        multiply_narrow_lists(pixels, n_lists, lists, b, columns, c);
}

static void multiply(size_t n_lists, const mlp_list *lists, const float *b, size_t columns,
                     float *c)
{
    if (lists->words != NULL)
        multiply_kind(true, n_lists, lists, b, columns, c);
    else
        multiply_kind(false, n_lists, lists, b, columns, c);
}

#endif
