/* bf16_times.h: each bf16 kernel against its floor on one core. */
#ifndef MLP_BENCH_BF16_TIMES_H
#define MLP_BENCH_BF16_TIMES_H

#include "base/status.h"

/* As bench_print_kernels (kernel_times.h), of every supported table of bf16 kernels; peak is that
 * of the fastest products. */
mlp_status bench_print_bf16_kernels(double peak, float *scratch, mlp_error *err);

#endif
