/* cpu_features.h: what this CPU and operating system offer. Only reports; what
 * follows from it is decided in select.c. */
#ifndef MLP_KERNELS_CPU_FEATURES_H
#define MLP_KERNELS_CPU_FEATURES_H

#include <stdbool.h>

/* Usable means: the CPU has it and, but for amx_bf16, the system saves its registers. */
typedef struct mlp_cpu_features {
    bool avx2, fma;
    bool avx512f, avx512bw, avx512dq, avx512vl, avx512_bf16;
    bool amx_bf16;    /* the CPU has AMX tiles and their bf16 product */
    bool amx_granted; /* and the system lets this process use them: Linux has to be asked */
} mlp_cpu_features;

mlp_cpu_features mlp_cpu_features_detect(void);

#endif
