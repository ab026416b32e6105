/* bf16_peak.h: how fast this machine's instructions for products of bf16 are at best. */
#ifndef MLP_BENCH_BF16_PEAK_H
#define MLP_BENCH_BF16_PEAK_H

#include <stddef.h>

#include "base/team.h"

/* Instruction `index` of those that this CPU has and the system grants; NULL past the last. */
const char *bench_bf16_name(size_t index);

/* Flops a second, two to a product, of all the team's threads at once, with that instruction. */
double bench_bf16_peak(size_t index, mlp_team *team);

#endif
