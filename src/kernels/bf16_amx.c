/* bf16_amx.c: the bf16 product on AMX tiles. Of the eight tiles four hold the sums of
 * C (32, 32), two a block of A, two a block of B: four products of 16 cycles for four
 * loads, the best ratio that eight tiles allow. Callers repeat a before b: the loads of b
 * are the streaming ones, which leave a in the L1 cache. */
#include <immintrin.h>

#include "kernels/bf16_avx512_pack.h"
#include "kernels/select.h"

enum { TILE = MLP_BF16_TILE, BLOCK = MLP_BF16_BLOCK };

/* The memory image of LDTILECFG: eight tiles of 16 rows of 64 bytes. A constant, for gcc's
 * intrinsic does not tell the compiler how much it reads. */
static const struct {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
} CONFIG = {
    .palette = 1,
    .row_bytes = {64, 64, 64, 64, 64, 64, 64, 64},
    .rows = {TILE, TILE, TILE, TILE, TILE, TILE, TILE, TILE},
};

static void open_tiles(void)
{
    _tile_loadconfig(&CONFIG);
}

static void close_tiles(void)
{
    _tile_release();
}

/* Asks for a line, past the first cache, which is in use. Always inlined: see mlp_prefetch. */
static inline __attribute__((always_inline)) void ask(bool asks, uintptr_t ahead, size_t line)
{
    if (asks)
        _mm_prefetch((const char *)(ahead + line * 64), _MM_HINT_T1);
}

/* The sums += a block of A times a block of B. What is asked for lies between the loads of B: six
 * lines at once, and these would wait for them. */
static inline __attribute__((always_inline)) void add_block(const uint32_t *a, const uint32_t *b,
                                                            bool asks, uintptr_t ahead)
{
    _tile_stream_loadd(6, b, 64);
    ask(asks, ahead, 0);
    _tile_stream_loadd(7, b + BLOCK / 2, 64);
    ask(asks, ahead, 1);
    _tile_loadd(4, a, 64);
    _tile_dpbf16ps(0, 4, 6);
    ask(asks, ahead, 2);
    _tile_dpbf16ps(1, 4, 7);
    ask(asks, ahead, 3);
    _tile_loadd(5, a + BLOCK / 2, 64);
    _tile_dpbf16ps(2, 5, 6);
    ask(asks, ahead, 4);
    _tile_dpbf16ps(3, 5, 7);
    ask(asks, ahead, 5);
    _Static_assert(MLP_BF16_AHEAD == 6 * 64, "all of it is asked for here, a line at a time");
}

static void multiply(size_t n, const uint32_t *blocks, const uint32_t *a, const uint32_t *b,
                     const float *start, size_t start_stride, float *c, size_t stride,
                     uintptr_t ahead)
{
    float *lower = c + TILE * stride;
    const float *lower_start = start + TILE * start_stride;
    const size_t row = stride * sizeof *c, start_row = start_stride * sizeof *start;
    _tile_loadd(0, start, start_row);
    _tile_loadd(1, start + TILE, start_row);
    _tile_loadd(2, lower_start, start_row);
    _tile_loadd(3, lower_start + TILE, start_row);
    if (ahead == 0)
        for (size_t k = 0; k < n; k++)
            add_block(a + (size_t)blocks[k] * BLOCK, b + (size_t)blocks[k] * BLOCK, false, 0);
    else
        for (size_t k = 0; k < n; k++, ahead += MLP_BF16_AHEAD)
            add_block(a + (size_t)blocks[k] * BLOCK, b + (size_t)blocks[k] * BLOCK, true, ahead);
    _tile_stored(0, c, row);
    _tile_stored(1, c + TILE, row);
    _tile_stored(2, lower, row);
    _tile_stored(3, lower + TILE, row);
}

const mlp_bf16_kernels mlp_bf16_kernels_amx = {
    .name = "amx",
    .fp32 = &mlp_kernels_avx512,
    .open = open_tiles,
    .close = close_tiles,
    .multiply = multiply,
    .pack_rows = mlp_bf16_avx512_pack_rows,
    .pack_pairs = mlp_bf16_avx512_pack_pairs,
    .transpose = mlp_bf16_avx512_transpose,
    .transpose_elements = mlp_bf16_avx512_transpose_elements,
    .pack_pixels = mlp_bf16_avx512_pack_pixels,
    .transpose_pixels = mlp_bf16_avx512_transpose_pixels,
    .pack_relu = mlp_bf16_avx512_pack_relu,
    .pack_gradient = mlp_bf16_avx512_pack_gradient,
    .sum_columns = mlp_bf16_avx512_sum_columns,
};
