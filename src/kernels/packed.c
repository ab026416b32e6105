#include "kernels/packed.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { LISTS_AHEAD = 8 }; /* that a list, which another thread may have made, is asked for */

bool mlp_packed_init(mlp_packed *packed, size_t lists, size_t max_steps, mlp_packed_kind kind)
{
    bool pixels = kind == MLP_PACKED_PIXELS;
    size_t blocks = mlp_round_up(max_steps, MLP_BLOCK_STEPS) / MLP_BLOCK_STEPS;
    memset(packed, 0, sizeof *packed);
    packed->max_steps = max_steps;
    packed->block_steps =
        mlp_round_up((max_steps + blocks - 1) / blocks, pixels ? MLP_COLUMNS : MLP_PANEL);
    packed->n_blocks = (max_steps + packed->block_steps - 1) / packed->block_steps;
    packed->capacity = mlp_round_up(max_steps, MLP_COLUMNS);
    packed->starts = mlp_alloc(lists, (packed->n_blocks + 1) * sizeof *packed->starts);
    if (pixels) {
        packed->words = mlp_alloc(mlp_packed_room(packed, lists), sizeof *packed->words);
    } else {
        packed->steps = mlp_alloc(lists, packed->capacity * sizeof *packed->steps);
        packed->values = mlp_alloc(lists, packed->capacity * MLP_TILE * sizeof *packed->values);
    }
    if (packed->starts != NULL &&
        (pixels ? packed->words != NULL : packed->steps != NULL && packed->values != NULL))
        return true;
    mlp_packed_free(packed);
    return false;
}

void mlp_packed_free(mlp_packed *packed)
{
    free(packed->starts);
    free(packed->steps);
    free(packed->values);
    free(packed->words);
    memset(packed, 0, sizeof *packed);
}

mlp_lists mlp_packed_lists(const mlp_packed *packed, size_t first, size_t n)
{
    return (mlp_lists){.packed = packed,
                       .first = first,
                       .n = n,
                       .steps = mlp_packed_steps(packed, first),
                       .values = mlp_packed_values(packed, first),
                       .stride = packed->capacity,
                       .starts = mlp_packed_starts(packed, first),
                       .list_starts = packed->n_blocks + 1,
                       .block_starts = 1};
}

static size_t list_length(const mlp_packed *packed, size_t list)
{
    return mlp_packed_starts(packed, list)[packed->n_blocks];
}

/* Of n lists. */
static size_t total_length(const mlp_packed *packed, size_t first, size_t n)
{
    size_t total = 0;
    for (size_t i = 0; i < n; i++)
        total += list_length(packed, first + i);
    return total;
}

size_t mlp_packed_chunk(const mlp_packed *packed, size_t first, size_t n, size_t room)
{
    if (n * packed->capacity <= room)
        return (n + MLP_LISTS - 1) / MLP_LISTS;
    size_t total = total_length(packed, first, n), stacks = 0, steps = 0;
    size_t chunks = (total + room - 1) / room;
    for (size_t i = 0; i < n; i += MLP_LISTS, stacks++) {
        size_t more = total_length(packed, first + i, mlp_min_size(n - i, MLP_LISTS));
        if (more > 0 && (steps * chunks >= total || steps + more > room))
            break;
        steps += more;
    }
    return stacks;
}

/* Unpacks one block of a list to where `to` has it; returns how many steps it has. */
static uint32_t unpack_block(const mlp_packed *packed, const mlp_kernels *kernels, size_t list,
                             size_t block, mlp_unpacked to, uint32_t at)
{
    const uint32_t *starts = mlp_packed_starts(packed, list) + block;
    uint32_t n = starts[1] - starts[0];
    kernels->unpack_pixels(n, mlp_packed_words(packed, list) + starts[0], to.steps + at,
                           to.values + (size_t)at * MLP_TILE);
    return n;
}

mlp_lists mlp_packed_unpack(const mlp_packed *packed, const mlp_kernels *kernels, size_t first,
                            size_t n, mlp_unpacked to)
{
    uint32_t *starts = to.starts, at = 0;
    for (size_t block = 0; block < packed->n_blocks; block++)
        for (size_t i = 0; i < n; i++) {
            size_t ahead = first + i + LISTS_AHEAD;
            if (block == 0 && i + LISTS_AHEAD < n)
                mlp_prefetch(mlp_packed_words(packed, ahead), 0,
                             list_length(packed, ahead) * sizeof *packed->words);
            *starts++ = at;
            at += unpack_block(packed, kernels, first + i, block, to, at);
        }
    *starts = at;
    return (mlp_lists){.packed = packed,
                       .first = first,
                       .n = n,
                       .steps = to.steps,
                       .values = to.values,
                       .stride = 0,
                       .starts = to.starts,
                       .list_starts = 1,
                       .block_starts = n};
}

/* Lists that leave no step out are faster as a stack. */
static void multiply_stack(const mlp_kernels *kernels, const mlp_list lists[MLP_LISTS],
                           size_t depth, const float *b, size_t columns, const float *start,
                           float *c)
{
    const float *rows[MLP_STACK];
    size_t full = 0;
    while (full < MLP_LISTS && lists[full].n == depth)
        full++;
    if (full < MLP_LISTS) {
        kernels->multiply(MLP_LISTS, lists, b, columns, start, c);
        return;
    }
    for (size_t i = 0; i < MLP_STACK; i++)
        rows[i] = lists[i / MLP_TILE].values + i % MLP_TILE;
    kernels->multiply_dense(MLP_STACK, depth, rows, MLP_TILE, b, columns, start, c);
}

void mlp_lists_multiply(const mlp_lists *lists, const mlp_kernels *kernels, size_t n_blocks,
                        size_t at, size_t n, const float *b, size_t columns, const float *start,
                        float *c)
{
    const mlp_packed *packed = lists->packed;
    for (size_t block = 0, k = 0; block < n_blocks; block++, k += packed->block_steps) {
        size_t depth = mlp_min_size(packed->max_steps - k, packed->block_steps);
        const float *from = block == 0 ? start : NULL, *rows = b + k * MLP_PANEL;
        for (size_t i = 0; i < n; i += MLP_LISTS) {
            mlp_list blocks[MLP_LISTS];
            size_t together = mlp_min_size(n - i, MLP_LISTS);
            for (size_t l = 0; l < together; l++)
                blocks[l] = mlp_lists_block(lists, at + i + l, block);
            if (together == MLP_LISTS)
                multiply_stack(kernels, blocks, depth, rows, columns, from,
                               c + i * MLP_TILE_FLOATS);
            else
                kernels->multiply(together, blocks, rows, columns, from, c + i * MLP_TILE_FLOATS);
        }
    }
}
