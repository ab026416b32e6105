#include "nn/bf16_product.h"

#include <string.h>

enum {
    SLAB_WORDS = 4 << 16, /* 1 MB, which stays in an L2 cache of 2 MB while A passes */
    L1_BLOCKS = 20,       /* of A, 40 KB, stay in the L1 cache while B passes */
};

/* A row of a panel, to start sums from. */
static const float ZEROS[MLP_PANEL] __attribute__((aligned(64)));

/* What a member does of one product: some panels of columns, some strips of rows. */
typedef struct part {
    size_t panel, end_panel, strip, end_strip;
} part;

/* Where a member is. */
typedef struct walk {
    const mlp_bf16_product *p;
    mlp_bf16_slab slab;
    float *sums;     /* (MLP_BF16_SLAB_SUMS) */
    uint32_t *strip; /* room for one of A */
} walk;

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

/* The slab at `panel`, of a part that ends with end_panel. The slabs of a part are alike, for all
 * of A passes each of them, however small. */
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

/* Half a panel that has no strip. */
static void clear_half(float *sums)
{
    for (size_t row = 0; row < MLP_BF16_STRIP; row++)
        memset(sums + row * MLP_PANEL + MLP_BF16_STRIP, 0, MLP_BF16_STRIP * sizeof *sums);
}

/* Blocks of a strip of A to multiply at a time, none of them blank. */
typedef struct chunk {
    size_t n;
    uint32_t blocks[L1_BLOCKS];
} chunk;

static size_t count_present(const mlp_bf16_product *p, size_t strip)
{
    size_t n = 0;
    for (size_t block = 0; block < mlp_strips_count(p->depth); block++)
        n += !mlp_bf16_operand_blank(&p->a, strip, block);
    return n;
}

/* The next n blocks that are not blank, from *block on, which moves behind them. */
static chunk next_chunk(const mlp_bf16_product *p, size_t strip, size_t n, size_t *block)
{
    chunk c = {.n = 0};
    for (; c.n < n; ++*block)
        if (!mlp_bf16_operand_blank(&p->a, strip, *block))
            c.blocks[c.n++] = (uint32_t)*block;
    return c;
}

/* Adds a chunk's products to the sums (32, 64) of panel `panel` of the slab, or begins them. */
static void multiply_panel(const walk *w, size_t panel, const uint32_t *a, const chunk *blocks,
                           bool begin, float *sums)
{
    const mlp_bf16_product *p = w->p;
    size_t column = (w->slab.panel + panel) * MLP_PANEL;
    const float *start = p->start != NULL ? p->start + column : ZEROS;
    for (size_t s = 0; s < mlp_bf16_panel_strips(p, w->slab.panel + panel); s++) {
        size_t at = s * MLP_BF16_STRIP;
        p->pass->kernels->bf16->multiply(
            blocks->n, blocks->blocks, a,
            mlp_strips_block(&w->slab.strips, panel * MLP_BF16_PANEL_STRIPS + s, 0),
            begin ? start + at : sums + at, begin ? 0 : MLP_PANEL, sums + at, MLP_PANEL);
    }
}

static void keep_panel(const walk *w, size_t panel, size_t strip, float *sums)
{
    if (mlp_bf16_panel_strips(w->p, w->slab.panel + panel) < MLP_BF16_PANEL_STRIPS)
        clear_half(sums);
    w->p->keep(w->p, w->slab.panel + panel, strip, sums);
}

/* A strip of A times the slab, in chunks of equal size; where all of A is blank, one chunk of
 * nothing, which takes the sums to where they start. A panel's sums are finished while they are in
 * the first cache, but steps of SGD wait: weights and velocities would throw A out of it. */
static void multiply_strip(const walk *w, size_t strip)
{
    bool waits = w->p->sgd != NULL;
    size_t left = count_present(w->p, strip), block = 0;
    size_t n_chunks = mlp_max_size(1, (left + L1_BLOCKS - 1) / L1_BLOCKS);
    for (size_t i = 0; i < n_chunks; i++) {
        size_t n_left = n_chunks - i;
        chunk c = next_chunk(w->p, strip, (left + n_left - 1) / n_left, &block);
        const uint32_t *a = mlp_bf16_operand_blocks(&w->p->a, w->p->pass->kernels->bf16, strip, c.n,
                                                    c.blocks, w->strip);
        left -= c.n;
        for (size_t panel = 0; panel < w->slab.n_panels; panel++) {
            multiply_panel(w, panel, a, &c, i == 0, w->sums + panel * MLP_BF16_PANEL_SUMS);
            if (n_left == 1 && !waits)
                keep_panel(w, panel, strip, w->sums + panel * MLP_BF16_PANEL_SUMS);
        }
    }
    for (size_t panel = 0; waits && panel < w->slab.n_panels; panel++)
        keep_panel(w, panel, strip, w->sums + panel * MLP_BF16_PANEL_SUMS);
}

void mlp_bf16_product_run(const mlp_bf16_product *p, const mlp_team *team, size_t thread)
{
    size_t panels = mlp_round_up(p->columns, MLP_PANEL) / MLP_PANEL;
    part s = share(team, thread, panels, mlp_strips_count(p->rows));
    const mlp_bf16_pass *bf16 = &p->pass->bf16;
    walk w = {.p = p,
              .sums = bf16->sums + thread * MLP_BF16_SLAB_SUMS,
              .strip = bf16->strips + thread * bf16->strip_words};
    for (size_t panel = s.panel; panel < s.end_panel; panel += w.slab.n_panels) {
        w.slab = place_slab(p, panel, s.end_panel, thread);
        p->load(p, &w.slab);
        for (size_t strip = s.strip; strip < s.end_strip; strip++)
            multiply_strip(&w, strip);
    }
}
