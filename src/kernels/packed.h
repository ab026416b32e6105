/* packed.h: storage for packed lists (kernels.h), one for each two rows of a matrix.
 *
 * A list is cut into blocks of steps, which are counted from the block's first. So many
 * rows of a panel stay in the first cache while the same block of one list after another
 * is multiplied with them.
 *
 * Lists of pixels keep their values as bytes: they are made by one thread and read
 * by all, and what crosses between caches is dear. Each reader unpacks them, block by
 * block: what it multiplies one after another then lies without a gap, and arrives in
 * the first cache unasked.
 */
#ifndef MLP_KERNELS_PACKED_H
#define MLP_KERNELS_PACKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels/kernels.h"

typedef struct mlp_packed {
    size_t max_steps;
    size_t capacity;    /* steps of a list, a multiple of 16 */
    size_t block_steps; /* of all blocks but the last: a multiple of 16, or of 64 for floats */
    size_t n_blocks;
    uint32_t *starts; /* (lists, n_blocks + 1): where each block begins, and the count */
    uint16_t *steps;  /* (lists, capacity), and */
    float *values;    /* (lists, capacity, 2); or, of pixels, */
    uint32_t *words;  /* (lists, capacity), and 16: both in one (kernels.h, pack_images) */
} mlp_packed;

typedef enum mlp_packed_kind { MLP_PACKED_FLOATS, MLP_PACKED_PIXELS } mlp_packed_kind;

/* Lists of up to max_steps steps. false: out of memory, and *packed is zeroed. */
bool mlp_packed_init(mlp_packed *packed, size_t lists, size_t max_steps, mlp_packed_kind kind);
void mlp_packed_free(mlp_packed *packed);

/* Some neighbouring lists to multiply with. Steps and values of block b of the lists' own list i
 * are those from i * stride + at[0] on to i * stride + at[1],
 * where at = starts + i * list_starts + b * block_starts. */
typedef struct mlp_lists {
    const mlp_packed *packed;
    size_t first, n;
    const uint16_t *steps;
    const float *values; /* two a step */
    size_t stride;
    const uint32_t *starts;
    size_t list_starts, block_starts;
} mlp_lists;

/* Lists first .. first + n - 1 of packed, which are floats. */
mlp_lists mlp_packed_lists(const mlp_packed *packed, size_t first, size_t n);

/* Where n lists of pixels are unpacked to, block by block. */
typedef struct mlp_unpacked {
    uint16_t *steps;  /* (mlp_packed_room(packed, n)) */
    float *values;    /* (the same, 2) */
    uint32_t *starts; /* (packed->n_blocks * n + 1) */
} mlp_unpacked;

/* The same of lists that are pixels. */
mlp_lists mlp_packed_unpack(const mlp_packed *packed, const mlp_kernels *kernels, size_t first,
                            size_t n, mlp_unpacked to);

/* Of n lists from `first` on, parted into as few chunks as have room for `room` steps each, as
 * even as whole stacks allow: the stacks of the first chunk. Every stack has room. */
size_t mlp_packed_chunk(const mlp_packed *packed, size_t first, size_t n, size_t room);

/* c[i] (2, 64) = start (64) + the first n_blocks blocks of the lists' own list `at` + i times the
 * panel b, for n lists; c is n tiles side by side. */
void mlp_lists_multiply(const mlp_lists *lists, const mlp_kernels *kernels, size_t n_blocks,
                        size_t at, size_t n, const float *b, size_t columns, const float *start,
                        float *c);

static inline uint16_t *mlp_packed_steps(const mlp_packed *packed, size_t list)
{
    return packed->steps + list * packed->capacity;
}

static inline float *mlp_packed_values(const mlp_packed *packed, size_t list)
{
    return packed->values + list * packed->capacity * MLP_TILE;
}

static inline uint32_t *mlp_packed_words(const mlp_packed *packed, size_t list)
{
    return packed->words + list * packed->capacity;
}

static inline uint32_t *mlp_packed_starts(const mlp_packed *packed, size_t list)
{
    return packed->starts + list * (packed->n_blocks + 1);
}

/* Steps that n lists may have, and as many as a kernel may write past them. */
static inline size_t mlp_packed_room(const mlp_packed *packed, size_t n)
{
    return n * packed->capacity + MLP_COLUMNS;
}

/* One block of the lists' own list i. */
static inline mlp_list mlp_lists_block(const mlp_lists *lists, size_t i, size_t block)
{
    const uint32_t *at = lists->starts + i * lists->list_starts + block * lists->block_starts;
    size_t first = i * lists->stride + at[0];
    return (mlp_list){.n = at[1] - at[0],
                      .steps = lists->steps + first,
                      .values = lists->values + first * MLP_TILE};
}

#endif
