/* nn_fixture.h: what the tests of the base, kernels and nn rooms share: random
 * floats of every kind, the kernel tables of this machine, a small network with
 * all that one training step needs. */
#ifndef MLP_TESTS_NN_FIXTURE_H
#define MLP_TESTS_NN_FIXTURE_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/fmath.h"
#include "base/mem.h"
#include "base/rng.h"
#include "kernels/select.h"
#include "nn/pass.h"
#include "nn/sgd.h"
#include "quick.h"

/* A sequence of random words: the library's generator, which test_rng.c holds
 * against its published vectors. */
typedef struct dice {
    uint64_t seed, index;
} dice;

static inline uint32_t roll(dice *d)
{
    return mlp_rng_u32(d->seed, 0, d->index++);
}

/* Uniform in [-1, 1). */
static inline float roll_unit(dice *d)
{
    return 2.0f * mlp_rng_unit(roll(d)) - 1.0f;
}

/* What a network's floats can be: mostly numbers around 1, many zeros of both
 * signs, numbers of any size down to the subnormal. */
static inline float roll_float(dice *d)
{
    uint32_t kind = roll(d) % 16;
    if (kind < 3)
        return 0.0f;
    if (kind == 3)
        return -0.0f;
    if (kind == 4)
        return mlp_float_from_bits(roll(d) & 0x807fffffu);
    if (kind == 5)
        return ldexpf(roll_unit(d), (int)(roll(d) % 120) - 80);
    return roll_unit(d);
}

static inline void *must_alloc(size_t count, size_t size)
{
    void *memory = mlp_alloc(count, size);
    assert_non_null(memory);
    return memory;
}

static inline void must_succeed(mlp_status status, const mlp_error *err)
{
    if (status != MLP_OK)
        fail_msg("%s", err->message);
}

/* Supported table `index`, portable first; NULL past the last. */
static inline const mlp_kernels *supported_kernels(size_t index)
{
    for (size_t i = 0; mlp_kernels_list(i) != NULL; i++)
        if (mlp_kernels_supported(mlp_kernels_list(i)) && index-- == 0)
            return mlp_kernels_list(i);
    return NULL;
}

enum { MAX_HIDDEN = 3 };

typedef struct net_shape {
    size_t features, n_hidden, hidden[MAX_HIDDEN];
    mlp_output output;
    size_t classes, batch;
    uint8_t
        background; /* not 0: of many images, from the first pixel on, and of some pixels of all */
} net_shape;

/* Widths, inputs and batches on both sides of panels (64), blocks (MLP_BLOCK_STEPS) and chunks
 * (fp32_pass.h: at two thirds of all steps, 51 stacks are more than one); a last stack of one
 * list, two and three, and a last list of one image and of two. */
static const net_shape NET_LAYERS[] = {
    {.features = 47, .n_hidden = 0, .classes = 5},
    {.features = 413, .n_hidden = 1, .hidden = {130}, .classes = 10},
    {.features = 90, .n_hidden = 3, .hidden = {40, 7, 150}, .classes = 256},
};
static const size_t NET_BATCHES[] = {1, 12, 405};
enum {
    N_NET_LAYERS = sizeof NET_LAYERS / sizeof *NET_LAYERS,
    N_NET_SHAPES = N_NET_LAYERS * 2 * sizeof NET_BATCHES / sizeof *NET_BATCHES,
    LARGEST_NET = N_NET_SHAPES - N_NET_LAYERS - 1, /* the deepest, softmax, largest batch */
};

/* Shape i of all: layers by heads by batch sizes. */
static inline net_shape net_shape_at(size_t i)
{
    net_shape shape = NET_LAYERS[i % N_NET_LAYERS];
    shape.output = i / N_NET_LAYERS % 2 == 0 ? MLP_OUTPUT_SOFTMAX : MLP_OUTPUT_SIGMOID;
    shape.classes = shape.output == MLP_OUTPUT_SOFTMAX ? shape.classes : 2;
    shape.batch = NET_BATCHES[i / N_NET_LAYERS / 2];
    return shape;
}

/* A randomized network on a team, with a batch of random images of its own. */
typedef struct net {
    mlp_model model;
    mlp_sgd sgd;
    mlp_pass pass;
    mlp_team team;
    uint8_t *images; /* (batch, features) */
} net;

/* Pixels (features) of the i-th image: 2 of 3 are 0, and so are whole groups of eight; of others,
 * images or pixels, none is. */
static inline void roll_image(dice *d, size_t i, size_t features, uint8_t *pixels)
{
    for (size_t k = 0; k < features; k++) {
        uint32_t word = roll(d);
        bool full = i / 8 % 4 == 1 || k / 8 % 4 == 2;
        bool blank = word % 3 != 0 || (i / 8 + k / 8) % 4 == 3;
        pixels[k] = full ? (uint8_t)(word >> 24 | 1) : blank ? 0 : (uint8_t)(word >> 24);
    }
}

/* The i-th image begins with the background, or is nothing else. */
static inline void set_background(size_t i, size_t features, uint8_t background, uint8_t *pixels)
{
    memset(pixels, background, (i * 53 + 7) % (features + 1));
    for (size_t k = 0; k < features; k++)
        if (k % 12 < 5)
            pixels[k] = background;
}

/* Random images and labels of that shape become the batch, unpacked. images
 * (batch, features) keep the pixels. */
static inline void roll_batch(mlp_batch *batch, const net_shape *shape, uint64_t seed,
                              uint8_t *images)
{
    dice d = {seed, 0};
    batch->size = shape->batch;
    for (size_t i = 0; i < shape->batch; i++) {
        uint8_t *pixels = images + i * shape->features;
        roll_image(&d, i, shape->features, pixels);
        if (shape->background != 0)
            set_background(i, shape->features, shape->background, pixels);
        batch->pixels[i] = pixels;
        batch->labels[i] = (uint8_t)(roll(&d) % shape->classes);
    }
}

static inline void net_roll_batch(net *n, const net_shape *shape, uint64_t seed)
{
    roll_batch(&n->pass.batch, shape, seed, n->images);
}

static inline void net_init(net *n, const net_shape *shape, const mlp_kernels *kernels,
                            size_t threads)
{
    mlp_error err = {""};
    must_succeed(mlp_team_init(&n->team, threads, &err), &err);
    must_succeed(mlp_model_init(&n->model, shape->features, shape->n_hidden, shape->hidden,
                                shape->output, shape->classes, &err),
                 &err);
    must_succeed(mlp_sgd_init(&n->sgd, &n->model, &err), &err);
    must_succeed(
        mlp_pass_init(&n->pass, &n->model, kernels, shape->batch, threads, MLP_PASS_TRAINING, &err),
        &err);
    n->images = must_alloc(shape->batch, shape->features);
    mlp_model_randomize(&n->model, 1);
    net_roll_batch(n, shape, 2);
}

static inline void net_free(net *n)
{
    free(n->images);
    mlp_pass_free(&n->pass);
    mlp_sgd_free(&n->sgd);
    mlp_model_free(&n->model);
    mlp_team_free(&n->team);
}

/* A step that leaves the weights as they are, and in the velocities the gradients. */
static const mlp_sgd_step GRADIENTS_ONLY = {0.0f, 0.0f, 0.0f, 0};

typedef struct net_job {
    net *n;
    const mlp_sgd_step *step;
    bool is_packed; /* the batch, by the step before */
} net_job;

static inline void net_step_member(mlp_team *team, size_t thread, void *argument)
{
    const net_job *job = argument;
    mlp_pass *pass = &job->n->pass;
    if (!job->is_packed) {
        mlp_batch_pack(&pass->batch, pass->kernels, team, thread);
        mlp_team_barrier(team);
    }
    mlp_pass_forward(pass, team, thread);
    mlp_pass_backward(pass, &job->n->sgd, job->step, team, thread);
}

/* One step of training with the batch. */
static inline void net_step(net *n, const mlp_sgd_step *step)
{
    net_job job = {n, step, false};
    mlp_team_run(&n->team, net_step_member, &job);
}

/* From the logits (batch, outputs), put in place of the network's own, to the losses. */
static inline void net_loss_of_logits(net *n, const float *logits)
{
    size_t last = n->model.n_layers - 1, outputs = n->model.layers[last].outputs;
    size_t size = n->pass.batch.size;
    for (size_t i = 0; i < size; i++)
        for (size_t h = 0; h < outputs; h++)
            n->pass.outputs[last][h / MLP_PANEL * n->pass.batch.capacity * MLP_PANEL +
                                  i * MLP_PANEL + h % MLP_PANEL] = logits[i * outputs + h];
    for (size_t first = 0; first < size; first += MLP_LANES)
        mlp_pass_loss(&n->pass, first, size - first < MLP_LANES ? size - first : MLP_LANES);
}

static inline void net_assert_equal_states(const net *a, const net *b)
{
    size_t params = a->model.n_params * sizeof(float);
    assert_memory_equal(a->sgd.velocities, b->sgd.velocities, params);
    assert_memory_equal(a->sgd.squares, b->sgd.squares, params / MLP_PANEL);
    assert_memory_equal(a->model.params, b->model.params, params);
    for (size_t l = 0; l < a->model.n_layers; l++)
        assert_true(mlp_sgd_layer_norm(&a->sgd, l) == mlp_sgd_layer_norm(&b->sgd, l));
}

static inline void net_assert_equal_losses(const net *a, const net *b)
{
    const mlp_pass *p = &a->pass, *q = &b->pass;
    size_t images = p->batch.size;
    assert_int_equal(images, q->batch.size);
    assert_memory_equal(p->losses, q->losses, images * sizeof(float));
    assert_memory_equal(p->probabilities, q->probabilities,
                        images * a->model.classes * sizeof(float));
    assert_memory_equal(p->predictions, q->predictions, images);
}

/* What lies between the tensors stays 0, in velocities and weights: writing 0 over
 * all tensors leaves nothing else. */
static inline void assert_padding_is_zero(const net *n, const float *flat)
{
    float *copy = must_alloc(n->model.n_params, sizeof *copy);
    float *zeros = must_alloc(n->model.n_params, sizeof *zeros);
    memcpy(copy, flat, n->model.n_params * sizeof *copy);
    for (size_t t = 0; t < mlp_model_tensor_count(&n->model); t++)
        mlp_model_set_tensor(&n->model, copy, t, zeros);
    assert_memory_equal(copy, zeros, n->model.n_params * sizeof *copy);
    free(copy);
    free(zeros);
}

static inline void net_assert_padding_is_zero(const net *n)
{
    assert_padding_is_zero(n, n->sgd.velocities);
    assert_padding_is_zero(n, n->model.params);
}

static inline double net_mean_loss(const net *n)
{
    double sum = 0.0;
    for (size_t i = 0; i < n->pass.batch.size; i++)
        sum += (double)n->pass.losses[i];
    return sum / (double)n->pass.batch.size;
}

#endif
