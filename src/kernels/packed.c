#include "kernels/packed.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "kernels/kernels.h"

bool mlp_packed_init(mlp_packed *packed, size_t lists, size_t max_steps)
{
    packed->capacity = mlp_round_up(max_steps, 16);
    packed->steps = mlp_alloc(lists, packed->capacity * sizeof *packed->steps);
    packed->values = mlp_alloc(lists, packed->capacity * MLP_TILE * sizeof *packed->values);
    packed->counts = mlp_alloc(lists, sizeof *packed->counts);
    if (packed->steps != NULL && packed->values != NULL && packed->counts != NULL)
        return true;
    mlp_packed_free(packed);
    return false;
}

void mlp_packed_free(mlp_packed *packed)
{
    free(packed->steps);
    free(packed->values);
    free(packed->counts);
    memset(packed, 0, sizeof *packed);
}
