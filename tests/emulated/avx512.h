/* avx512.h: the AVX-512 intrinsics of src/kernels by AVX2, for `make VARIANT=emulated`, which reads
 * it before such a file. Most are SIMDe's; here is what that of Debian 12 (0.7.4) lacks, what has
 * to be aligned, and the bf16 instructions, of which it has no exact ones.
 */
#ifndef MLP_TESTS_EMULATED_AVX512_H
#define MLP_TESTS_EMULATED_AVX512_H

#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/x86/avx512.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "bf16.h"

/* A load or store of a whole vector that is not on a cache line ends the process, as #GP would. */
static inline void emulated_check_aligned(const void *memory)
{
    if ((uintptr_t)memory % sizeof(__m512) != 0)
        abort();
}

static inline __m512 emulated_mm512_load_ps(const void *from)
{
    emulated_check_aligned(from);
    return simde_mm512_loadu_ps(from);
}

static inline __m512i emulated_mm512_load_si512(const void *from)
{
    emulated_check_aligned(from);
    return simde_mm512_loadu_si512(from);
}

static inline void emulated_mm512_store_ps(void *to, __m512 x)
{
    emulated_check_aligned(to);
    simde_mm512_storeu_ps(to, x);
}

static inline void emulated_mm512_store_si512(void *to, __m512i x)
{
    emulated_check_aligned(to);
    simde_mm512_storeu_si512(to, x);
}

/* Bytes of a masked load: `size` for each bit, and no other is read. */
static inline void emulated_load(void *to, const void *from, size_t size, size_t n, uint64_t mask)
{
    memset(to, 0, n * size);
    for (size_t i = 0; i < n; i++)
        if (mask >> i & 1)
            memcpy((char *)to + i * size, (const char *)from + i * size, size);
}

static inline __m512i emulated_mm512_maskz_loadu_epi8(uint64_t mask, const void *from)
{
    __m512i x;
    emulated_load(&x, from, 1, 64, mask);
    return x;
}

static inline __m128i emulated_mm_maskz_loadu_epi8(uint64_t mask, const void *from)
{
    __m128i x;
    emulated_load(&x, from, 1, 16, mask);
    return x;
}

static inline __m256i emulated_mm256_maskz_loadu_epi16(uint64_t mask, const void *from)
{
    __m256i x;
    emulated_load(&x, from, 2, 16, mask);
    return x;
}

static inline __m512 emulated_mm512_maskz_loadu_ps(uint64_t mask, const void *from)
{
    __m512 x;
    emulated_load(&x, from, 4, 16, mask);
    return x;
}

static inline __m512 emulated_mm512_maskz_load_ps(uint64_t mask, const void *from)
{
    emulated_check_aligned(from);
    return emulated_mm512_maskz_loadu_ps(mask, from);
}

static inline uint16_t emulated_mm256_test_epi16_mask(__m256i a, __m256i b)
{
    uint16_t both[16], mask = 0;
    __m256i x = _mm256_and_si256(a, b);
    memcpy(both, &x, sizeof x);
    for (size_t i = 0; i < 16; i++)
        mask = (uint16_t)(mask | (both[i] != 0) << i);
    return mask;
}

static inline uint32_t emulated_mm512_cmpgt_epi16_mask(__m512i a, __m512i b)
{
    return ~_mm512_cmple_epi16_mask(a, b);
}

typedef int32_t emulated_words __attribute__((vector_size(64)));
typedef uint16_t emulated_shorts __attribute__((vector_size(32)));

static inline __m256i emulated_mm512_cvtepi32_epi16(__m512i x)
{
    return (__m256i) __builtin_convertvector((emulated_words)x, emulated_shorts);
}

static inline __m512i emulated_mm512_cvtepu16_epi32(__m256i x)
{
    return (__m512i) __builtin_convertvector((emulated_shorts)x, emulated_words);
}

static inline __m512 emulated_mm512_cvtepi32_ps(__m512i x)
{
    return (__m512) __builtin_convertvector((emulated_words)x, __m512);
}

static inline __m512bh emulated_mm512_cvtne2ps_pbh(__m512 high, __m512 low)
{
    float from[32];
    uint16_t to[32];
    __m512bh out;
    memcpy(from, &low, sizeof low);
    memcpy(from + 16, &high, sizeof high);
    for (size_t i = 0; i < 32; i++)
        to[i] = emulated_round_to_bf16(from[i]);
    memcpy(&out, to, sizeof out);
    return out;
}

static inline __m512 emulated_mm512_dpbf16_ps(__m512 c, __m512bh a, __m512bh b)
{
    float sums[16];
    uint32_t left[16], right[16];
    memcpy(sums, &c, sizeof c);
    memcpy(left, &a, sizeof a);
    memcpy(right, &b, sizeof b);
    emulated_vdpbf16ps(sums, left, right);
    memcpy(&c, sums, sizeof c);
    return c;
}

#undef _kor_mask16
#undef _mm512_shuffle_i64x2
#undef _mm512_load_ps
#undef _mm512_load_si512
#undef _mm512_store_ps
#undef _mm512_store_si512
#undef _mm512_stream_si512
#undef _mm512_maskz_loadu_epi8
#undef _mm_maskz_loadu_epi8
#undef _mm256_maskz_loadu_epi16
#undef _mm512_maskz_loadu_ps
#undef _mm512_maskz_load_ps
#undef _mm256_test_epi16_mask
#undef _mm512_cmpgt_epi16_mask
#undef _mm512_cvtepi32_epi16
#undef _mm512_cvtepu16_epi32
#undef _mm512_cvtepi32_ps
#undef _mm512_cvtne2ps_pbh
#undef _mm512_dpbf16_ps
#define _kor_mask16(a, b) ((__mmask16)((a) | (b)))
#define _mm512_shuffle_i64x2 _mm512_shuffle_i32x4
#define _mm512_load_ps emulated_mm512_load_ps
#define _mm512_load_si512 emulated_mm512_load_si512
#define _mm512_store_ps emulated_mm512_store_ps
#define _mm512_store_si512 emulated_mm512_store_si512
#define _mm512_stream_si512 emulated_mm512_store_si512
#define _mm512_maskz_loadu_epi8 emulated_mm512_maskz_loadu_epi8
#define _mm_maskz_loadu_epi8 emulated_mm_maskz_loadu_epi8
#define _mm256_maskz_loadu_epi16 emulated_mm256_maskz_loadu_epi16
#define _mm512_maskz_loadu_ps emulated_mm512_maskz_loadu_ps
#define _mm512_maskz_load_ps emulated_mm512_maskz_load_ps
#define _mm256_test_epi16_mask emulated_mm256_test_epi16_mask
#define _mm512_cmpgt_epi16_mask emulated_mm512_cmpgt_epi16_mask
#define _mm512_cvtepi32_epi16 emulated_mm512_cvtepi32_epi16
#define _mm512_cvtepu16_epi32 emulated_mm512_cvtepu16_epi32
#define _mm512_cvtepi32_ps emulated_mm512_cvtepi32_ps
#define _mm512_cvtne2ps_pbh emulated_mm512_cvtne2ps_pbh
#define _mm512_dpbf16_ps emulated_mm512_dpbf16_ps

#endif
