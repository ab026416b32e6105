/* select.h: which table of kernels runs. The fastest that the CPU supports, or
 * the one asked for by name: an unknown or unsupported name is an error, never
 * a silent fallback. */
#ifndef MLP_KERNELS_SELECT_H
#define MLP_KERNELS_SELECT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"
#include "kernels/kernels.h"

extern const mlp_kernels mlp_kernels_portable;
#if defined(__x86_64__)
extern const mlp_kernels mlp_kernels_avx2;
extern const mlp_kernels mlp_kernels_avx512;
#endif

/* Table `index` of those compiled in, slowest first; NULL past the last. */
const mlp_kernels *mlp_kernels_list(size_t index);

/* Can this CPU run it? */
bool mlp_kernels_supported(const mlp_kernels *kernels);

/* name NULL: the fastest supported table. MLP_ERR_USAGE names what there is. */
mlp_status mlp_kernels_select(const mlp_kernels **kernels, const char *name, mlp_error *err);

#endif
