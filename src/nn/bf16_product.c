#include "nn/bf16_product.h"

#include <string.h>

enum {
    SLAB_BLOCKS = 512, /* of B, 1 MB, stay in an L2 cache of 2 MB while A passes */
    L1_BLOCKS = 20,    /* of A, 40 KB, stay in the L1 cache while B passes */
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
    size_t panel, end_panel; /* a slab of B */
    float *sums;             /* (MLP_BF16_SLAB_SUMS) */
    uint32_t *strip;         /* room for one of A */
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
    size_t n = SLAB_BLOCKS / (MLP_BF16_PANEL_STRIPS * mlp_strips_count(depth));
    return n < 1 ? 1 : mlp_min_size(n, MLP_BF16_SLAB_PANELS);
}

/* Where the slab at `panel` ends, of a part that ends with end_panel. The slabs of a part are
 * alike, for all of A passes each of them, however small. */
static size_t slab_end(const mlp_bf16_product *p, size_t panel, size_t end_panel)
{
    size_t left = end_panel - panel, most = slab_panels(p->depth);
    size_t n_slabs = (left + most - 1) / most;
    return panel + (left + n_slabs - 1) / n_slabs;
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

/* (32, 64) of a panel of the slab. */
static float *sums_of(const walk *w, size_t panel)
{
    return w->sums + (panel - w->panel) * MLP_BF16_PANEL_SUMS;
}

/* What to ask for beside the products of a chunk with the slab's strip `strip`: behind a chunk of
 * stored blocks lies the next, another part of it for each strip, until all is asked for. */
static uintptr_t ahead_of(const walk *w, const uint32_t *a, const chunk *c, size_t strip)
{
    const size_t block_bytes = sizeof(uint32_t[MLP_BF16_BLOCK]);
    size_t from = strip * MLP_BF16_AHEAD;
    if (!mlp_bf16_operand_stored(&w->p->a) || from >= block_bytes)
        return 0;
    return (uintptr_t)a + (c->blocks[0] + c->n) * block_bytes + from * c->n;
}

/* Adds a chunk's products to a panel's sums, or begins them. */
static void multiply_panel(const walk *w, size_t panel, const uint32_t *a, const chunk *blocks,
                           bool begin)
{
    const mlp_bf16_product *p = w->p;
    const float *start = p->start != NULL ? p->start + panel * MLP_PANEL : ZEROS;
    for (size_t s = 0; s < mlp_bf16_panel_strips(p, panel); s++) {
        float *sums = sums_of(w, panel) + s * MLP_BF16_STRIP;
        p->pass->kernels->bf16->multiply(
            blocks->n, blocks->blocks, a,
            mlp_strips_block(p->b, panel * MLP_BF16_PANEL_STRIPS + s, 0),
            begin ? start + s * MLP_BF16_STRIP : sums, begin ? 0 : MLP_PANEL, sums, MLP_PANEL,
            ahead_of(w, a, blocks, (panel - w->panel) * MLP_BF16_PANEL_STRIPS + s));
    }
}

static void keep_panel(const walk *w, size_t panel, size_t strip)
{
    float *sums = sums_of(w, panel);
    if (mlp_bf16_panel_strips(w->p, panel) < MLP_BF16_PANEL_STRIPS)
        clear_half(sums);
    w->p->keep(w->p, panel, strip, sums);
}

/* By the member that has the first strip, if members share the strips. */
static void open_slab(const walk *w, const part *s)
{
    bool opens = w->p->open != NULL && s->strip == 0 && s->end_strip > 0;
    for (size_t panel = w->panel; opens && panel < w->end_panel; panel++)
        w->p->open(w->p, panel);
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
        for (size_t panel = w->panel; panel < w->end_panel; panel++) {
            multiply_panel(w, panel, a, &c, i == 0);
            if (n_left == 1 && !waits)
                keep_panel(w, panel, strip);
        }
    }
    for (size_t panel = w->panel; waits && panel < w->end_panel; panel++)
        keep_panel(w, panel, strip);
}

void mlp_bf16_product_run(const mlp_bf16_product *p, const mlp_team *team, size_t thread)
{
    size_t panels = mlp_round_up(p->columns, MLP_PANEL) / MLP_PANEL;
    part s = share(team, thread, panels, mlp_strips_count(p->rows));
    const mlp_bf16_pass *bf16 = &p->pass->bf16;
    walk w = {.p = p,
              .sums = bf16->sums + thread * MLP_BF16_SLAB_SUMS,
              .strip = bf16->strips + thread * bf16->strip_words};
    for (w.panel = s.panel; w.panel < s.end_panel; w.panel = w.end_panel) {
        w.end_panel = slab_end(p, w.panel, s.end_panel);
        open_slab(&w, &s);
        for (size_t strip = s.strip; strip < s.end_strip; strip++)
            multiply_strip(&w, strip);
    }
}
