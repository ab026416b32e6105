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

/* A comma-separated list of what this machine runs. */
typedef struct choices {
    char names[128];
} choices;

static void add_choice(choices *c, const char *name)
{
    size_t length = strlen(c->names);
    snprintf(c->names + length, sizeof c->names - length, "%s%s", length > 0 ? ", " : "", name);
}

static mlp_status fail_with_choices(const char *name, const char *why, const choices *c,
                                    mlp_error *err)
{
    return mlp_fail(err, MLP_ERR_USAGE, "kernel \"%s\" %s; this machine runs: %s", name, why,
                    c->names);
}

mlp_status mlp_kernels_select(const mlp_kernels **kernels, const char *name, mlp_error *err)
{
    choices c = {""};
    bool known = false;
    *kernels = NULL;
    for (size_t i = 0; mlp_kernels_list(i) != NULL; i++) {
        const mlp_kernels *k = mlp_kernels_list(i);
        bool named = name == NULL || strcmp(k->name, name) == 0;
        known |= named;
        if (!mlp_kernels_supported(k))
            continue;
        add_choice(&c, k->name);
        if (named)
            *kernels = k;
    }
    if (*kernels == NULL)
        return fail_with_choices(name, known ? "is not supported by this CPU" : "is unknown", &c,
                                 err);
    return MLP_OK;
}

static const mlp_bf16_kernels *const compiled_bf16[] = {
    &mlp_bf16_kernels_portable,
#if defined(__x86_64__)
    &mlp_bf16_kernels_avx2,
    &mlp_bf16_kernels_avx512,
    &mlp_bf16_kernels_amx,
#endif
};
enum { N_COMPILED_BF16 = sizeof compiled_bf16 / sizeof compiled_bf16[0] };

const mlp_bf16_kernels *mlp_bf16_kernels_list(size_t index)
{
    return index < N_COMPILED_BF16 ? compiled_bf16[index] : NULL;
}

bool mlp_bf16_kernels_supported(const mlp_bf16_kernels *kernels)
{
#if defined(__x86_64__)
    mlp_cpu_features cpu = mlp_cpu_features_detect();
    if (kernels == &mlp_bf16_kernels_avx512)
        return mlp_kernels_supported(kernels->fp32) && cpu.avx512_bf16;
    if (kernels == &mlp_bf16_kernels_amx)
        return mlp_bf16_kernels_supported(&mlp_bf16_kernels_avx512) && cpu.amx_granted;
#endif
    return mlp_kernels_supported(kernels->fp32);
}

bool mlp_bf16_kernels_denied(void)
{
    mlp_cpu_features cpu = mlp_cpu_features_detect();
    return cpu.amx_bf16 && !cpu.amx_granted;
}

mlp_status mlp_bf16_kernels_select(mlp_kernels *kernels, const char *name, mlp_error *err)
{
    const mlp_bf16_kernels *chosen = NULL;
    const char *why = "is unknown to train.precision bf16";
    choices c = {""};
    for (size_t i = 0; mlp_bf16_kernels_list(i) != NULL; i++) {
        const mlp_bf16_kernels *k = mlp_bf16_kernels_list(i);
        bool named = name == NULL || strcmp(k->name, name) == 0;
        if (mlp_bf16_kernels_supported(k)) {
            add_choice(&c, k->name);
            chosen = named ? k : chosen;
        } else if (named) {
            why = mlp_bf16_kernels_denied() ? "is not granted by the operating system"
                                            : "is not supported by this CPU";
        }
    }
    if (chosen == NULL)
        return fail_with_choices(name, why, &c, err);
    *kernels = *chosen->fp32;
    kernels->name = chosen->name;
    kernels->bf16 = chosen;
    return MLP_OK;
}
