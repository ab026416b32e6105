/* counting_sort.h: numbers in the order of their keys, of which there are few. */
#ifndef MLP_BASE_COUNTING_SORT_H
#define MLP_BASE_COUNTING_SORT_H

#include <stddef.h>
#include <stdint.h>

/* to (n) = from (n), or 0 .. n - 1 where from is NULL, sorted by key[i] < n_keys of each number i;
 * those of one key stay in order. next (n_keys) is room. */
void mlp_counting_sort(size_t n, const uint32_t *from, const uint32_t *key, size_t n_keys,
                       uint32_t *next, uint32_t *to);

#endif
