/* step.h: a whole training step and its phases, beside the peak. */
#ifndef MLP_BENCH_STEP_H
#define MLP_BENCH_STEP_H

#include "base/status.h"
#include "base/team.h"
#include "data/dataset.h"
#include "kernels/kernels.h"

/* Steps look no further: a full batch of the largest, and labels that are classes; or
 * MLP_ERR_DATA. */
mlp_status bench_check_images(const mlp_dataset *data, mlp_error *err);

/* Prints a line for each phase of 784-H-10 for some H and batch sizes: milliseconds a step,
 * GFLOP/s, and percent of the peak (flops a second, of the whole team). The images are data's. */
mlp_status bench_print_steps(const mlp_dataset *data, const mlp_kernels *kernels, mlp_team *team,
                             double peak, mlp_error *err);

#endif
