/* bf16_portable.c: the bf16 kernels in plain C. They run on any machine and define the
 * bytes that every other table must reproduce. */
#include "kernels/bf16_loops.h"
#include "kernels/select.h"

const mlp_bf16_kernels mlp_bf16_kernels_portable = {
    .name = "portable",
    .fp32 = &mlp_kernels_portable,
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
