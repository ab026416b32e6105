/* bf16_avx2.c: the bf16 kernels as plain loops, for AVX2 and FMA. */
#include "kernels/bf16_loops.h"
#include "kernels/select.h"

const mlp_bf16_kernels mlp_bf16_kernels_avx2 = {
    .name = "avx2",
    .fp32 = &mlp_kernels_avx2,
    .open = open_tiles,
    .close = close_tiles,
    .multiply = multiply,
    .pack_rows = pack_rows,
    .pack_pairs = pack_pairs,
    .transpose = transpose,
    .transpose_elements = transpose_elements,
    .pack_pixels = pack_pixels,
    .transpose_pixels = transpose_pixels,
    .pack_relu = pack_relu,
    .pack_gradient = pack_gradient,
    .sum_columns = sum_columns,
};
