/* mem.h: checked sizes and aligned memory. */
#ifndef MLP_BASE_MEM_H
#define MLP_BASE_MEM_H

#include <stdbool.h>
#include <stddef.h>

/* Every buffer that a kernel touches starts on a cache line, which is also the
 * width of the widest vector register. */
enum { MLP_ALIGNMENT = 64 };

/* *product = a * b; false, and *product untouched, when that overflows. */
bool mlp_size_mul(size_t a, size_t b, size_t *product);

/* A huge page, of those systems that have them. */
enum { MLP_HUGE_PAGE = 2 << 20 };

/* The smallest multiple of `step` that is >= n. n + step must not overflow. */
size_t mlp_round_up(size_t n, size_t step);

/* `count` elements of `size` bytes, zeroed, MLP_ALIGNMENT-aligned; release with
 * free(). NULL when out of memory or when count * size overflows. From half a huge page on they
 * begin one, and are in huge pages where the system grants them: kernels that walk over
 * megabytes then seldom wait for an address to be translated. */
void *mlp_alloc(size_t count, size_t size);

/* Asks the system for huge pages where n bytes fill them. */
void mlp_advise_huge_pages(void *start, size_t n);

/* A copy of the string on the heap; NULL when out of memory or when s is NULL. */
char *mlp_strdup(const char *s);

/* Asks for bytes first .. end - 1 of what is at `memory`, past the first cache, which is in
 * use. Of a cache line that the range ends in, the next range may ask for again.
 *
 * gcc takes a function that does nothing but ask for one without effect, and drops its calls:
 * what calls this must do something else besides. */
static inline __attribute__((always_inline)) void mlp_prefetch(const void *memory, size_t first,
                                                               size_t end)
{
    for (size_t i = first; i < end; i += MLP_ALIGNMENT)
        __builtin_prefetch((const char *)memory + i, 0, 2);
}

static inline size_t mlp_min_size(size_t a, size_t b)
{
    return a < b ? a : b;
}

static inline size_t mlp_max_size(size_t a, size_t b)
{
    return a > b ? a : b;
}

#endif
