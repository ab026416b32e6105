/* bf16_net_fixture.h: networks whose products are bf16, and batches with blank blocks of pixels. */
#ifndef MLP_TESTS_BF16_NET_FIXTURE_H
#define MLP_TESTS_BF16_NET_FIXTURE_H

#include "nn_fixture.h"

/* More columns than a slab, fewer panels than threads, widths that fill nothing, more blocks than
 * go into the first cache. */
static const net_shape BF16_SHAPES[] = {
    {50, 2, {70, 40}, MLP_OUTPUT_SOFTMAX, 5, 45, 0},
    {33, 1, {680}, MLP_OUTPUT_SOFTMAX, 100, 70, 0},
    {64, 3, {600, 32, 96}, MLP_OUTPUT_SIGMOID, 2, 32, 0},
    {40, 0, {0}, MLP_OUTPUT_SOFTMAX, 3, 1, 0},
    {690, 1, {40}, MLP_OUTPUT_SOFTMAX, 4, 70, 0},
};
enum { N_BF16_SHAPES = sizeof BF16_SHAPES / sizeof BF16_SHAPES[0] };

/* The difference of the weights is half the gradient. */
static const mlp_sgd_step BF16_STEP = {.lr = 0.5f, .momentum = 0.0f};

/* Whether a strip of images has no pixel in a block: in half of all blocks, in the first 18 of the
 * second strip, in the whole third. */
static inline bool is_blank(size_t strip, size_t block)
{
    return block < 18 * strip || mlp_rng_u32(3, (uint32_t)strip, block) % 2 == 0;
}

/* With that table, which the caller keeps; name NULL: the fastest. */
static inline void bf16_net_init(net *n, mlp_kernels *table, const net_shape *shape,
                                 const char *name, size_t threads)
{
    mlp_error err = {""};
    must_succeed(mlp_bf16_kernels_select(table, name, &err), &err);
    net_init(n, shape, table, threads);
    for (size_t i = 0; i < shape->batch; i++)
        for (size_t k = 0; k < shape->features; k++)
            if (is_blank(i / MLP_BF16_STRIP, k / MLP_BF16_STRIP))
                n->images[i * shape->features + k] = 0;
}

/* A step with the first `batch` images. */
static inline void bf16_net_step(net *n, size_t batch)
{
    n->pass.batch.size = batch;
    net_step(n, &BF16_STEP);
}

#endif
