/* micro.c: each kernel against its floor on this core, `make bench`.
 *
 * The floor is the larger of flops over the peak and bytes over the bandwidth of memory of the
 * operands' size; both rates are measured in the same run (machine.h). It is the machine's
 * floor, not the table's: a table of narrow vectors cannot reach it.
 *
 *     micro                        the rates, then the kernels of every supported table
 *     micro --peak [--threads N]   GFLOP/s of N threads, 1 by default, and no more
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "kernels/select.h"
#include "machine.h"

enum {
    ROWS = 1024, /* images of a batch */
    COLUMNS = 1024,
    N = ROWS * COLUMNS,
    PIXELS = 784,
    UNIT_IMAGES = 128,
    CLASSES = 10,
    UNIT_PIXELS = UNIT_IMAGES * PIXELS,
    PANEL_FLOATS = ROWS * MLP_PANEL,
    LOGITS = ROWS * CLASSES,
    SCRATCH_KIB = 768 * 1024,
};

/* What the kernels work on: activations (ROWS, COLUMNS) and the like, in a net of 1024 units. */
typedef struct operands {
    const mlp_kernels *kernels;
    float *a, *b, *c; /* (N) */
    uint8_t *pixels;  /* (UNIT_IMAGES, PIXELS) */
    float *scratch;   /* (SCRATCH_KIB): for the bandwidth */
} operands;

static void run_unit_pixels(void *argument)
{
    operands *o = argument;
    for (size_t i = 0; i < UNIT_IMAGES; i++)
        o->kernels->unit_pixels(PIXELS, o->pixels + i * PIXELS, o->a + i * MLP_PANEL,
                                UNIT_IMAGES * MLP_PANEL);
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

static void run_sum_squares(void *argument)
{
    operands *o = argument;
    float lanes[MLP_PANEL];
    o->kernels->sum_squares(N, o->a, lanes);
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
    for (size_t i = 0; i < ROWS; i++)
        o->kernels->softmax(CLASSES, i % CLASSES, o->a + i * CLASSES, o->b + i * CLASSES);
}

/* A kernel's work: flops and bytes read and written of one call of run, which touches `floats`
 * of memory. */
typedef struct row {
    const char *name, *shape;
    void (*run)(void *operands);
    double flops, bytes;
    size_t floats;
} row;

/* Of softmax each element is counted as 30 operations, most of them its exponential. */
static const row ROWS_OF_A_TABLE[] = {
    {"unit_pixels", "128 x 784", run_unit_pixels, 5.0 * UNIT_PIXELS, 5.0 * UNIT_PIXELS,
     UNIT_PIXELS + UNIT_PIXELS / 4},
    {"relu", "1024 x 1024", run_relu, N, 8.0 * N, N},
    {"relu_backward", "1024 x 1024", run_relu_backward, N, 12.0 * N, 2 * N},
    {"sum_rows", "1024 x 32", run_sum_rows, PANEL_FLOATS, 4.0 * PANEL_FLOATS, PANEL_FLOATS},
    {"sum_squares", "1024 x 1024", run_sum_squares, 2.0 * N, 4.0 * N, N},
    {"sgd", "1024 x 1024", run_sgd, 9.0 * N, 20.0 * N, 3 * N},
    {"softmax", "1024 x 10", run_softmax, 30.0 * LOGITS, 8.0 * LOGITS, 2 * LOGITS},
};
enum { N_ROWS = sizeof ROWS_OF_A_TABLE / sizeof ROWS_OF_A_TABLE[0] };

static void print_kernel(const row *r, operands *o, double peak, double bandwidth)
{
    double seconds = bench_seconds(r->run, o);
    double by_flops = r->flops / peak, by_bytes = r->bytes / bandwidth;
    double floor = by_flops > by_bytes ? by_flops : by_bytes;
    printf("%-10s %-14s %-12s %10.2f %9.2f %8.2f   %-8s %9.2f %7.0f %%\n", o->kernels->name,
           r->name, r->shape, seconds * 1e6, r->flops / seconds / 1e9, r->bytes / seconds / 1e9,
           by_flops > by_bytes ? "flops" : "bytes", floor * 1e6, 100.0 * floor / seconds);
}

static void print_kernels(operands *o, double peak)
{
    double bandwidths[N_ROWS];
    for (size_t i = 0; i < N_ROWS; i++)
        bandwidths[i] = bench_bandwidth(o->scratch, ROWS_OF_A_TABLE[i].floats);
    printf("\n%-10s %-14s %-12s %10s %9s %8s   %-8s %9s %9s\n", "table", "kernel", "shape", "us",
           "GFLOP/s", "GB/s", "bound by", "floor us", "reached");
    for (size_t t = 0; mlp_kernels_list(t) != NULL; t++) {
        o->kernels = mlp_kernels_list(t);
        for (size_t i = 0; mlp_kernels_supported(o->kernels) && i < N_ROWS; i++)
            print_kernel(&ROWS_OF_A_TABLE[i], o, peak, bandwidths[i]);
    }
}

/* Most of an L1 of 32 KiB, of an L2 of 1 MiB, of a core's part of an L3; and past most of them. */
static const size_t LEVEL_KIB[] = {24, 768, 12288, SCRATCH_KIB};

/* Prints them; returns the widest instruction set's peak. */
static double print_rates(mlp_team *team, float *scratch)
{
    double peak = bench_fma_peak(0, team);
    for (size_t i = 0; bench_isa_name(i) != NULL; i++)
        printf("peak       %-10s %8.1f GFLOP/s\n", bench_isa_name(i),
               (i == 0 ? peak : bench_fma_peak(i, team)) / 1e9);
    for (size_t l = 0; l < sizeof LEVEL_KIB / sizeof *LEVEL_KIB; l++)
        printf("bandwidth  %6zu KiB %8.1f GB/s\n", LEVEL_KIB[l],
               bench_bandwidth(scratch, LEVEL_KIB[l] * 1024 / sizeof *scratch) / 1e9);
    return peak;
}

static void free_operands(operands *o)
{
    free(o->a);
    free(o->b);
    free(o->c);
    free(o->pixels);
    free(o->scratch);
}

/* Activations as ReLU leaves them, half of them 0; gradients and weights around 0. */
static mlp_status init_operands(operands *o, mlp_error *err)
{
    *o = (operands){.a = mlp_alloc(N, sizeof *o->a),
                    .b = mlp_alloc(N, sizeof *o->b),
                    .c = mlp_alloc(N, sizeof *o->c),
                    .pixels = mlp_alloc(UNIT_PIXELS, 1),
                    .scratch = mlp_alloc(SCRATCH_KIB, 1024)};
    if (o->a == NULL || o->b == NULL || o->c == NULL || o->pixels == NULL || o->scratch == NULL) {
        free_operands(o);
        return mlp_fail_memory(err, "the operands");
    }
    for (size_t i = 0; i < N; i++) {
        float x = 2.0f * mlp_rng_unit(mlp_rng_u32(1, 0, i)) - 1.0f;
        o->a[i] = x > 0.0f ? x : 0.0f;
        o->b[i] = o->c[i] = x;
    }
    for (size_t i = 0; i < UNIT_PIXELS; i++)
        o->pixels[i] = (uint8_t)i;
    memset(o->scratch, 0, (size_t)SCRATCH_KIB * 1024); /* pages of its own, not one of zeros */
    return MLP_OK;
}

static mlp_status report(mlp_team *team, mlp_error *err)
{
    operands o;
    mlp_status status = init_operands(&o, err);
    if (status != MLP_OK)
        return status;
    print_kernels(&o, print_rates(team, o.scratch));
    free_operands(&o);
    return MLP_OK;
}

int main(int argc, char **argv)
{
    bool only_peak = argc > 1 && strcmp(argv[1], "--peak") == 0;
    bool has_threads = argc == 4 && strcmp(argv[2], "--threads") == 0;
    long threads = has_threads ? strtol(argv[3], NULL, 10) : 1;
    if (argc > 1 && (!only_peak || (argc > 2 && !has_threads) || threads < 1 || threads > 1024)) {
        fprintf(stderr, "Usage: micro [--peak [--threads N]]\n");
        return MLP_ERR_USAGE;
    }
    mlp_team team;
    mlp_error err;
    mlp_status status = mlp_team_init(&team, (size_t)threads, &err);
    if (status == MLP_OK) {
        if (only_peak)
            printf("%.1f\n", bench_fma_peak(0, &team) / 1e9);
        else
            status = report(&team, &err);
        mlp_team_free(&team);
    }
    if (status != MLP_OK)
        fprintf(stderr, "micro: %s\n", err.message);
    return (int)status;
}
