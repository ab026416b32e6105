/* bf16_times.c: each kernel of bf16.h on operands of the size that a net of 1024 units and a batch
 * of 1024 give it (nn/bf16_pass.h): 32 images, a slab of weights. */
#include "bf16_times.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "kernels/select.h"
#include "kernels/strips.h"
#include "machine.h"
#include "row.h"

enum {
    STRIP = MLP_BF16_STRIP,
    BLOCKS = 32,      /* of 32 images' 1024 activations */
    L1_BLOCKS = 16,   /* of A, which stay in the L1 cache while a slab passes */
    SLAB_STRIPS = 16, /* of B, L1_BLOCKS long: 512 KB */
    SLAB_BLOCKS = SLAB_STRIPS * L1_BLOCKS,
    PIXEL_BLOCKS = 24,
    TILE_FLOATS = STRIP * STRIP,
};

typedef struct operands {
    const mlp_bf16_kernels *kernels;
    float *x;                   /* (BLOCKS, 32, 32) */
    float *sums;                /* (SLAB_STRIPS, 32, 32) */
    float *start;               /* (32): zeros */
    uint8_t *pixels;            /* (PIXEL_BLOCKS, 32, 32) */
    mlp_strips a;               /* one strip: x */
    mlp_strips slab;            /* (SLAB_STRIPS, L1_BLOCKS blocks) */
    mlp_strips fresh;           /* one strip: to pack into */
    uint32_t blocks[L1_BLOCKS]; /* to multiply: 0, 1, ... */
    uint32_t positive[BLOCKS * STRIP];
} operands;

static void free_operands(operands *o)
{
    free(o->x);
    free(o->sums);
    free(o->start);
    free(o->pixels);
    mlp_strips_free(&o->a);
    mlp_strips_free(&o->slab);
    mlp_strips_free(&o->fresh);
}

static bool alloc_operands(operands *o)
{
    *o = (operands){.x = mlp_alloc(BLOCKS, TILE_FLOATS * sizeof *o->x),
                    .sums = mlp_alloc(SLAB_STRIPS, TILE_FLOATS * sizeof *o->sums),
                    .start = mlp_alloc(STRIP, sizeof *o->start),
                    .pixels = mlp_alloc(PIXEL_BLOCKS, STRIP * STRIP)};
    bool ok = o->x != NULL && o->sums != NULL && o->start != NULL && o->pixels != NULL;
    ok = mlp_strips_init(&o->a, STRIP, BLOCKS * STRIP) && ok;
    ok = mlp_strips_init(&o->slab, SLAB_STRIPS * STRIP, L1_BLOCKS * STRIP) && ok;
    return mlp_strips_init(&o->fresh, STRIP, BLOCKS * STRIP) && ok;
}

static mlp_status init_operands(operands *o, mlp_error *err)
{
    if (!alloc_operands(o)) {
        free_operands(o);
        return mlp_fail_memory(err, "the bf16 operands");
    }
    const mlp_bf16_kernels *kernels = &mlp_bf16_kernels_portable;
    for (size_t i = 0; i < (size_t)BLOCKS * TILE_FLOATS; i++)
        o->x[i] = 2.0f * mlp_rng_unit(mlp_rng_u32(1, 0, i)) - 1.0f;
    memset(o->pixels, 255, (size_t)PIXEL_BLOCKS * STRIP * STRIP);
    for (size_t b = 0; b < BLOCKS; b++)
        kernels->pack_rows(o->x + b * TILE_FLOATS, STRIP, 1.0f, mlp_strips_block(&o->a, 0, b));
    for (size_t b = 0; b < L1_BLOCKS; b++)
        o->blocks[b] = (uint32_t)b;
    for (size_t s = 0; s < SLAB_STRIPS; s++)
        for (size_t b = 0; b < L1_BLOCKS; b++)
            kernels->pack_pairs(o->x + b * TILE_FLOATS, STRIP, 1.0f,
                                mlp_strips_block(&o->slab, s, b), false);
    return MLP_OK;
}

static void multiply(operands *o, size_t strip)
{
    o->kernels->multiply(L1_BLOCKS, o->blocks, mlp_strips_block(&o->a, 0, 0),
                         mlp_strips_block(&o->slab, strip, 0), o->start, 0,
                         o->sums + strip * TILE_FLOATS, STRIP, 0);
}

static void run_multiply(void *argument)
{
    multiply(argument, 0);
}

static void run_multiply_slab(void *argument)
{
    for (size_t s = 0; s < SLAB_STRIPS; s++)
        multiply(argument, s);
}

static void run_pack_rows(void *argument)
{
    operands *o = argument;
    for (size_t b = 0; b < BLOCKS; b++)
        o->kernels->pack_rows(o->x + b * TILE_FLOATS, STRIP, 1.0f,
                              mlp_strips_block(&o->fresh, 0, b));
}

static void run_pack_pairs(void *argument)
{
    operands *o = argument;
    for (size_t b = 0; b < BLOCKS; b++)
        o->kernels->pack_pairs(o->x + b * TILE_FLOATS, STRIP, 1.0f,
                               mlp_strips_block(&o->fresh, 0, b), false);
}

static void run_transpose(void *argument)
{
    operands *o = argument;
    for (size_t b = 0; b < BLOCKS; b++)
        o->kernels->transpose(mlp_strips_block(&o->a, 0, b), mlp_strips_block(&o->fresh, 0, b),
                              false);
}

static void run_transpose_elements(void *argument)
{
    operands *o = argument;
    for (size_t b = 0; b < BLOCKS; b++)
        o->kernels->transpose_elements(mlp_strips_block(&o->a, 0, b),
                                       mlp_strips_block(&o->fresh, 0, b));
}

static void run_pack_pixels(void *argument)
{
    operands *o = argument;
    for (size_t b = 0; b < PIXEL_BLOCKS; b++)
        o->kernels->pack_pixels(o->pixels + b * STRIP * STRIP, mlp_strips_block(&o->fresh, 0, b));
}

static void run_transpose_pixels(void *argument)
{
    operands *o = argument;
    for (size_t b = 0; b < PIXEL_BLOCKS; b++)
        o->kernels->transpose_pixels(o->pixels + b * STRIP * STRIP,
                                     (uint8_t *)mlp_strips_block(&o->fresh, 0, b));
}

static void run_pack_relu(void *argument)
{
    operands *o = argument;
    for (size_t b = 0; b < BLOCKS; b++)
        o->kernels->pack_relu(o->x + b * TILE_FLOATS, STRIP, mlp_strips_block(&o->fresh, 0, b),
                              o->positive + b * STRIP, false);
}

static void run_pack_gradient(void *argument)
{
    operands *o = argument;
    for (size_t b = 0; b < BLOCKS; b++)
        o->kernels->pack_gradient(o->x + b * TILE_FLOATS, STRIP, o->positive + b * STRIP, 1.0f,
                                  NULL, mlp_strips_block(&o->fresh, 0, b), false);
}

static void run_sum_columns(void *argument)
{
    operands *o = argument;
    o->kernels->sum_columns(BLOCKS, mlp_strips_block(&o->a, 0, 0), o->sums);
}

/* An item is a block, 1024 elements of 2 bytes. A slab's products find theirs of A in L1. */
static const row ROWS_OF_A_TABLE[] = {
    {"multiply", "32 x 512 x 32", run_multiply, L1_BLOCKS, 65536, 4096, 1024},
    {"multiply", "32 x 512 x 512", run_multiply_slab, SLAB_BLOCKS, 65536, 2048, 512},
    {"pack_rows", "32 x 1024", run_pack_rows, BLOCKS, 0, 6144, 1536},
    {"pack_pairs", "32 x 1024", run_pack_pairs, BLOCKS, 0, 6144, 1536},
    {"transpose", "32 x 1024", run_transpose, BLOCKS, 0, 4096, 1024},
    {"transpose_elements", "32 x 1024", run_transpose_elements, BLOCKS, 0, 4096, 1024},
    {"pack_pixels", "32 x 768", run_pack_pixels, PIXEL_BLOCKS, 0, 3072, 768},
    {"transpose_pixels", "32 x 768", run_transpose_pixels, PIXEL_BLOCKS, 0, 2048, 512},
    {"pack_relu", "32 x 1024", run_pack_relu, BLOCKS, 1024, 6272, 1568},
    {"pack_gradient", "32 x 1024", run_pack_gradient, BLOCKS, 0, 6272, 1568},
    {"sum_columns", "1024 x 32", run_sum_columns, BLOCKS, 1024, 2048, 512},
};
enum { N_ROWS = sizeof ROWS_OF_A_TABLE / sizeof ROWS_OF_A_TABLE[0] };

mlp_status bench_print_bf16_kernels(double peak, float *scratch, mlp_error *err)
{
    operands o;
    double bandwidths[N_ROWS];
    mlp_status status = init_operands(&o, err);
    if (status != MLP_OK)
        return status;
    bench_measure_bandwidths(N_ROWS, ROWS_OF_A_TABLE, scratch, bandwidths);
    bench_print_heads("bf16 table");
    for (size_t t = 0; mlp_bf16_kernels_list(t) != NULL; t++) {
        o.kernels = mlp_bf16_kernels_list(t);
        if (!mlp_bf16_kernels_supported(o.kernels))
            continue;
        o.kernels->open();
        bench_print_rows(N_ROWS, ROWS_OF_A_TABLE, o.kernels->name, &o, peak, bandwidths);
        o.kernels->close();
    }
    free_operands(&o);
    return MLP_OK;
}
