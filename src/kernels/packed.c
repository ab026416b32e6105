#include "kernels/packed.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum {
    WORDS_OF_LINE = 16, /* of the cache */
    LISTS_AHEAD = 4,
};

bool mlp_packed_init(mlp_packed *packed, size_t lists, size_t max_steps, mlp_packed_kind kind)
{
    size_t unit = kind == MLP_PACKED_PIXELS ? MLP_COLUMNS : MLP_PANEL;
    size_t blocks = mlp_round_up(max_steps, MLP_BLOCK_STEPS) / MLP_BLOCK_STEPS;
    memset(packed, 0, sizeof *packed);
    packed->block_steps = mlp_round_up((max_steps + blocks - 1) / blocks, unit);
    packed->n_blocks = (max_steps + packed->block_steps - 1) / packed->block_steps;
    packed->capacity = mlp_round_up(max_steps, MLP_COLUMNS);
    packed->steps = mlp_alloc(lists, packed->capacity * sizeof *packed->steps);
    packed->starts = mlp_alloc(lists, (packed->n_blocks + 1) * sizeof *packed->starts);
    if (kind == MLP_PACKED_PIXELS)
        packed->pixels = mlp_alloc(lists, packed->capacity * sizeof *packed->pixels);
    else
        packed->values = mlp_alloc(lists, packed->capacity * MLP_TILE * sizeof *packed->values);
    if (packed->steps != NULL && packed->starts != NULL &&
        (packed->pixels != NULL || packed->values != NULL))
        return true;
    mlp_packed_free(packed);
    return false;
}

void mlp_packed_free(mlp_packed *packed)
{
    free(packed->steps);
    free(packed->values);
    free(packed->pixels);
    free(packed->starts);
    memset(packed, 0, sizeof *packed);
}

/* Asks for a list of pixels, which another thread may have made. */
static void prefetch_list(const mlp_packed *packed, size_t list)
{
    size_t n = mlp_packed_starts(packed, list)[packed->n_blocks];
    for (size_t s = 0; s < n; s += WORDS_OF_LINE) {
        __builtin_prefetch(mlp_packed_pixels(packed, list) + s);
        __builtin_prefetch(mlp_packed_steps(packed, list) + s);
    }
}

void mlp_packed_unit_pixels(const mlp_packed *packed, const mlp_kernels *kernels, size_t first,
                            size_t n, float *values)
{
    for (size_t i = 0; i < n; i++) {
        if (i + LISTS_AHEAD < n)
            prefetch_list(packed, first + i + LISTS_AHEAD);
        kernels->unit_pixels(mlp_packed_starts(packed, first + i)[packed->n_blocks],
                             mlp_packed_pixels(packed, first + i),
                             values + i * packed->capacity * MLP_TILE);
    }
}

void mlp_packed_multiply(const mlp_packed *packed, const float *values, const mlp_kernels *kernels,
                         size_t first, size_t n, const float *b, size_t columns, float *c)
{
    for (size_t block = 0; block < packed->n_blocks; block++)
        for (size_t i = 0; i < n; i++) {
            const uint32_t *starts = mlp_packed_starts(packed, first + i);
            size_t start = starts[block];
            kernels->multiply(starts[block + 1] - start,
                              mlp_packed_steps(packed, first + i) + start,
                              values + (i * packed->capacity + start) * MLP_TILE, b, columns,
                              c + i * MLP_TILE_FLOATS);
        }
}
