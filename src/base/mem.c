#include "base/mem.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

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
    if (!mlp_size_mul(count, size, &bytes) || bytes > SIZE_MAX - MLP_ALIGNMENT)
        return NULL;
    bytes = mlp_round_up(bytes == 0 ? 1 : bytes, MLP_ALIGNMENT);
    if (posix_memalign(&memory, MLP_ALIGNMENT, bytes) != 0)
        return NULL;
    return memset(memory, 0, bytes);
}

char *mlp_strdup(const char *s)
{
    if (s == NULL)
        return NULL;
    size_t bytes = strlen(s) + 1;
    char *copy = malloc(bytes);
    return copy == NULL ? NULL : memcpy(copy, s, bytes);
}
