/* select.h: which table of kernels runs. The fastest that the CPU supports, or
 * the one asked for by name: an unknown or unsupported name is an error, never
 * a silent fallback. Each precision has its own tables. */
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

extern const mlp_bf16_kernels mlp_bf16_kernels_portable;
#if defined(__x86_64__)
extern const mlp_bf16_kernels mlp_bf16_kernels_avx2;
extern const mlp_bf16_kernels mlp_bf16_kernels_avx512;
extern const mlp_bf16_kernels mlp_bf16_kernels_amx;
#endif

/* Table `index` of those compiled in, slowest first; NULL past the last. */
const mlp_kernels *mlp_kernels_list(size_t index);

/* Can this CPU run it? */
bool mlp_kernels_supported(const mlp_kernels *kernels);

/* name NULL: the fastest supported table. MLP_ERR_USAGE names what there is. */
mlp_status mlp_kernels_select(const mlp_kernels **kernels, const char *name, mlp_error *err);

/* The same for the tables of bf16 products. */
const mlp_bf16_kernels *mlp_bf16_kernels_list(size_t index);
bool mlp_bf16_kernels_supported(const mlp_bf16_kernels *kernels);

/* *kernels becomes the float table that goes with the chosen one, which it then names
 * and points to. */
mlp_status mlp_bf16_kernels_select(mlp_kernels *kernels, const char *name, mlp_error *err);

/* Has the CPU AMX tiles that the operating system does not let this process use? */
bool mlp_bf16_kernels_denied(void);

#endif
