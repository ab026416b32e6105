/* bf16_portable.c: the bf16 kernels in plain C. They run on any machine and define the
 * bytes that every other table must reproduce. */
#include "kernels/bf16_loops.h"
#include "kernels/select.h"

const mlp_bf16_kernels mlp_bf16_kernels_portable = {
    "portable", &mlp_kernels_portable, open_tiles,    close_tiles, multiply, pack_rows, pack_pairs,
    transpose,  widen_pixels,          relu_backward, sum_columns,
};
