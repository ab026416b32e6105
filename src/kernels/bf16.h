/* bf16.h: products of bf16 matrices with float sums, for "precision": "bf16".
 *
 * A bf16 is the upper half of a float: its exponent, 8 bits of precision. The
 * hardware multiplies two of them, exactly, and adds the product to a float
 * (Intel, "Architecture Instruction Set Extensions Programming Reference", chapter
 * "Intel AMX").
 *
 * Strips and blocks. Every operand of a product is packed in strips of 32 rows of
 * A (R, K) or of 32 columns of B (K, S), whose blocks of 32 k follow each other.
 * A block is 2 KB, two tiles as AMX loads them, of 16 rows
 * of 16 pairs, neighbours in k, the even one in the lower half of a 32-bit word:
 *     A (32 rows, 32 k)     row r, pair p      at tile r / 16, row r % 16, word p
 *     B (32 k, 32 columns)  pair p, column s   at tile s / 16, row p, word s % 16
 * A multiplication walks two contiguous streams, and one packing serves tiles and
 * vectors alike: a vector instruction takes one word of A, broadcast, and a row of B.
 *
 * Four operands can be made of a float matrix X, by two packings and two transposes:
 *     X  as A    pack_rows, pairs along a row        X^T as B    its transpose
 *     X  as B    pack_pairs, pairs of rows           X^T as A    transpose_elements of X as A
 *
 * The bytes are the same in every table, and a test demands it. Packing rounds to
 * nearest, ties to even. A product goes by blocks, in the order of AMX:
 *     even = sum of a[k] b[k] over the block's even k, ascending; odd likewise
 *     c = c + (even + odd)
 * each term added by fma. Subnormals are taken for zeros and become zeros, in both.
 */
#ifndef MLP_KERNELS_BF16_H
#define MLP_KERNELS_BF16_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    MLP_BF16_TILE = 16,  /* rows of a tile, and pairs in a row */
    MLP_BF16_STRIP = 32, /* rows or columns of a strip, and k of a block */
    MLP_BF16_BLOCK = 2 * MLP_BF16_TILE * MLP_BF16_TILE, /* pairs of a block */
    MLP_BF16_AHEAD = 6 * 64, /* bytes that are asked for beside a product of blocks */
};

/* c and x are float matrices with `stride` floats from row to row; packed operands
 * start on a cache line, and so does every row of start, c and x. */
struct mlp_kernels;

typedef struct mlp_bf16_kernels {
    const char *name;
    const struct mlp_kernels *fp32; /* for all that is not a product */

    /* Around a thread's calls of multiply: AMX has a shape of tiles to set and to release. */
    void (*open)(void);
    void (*close)(void);

    /* c (32, 32) = start + a (32, 32 n) b (32 n, 32): the blocks blocks[0 .. n - 1] of one strip
     * of each. The rows of start are start_stride floats apart: none, and all have the same. It
     * may be c. Unless ahead is 0, the n * MLP_BF16_AHEAD bytes at this address may be asked for:
     * nobody reads them, so they need not exist. */
    void (*multiply)(size_t n, const uint32_t *blocks, const uint32_t *a, const uint32_t *b,
                     const float *start, size_t start_stride, float *c, size_t stride,
                     uintptr_t ahead);

    /* Where a function streams, it writes past the caches, what is to be read when they have seen
     * much else. */

    /* block = x (32, 32) * scale, as A; pairs are neighbours in a row. */
    void (*pack_rows)(const float *x, size_t stride, float scale, uint32_t *block);

    /* block = x (32, 32) * scale, as B; pairs are neighbours in a column. */
    void (*pack_pairs)(const float *x, size_t stride, float scale, uint32_t *block, bool streams);

    /* out = both tiles of the block with pairs and rows exchanged. */
    void (*transpose)(const uint32_t *block, uint32_t *out, bool streams);

    /* out, as A, = the transpose of the block, as A. */
    void (*transpose_elements)(const uint32_t *block, uint32_t *out);

    /* block, as A, = pixels (32, 32), of 32 images. A byte is exact in bf16. */
    void (*pack_pixels)(const uint8_t *pixels, uint32_t *block);

    /* out (32, 32) = the transpose of pixels (32, 32). */
    void (*transpose_pixels)(const uint8_t *pixels, uint8_t *out);

    /* block = max(x (32, 32), 0), as A; a NaN stays one. positive (32): of each row bit c says that
     * column c is > 0 in the block. */
    void (*pack_relu)(const float *x, size_t stride, uint32_t *block, uint32_t *positive,
                      bool streams);

    /* The gradient x (32, 32) of what was rectified, 0 where that was not positive (32), or x
     * itself where positive is NULL: as A, in rows unless they are NULL, and times scale as B, in
     * pairs. */
    void (*pack_gradient)(const float *x, size_t stride, const uint32_t *positive, float scale,
                          uint32_t *rows, uint32_t *pairs, bool streams);

    /* sums (32) = the sums over k of a strip as B, n blocks long: even k and odd k, each
     * ascending, then both. */
    void (*sum_columns)(size_t n, const uint32_t *b, float *sums);
} mlp_bf16_kernels;

#endif
