#include "kernels/strips.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

bool mlp_strips_init(mlp_strips *strips, size_t rows, size_t depth)
{
    strips->stride = mlp_strips_stride(depth);
    strips->words = mlp_alloc(mlp_strips_count(rows), strips->stride * sizeof *strips->words);
    if (strips->words != NULL)
        return true;
    mlp_strips_free(strips);
    return false;
}

void mlp_strips_free(mlp_strips *strips)
{
    free(strips->words);
    memset(strips, 0, sizeof *strips);
}
