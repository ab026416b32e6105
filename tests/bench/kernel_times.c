/* kernel_times.c: each kernel of kernels.h on operands of the size that a net of 1024 units and a
 * batch of 1024 give it, but for the pixels of MNIST. */
#include "kernel_times.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "kernels/select.h"
#include "machine.h"
#include "row.h"

enum {
    ROWS = 1024, /* images of a batch */
    COLUMNS = 1024,
    N = ROWS * COLUMNS,
    PIXELS = 784,
    LINE = 64,                            /* pixels that are gathered together */
    STEPS = MLP_BLOCK_STEPS,              /* of a product, which works through a block */
    SOME_STEPS = MLP_BLOCK_STEPS * 2 / 5, /* about as many of MNIST's are not all zero */
    CLASSES = 10,
    PANEL_FLOATS = ROWS * MLP_PANEL,
    LOGITS = ROWS * CLASSES,
    LIST_FLOATS = MLP_MOST_LISTS * MLP_TILE, /* of a step of so many lists */
};

/* What the kernels work on: activations (ROWS, COLUMNS) and the like, in a net of 1024 units. */
typedef struct operands {
    const mlp_kernels *kernels;
    float *a, *b, *c; /* (N); a is what ReLU leaves, half of it 0 */
    uint8_t *pixels;  /* (STEPS, PIXELS): images, none of whose pixels is 0 */
    uint16_t *pairs;  /* (LINE / 2, STEPS): such pixels by twos */
    uint32_t *words;  /* (ROWS): a list of them, to pack into, */
    uint32_t *all;    /* (STEPS): one that leaves no step out, */
    uint32_t *few;    /* (SOME_STEPS): and one of steps spread evenly over the STEPS */
    float *levels;    /* (256) */
    uint16_t *every;  /* (STEPS): a list's steps, none left out */
    uint16_t *some;   /* (SOME_STEPS): spread evenly over the STEPS */
    float *values;    /* (MLP_MOST_LISTS, STEPS, 2): of lists of either */
    uint16_t *steps;  /* (ROWS): to pack into, */
    float *packed;    /* (ROWS, 2): and the values */
} operands;

static void free_operands(operands *o)
{
    free(o->a);
    free(o->b);
    free(o->c);
    free(o->pixels);
    free(o->pairs);
    free(o->words);
    free(o->all);
    free(o->few);
    free(o->levels);
    free(o->every);
    free(o->some);
    free(o->values);
    free(o->steps);
    free(o->packed);
}

static bool alloc_operands(operands *o)
{
    *o = (operands){.a = mlp_alloc(N, sizeof *o->a),
                    .b = mlp_alloc(N, sizeof *o->b),
                    .c = mlp_alloc(N, sizeof *o->c),
                    .pixels = mlp_alloc(STEPS, PIXELS),
                    .pairs = mlp_alloc(LINE / MLP_TILE, STEPS * sizeof *o->pairs),
                    .words = mlp_alloc(ROWS, sizeof *o->words),
                    .all = mlp_alloc(STEPS, sizeof *o->all),
                    .few = mlp_alloc(SOME_STEPS, sizeof *o->few),
                    .levels = mlp_alloc(UINT8_MAX + 1, sizeof *o->levels),
                    .every = mlp_alloc(STEPS, sizeof *o->every),
                    .some = mlp_alloc(SOME_STEPS, sizeof *o->some),
                    .values = mlp_alloc(STEPS, LIST_FLOATS * sizeof *o->values),
                    .steps = mlp_alloc(ROWS, sizeof *o->steps),
                    .packed = mlp_alloc(ROWS, MLP_TILE * sizeof *o->packed)};
    return o->a != NULL && o->b != NULL && o->c != NULL && o->pixels != NULL && o->pairs != NULL &&
           o->words != NULL && o->all != NULL && o->few != NULL && o->levels != NULL &&
           o->every != NULL && o->some != NULL && o->values != NULL && o->steps != NULL &&
           o->packed != NULL;
}

static mlp_status init_operands(operands *o, mlp_error *err)
{
    if (!alloc_operands(o)) {
        free_operands(o);
        return mlp_fail_memory(err, "the operands");
    }
    for (size_t i = 0; i < N; i++) {
        float x = 2.0f * mlp_rng_unit(mlp_rng_u32(1, 0, i)) - 1.0f;
        o->a[i] = x > 0.0f ? x : 0.0f;
        o->b[i] = o->c[i] = x;
    }
    memset(o->pixels, 255, (size_t)STEPS * PIXELS);
    memset(o->pairs, 255, LINE / MLP_TILE * STEPS * sizeof *o->pairs);
    for (size_t k = 0; k < STEPS; k++)
        o->all[k] = 255u | (uint32_t)(o->every[k] = (uint16_t)k) << 8;
    for (size_t s = 0; s < SOME_STEPS; s++)
        o->few[s] = 255u | (uint32_t)(o->some[s] = (uint16_t)(s * STEPS / SOME_STEPS)) << 8;
    for (size_t level = 0; level <= UINT8_MAX; level++)
        o->levels[level] = (float)level / UINT8_MAX;
    for (size_t i = 0; i < (size_t)STEPS * LIST_FLOATS; i++)
        o->values[i] = 1e-3f;
    return MLP_OK;
}

/* As many lists as go together, all of the same steps. */
static void multiply(operands *o, const uint16_t *steps, size_t n, size_t columns)
{
    mlp_list lists[MLP_MOST_LISTS];
    for (size_t i = 0; i < MLP_MOST_LISTS; i++)
        lists[i] = (mlp_list){.n = n, .steps = steps, .values = o->values + i * STEPS * MLP_TILE};
    o->kernels->multiply(MLP_MOST_LISTS, lists, o->b, columns, o->c);
}

static void run_lists(void *argument)
{
    operands *o = argument;
    multiply(o, o->every, STEPS, MLP_PANEL);
}

static void run_some_steps(void *argument)
{
    operands *o = argument;
    multiply(o, o->some, SOME_STEPS, MLP_PANEL);
}

/* The same of pixels. */
static void multiply_pixels(operands *o, const uint32_t *words, size_t n)
{
    mlp_list lists[MLP_MOST_LISTS];
    for (size_t i = 0; i < MLP_MOST_LISTS; i++)
        lists[i] = (mlp_list){.n = n, .words = words, .values = o->levels};
    o->kernels->multiply(MLP_MOST_LISTS, lists, o->b, MLP_PANEL, o->c);
}

static void run_pixels(void *argument)
{
    operands *o = argument;
    multiply_pixels(o, o->all, STEPS);
}

static void run_some_pixels(void *argument)
{
    operands *o = argument;
    multiply_pixels(o, o->few, SOME_STEPS);
}

static void run_narrow_lists(void *argument)
{
    operands *o = argument;
    multiply(o, o->every, STEPS, MLP_COLUMNS);
}

/* Eight rows of a panel of a, or eight of its columns. */
static void multiply_rows(operands *o, size_t columns)
{
    const float *rows[MLP_STACK];
    for (size_t i = 0; i < MLP_STACK; i++)
        rows[i] = o->a + i * MLP_PANEL;
    o->kernels->multiply_dense(MLP_STACK, MLP_PANEL, rows, 1, o->b, columns, NULL, o->c);
}

static void multiply_columns(operands *o, size_t columns)
{
    const float *rows[MLP_STACK];
    for (size_t i = 0; i < MLP_STACK; i++)
        rows[i] = o->a + i;
    o->kernels->multiply_dense(MLP_STACK, STEPS, rows, MLP_PANEL, o->b, columns, NULL, o->c);
}

static void run_dense_rows(void *argument)
{
    multiply_rows(argument, MLP_PANEL);
}

static void run_narrow_dense_rows(void *argument)
{
    multiply_rows(argument, MLP_COLUMNS);
}

static void run_dense_columns(void *argument)
{
    multiply_columns(argument, MLP_PANEL);
}

static void run_narrow_dense_columns(void *argument)
{
    multiply_columns(argument, MLP_COLUMNS);
}

static void run_pack_images(void *argument)
{
    operands *o = argument;
    const uint8_t *images[MLP_TILE] = {o->pixels, o->pixels + PIXELS};
    o->kernels->pack_images(PIXELS, images, o->words);
}

static void run_gather_pairs(void *argument)
{
    operands *o = argument;
    const uint8_t *images[STEPS];
    for (size_t i = 0; i < STEPS; i++)
        images[i] = o->pixels + i * PIXELS;
    o->kernels->gather_pairs(STEPS, images, 0, LINE, o->pairs);
}

static void run_pack_pairs(void *argument)
{
    operands *o = argument;
    o->kernels->pack_pairs(STEPS, o->pairs, o->words);
}

static void run_pack_rows(void *argument)
{
    operands *o = argument;
    for (size_t k = 0; k < COLUMNS; k += MLP_PANEL)
        o->kernels->pack_rows(MLP_PANEL, k, o->a + k * MLP_TILE, o->steps + k,
                              o->packed + k * MLP_TILE);
}

static void run_pack_columns(void *argument)
{
    operands *o = argument;
    o->kernels->pack_columns(ROWS, o->a, o->steps, o->packed);
}

static void run_relu(void *argument)
{
    operands *o = argument;
    o->kernels->relu(N, o->a);
}

static void run_relu_backward(void *argument)
{
    operands *o = argument;
    o->kernels->relu_backward(N, o->a, o->b);
}

static void run_sum_rows(void *argument)
{
    operands *o = argument;
    float sums[MLP_PANEL];
    o->kernels->sum_rows(ROWS, o->a, sums);
}

static void run_sgd(void *argument)
{
    operands *o = argument;
    const mlp_sgd_step step = {.lr = 0.1f, .momentum = 0.9f};
    o->kernels->sgd(N / MLP_PANEL, MLP_PANEL, &step, o->a, o->b, o->c);
}

static void run_multiply_sgd(void *argument)
{
    operands *o = argument;
    const mlp_sgd_step step = {.lr = 0.1f, .momentum = 0.9f};
    mlp_list lists[MLP_LISTS];
    for (size_t i = 0; i < MLP_LISTS; i++)
        lists[i] = (mlp_list){.start = o->b, .n = SOME_STEPS, .words = o->few, .values = o->levels};
    o->kernels->multiply_sgd(MLP_LISTS, lists, o->b, o->c, &step, o->c + MLP_STACK_FLOATS,
                             o->c + 2 * MLP_STACK_FLOATS);
}

static void run_softmax(void *argument)
{
    operands *o = argument;
    float largest[MLP_LANES], log_sum[MLP_LANES];
    for (size_t i = 0; i < ROWS; i += MLP_LANES)
        o->kernels->softmax(CLASSES, o->b + i * CLASSES, largest, log_sum);
}

/* An item of "multiply" is a step of one list: it reads the step, two values and the panel's
 * columns, which the stack's lists touch together; with SGD, their share of 512 weights' step as
 * well. One of a dense product reads eight values, of columns a cache line. Of softmax each element
 * is counted as 30 operations, most of them its exponential. */
static const row ROWS_OF_A_TABLE[] = {
    {"multiply", "24 x 160 x 64", run_lists, MLP_MOST_LISTS *STEPS, 256, 266, 19},
    {"multiply", "24 x 64 x 64", run_some_steps, MLP_MOST_LISTS *SOME_STEPS, 256, 266, 19},
    {"multiply, pixels", "24 x 160 x 64", run_pixels, MLP_MOST_LISTS *STEPS, 256, 268, 19},
    {"multiply, pixels", "24 x 64 x 64", run_some_pixels, MLP_MOST_LISTS *SOME_STEPS, 256, 268, 19},
    {"multiply", "24 x 160 x 16", run_narrow_lists, MLP_MOST_LISTS *STEPS, 64, 74, 7},
    {"dense, rows", "8 x 64 x 64", run_dense_rows, MLP_PANEL, 1024, 288, 72},
    {"dense, rows", "8 x 64 x 16", run_narrow_dense_rows, MLP_PANEL, 256, 96, 24},
    {"dense, columns", "8 x 160 x 64", run_dense_columns, STEPS, 1024, 288, 80},
    {"dense, columns", "8 x 160 x 16", run_narrow_dense_columns, STEPS, 256, 96, 32},
    {"pack_images", "784 x 2", run_pack_images, PIXELS, 0, 6, 2},
    {"gather_pairs", "160 x 64", run_gather_pairs, STEPS *LINE / MLP_TILE, 0, 4, 1},
    {"pack_pairs", "160 x 2", run_pack_pairs, STEPS, 0, 6, 2},
    {"pack_rows", "1024 x 2", run_pack_rows, COLUMNS, 0, 18, 5},
    {"pack_columns", "1024 x 2", run_pack_columns, ROWS, 0, 18, 19},
    {"relu", "1024 x 1024", run_relu, N, 1, 8, 1},
    {"relu_backward", "1024 x 1024", run_relu_backward, N, 1, 12, 2},
    {"sum_rows", "1024 x 64", run_sum_rows, PANEL_FLOATS, 1, 4, 1},
    {"sgd", "1024 x 1024", run_sgd, N, 9, 20, 3},
    {"multiply_sgd", "8 x 64 x 64", run_multiply_sgd, MLP_LISTS *SOME_STEPS, 279, 306, 24},
    {"softmax", "1024 x 10", run_softmax, LOGITS, 30, 8, 2},
};
enum { N_ROWS = sizeof ROWS_OF_A_TABLE / sizeof ROWS_OF_A_TABLE[0] };

mlp_status bench_print_kernels(double peak, float *scratch, mlp_error *err)
{
    operands o;
    double bandwidths[N_ROWS];
    mlp_status status = init_operands(&o, err);
    if (status != MLP_OK)
        return status;
    bench_measure_bandwidths(N_ROWS, ROWS_OF_A_TABLE, scratch, bandwidths);
    bench_print_heads("table");
    for (size_t t = 0; mlp_kernels_list(t) != NULL; t++) {
        o.kernels = mlp_kernels_list(t);
        if (mlp_kernels_supported(o.kernels))
            bench_print_rows(N_ROWS, ROWS_OF_A_TABLE, o.kernels->name, &o, peak, bandwidths);
    }
    free_operands(&o);
    return MLP_OK;
}
