#include "nn/bf16_product.h"

#include <string.h>

#include "base/mem.h"

enum {
    SLAB_WORDS = 5 << 16, /* 1.25 MB, of the 2 MB that a core of today has as its L2 cache */
    L1_BLOCKS = 16,       /* of A, 32 KB, stay in the L1 cache while B passes */
};

/* A row of a slab's columns, to start sums from. */
static const float ZEROS[MLP_BF16_SLAB_PANELS * MLP_PANEL] __attribute__((aligned(64)));

/* What a member does of one product: some panels of columns, some strips of rows. */
typedef struct part {
    size_t panel, end_panel, strip, end_strip;
} part;

static part share(const mlp_team *team, size_t thread, size_t panels, size_t strips)
{
    part s = {0, panels, 0, strips};
    if (panels >= team->n_threads)
        mlp_team_share(team, thread, panels, &s.panel, &s.end_panel);
    else
        mlp_team_share(team, thread, strips, &s.strip, &s.end_strip);
    return s;
}

/* How many panels of B with this depth make a slab. */
static size_t slab_panels(size_t depth)
{
    size_t n = SLAB_WORDS / (MLP_BF16_PANEL_STRIPS * mlp_strips_stride(depth));
    return n < 1 ? 1 : mlp_min_size(n, MLP_BF16_SLAB_PANELS);
}

size_t mlp_bf16_slab_words(size_t depth, size_t panels)
{
    return mlp_min_size(slab_panels(depth), panels) * MLP_BF16_PANEL_STRIPS *
           mlp_strips_stride(depth);
}

/* The slab at `panel`, for a part that ends with end_panel: the slabs of a part are alike,
 * for all of A passes each of them, however small. */
static mlp_bf16_slab place_slab(const mlp_bf16_product *p, size_t panel, size_t end_panel,
                                size_t thread)
{
    const mlp_bf16_pass *bf16 = &p->pass->bf16;
    size_t left = end_panel - panel, most = slab_panels(p->depth);
    size_t n_slabs = (left + most - 1) / most;
    size_t strips = mlp_strips_count(p->columns) - panel * MLP_BF16_PANEL_STRIPS;
    mlp_bf16_slab b = {.panel = panel, .n_panels = (left + n_slabs - 1) / n_slabs};
    b.n_strips = mlp_min_size(b.n_panels * MLP_BF16_PANEL_STRIPS, strips);
    b.strips = (mlp_strips){.stride = mlp_strips_stride(p->depth),
                            .words = bf16->slabs + thread * bf16->slab_words};
    return b;
}

/* sums = start + one strip of A times the slab. */
static void multiply(const mlp_bf16_product *p, const mlp_bf16_slab *b, size_t strip, float *sums)
{
    const float *start = p->start != NULL ? p->start + b->panel * MLP_PANEL : ZEROS;
    size_t blocks = mlp_strips_count(p->depth);
    for (size_t block = 0; block < blocks; block += L1_BLOCKS)
        for (size_t s = 0; s < b->n_strips; s++) {
            float *c = mlp_bf16_strip_sums(sums, s);
            bool first = block == 0;
            p->pass->kernels->bf16->multiply(
                mlp_min_size(L1_BLOCKS, blocks - block), mlp_strips_block(p->a, strip, block),
                mlp_strips_block(&b->strips, s, block), first ? start + s * MLP_BF16_STRIP : c,
                first ? 0 : MLP_PANEL, c, MLP_PANEL);
        }
    for (size_t s = b->n_strips; s < b->n_panels * MLP_BF16_PANEL_STRIPS; s++)
        for (size_t row = 0; row < MLP_BF16_STRIP; row++)
            memset(mlp_bf16_strip_sums(sums, s) + row * MLP_PANEL, 0,
                   MLP_BF16_STRIP * sizeof *sums);
}

void mlp_bf16_product_run(const mlp_bf16_product *p, const mlp_team *team, size_t thread)
{
    float *sums = p->pass->bf16.sums + thread * MLP_BF16_SLAB_SUMS;
    size_t panels = mlp_round_up(p->columns, MLP_PANEL) / MLP_PANEL;
    part s = share(team, thread, panels, mlp_strips_count(p->rows));
    mlp_bf16_slab b;
    for (size_t panel = s.panel; panel < s.end_panel; panel += b.n_panels) {
        b = place_slab(p, panel, s.end_panel, thread);
        p->load(p, &b);
        for (size_t strip = s.strip; strip < s.end_strip; strip++) {
            multiply(p, &b, strip, sums);
            p->keep(p, &b, strip, sums);
        }
    }
}
