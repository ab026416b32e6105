/* row.h: a line of the tables of kernels: what one did, beside its floor. */
#ifndef MLP_BENCH_ROW_H
#define MLP_BENCH_ROW_H

#include <stddef.h>

/* A kernel's work: `items` times so many flops, and bytes read and written; the memory touched
 * is `floats` an item. An item of a product or of packing is a step or a block, elsewhere an
 * element. */
typedef struct row {
    const char *name, *shape;
    void (*run)(void *operands);
    size_t items;
    double flops, bytes;
    size_t floats;
} row;

/* tables: the head of their names' column. */
void bench_print_heads(const char *tables);

/* bandwidths (n): bytes a second in memory of the size that each row touches; scratch
 * (BENCH_SCRATCH_KIB) is for measuring them. */
void bench_measure_bandwidths(size_t n, const row *rows, float *scratch, double *bandwidths);

/* Times n kernels of a table on its operands. peak is flops a second. */
void bench_print_rows(size_t n, const row *rows, const char *table, void *operands, double peak,
                      const double *bandwidths);

#endif
