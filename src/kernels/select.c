#include "kernels/select.h"

#include <stdio.h>
#include <string.h>

#include "kernels/cpu_features.h"

static const mlp_kernels *const compiled[] = {
    &mlp_kernels_portable,
#if defined(__x86_64__)
    &mlp_kernels_avx2,
    &mlp_kernels_avx512,
#endif
};
enum { N_COMPILED = sizeof compiled / sizeof compiled[0] };

const mlp_kernels *mlp_kernels_list(size_t index)
{
    return index < N_COMPILED ? compiled[index] : NULL;
}

bool mlp_kernels_supported(const mlp_kernels *kernels)
{
#if defined(__x86_64__)
    mlp_cpu_features cpu = mlp_cpu_features_detect();
    if (kernels == &mlp_kernels_avx2)
        return cpu.avx2 && cpu.fma;
    if (kernels == &mlp_kernels_avx512)
        return cpu.fma && cpu.avx512f && cpu.avx512bw && cpu.avx512dq && cpu.avx512vl;
#endif
    return kernels == &mlp_kernels_portable;
}

static mlp_status fail_with_choices(const char *name, const char *why, mlp_error *err)
{
    char names[128] = "";
    for (size_t i = 0; mlp_kernels_list(i) != NULL; i++) {
        const mlp_kernels *k = mlp_kernels_list(i);
        size_t length = strlen(names);
        if (mlp_kernels_supported(k))
            snprintf(names + length, sizeof names - length, "%s%s", length > 0 ? ", " : "",
                     k->name);
    }
    return mlp_fail(err, MLP_ERR_USAGE, "kernel \"%s\" %s; this machine runs: %s", name, why,
                    names);
}

mlp_status mlp_kernels_select(const mlp_kernels **kernels, const char *name, mlp_error *err)
{
    *kernels = NULL;
    for (size_t i = 0; mlp_kernels_list(i) != NULL; i++) {
        const mlp_kernels *k = mlp_kernels_list(i);
        bool named = name != NULL && strcmp(k->name, name) == 0;
        if (named && !mlp_kernels_supported(k))
            return fail_with_choices(name, "is not supported by this CPU", err);
        if (named || (name == NULL && mlp_kernels_supported(k)))
            *kernels = k;
    }
    if (*kernels == NULL)
        return fail_with_choices(name, "is unknown", err);
    return MLP_OK;
}
