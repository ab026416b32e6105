/* bf16_loops.h: the bf16 kernels as plain loops, which each instruction set's file
 * compiles with its own flags: the definition, word for word.
 */
#ifndef MLP_KERNELS_BF16_LOOPS_H
#define MLP_KERNELS_BF16_LOOPS_H

#include <string.h>

#include "base/fmath.h"
#include "kernels/bf16.h"

/* To nearest, ties to even; subnormals become zeros and NaNs stay NaNs. Without a branch,
 * so that it is vectorised. */
static uint32_t round_to_bf16(float x)
{
    uint32_t bits = mlp_float_bits(x), magnitude = bits & 0x7fffffffu;
    uint32_t rounded = bits + 0x7fffu + (bits >> 16 & 1u);
    rounded = magnitude > 0x7f800000u ? bits | 0x400000u : rounded;
    rounded = magnitude < 0x00800000u ? bits & 0x80000000u : rounded;
    return rounded >> 16;
}

static float even_of(uint32_t pair)
{
    return mlp_float_from_bits(pair << 16);
}

static float odd_of(uint32_t pair)
{
    return mlp_float_from_bits(pair & 0xffff0000u);
}

/* Subnormals become zeros, as everywhere in the product. */
static float flush(float x)
{
    uint32_t bits = mlp_float_bits(x), normal = -(uint32_t)((bits & 0x7f800000u) != 0);
    return mlp_float_from_bits(bits & (normal | 0x80000000u));
}

static void open_tiles(void)
{
}

static void close_tiles(void)
{
}

/* c (16) += one row of A, 16 pairs, times a tile of B. */
static void multiply_row(const uint32_t *a, const uint32_t *b, float *c)
{
    float even[MLP_BF16_TILE] = {0}, odd[MLP_BF16_TILE] = {0};
    for (size_t p = 0; p < MLP_BF16_TILE; p++)
        for (size_t j = 0; j < MLP_BF16_TILE; j++) {
            uint32_t pair = b[p * MLP_BF16_TILE + j];
            even[j] = flush(mlp_fmaf(even_of(a[p]), even_of(pair), even[j]));
            odd[j] = flush(mlp_fmaf(odd_of(a[p]), odd_of(pair), odd[j]));
        }
    for (size_t j = 0; j < MLP_BF16_TILE; j++)
        c[j] = flush(flush(c[j]) + flush(even[j] + odd[j]));
}

static void multiply(size_t n, const uint32_t *blocks, const uint32_t *a, const uint32_t *b,
                     const float *start, size_t start_stride, float *c, size_t stride,
                     uintptr_t ahead)
{
    (void)ahead;
    for (size_t i = 0; i < MLP_BF16_STRIP && start != c; i++)
        memcpy(c + i * stride, start + i * start_stride, MLP_BF16_STRIP * sizeof *c);
    for (size_t k = 0; k < n; k++) {
        const size_t at = (size_t)blocks[k] * MLP_BF16_BLOCK;
        for (size_t i = 0; i < MLP_BF16_STRIP; i++) {
            const uint32_t *row = a + at + i * MLP_BF16_TILE;
            multiply_row(row, b + at, c + i * stride);
            multiply_row(row, b + at + MLP_BF16_BLOCK / 2, c + i * stride + MLP_BF16_TILE);
        }
    }
}

static void pack_rows(const float *x, size_t stride, float scale, uint32_t *block)
{
    for (size_t r = 0; r < MLP_BF16_STRIP; r++, x += stride, block += MLP_BF16_TILE)
        for (size_t p = 0; p < MLP_BF16_TILE; p++)
            block[p] = round_to_bf16(x[2 * p] * scale) | round_to_bf16(x[2 * p + 1] * scale) << 16;
}

static void pack_pairs(const float *x, size_t stride, float scale, uint32_t *block, bool streams)
{
    (void)streams;
    for (size_t c = 0; c < MLP_BF16_STRIP; c += MLP_BF16_TILE)
        for (size_t r = 0; r < MLP_BF16_STRIP; r += 2, block += MLP_BF16_TILE) {
            const float *first = x + r * stride + c, *second = first + stride;
            for (size_t j = 0; j < MLP_BF16_TILE; j++)
                block[j] = round_to_bf16(first[j] * scale) | round_to_bf16(second[j] * scale) << 16;
        }
}

static void transpose(const uint32_t *block, uint32_t *out, bool streams)
{
    (void)streams;
    for (size_t tile = 0; tile < MLP_BF16_BLOCK; tile += MLP_BF16_BLOCK / 2)
        for (size_t i = 0; i < MLP_BF16_TILE; i++)
            for (size_t j = 0; j < MLP_BF16_TILE; j++)
                out[tile + i * MLP_BF16_TILE + j] = block[tile + j * MLP_BF16_TILE + i];
}

/* Of a pair, the even k for 0 or the odd one for 1. */
static uint32_t half_of(uint32_t pair, size_t odd)
{
    return pair >> 16 * odd & 0xffffu;
}

static void transpose_elements(const uint32_t *block, uint32_t *out)
{
    for (size_t i = 0; i < MLP_BF16_STRIP; i++)
        for (size_t p = 0; p < MLP_BF16_TILE; p++) {
            const uint32_t *two_rows = block + 2 * p * MLP_BF16_TILE + i / 2;
            out[i * MLP_BF16_TILE + p] =
                half_of(two_rows[0], i % 2) | half_of(two_rows[MLP_BF16_TILE], i % 2) << 16;
        }
}

static void pack_pixels(const uint8_t *pixels, uint32_t *block)
{
    for (size_t i = 0; i < MLP_BF16_BLOCK; i++, pixels += 2)
        block[i] = mlp_float_bits((float)pixels[0]) >> 16 | mlp_float_bits((float)pixels[1]);
}

static void transpose_pixels(const uint8_t *pixels, uint8_t *out)
{
    for (size_t r = 0; r < MLP_BF16_STRIP; r++)
        for (size_t c = 0; c < MLP_BF16_STRIP; c++)
            out[c * MLP_BF16_STRIP + r] = pixels[r * MLP_BF16_STRIP + c];
}

static void pack_relu(const float *x, size_t stride, uint32_t *block, uint32_t *positive,
                      bool streams)
{
    (void)streams;
    for (size_t r = 0; r < MLP_BF16_STRIP; r++, x += stride, block += MLP_BF16_TILE) {
        uint32_t halves[MLP_BF16_STRIP], bits = 0;
        for (size_t c = 0; c < MLP_BF16_STRIP; c++) {
            halves[c] = round_to_bf16(x[c] < 0.0f ? 0.0f : x[c]);
            bits |= (uint32_t)(mlp_float_from_bits(halves[c] << 16) > 0.0f) << c;
        }
        for (size_t p = 0; p < MLP_BF16_TILE; p++)
            block[p] = halves[2 * p] | halves[2 * p + 1] << 16;
        positive[r] = bits;
    }
}

static void pack_gradient(const float *x, size_t stride, const uint32_t *positive, float scale,
                          uint32_t *rows, uint32_t *pairs, bool streams)
{
    float passed[MLP_BF16_STRIP][MLP_BF16_STRIP];
    for (size_t r = 0; r < MLP_BF16_STRIP; r++)
        for (size_t c = 0; c < MLP_BF16_STRIP; c++)
            passed[r][c] =
                positive == NULL || (positive[r] >> c & 1u) != 0 ? x[r * stride + c] : 0.0f;
    if (rows != NULL)
        pack_rows(passed[0], MLP_BF16_STRIP, 1.0f, rows);
    pack_pairs(passed[0], MLP_BF16_STRIP, scale, pairs, streams);
}

static void sum_columns(size_t n, const uint32_t *b, float *sums)
{
    for (size_t tile = 0; tile < 2; tile++) {
        float even[MLP_BF16_TILE] = {0}, odd[MLP_BF16_TILE] = {0};
        for (size_t k = 0; k < n; k++)
            for (size_t at = 0; at < MLP_BF16_BLOCK / 2; at++) {
                uint32_t pair = b[k * MLP_BF16_BLOCK + tile * MLP_BF16_BLOCK / 2 + at];
                even[at % MLP_BF16_TILE] += even_of(pair);
                odd[at % MLP_BF16_TILE] += odd_of(pair);
            }
        for (size_t j = 0; j < MLP_BF16_TILE; j++)
            sums[tile * MLP_BF16_TILE + j] = even[j] + odd[j];
    }
}

#endif
