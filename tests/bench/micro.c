/* micro.c: each kernel against its floor on this core, then whole steps; `make bench`.
 *
 * The floor is the larger of flops over the peak and bytes over the bandwidth of memory of the
 * operands' size; both rates are measured in the same run (machine.h). It is the machine's
 * floor, not the table's: a table of narrow vectors cannot reach it.
 *
 *     micro [--threads N] [--data DIR]   the rates, the kernels of every supported table, and
 *                                        steps of the fastest of each precision: on images without
 *                                        zeros, and on the training images of DIR
 *     micro --peak [--threads N]         GFLOP/s of N threads, 1 by default, and no more
 *     micro --adds [--threads N]         billions of integer additions a second of N threads
 *     micro --barrier [--threads N]      ns that they need to meet
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "bf16_peak.h"
#include "bf16_times.h"
#include "data/dataset.h"
#include "kernel_times.h"
#include "kernels/select.h"
#include "machine.h"
#include "step.h"

enum { PIXELS = 784, CLASSES = 10 };

/* Most of an L1 of 32 KiB, of an L2 of 1 MiB, of a core's part of an L3; and past most of them. */
static const size_t LEVEL_KIB[] = {24, 768, 12288, BENCH_SCRATCH_KIB};

/* Flops a second: of floats, by the widest instruction set; of bf16, by whatever is fastest. */
typedef struct peaks {
    double fp32, bf16;
} peaks;

static peaks measure_peaks(mlp_team *team)
{
    double fp32 = bench_fma_peak(0, team), bf16 = fp32;
    for (size_t i = 0; bench_bf16_name(i) != NULL; i++) {
        double peak = bench_bf16_peak(i, team);
        bf16 = peak > bf16 ? peak : bf16;
    }
    return (peaks){fp32, bf16};
}

static void print_rates(mlp_team *team, float *scratch)
{
    for (size_t i = 0; bench_isa_name(i) != NULL; i++)
        printf("peak       %-10s %8.1f GFLOP/s\n", bench_isa_name(i),
               bench_fma_peak(i, team) / 1e9);
    for (size_t i = 0; bench_bf16_name(i) != NULL; i++)
        printf("peak       %-10s %8.1f GFLOP/s\n", bench_bf16_name(i),
               bench_bf16_peak(i, team) / 1e9);
    for (size_t l = 0; l < sizeof LEVEL_KIB / sizeof *LEVEL_KIB; l++)
        printf("bandwidth  %6zu KiB %8.1f GB/s\n", LEVEL_KIB[l],
               bench_bandwidth(scratch, LEVEL_KIB[l] * 1024 / sizeof *scratch) / 1e9);
}

/* Images none of whose pixels is 0. */
static mlp_status init_dense(mlp_dataset *data, mlp_error *err)
{
    enum { IMAGES = 8192 };
    uint8_t *pixels = mlp_alloc(IMAGES, PIXELS), *labels = mlp_alloc(IMAGES, 1);
    *data = (mlp_dataset){.count = IMAGES,
                          .features = PIXELS,
                          .pixels = pixels,
                          .labels = labels,
                          .pixels_memory.start = pixels,
                          .labels_memory.start = labels};
    if (pixels == NULL || labels == NULL) {
        mlp_dataset_free(data);
        return mlp_fail_memory(err, "the images");
    }
    for (size_t i = 0; i < (size_t)IMAGES * PIXELS; i++)
        pixels[i] = (uint8_t)(1 + mlp_rng_u32(2, 0, i) % 255);
    for (size_t i = 0; i < IMAGES; i++)
        labels[i] = (uint8_t)(i % CLASSES);
    return MLP_OK;
}

static mlp_status report_kernels(mlp_team *single, mlp_error *err)
{
    float *scratch = mlp_alloc(BENCH_SCRATCH_KIB, 1024);
    if (scratch == NULL)
        return mlp_fail_memory(err, "the memory whose bandwidth is measured");
    memset(scratch, 0, (size_t)BENCH_SCRATCH_KIB * 1024); /* pages of its own, not one of zeros */
    print_rates(single, scratch);
    peaks peak = measure_peaks(single);
    mlp_status status = bench_print_kernels(peak.fp32, scratch, err);
    if (status == MLP_OK)
        status = bench_print_bf16_kernels(peak.bf16, scratch, err);
    free(scratch);
    return status;
}

static mlp_status report_steps(const mlp_dataset *data, const char *images, mlp_team *team,
                               peaks peak, mlp_error *err)
{
    const mlp_kernels *fp32;
    mlp_kernels bf16;
    printf("\nsteps on %zu images (%s); %zu thread%s\n", data->count, images, team->n_threads,
           team->n_threads == 1 ? "" : "s");
    printf("%-10s %-18s %-14s %10s %9s %9s\n", "table", "net, batch", "phase", "ms", "GFLOP/s",
           "of peak");
    mlp_status status = mlp_kernels_select(&fp32, NULL, err);
    if (status == MLP_OK)
        status = bench_print_steps(data, fp32, team, peak.fp32, err);
    if (status == MLP_OK)
        status = mlp_bf16_kernels_select(&bf16, NULL, err);
    if (status == MLP_OK)
        status = bench_print_steps(data, &bf16, team, peak.bf16, err);
    return status;
}

static mlp_status report_dense_steps(mlp_team *team, peaks peak, mlp_error *err)
{
    mlp_dataset data;
    mlp_status status = init_dense(&data, err);
    if (status == MLP_OK) {
        status = report_steps(&data, "without zeros", team, peak, err);
        mlp_dataset_free(&data);
    }
    return status;
}

/* The command line. */
typedef struct request {
    bool only_peak, only_adds, only_barrier;
    long threads;
    char *data;
} request;

static bool parse(int argc, char **argv, request *r)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--peak") == 0)
            r->only_peak = true;
        else if (strcmp(argv[i], "--adds") == 0)
            r->only_adds = true;
        else if (strcmp(argv[i], "--barrier") == 0)
            r->only_barrier = true;
        else if (strcmp(argv[i], "--threads") == 0 && i + 1 < argc)
            r->threads = strtol(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--data") == 0 && i + 1 < argc)
            r->data = argv[++i];
        else
            return false;
    }
    return r->threads >= 1 && r->threads <= 1024;
}

/* The kernels are one thread's affair; the steps and their peak are the team's. images: NULL, or
 * those of the request's folder. */
static mlp_status report_all(const mlp_dataset *images, const request *r, mlp_team *single,
                             mlp_team *team, mlp_error *err)
{
    mlp_status status = report_kernels(single, err);
    peaks peak = measure_peaks(team);
    if (status == MLP_OK)
        status = report_dense_steps(team, peak, err);
    if (status == MLP_OK && images != NULL)
        status = report_steps(images, r->data, team, peak, err);
    return status;
}

/* What is wrong with the images is said before anything is measured. */
static mlp_status report_with_images(const request *r, mlp_team *single, mlp_team *team,
                                     mlp_error *err)
{
    mlp_dataset data;
    const mlp_data_config config = {.dir = r->data};
    mlp_status status = mlp_dataset_load_part(&data, &config, MLP_DATASET_TRAIN, err);
    if (status != MLP_OK)
        return status;
    status = bench_check_images(&data, err);
    if (status == MLP_OK)
        status = report_all(&data, r, single, team, err);
    mlp_dataset_free(&data);
    return status;
}

static mlp_status report(const request *r, mlp_team *single, mlp_team *team, mlp_error *err)
{
    if (r->only_peak) {
        printf("%.1f\n", bench_fma_peak(0, team) / 1e9);
        return MLP_OK;
    }
    if (r->only_adds) {
        printf("%.1f\n", bench_add_peak(team) / 1e9);
        return MLP_OK;
    }
    if (r->only_barrier) {
        printf("%.1f\n", bench_barrier_seconds(team) * 1e9);
        return MLP_OK;
    }
    return r->data != NULL ? report_with_images(r, single, team, err)
                           : report_all(NULL, r, single, team, err);
}

int main(int argc, char **argv)
{
    request r = {.threads = 1};
    if (!parse(argc, argv, &r)) {
        fprintf(stderr, "Usage: micro [--peak | --adds | --barrier] [--threads N] [--data DIR]\n");
        return MLP_ERR_USAGE;
    }
    mlp_team single, team;
    mlp_error err;
    mlp_status status = mlp_team_init(&single, 1, &err);
    if (status == MLP_OK && (status = mlp_team_init(&team, (size_t)r.threads, &err)) == MLP_OK) {
        status = report(&r, &single, &team, &err);
        mlp_team_free(&team);
    }
    mlp_team_free(&single);
    if (status != MLP_OK)
        fprintf(stderr, "micro: %s\n", err.message);
    return (int)status;
}
