/* avx512_transpose.h: a (16, 16) matrix of words, transposed in registers. */
#ifndef MLP_KERNELS_AVX512_TRANSPOSE_H
#define MLP_KERNELS_AVX512_TRANSPOSE_H

#include <immintrin.h>
#include <stddef.h>

/* Columns and rows of a (16, 16) matrix of words exchange places: in pairs, in fours, and
 * then the lanes of 128 bits as a (4, 4) matrix. */
static inline __attribute__((always_inline)) void transpose_sixteen(__m512i row[16])
{
    __m512i pair[16], four[16];
#pragma GCC unroll 8
    for (size_t i = 0; i < 16; i += 2) {
        pair[i] = _mm512_unpacklo_epi32(row[i], row[i + 1]);
        pair[i + 1] = _mm512_unpackhi_epi32(row[i], row[i + 1]);
    }
#pragma GCC unroll 4
    for (size_t i = 0; i < 16; i += 4)
#pragma GCC unroll 2
        for (size_t j = 0; j < 2; j++) {
            four[i + 2 * j] = _mm512_unpacklo_epi64(pair[i + j], pair[i + 2 + j]);
            four[i + 2 * j + 1] = _mm512_unpackhi_epi64(pair[i + j], pair[i + 2 + j]);
        }
#pragma GCC unroll 4
    for (size_t j = 0; j < 4; j++) {
        __m512i low01 = _mm512_shuffle_i32x4(four[j], four[4 + j], 0x88);
        __m512i low23 = _mm512_shuffle_i32x4(four[8 + j], four[12 + j], 0x88);
        __m512i high01 = _mm512_shuffle_i32x4(four[j], four[4 + j], 0xdd);
        __m512i high23 = _mm512_shuffle_i32x4(four[8 + j], four[12 + j], 0xdd);
        row[j] = _mm512_shuffle_i32x4(low01, low23, 0x88);
        row[8 + j] = _mm512_shuffle_i32x4(low01, low23, 0xdd);
        row[4 + j] = _mm512_shuffle_i32x4(high01, high23, 0x88);
        row[12 + j] = _mm512_shuffle_i32x4(high01, high23, 0xdd);
    }
}

#endif
