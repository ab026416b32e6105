/* packed.h: storage for packed lists (kernels.h), one for each four rows of a matrix. */
#ifndef MLP_KERNELS_PACKED_H
#define MLP_KERNELS_PACKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct mlp_packed {
    size_t capacity;  /* steps of a list, a multiple of 16 */
    uint32_t *steps;  /* (lists, capacity) */
    float *values;    /* (lists, capacity, 4) */
    uint32_t *counts; /* (lists): how many of the steps are in use */
} mlp_packed;

/* Lists of up to max_steps steps. false: out of memory, and *packed is zeroed. */
bool mlp_packed_init(mlp_packed *packed, size_t lists, size_t max_steps);
void mlp_packed_free(mlp_packed *packed);

static inline uint32_t *mlp_packed_steps(const mlp_packed *packed, size_t list)
{
    return packed->steps + list * packed->capacity;
}

static inline float *mlp_packed_values(const mlp_packed *packed, size_t list)
{
    return packed->values + list * packed->capacity * 4;
}

#endif
