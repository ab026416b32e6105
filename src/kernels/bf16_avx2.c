/* bf16_avx2.c: the bf16 kernels as plain loops, for AVX2 and FMA. */
#include "kernels/bf16_loops.h"
#include "kernels/select.h"

const mlp_bf16_kernels mlp_bf16_kernels_avx2 = {
    "avx2",     &mlp_kernels_avx2, open_tiles,   close_tiles,   multiply,    pack_rows,
    pack_pairs, transpose,         widen_pixels, relu_backward, sum_columns,
};
