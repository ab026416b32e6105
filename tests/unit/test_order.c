/* The order in which an epoch visits its images: the shuffle's batches, each sorted. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "train/order.h"

enum { N = 300, FEATURES = 19, CLASSES = 3, BATCH = 64, SEED = 5 };

typedef struct fixture {
    uint8_t pixels[N * FEATURES], labels[N];
    uint32_t first[N]; /* the first pixel that is set, FEATURES: none */
    uint32_t train[N];
    mlp_dataset data;
    mlp_split split;
    mlp_config config;
    mlp_order order;
} fixture;

/* Every third image is held out, and some are blank. Few set their first pixel. */
static void open_fixture(fixture *f, size_t batch_size, uint8_t background)
{
    mlp_error err;
    memset(f, 0, sizeof *f);
    for (uint32_t i = 0; i < N; i++) {
        f->labels[i] = (uint8_t)(mlp_rng_u32(1, 1, i) % CLASSES);
        f->first[i] = mlp_rng_u32(1, 2, i) % (FEATURES + 1);
        for (uint32_t k = f->first[i]; k < FEATURES; k++)
            f->pixels[i * FEATURES + k] = k == f->first[i] || k % 2 == 0;
        if (i % 3 != 1)
            f->train[f->split.n_train++] = i;
    }
    for (size_t k = 0; k < N * FEATURES; k++)
        f->pixels[k] ^= background;
    f->split.train = f->train;
    f->data = (mlp_dataset){.count = N,
                            .features = FEATURES,
                            .classes = CLASSES,
                            .pixels = f->pixels,
                            .labels = f->labels};
    f->config = (mlp_config){.seed = SEED, .data = {.shuffle = true}};
    assert_int_equal(mlp_order_init(&f->order, &f->data, &f->split, batch_size, &err), MLP_OK);
}

static int precedes(const fixture *f, uint32_t a, uint32_t b)
{
    if (f->labels[a] != f->labels[b])
        return f->labels[a] < f->labels[b];
    return f->first[a] != f->first[b] ? f->first[a] < f->first[b] : a < b;
}

/* The batch's images are those that the shuffle put there, and each precedes the next. */
static void check_batch(const fixture *f, const uint32_t *shuffled, size_t first, size_t end)
{
    uint8_t in_batch[N] = {0};
    for (size_t i = first; i < end; i++)
        in_batch[shuffled[i]] = 1;
    for (size_t i = first; i < end; i++) {
        assert_true(in_batch[f->order.images[i]]);
        assert_true(i == first || precedes(f, f->order.images[i - 1], f->order.images[i]));
    }
}

static void check_epoch(fixture *f, uint32_t epoch)
{
    uint32_t shuffled[N];
    size_t n = f->split.n_train, size = f->order.batch_size;
    memcpy(shuffled, f->train, n * sizeof *shuffled);
    if (f->config.data.shuffle)
        mlp_rng_shuffle(SEED, mlp_rng_stream(MLP_RNG_SHUFFLE, epoch), n, shuffled);
    mlp_order_epoch(&f->order, &f->config, epoch);
    for (size_t first = 0; first < n; first += size)
        check_batch(f, shuffled, first, first + size < n ? first + size : n);
}

static void batches_are_the_shuffles_and_sorted(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, BATCH, N};
    static const uint8_t backgrounds[] = {0, 9};
    for (size_t i = 0; i < 2 * sizeof sizes / sizeof *sizes; i++) {
        fixture f;
        open_fixture(&f, sizes[i / 2], backgrounds[i % 2]);
        check_epoch(&f, 0);
        check_epoch(&f, 7);
        f.config.data.shuffle = false;
        check_epoch(&f, 7);
        mlp_order_free(&f.order);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(batches_are_the_shuffles_and_sorted)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
