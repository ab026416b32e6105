#include "row.h"

#include <stdio.h>

#include "machine.h"

void bench_print_heads(const char *tables)
{
    printf("\n%-10s %-18s %-13s %10s %9s %8s   %-8s %9s %9s\n", tables, "kernel", "shape", "us",
           "GFLOP/s", "GB/s", "bound by", "floor us", "reached");
}

void bench_measure_bandwidths(size_t n, const row *rows, float *scratch, double *bandwidths)
{
    for (size_t i = 0; i < n; i++)
        bandwidths[i] = bench_bandwidth(scratch, rows[i].items * rows[i].floats);
}

static void print_row(const row *r, const char *table, void *operands, double peak,
                      double bandwidth)
{
    double seconds = bench_seconds(r->run, operands);
    double flops = (double)r->items * r->flops, bytes = (double)r->items * r->bytes;
    double by_flops = flops / peak, by_bytes = bytes / bandwidth;
    double floor = by_flops > by_bytes ? by_flops : by_bytes;
    printf("%-10s %-18s %-13s %10.2f %9.2f %8.2f   %-8s %9.2f %7.0f %%\n", table, r->name, r->shape,
           seconds * 1e6, flops / seconds / 1e9, bytes / seconds / 1e9,
           by_flops > by_bytes ? "flops" : "bytes", floor * 1e6, 100.0 * floor / seconds);
}

void bench_print_rows(size_t n, const row *rows, const char *table, void *operands, double peak,
                      const double *bandwidths)
{
    for (size_t i = 0; i < n; i++)
        print_row(&rows[i], table, operands, peak, bandwidths[i]);
}
