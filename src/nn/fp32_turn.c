#include "nn/fp32_turn.h"

#include "nn/fp32_share.h"
#include "nn/fp32_stacks.h"

/* Stacks of images whose losses are computed side by side; and that go forwards and back before the
 * next ones, so that their activations are still in the second cache. */
enum { LOSS_STACKS = MLP_LANES / MLP_STACK, TURN_STACKS = 16 };

_Static_assert(TURN_STACKS % LOSS_STACKS == 0, "losses are of one turn");

/* A member at the last layer. */
typedef struct turn {
    mlp_pass *pass;
    mlp_team *team;
    size_t thread, last;  /* the layer */
    size_t panels;        /* of its input */
    mlp_fp32_share share; /* of the input's stacks, */
    size_t panel, end;    /* which are of these panels */
} turn;

/* Of the images of LOSS_STACKS stacks, from the first on. */
static void stack_losses(mlp_pass *pass, size_t stack)
{
    size_t image = stack * MLP_STACK;
    mlp_pass_loss(pass, image, mlp_min_size(pass->batch.size - image, MLP_LANES));
}

static turn open_turn(mlp_pass *pass, mlp_team *team, size_t thread)
{
    turn t = {.pass = pass, .team = team, .thread = thread, .last = pass->model->n_layers - 1};
    size_t stacks = mlp_batch_stacks(&pass->batch);
    t.panels = pass->model->layers[t.last - 1].panels;
    t.share = mlp_fp32_share_panels(team, thread, t.panels, stacks);
    t.panel = t.share.first / stacks;
    t.end = (t.share.end + stacks - 1) / stacks;
    return t;
}

static mlp_fp32_progress *progress_of(const turn *t, size_t thread)
{
    return &t->pass->fp32.progress[thread];
}

/* Whose share a stack of a panel of the input is in: the last one's that begins no later. */
static size_t owner_of(const turn *t, size_t panel, size_t stack)
{
    size_t owner = t->team->n_threads, first, end;
    do
        mlp_team_share(t->team, --owner, t->panels * t->share.stacks, &first, &end);
    while (first > panel * t->share.stacks + stack);
    return owner;
}

/* Waits until a panel's terms are in a stack's logits, and so those of all before it. */
static void await_terms(const turn *t, size_t panel, size_t stack)
{
    mlp_team_await(t->team, &progress_of(t, owner_of(t, panel, stack))->stacks,
                   (unsigned)stack + 1);
}

/* Of one stack's panels of the input those from *low up to *high are this member's. */
static void own_panels(const turn *t, size_t stack, size_t *low, size_t *high)
{
    const mlp_fp32_share *s = &t->share;
    *low = (s->first + s->stacks - 1 - stack) / s->stacks;
    *high = (s->end + s->stacks - 1 - stack) / s->stacks;
}

/* The terms of panels low .. high - 1 in one stack's logits. */
static void add_terms(const turn *t, size_t stack, size_t low, size_t high)
{
    const mlp_layer *layer = &t->pass->model->layers[t->last];
    if (low > 0)
        await_terms(t, low - 1, stack);
    for (size_t panel = 0; panel < layer->panels; panel++)
        mlp_fp32_forward_rows(t->pass, t->last, panel, stack, 1, low * MLP_PANEL,
                              mlp_min_size(high * MLP_PANEL, layer->inputs));
}

/* The member's share of the logits of a turn: of n stacks. */
static void add_logits(const turn *t, size_t first, size_t n)
{
    for (size_t stack = first; stack < first + n; stack++) {
        size_t low, high;
        own_panels(t, stack, &low, &high);
        if (low < high)
            add_terms(t, stack, low, high);
        mlp_team_advance(t->team, &progress_of(t, t->thread)->stacks, (unsigned)stack + 1);
    }
}

/* The same of the losses. */
static void add_losses(const turn *t, size_t first, size_t n)
{
    size_t group, end;
    mlp_team_share(t->team, t->thread, (n + LOSS_STACKS - 1) / LOSS_STACKS, &group, &end);
    for (; group < end; group++) {
        size_t low = first + group * LOSS_STACKS, high = mlp_min_size(low + LOSS_STACKS, first + n);
        for (size_t stack = low; stack < high; stack++)
            await_terms(t, t->panels - 1, stack);
        stack_losses(t->pass, low);
    }
    mlp_team_advance(t->team, &progress_of(t, t->thread)->turns,
                     (unsigned)(first / TURN_STACKS) + 1);
}

/* (H, 64): the weights of one of the member's panels of the input, for the way back. */
static float *transposed_panel(const turn *t, size_t panel)
{
    size_t floats = t->pass->model->layers[t->last].outputs * MLP_PANEL;
    return t->pass->fp32.transposed + t->thread * t->pass->fp32.transposed_stride +
           (panel - t->panel) * floats;
}

/* The gradient of the member's part of the input. */
static void go_back(const turn *t, size_t first, size_t n)
{
    for (size_t thread = 0; thread < t->team->n_threads; thread++)
        mlp_team_await(t->team, &progress_of(t, thread)->turns,
                       (unsigned)(first / TURN_STACKS) + 1);
    for (size_t panel = t->panel; panel < t->end; panel++) {
        size_t at, own;
        mlp_fp32_share_part(&t->share, panel, first, first + n, &at, &own);
        if (own > 0)
            mlp_fp32_backward_stacks(t->pass, t->last, panel, at, own, NULL,
                                     transposed_panel(t, panel));
    }
}

static void take_turns(const turn *t)
{
    bool training = t->pass->output_gradients != NULL;
    for (size_t panel = t->panel; training && panel < t->end; panel++)
        mlp_fp32_transpose_weights(t->pass, t->last, panel, transposed_panel(t, panel));
    for (size_t first = 0; first < t->share.stacks; first += TURN_STACKS) {
        size_t n = mlp_min_size(t->share.stacks - first, TURN_STACKS);
        add_logits(t, first, n);
        add_losses(t, first, n);
        if (training)
            go_back(t, first, n);
    }
}

void mlp_fp32_turn(mlp_pass *pass, mlp_team *team, size_t thread)
{
    turn t = open_turn(pass, team, thread);
    take_turns(&t);
    mlp_team_barrier(team); /* nobody looks at it any more */
    atomic_store_explicit(&progress_of(&t, thread)->stacks, 0, memory_order_relaxed);
    atomic_store_explicit(&progress_of(&t, thread)->turns, 0, memory_order_relaxed);
}

void mlp_fp32_only_layer(mlp_pass *pass, mlp_team *team, size_t thread)
{
    mlp_lists lists = mlp_fp32_image_lists(pass, thread);
    size_t stacks = mlp_batch_stacks(&pass->batch), group, end;
    mlp_team_share(team, thread, (stacks + LOSS_STACKS - 1) / LOSS_STACKS, &group, &end);
    for (; group < end; group++) {
        size_t first = group * LOSS_STACKS, n = mlp_min_size(stacks - first, LOSS_STACKS);
        for (size_t panel = 0; panel < pass->model->layers[0].panels; panel++)
            mlp_fp32_forward_lists(pass, 0, panel, first, n, &lists);
        stack_losses(pass, first);
    }
    mlp_team_barrier(team);
}
