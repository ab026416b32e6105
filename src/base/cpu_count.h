/* cpu_count.h: how many threads of this process can run at once. */
#ifndef MLP_BASE_CPU_COUNT_H
#define MLP_BASE_CPU_COUNT_H

#include <stddef.h>

/* The CPUs that this process may use, at least 1: those of its affinity, but no more than the time
 * that its control group has (mlp_cpu_quota). Threads beyond that would take it from each other,
 * and who waits at a barrier for one that has used it up waits for a tenth of a second. */
size_t mlp_cpu_count(void);

/* CPUs' worth of time that a control group of Linux and those above it have, rounded up, at least
 * 1: a container's limit. 0: none is known. membership: /proc/self/cgroup; mount: where the groups
 * are, /sys/fs/cgroup. ("Control Group v2", in the kernel's documentation: cpu.max is a quota and
 * its period in microseconds, or "max".) */
size_t mlp_cpu_quota(const char *membership, const char *mount);

#endif
