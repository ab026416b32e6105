#include "base/counting_sort.h"

#include <string.h>

static size_t number(const uint32_t *from, size_t i)
{
    return from == NULL ? i : from[i];
}

void mlp_counting_sort(size_t n, const uint32_t *from, const uint32_t *key, size_t n_keys,
                       uint32_t *next, uint32_t *to)
{
    uint32_t first = 0;
    memset(next, 0, n_keys * sizeof *next);
    for (size_t i = 0; i < n; i++)
        next[key[number(from, i)]]++;
    for (size_t k = 0; k < n_keys; k++) {
        uint32_t count = next[k];
        next[k] = first;
        first += count;
    }
    for (size_t i = 0; i < n; i++) {
        size_t x = number(from, i);
        to[next[key[x]]++] = (uint32_t)x;
    }
}
