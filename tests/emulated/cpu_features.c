/* cpu_features.c: in the place of src/kernels/cpu_features.c where instructions are emulated: a CPU
 * that has what the emulation takes has everything. */
#include "kernels/cpu_features.h"

mlp_cpu_features mlp_cpu_features_detect(void)
{
    __builtin_cpu_init();
    bool all = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    return (mlp_cpu_features){all, all, all, all, all, all, all, all, all};
}
