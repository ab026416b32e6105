#include "bf16.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <xmmintrin.h>

enum { LANES = 16, ROWS = 16, TILES = 8 };

/* MXCSR: to nearest, subnormals are zeros as operands and as results, no exceptions. */
enum { NO_SUBNORMALS = 0x9fc0 };

static float upper_half(uint32_t pair)
{
    uint32_t bits = pair & 0xffff0000u;
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static float lower_half(uint32_t pair)
{
    return upper_half(pair << 16);
}

uint16_t emulated_round_to_bf16(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    if ((bits & 0x7fffffff) > 0x7f800000) /* a NaN becomes a quiet one */
        return (uint16_t)(bits >> 16 | 0x40);
    if ((bits & 0x7f800000) == 0)
        return (uint16_t)(bits >> 16 & 0x8000);
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

/* Never inlined: so no operation moves past the setting of the mode before or behind it. */
static __attribute__((noinline)) void add_pairs(float sums[LANES], const uint32_t a[LANES],
                                                const uint32_t b[LANES])
{
    for (size_t i = 0; i < LANES; i++)
        sums[i] = fmaf(upper_half(a[i]), upper_half(b[i]), sums[i]);
    for (size_t i = 0; i < LANES; i++)
        sums[i] = fmaf(lower_half(a[i]), lower_half(b[i]), sums[i]);
}

void emulated_vdpbf16ps(float sums[LANES], const uint32_t a[LANES], const uint32_t b[LANES])
{
    unsigned before = _mm_getcsr();
    _mm_setcsr(NO_SUBNORMALS);
    add_pairs(sums, a, b);
    _mm_setcsr(before);
}

typedef union tile_row {
    float sums[LANES];
    uint32_t pairs[LANES];
} tile_row;

static _Thread_local struct {
    int configured;
    tile_row rows[TILES][ROWS];
} tiles;

static tile_row *tile_rows(int tile)
{
    if (!tiles.configured)
        abort();
    return tiles.rows[tile];
}

/* Of the only shape that the kernels use: every tile is 16 rows of 64 bytes. */
void emulated_tile_loadconfig(const void *config)
{
    const unsigned char *bytes = config;
    for (size_t tile = 0; tile < TILES; tile++)
        if (bytes[16 + 2 * tile] != sizeof(tile_row) || bytes[48 + tile] != ROWS)
            abort();
    memset(&tiles, 0, sizeof tiles);
    tiles.configured = bytes[0] == 1;
}

void emulated_tile_release(void)
{
    memset(&tiles, 0, sizeof tiles);
}

void emulated_tile_loadd(int tile, const void *from, size_t stride)
{
    tile_row *rows = tile_rows(tile);
    for (size_t r = 0; r < ROWS; r++)
        memcpy(&rows[r], (const char *)from + r * stride, sizeof rows[r]);
}

void emulated_tile_stored(int tile, void *to, size_t stride)
{
    const tile_row *rows = tile_rows(tile);
    for (size_t r = 0; r < ROWS; r++)
        memcpy((char *)to + r * stride, &rows[r], sizeof rows[r]);
}

/* A row of c += a row of a times b: sums over the lower halves of all pairs and over the upper
 * ones, then both. */
static __attribute__((noinline)) void add_row(float c[LANES], const uint32_t a[LANES],
                                              const tile_row *b)
{
    float lower[LANES] = {0}, upper[LANES] = {0};
    for (size_t k = 0; k < LANES; k++)
        for (size_t n = 0; n < LANES; n++) {
            lower[n] = fmaf(lower_half(a[k]), lower_half(b[k].pairs[n]), lower[n]);
            upper[n] = fmaf(upper_half(a[k]), upper_half(b[k].pairs[n]), upper[n]);
        }
    for (size_t n = 0; n < LANES; n++)
        c[n] += lower[n] + upper[n];
}

void emulated_tile_dpbf16ps(int c, int a, int b)
{
    unsigned before = _mm_getcsr();
    tile_row *sums = tile_rows(c);
    const tile_row *left = tile_rows(a), *right = tile_rows(b);
    _mm_setcsr(NO_SUBNORMALS);
    for (size_t m = 0; m < ROWS; m++)
        add_row(sums[m].sums, left[m].pairs, right);
    _mm_setcsr(before);
}
