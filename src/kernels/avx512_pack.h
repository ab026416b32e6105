/* avx512_pack.h: packed lists (kernels.h) by AVX-512, sixteen steps at a time: what counts of them
 * is moved to the front by VPCOMPRESSD. For avx512.c, which defines, before the include, vector
 * and VECTOR_LANES.
 */
#ifndef MLP_KERNELS_AVX512_PACK_H
#define MLP_KERNELS_AVX512_PACK_H

#include <immintrin.h>
#include <stdbool.h>

#include "kernels/avx512_transpose.h"

/* k, k + 1, ... of 16 neighbours. */
static inline __m512i sixteen_steps(size_t k)
{
    const __m512i lanes = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    return _mm512_add_epi32(_mm512_set1_epi32((int)k), lanes);
}

/* The lower halves of 16 words. */
static inline void store_shorts(uint16_t *to, __m512i words)
{
    _mm256_storeu_si256((__m256i *)to, _mm512_cvtepi32_epi16(words));
}

static __mmask16 valid_lanes(size_t left)
{
    return (__mmask16)(left < VECTOR_LANES ? (1u << left) - 1 : 0xffffu);
}

/* One image's bytes of a gather; past the last image, zeros. */
static inline __m512i image_bytes(size_t n, const uint8_t *const *images, size_t i, size_t first,
                                  __mmask64 bytes)
{
    return i < n ? _mm512_maskz_loadu_epi8(bytes, images[i] + first) : _mm512_setzero_si512();
}

_Static_assert(MLP_BLOCK_STEPS % (2 * VECTOR_LANES) == 0, "32 images' pairs fit into a row");

/* The even pairs of 32 images (odd 0), or the odd ones (1): words of two pairs become words of two
 * images' pairs, which transposed have all images' side by side. */
static inline __attribute__((always_inline)) void gather_half(size_t n,
                                                              const uint8_t *const *images,
                                                              size_t i, size_t first, size_t size,
                                                              size_t odd, uint16_t *pairs)
{
    const __mmask32 second = 0xaaaaaaaau;
    __mmask64 bytes = size < sizeof(__m512i) ? ((__mmask64)1 << size) - 1 : ~(__mmask64)0;
    __m512i row[VECTOR_LANES];
#pragma GCC unroll 16
    for (size_t j = 0; j < VECTOR_LANES; j++) {
        __m512i a = image_bytes(n, images, i + 2 * j, first, bytes);
        __m512i b = image_bytes(n, images, i + 2 * j + 1, first, bytes);
        row[j] = odd == 0 ? _mm512_mask_mov_epi16(a, second, _mm512_slli_epi32(b, 16))
                          : _mm512_mask_mov_epi16(_mm512_srli_epi32(a, 16), second, b);
    }
    transpose_sixteen(row);
#pragma GCC unroll 16
    for (size_t j = 0; j < VECTOR_LANES; j++)
        if ((2 * j + odd) * MLP_TILE < size)
            _mm512_store_si512(pairs + (2 * j + odd) * MLP_BLOCK_STEPS + i, row[j]);
}

static void gather_pairs(size_t n, const uint8_t *const *images, size_t first, size_t size,
                         uint16_t *pairs)
{
    for (size_t i = 0; i < n; i += 2 * VECTOR_LANES) {
        gather_half(n, images, i, first, size, 0, pairs);
        gather_half(n, images, i, first, size, 1, pairs);
    }
}

/* Appends those of 16 pairs that are not zero, the steps k .. k + 15, to a list. */
static inline size_t append_pairs(size_t k, __m256i pairs, uint32_t *list)
{
    __mmask16 set = _mm256_test_epi16_mask(pairs, pairs);
    __m512i pixels = _mm512_cvtepu16_epi32(pairs);
    __m512i outer = _mm512_or_epi32(pixels, _mm512_slli_epi32(pixels, 16));
    __m512i words = _mm512_or_epi32(_mm512_and_epi32(outer, _mm512_set1_epi32((int)0xff0000ff)),
                                    _mm512_slli_epi32(sixteen_steps(k), 8));
    _mm512_storeu_si512(list, _mm512_maskz_compress_epi32(set, words));
    return (size_t)__builtin_popcount(set);
}

/* Sixteen bytes of each of two images, side by side. */
static inline __m256i pair_bytes(__m128i first, __m128i second)
{
    return _mm256_set_m128i(_mm_unpackhi_epi8(first, second), _mm_unpacklo_epi8(first, second));
}

/* Are n bytes all zero? Those of an image's margins are, in every image. */
static inline bool are_blank(size_t n, const void *bytes)
{
    __m512i any = _mm512_setzero_si512();
    for (size_t k = 0; k < n; k += sizeof any) {
        __mmask64 valid = n - k < sizeof any ? ((__mmask64)1 << (n - k)) - 1 : ~(__mmask64)0;
        any = _mm512_or_si512(any, _mm512_maskz_loadu_epi8(valid, (const uint8_t *)bytes + k));
    }
    return _mm512_test_epi32_mask(any, any) == 0;
}

static size_t pack_images(size_t n, const uint8_t *const images[MLP_TILE], uint32_t *list)
{
    size_t count = 0, k = 0;
    if (are_blank(n, images[0]) && are_blank(n, images[1]))
        return 0;
    for (; k + VECTOR_LANES <= n; k += VECTOR_LANES) {
        __m128i first = _mm_loadu_si128((const __m128i *)(images[0] + k));
        __m128i second = _mm_loadu_si128((const __m128i *)(images[1] + k));
        count += append_pairs(k, pair_bytes(first, second), list + count);
    }
    if (k < n) {
        __m128i first = _mm_maskz_loadu_epi8(valid_lanes(n - k), images[0] + k);
        __m128i second = _mm_maskz_loadu_epi8(valid_lanes(n - k), images[1] + k);
        count += append_pairs(k, pair_bytes(first, second), list + count);
    }
    return count;
}

static size_t pack_pairs(size_t n, const uint16_t *pairs, uint32_t *list)
{
    size_t count = 0, k = 0;
    if (are_blank(n * sizeof *pairs, pairs))
        return 0;
    for (; k + VECTOR_LANES <= n; k += VECTOR_LANES)
        count += append_pairs(k, _mm256_loadu_si256((const __m256i *)(pairs + k)), list + count);
    if (k < n)
        count +=
            append_pairs(k, _mm256_maskz_loadu_epi16(valid_lanes(n - k), pairs + k), list + count);
    return count;
}

/* Sixteen columns of two rows, those with a number that is not zero moved to the front, and the
 * two side by side. */
static size_t pack_sixteen(const float *rows, __mmask16 valid, size_t k, uint16_t *steps,
                           float *values)
{
    const __m512i low = _mm512_set_epi32(23, 7, 22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
    const __m512i high = _mm512_add_epi32(low, _mm512_set1_epi32(VECTOR_LANES / MLP_TILE));
    vector a = _mm512_maskz_loadu_ps(valid, rows);
    vector b = _mm512_maskz_loadu_ps(valid, rows + MLP_PANEL);
    __mmask16 set = _kor_mask16(_mm512_cmp_ps_mask(a, _mm512_setzero_ps(), _CMP_NEQ_UQ),
                                _mm512_cmp_ps_mask(b, _mm512_setzero_ps(), _CMP_NEQ_UQ));
    a = _mm512_maskz_compress_ps(set, a);
    b = _mm512_maskz_compress_ps(set, b);
    store_shorts(steps, _mm512_maskz_compress_epi32(set, sixteen_steps(k)));
    _mm512_storeu_ps(values, _mm512_permutex2var_ps(a, low, b));
    _mm512_storeu_ps(values + VECTOR_LANES, _mm512_permutex2var_ps(a, high, b));
    return (size_t)__builtin_popcount(set);
}

static size_t pack_rows(size_t n, size_t first_k, const float *rows, uint16_t *steps, float *values)
{
    size_t count = 0;
    for (size_t k = 0; k < n; k += VECTOR_LANES)
        count += pack_sixteen(rows + k, valid_lanes(n - k), first_k + k, steps + count,
                              values + count * MLP_TILE);
    return count;
}

#endif
