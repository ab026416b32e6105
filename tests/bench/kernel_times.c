/* kernel_times.c: each kernel of kernels.h on operands of the size that a net of 1024 units and a
 * batch of 1024 give it, but for the pixels of MNIST. */
#include "kernel_times.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "kernels/packed.h"
#include "kernels/select.h"
#include "machine.h"
#include "row.h"

enum {
    ROWS = 1024, /* images of a batch */
    COLUMNS = 1024,
    N = ROWS * COLUMNS,
    PIXELS = 784,
    SET_PIXELS = PIXELS * 2 / 5, /* about as many of MNIST's steps are not all zero */
    CLASSES = 10,
    PANEL_FLOATS = ROWS * MLP_PANEL,
    LOGITS = ROWS * CLASSES,
};

/* What the kernels work on: activations (ROWS, COLUMNS) and the like, in a net of 1024 units. */
typedef struct operands {
    const mlp_kernels *kernels;
    float *a, *b, *c; /* (N); a is what ReLU leaves, half of it 0 */
    uint8_t *pixels;  /* (MLP_TILE, PIXELS), none of them 0 */
    uint32_t *words;  /* (ROWS): four pixels each */
    uint32_t *every;  /* (ROWS): a list's steps, none left out */
    uint32_t *some;   /* (SET_PIXELS): spread evenly over the PIXELS */
    float *values;    /* (ROWS, MLP_TILE): of either */
    uint32_t *steps;  /* (ROWS): to pack into, */
    uint32_t *fresh;  /* (ROWS): and its pixels, */
    float *packed;    /* (ROWS, MLP_TILE): or its values */
} operands;

static void free_operands(operands *o)
{
    free(o->a);
    free(o->b);
    free(o->c);
    free(o->pixels);
    free(o->words);
    free(o->every);
    free(o->some);
    free(o->values);
    free(o->steps);
    free(o->fresh);
    free(o->packed);
}

static bool alloc_operands(operands *o)
{
    *o = (operands){.a = mlp_alloc(N, sizeof *o->a),
                    .b = mlp_alloc(N, sizeof *o->b),
                    .c = mlp_alloc(N, sizeof *o->c),
                    .pixels = mlp_alloc(MLP_TILE, PIXELS),
                    .words = mlp_alloc(ROWS, sizeof *o->words),
                    .every = mlp_alloc(ROWS, sizeof *o->every),
                    .some = mlp_alloc(SET_PIXELS, sizeof *o->some),
                    .values = mlp_alloc(ROWS, MLP_TILE * sizeof *o->values),
                    .steps = mlp_alloc(ROWS, sizeof *o->steps),
                    .fresh = mlp_alloc(ROWS, sizeof *o->fresh),
                    .packed = mlp_alloc(ROWS, MLP_TILE * sizeof *o->packed)};
    return o->a != NULL && o->b != NULL && o->c != NULL && o->pixels != NULL && o->words != NULL &&
           o->every != NULL && o->some != NULL && o->values != NULL && o->steps != NULL &&
           o->fresh != NULL && o->packed != NULL;
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
    memset(o->pixels, 255, (size_t)MLP_TILE * PIXELS);
    memset(o->words, 255, ROWS * sizeof *o->words);
    for (size_t k = 0; k < ROWS; k++)
        o->every[k] = (uint32_t)(k * MLP_PANEL);
    for (size_t s = 0; s < SET_PIXELS; s++)
        o->some[s] = (uint32_t)(s * PIXELS / SET_PIXELS * MLP_PANEL);
    for (size_t i = 0; i < (size_t)ROWS * MLP_TILE; i++)
        o->values[i] = 1e-3f;
    return MLP_OK;
}

static void multiply(operands *o, const uint32_t *steps, size_t n, size_t columns)
{
    o->kernels->multiply(n, steps, o->values, o->b, columns, o->c);
}

static void run_multiply_pixels(void *argument)
{
    operands *o = argument;
    multiply(o, o->every, PIXELS, MLP_PANEL);
}

static void run_multiply_set_pixels(void *argument)
{
    operands *o = argument;
    multiply(o, o->some, SET_PIXELS, MLP_PANEL);
}

static void run_multiply_block(void *argument)
{
    operands *o = argument;
    multiply(o, o->every, MLP_BLOCK_STEPS, MLP_PANEL);
}

static void run_multiply_classes(void *argument)
{
    operands *o = argument;
    multiply(o, o->every, ROWS, MLP_COLUMNS);
}

static void run_interleave(void *argument)
{
    operands *o = argument;
    const uint8_t *images[MLP_TILE];
    for (size_t i = 0; i < MLP_TILE; i++)
        images[i] = o->pixels + i * PIXELS;
    o->kernels->interleave(PIXELS, images, o->words);
}

static void run_pack_pixels(void *argument)
{
    operands *o = argument;
    o->kernels->pack_pixels(PIXELS, 0, o->words, o->steps, o->fresh);
}

static void run_unit_pixels(void *argument)
{
    operands *o = argument;
    o->kernels->unit_pixels(PIXELS, o->words, o->packed);
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
    o->kernels->pack_columns(ROWS, 0, o->a, o->steps, o->packed);
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
    o->kernels->sgd(N, &step, o->a, o->b, o->c);
}

static void run_softmax(void *argument)
{
    operands *o = argument;
    float largest[MLP_LANES], log_sum[MLP_LANES];
    for (size_t i = 0; i < ROWS; i += MLP_LANES)
        o->kernels->softmax(CLASSES, o->b + i * CLASSES, largest, log_sum);
}

/* A step of a product reads its place, four values and the panel's columns. Of softmax each
 * element is counted as 30 operations, most of them its exponential. */
static const row ROWS_OF_A_TABLE[] = {
    {"multiply", "4 x 784 x 64", run_multiply_pixels, PIXELS, 512, 276, 69},
    {"multiply", "4 x 313 x 64", run_multiply_set_pixels, SET_PIXELS, 512, 276, 69},
    {"multiply", "4 x 128 x 64", run_multiply_block, MLP_BLOCK_STEPS, 512, 276, 69},
    {"multiply", "4 x 1024 x 16", run_multiply_classes, ROWS, 128, 84, 21},
    {"interleave", "784 x 4", run_interleave, PIXELS, 0, 8, 2},
    {"pack_pixels", "784 x 4", run_pack_pixels, PIXELS, 0, 12, 3},
    {"unit_pixels", "784 x 4", run_unit_pixels, PIXELS, 20, 20, 5},
    {"pack_rows", "1024 x 4", run_pack_rows, COLUMNS, 0, 36, 9},
    {"pack_columns", "1024 x 4", run_pack_columns, ROWS, 0, 36, 21},
    {"relu", "1024 x 1024", run_relu, N, 1, 8, 1},
    {"relu_backward", "1024 x 1024", run_relu_backward, N, 1, 12, 2},
    {"sum_rows", "1024 x 64", run_sum_rows, PANEL_FLOATS, 1, 4, 1},
    {"sgd", "1024 x 1024", run_sgd, N, 9, 20, 3},
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
    for (size_t i = 0; i < N_ROWS; i++)
        bandwidths[i] =
            bench_bandwidth(scratch, ROWS_OF_A_TABLE[i].items * ROWS_OF_A_TABLE[i].floats);
    bench_print_heads("table");
    for (size_t t = 0; mlp_kernels_list(t) != NULL; t++) {
        o.kernels = mlp_kernels_list(t);
        for (size_t i = 0; mlp_kernels_supported(o.kernels) && i < N_ROWS; i++)
            bench_print_row(&ROWS_OF_A_TABLE[i], o.kernels->name, &o, peak, bandwidths[i]);
    }
    free_operands(&o);
    return MLP_OK;
}
