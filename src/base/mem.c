#include "base/mem.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

bool mlp_size_mul(size_t a, size_t b, size_t *product)
{
    if (b != 0 && a > SIZE_MAX / b)
        return false;
    *product = a * b;
    return true;
}

size_t mlp_round_up(size_t n, size_t step)
{
    return (n + step - 1) / step * step;
}

void *mlp_alloc(size_t count, size_t size)
{
    size_t bytes;
    void *memory = NULL;
    if (!mlp_size_mul(count, size, &bytes) || bytes > SIZE_MAX - MLP_HUGE_PAGE)
        return NULL;
    size_t alignment = bytes >= MLP_HUGE_PAGE / 2 ? MLP_HUGE_PAGE : MLP_ALIGNMENT;
    size_t room = mlp_round_up(bytes == 0 ? 1 : bytes, alignment);
    if (posix_memalign(&memory, alignment, room) != 0)
        return NULL;
    mlp_advise_huge_pages(memory, room);
    return memset(memory, 0, bytes);
}

void mlp_advise_huge_pages(void *start, size_t n)
{
#ifdef MADV_HUGEPAGE
    size_t skipped = mlp_round_up((uintptr_t)start, MLP_HUGE_PAGE) - (uintptr_t)start;
    if (n >= skipped + MLP_HUGE_PAGE)
        madvise((char *)start + skipped, (n - skipped) / MLP_HUGE_PAGE * MLP_HUGE_PAGE,
                MADV_HUGEPAGE);
#else
    (void)start;
    (void)n;
#endif
}

char *mlp_strdup(const char *s)
{
    if (s == NULL)
        return NULL;
    size_t bytes = strlen(s) + 1;
    char *copy = malloc(bytes);
    return copy == NULL ? NULL : memcpy(copy, s, bytes);
}
