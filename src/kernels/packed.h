/* packed.h: storage for packed lists (kernels.h), one for each four rows of a matrix.
 *
 * A list is cut into blocks of steps. So many rows of a panel stay in the first
 * cache while the same block of one list after another is multiplied with them.
 *
 * Lists of pixels keep their values as bytes: they are made by one thread and read
 * by all, and what crosses between caches is dear. Each reader makes floats of them.
 */
#ifndef MLP_KERNELS_PACKED_H
#define MLP_KERNELS_PACKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels/kernels.h"

typedef struct mlp_packed {
    size_t capacity;    /* steps of a list, a multiple of 16 */
    size_t block_steps; /* steps k of a block: a multiple of what init was given */
    size_t n_blocks;
    uint32_t *steps;  /* (lists, capacity) */
    float *values;    /* (lists, capacity, 4); NULL: */
    uint32_t *pixels; /* (lists, capacity): four bytes each */
    uint32_t *starts; /* (lists, n_blocks + 1): where each block begins, and the count */
} mlp_packed;

typedef enum mlp_packed_kind { MLP_PACKED_FLOATS, MLP_PACKED_PIXELS } mlp_packed_kind;

/* Lists of up to max_steps steps. Blocks of pixels are multiples of 16 steps, those of
 * floats whole panels. false: out of memory, and *packed is zeroed. */
bool mlp_packed_init(mlp_packed *packed, size_t lists, size_t max_steps, mlp_packed_kind kind);
void mlp_packed_free(mlp_packed *packed);

/* values (n, capacity, 4): of lists first .. first + n - 1, whose values are pixels. */
void mlp_packed_unit_pixels(const mlp_packed *packed, const mlp_kernels *kernels, size_t first,
                            size_t n, float *values);

/* c[i] (4, 64) += list first + i times b, for n lists; c is n tiles side by side and
 * values (n, capacity, 4) are those of the lists. */
void mlp_packed_multiply(const mlp_packed *packed, const float *values, const mlp_kernels *kernels,
                         size_t first, size_t n, const float *b, size_t columns, float *c);

static inline uint32_t *mlp_packed_steps(const mlp_packed *packed, size_t list)
{
    return packed->steps + list * packed->capacity;
}

static inline float *mlp_packed_values(const mlp_packed *packed, size_t list)
{
    return packed->values + list * packed->capacity * MLP_TILE;
}

static inline uint32_t *mlp_packed_pixels(const mlp_packed *packed, size_t list)
{
    return packed->pixels + list * packed->capacity;
}

static inline uint32_t *mlp_packed_starts(const mlp_packed *packed, size_t list)
{
    return packed->starts + list * (packed->n_blocks + 1);
}

#endif
