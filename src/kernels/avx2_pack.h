/* avx2_pack.h: packed lists (kernels.h) by AVX2, eight steps at a time. Nothing here moves what
 * counts of them to the front at once: of each four a permutation does, which a table has.
 */
#ifndef MLP_KERNELS_AVX2_PACK_H
#define MLP_KERNELS_AVX2_PACK_H

#include <immintrin.h>
#include <stdbool.h>

#include "kernels/pack_loops.h"

enum { QUAD = 4, LOW_QUAD = (1 << QUAD) - 1, EIGHT = 2 * QUAD, LANE_IMAGES = EIGHT };

/* Of four lanes those whose bits are set, in their order. What is behind them is of no use. */
static const int32_t to_front[1 << QUAD][QUAD] __attribute__((aligned(16))) = {
    {0}, {0},    {1},    {0, 1},    {2},    {0, 2},    {1, 2},    {0, 1, 2},
    {3}, {0, 3}, {1, 3}, {0, 1, 3}, {2, 3}, {0, 2, 3}, {1, 2, 3}, {0, 1, 2, 3},
};

static inline __m128i order_of(unsigned set)
{
    return _mm_load_si128((const __m128i *)to_front[set & LOW_QUAD]);
}

static inline size_t count_of(unsigned set)
{
    return (size_t)__builtin_popcount(set);
}

/* A bit for each of eight words, or floats of either sign, that is not zero. */
static inline unsigned set_words(__m256i words)
{
    __m256i zero = _mm256_cmpeq_epi32(words, _mm256_setzero_si256());
    return (unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(zero)) ^ 0xffu;
}

/* k, k + 1, ... of eight neighbours. */
static inline __m256i eight_steps(size_t k)
{
    const __m256i lanes = _mm256_set_epi32(7, 6, 5, 4, 3, 2, 1, 0);
    return _mm256_add_epi32(_mm256_set1_epi32((int)k), lanes);
}

/* Appends to a list those of eight steps, k .. k + 7, whose levels are not both zero. */
static inline size_t append_levels(size_t k, __m256i levels, uint32_t *list)
{
    unsigned set = set_words(levels);
    __m256i words = _mm256_or_si256(levels, _mm256_slli_epi32(eight_steps(k), 8));
    __m256i order = _mm256_set_m128i(order_of(set >> QUAD), order_of(set));
    __m256i front = _mm256_castps_si256(_mm256_permutevar_ps(_mm256_castsi256_ps(words), order));
    _mm_storeu_si128((__m128i *)list, _mm256_castsi256_si128(front));
    _mm_storeu_si128((__m128i *)(list + count_of(set & LOW_QUAD)),
                     _mm256_extracti128_si256(front, 1));
    return count_of(set);
}

static inline bool are_blank(size_t n, const uint8_t *bytes)
{
    uint8_t any = 0;
    for (size_t k = 0; k < n; k++)
        any |= bytes[k];
    return any == 0;
}

/* Eight pixels of two images as levels of words. */
static inline __m256i image_levels(const uint8_t *first, const uint8_t *second)
{
    __m256i low = _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)first));
    __m256i high = _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)second));
    return _mm256_or_si256(low, _mm256_slli_epi32(high, 24));
}

static size_t pack_images(size_t n, const uint8_t *const images[MLP_TILE], uint32_t *list)
{
    size_t count = 0, k = 0;
    if (are_blank(n, images[0]) && are_blank(n, images[1]))
        return 0;
    for (; k + EIGHT <= n; k += EIGHT)
        count += append_levels(k, image_levels(images[0] + k, images[1] + k), list + count);
    if (k < n) {
        uint8_t last[MLP_TILE][EIGHT] = {{0}};
        for (size_t i = 0; i < MLP_TILE; i++)
            memcpy(last[i], images[i] + k, n - k);
        count += append_levels(k, image_levels(last[0], last[1]), list + count);
    }
    return count;
}

/* Eight pairs as levels of words. */
static inline __m256i pair_levels(const uint16_t *pairs)
{
    const __m256i outer =
        _mm256_set_epi8(15, -1, -1, 14, 13, -1, -1, 12, 11, -1, -1, 10, 9, -1, -1, 8, /* upper 4 */
                        7, -1, -1, 6, 5, -1, -1, 4, 3, -1, -1, 2, 1, -1, -1, 0);
    __m256i both = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)pairs));
    return _mm256_shuffle_epi8(both, outer);
}

static size_t pack_pairs(size_t n, const uint16_t *pairs, uint32_t *list)
{
    size_t count = 0, k = 0;
    if (are_blank(n * sizeof *pairs, (const uint8_t *)pairs))
        return 0;
    for (; k + EIGHT <= n; k += EIGHT)
        count += append_levels(k, pair_levels(pairs + k), list + count);
    if (k < n) {
        uint16_t last[EIGHT] = {0};
        memcpy(last, pairs + k, (n - k) * sizeof *last);
        count += append_levels(k, pair_levels(last), list + count);
    }
    return count;
}

/* Sixteen bytes of image i and of image i + 8, in two lanes; past the last image, zeros. */
static inline __m256i bytes_of_two(size_t n, const uint8_t *const *images, size_t i, size_t first)
{
    __m128i low =
        i < n ? _mm_loadu_si128((const __m128i *)(images[i] + first)) : _mm_setzero_si128();
    __m128i high = i + LANE_IMAGES < n
                       ? _mm_loadu_si128((const __m128i *)(images[i + LANE_IMAGES] + first))
                       : _mm_setzero_si128();
    return _mm256_set_m128i(high, low);
}

/* Columns and rows of two (8, 8) matrices of pairs, one in each lane, exchange places. */
static inline __attribute__((always_inline)) void transpose_pairs(__m256i row[EIGHT])
{
    __m256i two[EIGHT], four[EIGHT];
#pragma GCC unroll 4
    for (size_t i = 0; i < EIGHT; i += 2) {
        two[i] = _mm256_unpacklo_epi16(row[i], row[i + 1]);
        two[i + 1] = _mm256_unpackhi_epi16(row[i], row[i + 1]);
    }
#pragma GCC unroll 4
    for (size_t i = 0; i < EIGHT; i += 4)
#pragma GCC unroll 2
        for (size_t j = 0; j < 2; j++) {
            four[i + 2 * j] = _mm256_unpacklo_epi32(two[i + j], two[i + 2 + j]);
            four[i + 2 * j + 1] = _mm256_unpackhi_epi32(two[i + j], two[i + 2 + j]);
        }
#pragma GCC unroll 4
    for (size_t j = 0; j < QUAD; j++) {
        row[2 * j] = _mm256_unpacklo_epi64(four[j], four[QUAD + j]);
        row[2 * j + 1] = _mm256_unpackhi_epi64(four[j], four[QUAD + j]);
    }
}

/* Sixteen pixels' pairs of 16 images. */
static inline void gather_sixteen(size_t n, const uint8_t *const *images, size_t i, size_t first,
                                  uint16_t *pairs)
{
    __m256i row[EIGHT];
#pragma GCC unroll 8
    for (size_t j = 0; j < EIGHT; j++)
        row[j] = bytes_of_two(n, images, i + j, first);
    transpose_pairs(row);
#pragma GCC unroll 8
    for (size_t j = 0; j < EIGHT; j++)
        _mm256_store_si256((__m256i *)(pairs + j * MLP_BLOCK_STEPS + i), row[j]);
}

_Static_assert(MLP_BLOCK_STEPS % (2 * LANE_IMAGES) == 0, "16 images' pairs fit into a row");

static void gather_pairs(size_t n, const uint8_t *const *images, size_t first, size_t size,
                         uint16_t *pairs)
{
    enum { PIXELS = MLP_TILE * EIGHT };
    size_t k = 0;
    for (; k + PIXELS <= size; k += PIXELS, pairs += EIGHT * MLP_BLOCK_STEPS)
        for (size_t i = 0; i < n; i += 2 * LANE_IMAGES)
            gather_sixteen(n, images, i, first + k, pairs);
    gather_pairs_plain(n, images, first + k, size - k, pairs);
}

/* Appends those of four columns of two rows that are set. */
static inline size_t append_quad(unsigned set, __m128 a, __m128 b, __m128i k, uint16_t *steps,
                                 float *values)
{
    __m128i order = order_of(set);
    __m128i front = _mm_castps_si128(_mm_permutevar_ps(_mm_castsi128_ps(k), order));
    a = _mm_permutevar_ps(a, order);
    b = _mm_permutevar_ps(b, order);
    _mm_storel_epi64((__m128i *)steps, _mm_packus_epi32(front, front));
    _mm_storeu_ps(values, _mm_unpacklo_ps(a, b));
    _mm_storeu_ps(values + QUAD, _mm_unpackhi_ps(a, b));
    return count_of(set & LOW_QUAD);
}

static size_t pack_rows(size_t n, size_t first_k, const float *rows, uint16_t *steps, float *values)
{
    size_t count = 0;
    for (size_t k = 0; k < n; k += EIGHT) {
        __m256 a = _mm256_loadu_ps(rows + k), b = _mm256_loadu_ps(rows + MLP_PANEL + k);
        __m256i all = eight_steps(first_k + k);
        __m256i no_signs = _mm256_slli_epi32(_mm256_castps_si256(_mm256_or_ps(a, b)), 1);
        unsigned set = set_words(no_signs) & (n - k < EIGHT ? (1u << (n - k)) - 1 : 0xffu);
        count += append_quad(set, _mm256_castps256_ps128(a), _mm256_castps256_ps128(b),
                             _mm256_castsi256_si128(all), steps + count, values + count * MLP_TILE);
        count +=
            append_quad(set >> QUAD, _mm256_extractf128_ps(a, 1), _mm256_extractf128_ps(b, 1),
                        _mm256_extracti128_si256(all, 1), steps + count, values + count * MLP_TILE);
    }
    return count;
}

#endif
