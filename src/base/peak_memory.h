/* peak_memory.h: how much memory the program has needed. */
#ifndef MLP_BASE_PEAK_MEMORY_H
#define MLP_BASE_PEAK_MEMORY_H

#include <stdint.h>

/* The most bytes that were resident at a time since the program started; what its parent
 * held is not counted. */
uint64_t mlp_peak_memory_bytes(void);

#endif
