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

/* Has a table of this precision the name, whether or not this machine runs it? */
static bool is_fp32_name(const char *name)
{
    for (size_t i = 0; mlp_kernels_list(i) != NULL; i++)
        if (strcmp(mlp_kernels_list(i)->name, name) == 0)
            return true;
    return false;
}

static bool is_bf16_name(const char *name)
{
    for (size_t i = 0; mlp_bf16_kernels_list(i) != NULL; i++)
        if (strcmp(mlp_bf16_kernels_list(i)->name, name) == 0)
            return true;
    return false;
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

static const char *why_not_fp32(const char *name)
{
    if (is_fp32_name(name))
        return "is not supported by this CPU";
    return is_bf16_name(name) ? "is a bf16 kernel, not for train.precision fp32" : "is unknown";
}

mlp_status mlp_kernels_select(const mlp_kernels **kernels, const char *name, mlp_error *err)
{
    choices c = {""};
    *kernels = NULL;
    for (size_t i = 0; mlp_kernels_list(i) != NULL; i++) {
        const mlp_kernels *k = mlp_kernels_list(i);
        if (!mlp_kernels_supported(k))
            continue;
        add_choice(&c, k->name);
        if (name == NULL || strcmp(k->name, name) == 0)
            *kernels = k;
    }
    if (*kernels == NULL)
        return fail_with_choices(name, why_not_fp32(name), &c, err);
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

static const char *why_not_bf16(const char *name)
{
    if (is_bf16_name(name))
        return mlp_bf16_kernels_denied() ? "is not granted by the operating system"
                                         : "is not supported by this CPU";
    return is_fp32_name(name) ? "is an fp32 kernel, not for train.precision bf16"
                              : "is unknown to train.precision bf16";
}

mlp_status mlp_bf16_kernels_select(mlp_kernels *kernels, const char *name, mlp_error *err)
{
    const mlp_bf16_kernels *chosen = NULL;
    choices c = {""};
    for (size_t i = 0; mlp_bf16_kernels_list(i) != NULL; i++) {
        const mlp_bf16_kernels *k = mlp_bf16_kernels_list(i);
        if (!mlp_bf16_kernels_supported(k))
            continue;
        add_choice(&c, k->name);
        if (name == NULL || strcmp(k->name, name) == 0)
            chosen = k;
    }
    if (chosen == NULL)
        return fail_with_choices(name, why_not_bf16(name), &c, err);
    *kernels = *chosen->fp32;
    kernels->name = chosen->name;
    kernels->bf16 = chosen;
    return MLP_OK;
}
