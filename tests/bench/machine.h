/* machine.h: what this machine can do at best, measured: multiply-adds and bytes a second.
 * A kernel's floor is what it would take at these rates. */
#ifndef MLP_BENCH_MACHINE_H
#define MLP_BENCH_MACHINE_H

#include <stddef.h>

#include "base/team.h"

/* Seconds of one call work(argument): the fastest of several timings, each of as many calls as
 * the clock needs. What else the machine does can only make a timing slower. */
double bench_seconds(void (*work)(void *argument), void *argument);

/* Instruction set `index` of those that this CPU has, widest first; NULL past the last. */
const char *bench_isa_name(size_t index);

/* Floating point operations a second, two to a multiply-add, of all the team's threads at once,
 * in fp32, with instruction set `index`. */
double bench_fma_peak(size_t index, mlp_team *team);

/* Flops a second of all the team's threads at once in loop(steps), which does so many a step. */
double bench_loop_peak(mlp_team *team, float (*loop)(size_t steps), double flops);

/* Additions of integers a second, of all the team's threads at once. A core that another guest of
 * the host uses too still does its multiply-adds, which are a third of the instructions that it can
 * begin in a cycle, but fewer of these. */
double bench_add_peak(mlp_team *team);

/* Seconds of one barrier of the team: what a cache line takes from core to core, a few times. */
double bench_barrier_seconds(mlp_team *team);

/* Bytes a second, read and written, of one thread that goes over memory (n), n >= 128, again and
 * again: in the cache that holds it, where one does. The contents come to nothing. */
double bench_bandwidth(float *memory, size_t n);

#endif
