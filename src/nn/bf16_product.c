#include "nn/bf16_product.h"

#include <string.h>

enum {
    SLAB_WORDS = 5 << 16, /* 1.25 MB, of the 2 MB that a core of today has as its L2 cache */
    L1_BLOCKS = 16,       /* of A, 32 KB, stay in the L1 cache while B passes */
};

/* A row of a panel, to start sums from. */
static const float ZEROS[MLP_PANEL] __attribute__((aligned(64)));

/* What a member does of one product: some panels of columns, some strips of rows. */
typedef struct part {
    size_t panel, end_panel, strip, end_strip;
} part;

/* A member's way through its part. */
typedef struct walk {
    const mlp_bf16_product *p;
    part part;
    mlp_bf16_slab slab, next; /* next has no panels where there is no next one */
    float *sums;              /* (MLP_BF16_SLAB_SUMS) */
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

/* The slab at `panel`, for a part that ends with end_panel; without panels if that is there.
 * The slabs of a part are alike, for all of A passes each of them, however small. */
static mlp_bf16_slab place_slab(const mlp_bf16_product *p, size_t panel, size_t end_panel,
                                size_t thread)
{
    const mlp_bf16_pass *bf16 = &p->pass->bf16;
    size_t left = end_panel - panel, most = slab_panels(p->depth);
    size_t n_slabs = (left + most - 1) / most;
    if (n_slabs == 0)
        return (mlp_bf16_slab){.n_panels = 0};
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

/* Turn `turn` of `turns` of a strip: what comes after it is asked for. */
static void ask_ahead(const walk *w, size_t strip, size_t turn, size_t turns)
{
    const mlp_bf16_product *p = w->p;
    size_t done = strip - w->part.strip, strips = w->part.end_strip - w->part.strip;
    if (p->ask_for_tile != NULL && done + 1 < strips)
        for (size_t panel = 0; panel < w->slab.n_panels; panel++)
            p->ask_for_tile(p, w->slab.panel + panel, strip + 1, turn, turns);
    if (p->ask_for_slab != NULL && w->next.n_panels > 0)
        p->ask_for_slab(p, &w->next, done * turns + turn, strips * turns);
}

/* Blocks of a strip of A that follow each other, none of them blank. */
typedef struct run {
    size_t first, end;
} run;

/* The runs among blocks first .. end - 1 of a strip; where there is none, an empty one, which takes
 * the sums to where they start. */
static size_t find_runs(const mlp_strips *a, size_t strip, size_t first, size_t end, run *runs)
{
    size_t n = 0;
    runs[0] = (run){first, first};
    for (size_t block = first; block < end; block++) {
        if (*mlp_strips_blank(a, strip, block))
            continue;
        if (n == 0 || runs[n - 1].end < block)
            runs[n++].first = block;
        runs[n - 1].end = block + 1;
    }
    return n > 0 ? n : 1;
}

/* Adds the products of a run to the sums (32, 64) of panel `panel` of the slab, or begins them. */
static void multiply_panel(const walk *w, size_t panel, size_t strip, run blocks, bool begin,
                           float *sums)
{
    const mlp_bf16_product *p = w->p;
    size_t column = (w->slab.panel + panel) * MLP_PANEL;
    const float *start = p->start != NULL ? p->start + column : ZEROS;
    for (size_t s = 0; s < mlp_bf16_panel_strips(p, w->slab.panel + panel); s++) {
        size_t at = s * MLP_BF16_STRIP;
        p->pass->kernels->bf16->multiply(
            blocks.end - blocks.first, mlp_strips_block(p->a, strip, blocks.first),
            mlp_strips_block(&w->slab.strips, panel * MLP_BF16_PANEL_STRIPS + s, blocks.first),
            begin ? start + at : sums + at, begin ? 0 : MLP_PANEL, sums + at, MLP_PANEL);
    }
}

static void keep_panel(const walk *w, size_t panel, size_t strip, float *sums)
{
    if (mlp_bf16_panel_strips(w->p, w->slab.panel + panel) < MLP_BF16_PANEL_STRIPS)
        clear_half(sums);
    w->p->keep(w->p, w->slab.panel + panel, strip, sums);
}

/* A strip of A times the slab. */
static void multiply_strip(const walk *w, size_t strip)
{
    size_t blocks = mlp_strips_count(w->p->depth), turn = 0;
    size_t turns = (blocks + L1_BLOCKS - 1) / L1_BLOCKS * w->slab.n_panels;
    for (size_t block = 0; block < blocks; block += L1_BLOCKS) {
        run runs[L1_BLOCKS];
        size_t end = mlp_min_size(block + L1_BLOCKS, blocks);
        size_t n_runs = find_runs(w->p->a, strip, block, end, runs);
        for (size_t panel = 0; panel < w->slab.n_panels; panel++) {
            float *sums = w->sums + panel * MLP_BF16_PANEL_SUMS;
            ask_ahead(w, strip, turn++, turns);
            for (size_t r = 0; r < n_runs; r++)
                multiply_panel(w, panel, strip, runs[r], block == 0 && r == 0, sums);
            if (end == blocks)
                keep_panel(w, panel, strip, sums);
        }
    }
}

void mlp_bf16_product_run(const mlp_bf16_product *p, const mlp_team *team, size_t thread)
{
    size_t panels = mlp_round_up(p->columns, MLP_PANEL) / MLP_PANEL;
    part s = share(team, thread, panels, mlp_strips_count(p->rows));
    walk w = {.p = p, .part = s, .sums = p->pass->bf16.sums + thread * MLP_BF16_SLAB_SUMS};
    w.next = place_slab(p, s.panel, s.end_panel, thread);
    while (w.next.n_panels > 0) {
        w.slab = w.next;
        w.next = place_slab(p, w.slab.panel + w.slab.n_panels, s.end_panel, thread);
        p->load(p, &w.slab);
        for (size_t strip = s.strip; strip < s.end_strip; strip++)
            multiply_strip(&w, strip);
    }
}
