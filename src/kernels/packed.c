#include "kernels/packed.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { LEVELS = UINT8_MAX + 1, UNIT_FLOATS = MLP_SHARED_STEPS * MLP_PANEL };

static bool alloc_words(mlp_packed *packed, size_t room)
{
    packed->words = mlp_alloc(room, sizeof *packed->words);
    packed->levels = mlp_alloc(LEVELS, sizeof *packed->levels);
    for (size_t level = 0; packed->levels != NULL && level < LEVELS; level++)
        packed->levels[level] = (float)level / UINT8_MAX;
    return packed->words != NULL && packed->levels != NULL;
}

static bool alloc_steps(mlp_packed *packed, size_t room)
{
    packed->steps = mlp_alloc(room, sizeof *packed->steps);
    packed->values = mlp_alloc(room, MLP_TILE * sizeof *packed->values);
    return packed->steps != NULL && packed->values != NULL;
}

/* A block's steps, of all lists, are counted in 32 bits. */
static bool alloc_lists(mlp_packed *packed, mlp_packed_kind kind)
{
    size_t room;
    if (packed->n_lists > UINT32_MAX / packed->block_steps ||
        !mlp_size_mul(packed->n_lists * packed->block_steps, packed->n_blocks, &room))
        return false;
    packed->spans = mlp_alloc(packed->n_blocks * packed->n_lists, sizeof *packed->spans);
    packed->shared = mlp_alloc(packed->n_lists, sizeof *packed->shared);
    return (kind == MLP_PACKED_PIXELS ? alloc_words(packed, room) : alloc_steps(packed, room)) &&
           packed->spans != NULL && packed->shared != NULL;
}

bool mlp_packed_init(mlp_packed *packed, size_t n_lists, size_t max_steps, mlp_packed_kind kind)
{
    size_t unit = kind == MLP_PACKED_PIXELS ? MLP_COLUMNS : MLP_PANEL;
    size_t most = mlp_round_up(MLP_BLOCK_STEPS, unit), blocks = (max_steps + most - 1) / most;
    memset(packed, 0, sizeof *packed);
    packed->n_lists = n_lists;
    packed->block_steps = mlp_round_up((max_steps + blocks - 1) / blocks, unit);
    packed->n_blocks = (max_steps + packed->block_steps - 1) / packed->block_steps;
    if (alloc_lists(packed, kind))
        return true;
    mlp_packed_free(packed);
    return false;
}

void mlp_packed_free(mlp_packed *packed)
{
    free(packed->spans);
    free(packed->shared);
    free(packed->steps);
    free(packed->values);
    free(packed->words);
    free(packed->levels);
    memset(packed, 0, sizeof *packed);
}

static mlp_span *span_of(const mlp_packed *packed, size_t list, size_t block)
{
    return packed->spans + block * packed->n_lists + list;
}

/* Where the block's steps begin, of all lists. */
static size_t block_place(const mlp_packed *packed, size_t block)
{
    return block * packed->n_lists * packed->block_steps;
}

size_t mlp_packed_open(mlp_packed *packed, size_t first, size_t list, size_t block)
{
    mlp_span *span = span_of(packed, list, block);
    span->first =
        list == first ? (uint32_t)(list * packed->block_steps) : span[-1].first + span[-1].n;
    return block_place(packed, block) + span->first;
}

/* How many whole units of n words, from the first on, are background in both rows; no step of it is
 * missing in the words. */
static size_t count_units(const mlp_packed *packed, size_t n, const uint32_t *words)
{
    size_t k = 0;
    while (k < n && words[k] == mlp_pixel_word(k, packed->background, packed->background))
        k++;
    return k / MLP_SHARED_STEPS;
}

/* What is shared goes on from block to block. It is written where it changes, for it seldom does,
 * and all threads read it. */
void mlp_packed_close(mlp_packed *packed, size_t list, size_t block, size_t n)
{
    mlp_span *span = span_of(packed, list, block);
    size_t before = block == 0 ? 0 : packed->shared[list], units = 0;
    if (packed->background != 0 && before * MLP_SHARED_STEPS == block * packed->block_steps) {
        uint32_t *words = packed->words + block_place(packed, block) + span->first;
        units = count_units(packed, n, words);
        n -= units * MLP_SHARED_STEPS;
        memmove(words, words + units * MLP_SHARED_STEPS, n * sizeof *words);
    }
    if (packed->shared[list] != before + units)
        packed->shared[list] = (uint32_t)(before + units);
    span->n = (uint32_t)n;
}

size_t mlp_lists_start_floats(size_t max_steps)
{
    return (1 + max_steps / MLP_SHARED_STEPS) * MLP_PANEL;
}

void mlp_lists_begin(const mlp_lists *lists, const mlp_kernels *kernels, size_t at, size_t n,
                     const float *b, size_t columns, const float *start)
{
    const mlp_packed *packed = lists->packed;
    const uint32_t *shared = packed->shared + lists->first + at;
    float *starts = lists->starts;
    size_t units = 0;
    for (size_t i = 0; packed->background != 0 && i < n; i++)
        units = mlp_max_size(units, shared[i]);
    memcpy(starts, start, columns * sizeof *starts);
    for (size_t u = 0; u < units; u++, starts += MLP_PANEL, b += UNIT_FLOATS) {
        const float *level = &packed->levels[packed->background];
        kernels->multiply_dense(1, MLP_SHARED_STEPS, &level, 0, b, columns, starts,
                                starts + MLP_PANEL);
    }
}

void mlp_lists_block(const mlp_lists *lists, size_t i, size_t block, mlp_list *list)
{
    const mlp_packed *packed = lists->packed;
    const mlp_span *span = span_of(packed, lists->first + i, block);
    size_t at = block_place(packed, block) + span->first;
    size_t shared = packed->shared[lists->first + i];
    const float *start = block == 0 ? lists->starts + shared * MLP_PANEL : NULL;
    if (packed->words != NULL)
        *list = (mlp_list){
            .start = start, .n = span->n, .words = packed->words + at, .values = packed->levels};
    else
        *list = (mlp_list){.start = start,
                           .n = span->n,
                           .steps = packed->steps + at,
                           .values = packed->values + at * MLP_TILE};
}

void mlp_lists_multiply(const mlp_lists *lists, const mlp_kernels *kernels, size_t n_blocks,
                        size_t at, size_t n, const float *b, size_t columns, float *c)
{
    for (size_t block = 0; block < n_blocks; block++, b += lists->packed->block_steps * MLP_PANEL)
        for (size_t i = 0; i < n; i += MLP_MOST_LISTS) {
            mlp_list blocks[MLP_MOST_LISTS];
            size_t together = mlp_min_size(n - i, MLP_MOST_LISTS);
            for (size_t l = 0; l < together; l++)
                mlp_lists_block(lists, at + i + l, block, &blocks[l]);
            kernels->multiply(together, blocks, b, columns, c + i * MLP_TILE_FLOATS);
        }
}
