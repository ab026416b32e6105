/* packed.h: storage for packed lists (kernels.h), one for each two rows of a matrix.
 *
 * A list is cut into blocks of steps, which are counted from the block's first. So many
 * rows of a panel stay in the first cache while the same block of one list after another
 * is multiplied with them. Those blocks lie one behind the other, without gaps: they are
 * read in this order, and arrive in the first cache unasked.
 *
 * Lists of pixels are words, from which products take what they need. They are made by one
 * thread and read by all, and what crosses between caches is dear.
 *
 * Where images have a background that is not zero, many lists begin with it, and so do their
 * sums: to the bit the same, they are computed once, and the lists leave those steps out, as
 * they leave out zeros.
 */
#ifndef MLP_KERNELS_PACKED_H
#define MLP_KERNELS_PACKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels/kernels.h"

/* Steps of a background are left out by so many, and blocks of pixels have whole units. */
enum { MLP_SHARED_STEPS = MLP_COLUMNS };

/* A block of a list: its steps are n of those of the same block of all lists, from `first` on. */
typedef struct mlp_span {
    uint32_t first, n;
} mlp_span;

typedef struct mlp_packed {
    size_t n_lists;
    size_t block_steps; /* of all blocks but the last: a multiple of 16, or of 64 for floats */
    size_t n_blocks;
    mlp_span *spans;    /* (n_blocks, n_lists) */
    uint8_t background; /* of pixels, to be set before they are packed; 0: there is none */
    uint32_t *shared;   /* (n_lists): units of MLP_SHARED_STEPS steps, from the first on, that are
                           background in both rows, and left out */
    uint16_t *steps;    /* (n_blocks, n_lists * block_steps), and */
    float *values;      /* (the same, 2); or, of pixels, */
    uint32_t *words;    /* (the same), and */
    float *levels;      /* (256): l / 255 */
} mlp_packed;

typedef enum mlp_packed_kind { MLP_PACKED_FLOATS, MLP_PACKED_PIXELS } mlp_packed_kind;

/* So many lists of up to max_steps steps. false: out of memory, and *packed is zeroed. */
bool mlp_packed_init(mlp_packed *packed, size_t n_lists, size_t max_steps, mlp_packed_kind kind);
void mlp_packed_free(mlp_packed *packed);

/* Where a block of a list is to be written to: a place in steps and values, or in words. The
 * lists from `first` on are written in their order by one thread, and a list's blocks in theirs,
 * with room for as many steps as the block has, rounded up to 16. Then mlp_packed_close says how
 * many there are, and leaves out what is shared. */
size_t mlp_packed_open(mlp_packed *packed, size_t first, size_t list, size_t block);
void mlp_packed_close(mlp_packed *packed, size_t list, size_t block, size_t n);

/* Some neighbouring lists to multiply with. */
typedef struct mlp_lists {
    const mlp_packed *packed;
    size_t first, n;
    float *starts; /* mlp_lists_start_floats(), on 64 bytes: a thread's own, for all its lists */
} mlp_lists;

/* For lists of up to max_steps steps. */
size_t mlp_lists_start_floats(size_t max_steps);

/* What the products of n lists with the panel b, the lists' own from `at` on, begin with: start
 * (64), in both rows, and what is shared. That goes into the lists' starts, the first `columns`
 * columns, and holds until they serve another product. */
void mlp_lists_begin(const mlp_lists *lists, const mlp_kernels *kernels, size_t at, size_t n,
                     const float *b, size_t columns, const float *start);

/* *list = one block of the lists' own list i; of the first block, with its start. It is written
 * where it is wanted: what is copied at once after it was written waits for all stores before it.
 */
void mlp_lists_block(const mlp_lists *lists, size_t i, size_t block, mlp_list *list);

/* c[i] (2, 64) = the first n_blocks blocks of the lists' own list `at` + i times the panel b, with
 * which they have begun, for n lists; c is n tiles side by side. Of the same columns, or fewer. */
void mlp_lists_multiply(const mlp_lists *lists, const mlp_kernels *kernels, size_t n_blocks,
                        size_t at, size_t n, const float *b, size_t columns, float *c);

#endif
