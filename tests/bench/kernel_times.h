/* kernel_times.h: each kernel against its floor on one core. */
#ifndef MLP_BENCH_KERNEL_TIMES_H
#define MLP_BENCH_KERNEL_TIMES_H

#include "base/status.h"

enum { BENCH_SCRATCH_KIB = 768 * 1024 };

/* Prints a line for each kernel of every supported table: time, flops and bytes a second, the
 * floor, and how much of it is reached. peak is flops a second of one thread; scratch
 * (BENCH_SCRATCH_KIB) is for measuring bandwidths. */
mlp_status bench_print_kernels(double peak, float *scratch, mlp_error *err);

#endif
