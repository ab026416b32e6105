/* fp32_share.h: how the members of a team divide the stacks of fp32 products, and what
 * the forward pass, the backward pass and the update have in common. */
#ifndef MLP_NN_FP32_SHARE_H
#define MLP_NN_FP32_SHARE_H

#include <stdbool.h>

#include "base/mem.h"
#include "nn/pass.h"

/* A row to start sums from that have no bias. */
static const float mlp_fp32_zeros[MLP_PANEL] __attribute__((aligned(64)));

/* What the products of this member's lists begin with. */
static inline float *mlp_fp32_starts(const mlp_pass *pass, size_t thread)
{
    return pass->fp32.starts + thread * pass->fp32.starts_stride;
}

/* Floats between the panels of a layer's output. */
static inline size_t mlp_fp32_output_stride(const mlp_pass *pass)
{
    return pass->batch.capacity * MLP_PANEL;
}

/* Columns of panel `panel` that a product has to compute for a width of n. */
static inline size_t mlp_fp32_columns(size_t n, size_t panel)
{
    size_t left = n - panel * MLP_PANEL;
    return left < MLP_PANEL ? mlp_round_up(left, MLP_COLUMNS) : MLP_PANEL;
}

/* Is a product with so many panels to be had from lists? */
static inline bool mlp_fp32_packs(size_t panels)
{
    return panels > 1;
}

/* A member's share of stacks that are counted panel by panel, `stacks` in each. */
typedef struct mlp_fp32_share {
    size_t stacks, first, end;
} mlp_fp32_share;

static inline mlp_fp32_share mlp_fp32_share_panels(const mlp_team *team, size_t thread,
                                                   size_t panels, size_t stacks)
{
    mlp_fp32_share s = {.stacks = stacks};
    mlp_team_share(team, thread, panels * stacks, &s.first, &s.end);
    return s;
}

/* Those of one panel's stacks low .. high - 1 that are in the share: *n from *at on. */
static inline void mlp_fp32_share_part(const mlp_fp32_share *s, size_t panel, size_t low,
                                       size_t high, size_t *at, size_t *n)
{
    size_t from = mlp_max_size(panel * s->stacks + low, s->first);
    size_t to = mlp_min_size(panel * s->stacks + high, s->end);
    *at = from - panel * s->stacks;
    *n = from < to ? to - from : 0;
}

/* Stacks *low .. *end - 1 are those that the share has one of, in any panel; none of an
 * empty share. */
static inline void mlp_fp32_share_rows(const mlp_fp32_share *s, size_t *low, size_t *end)
{
    size_t n = s->end - s->first, first = n > 0 ? s->first % s->stacks : 0;
    bool in_one_panel = first + n <= s->stacks;
    *low = in_one_panel ? first : 0;
    *end = in_one_panel ? first + n : s->stacks;
}

/* c (n, 8, 64) = start + the lists of n stacks, the lists' own from `first` on, times b. */
static inline void mlp_fp32_multiply_lists(const mlp_pass *pass, const mlp_lists *lists,
                                           size_t first, size_t n, const float *b, size_t columns,
                                           const float *start, float *c)
{
    size_t list = first * MLP_LISTS, n_lists = mlp_min_size(n * MLP_LISTS, lists->n - list);
    mlp_lists_begin(lists, pass->kernels, list, n_lists, b, columns, start);
    mlp_lists_multiply(lists, pass->kernels, lists->packed->n_blocks, list, n_lists, b, columns, c);
}

#endif
