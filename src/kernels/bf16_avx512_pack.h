/* bf16_avx512_pack.h: what the tables avx512bf16 and amx share, all but the product: operands
 * packed and transposed by AVX-512 with its bf16 instructions. */
#ifndef MLP_KERNELS_BF16_AVX512_PACK_H
#define MLP_KERNELS_BF16_AVX512_PACK_H

#include "kernels/bf16.h"

/* As the members of mlp_bf16_kernels say. */
void mlp_bf16_avx512_pack_rows(const float *x, size_t stride, float scale, uint32_t *block);
void mlp_bf16_avx512_pack_pairs(const float *x, size_t stride, float scale, uint32_t *block,
                                bool streams);
void mlp_bf16_avx512_transpose(const uint32_t *block, uint32_t *out, bool streams);
void mlp_bf16_avx512_transpose_elements(const uint32_t *block, uint32_t *out);
void mlp_bf16_avx512_pack_pixels(const uint8_t *pixels, uint32_t *block);
void mlp_bf16_avx512_transpose_pixels(const uint8_t *pixels, uint8_t *out);
void mlp_bf16_avx512_pack_relu(const float *x, size_t stride, uint32_t *block, uint32_t *positive,
                               bool streams);
void mlp_bf16_avx512_pack_gradient(const float *x, size_t stride, const uint32_t *positive,
                                   float scale, uint32_t *rows, uint32_t *pairs, bool streams);
void mlp_bf16_avx512_sum_columns(size_t n, const uint32_t *b, float *sums);

#endif
