/* fp32_share.h: how the members of a team divide the tiles of fp32 products, and what
 * the forward pass, the backward pass and the update have in common. */
#ifndef MLP_NN_FP32_SHARE_H
#define MLP_NN_FP32_SHARE_H

#include <stdbool.h>

#include "base/mem.h"
#include "nn/pass.h"

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

/* A member's share of tiles that are counted panel by panel, `rows` in each. */
typedef struct mlp_fp32_share {
    size_t rows, first, end;
} mlp_fp32_share;

static inline mlp_fp32_share mlp_fp32_share_panels(const mlp_team *team, size_t thread,
                                                   size_t panels, size_t rows)
{
    mlp_fp32_share s = {.rows = rows};
    mlp_team_share(team, thread, panels * rows, &s.first, &s.end);
    return s;
}

/* Those of one panel's rows low .. high - 1 that are in the share: *n from *at on. */
static inline void mlp_fp32_share_part(const mlp_fp32_share *s, size_t panel, size_t low,
                                       size_t high, size_t *at, size_t *n)
{
    size_t from = panel * s->rows + low > s->first ? panel * s->rows + low : s->first;
    size_t to = panel * s->rows + high < s->end ? panel * s->rows + high : s->end;
    *at = from - panel * s->rows;
    *n = from < to ? to - from : 0;
}

/* Rows *low .. *end - 1 are those that the share has a tile of, in any panel; none of an
 * empty share. */
static inline void mlp_fp32_share_rows(const mlp_fp32_share *s, size_t *low, size_t *end)
{
    size_t n = s->end - s->first, first = n > 0 ? s->first % s->rows : 0;
    bool in_one_panel = first + n <= s->rows;
    *low = in_one_panel ? first : 0;
    *end = in_one_panel ? first + n : s->rows;
}

/* The values of n lists of the batch's rows or columns as floats. */
static inline const float *mlp_fp32_pixel_values(mlp_pass *pass, const mlp_packed *lists,
                                                 size_t first, size_t n, size_t thread)
{
    float *values = pass->fp32.values + thread * pass->fp32.values_stride;
    mlp_packed_unit_pixels(lists, pass->kernels, first, n, values);
    return values;
}

#endif
