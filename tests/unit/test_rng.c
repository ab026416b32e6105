/* The generator against the vectors that its authors publish (Random123,
 * kat_vectors), and what is drawn from it. */
#include "nn_fixture.h"

static void philox_gives_the_published_words(void **state)
{
    (void)state;
    static const struct {
        uint32_t counter[4], key[2], out[4];
    } VECTORS[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
         {0xffffffff, 0xffffffff},
         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xa4093822, 0x299f31d0},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (size_t i = 0; i < sizeof VECTORS / sizeof *VECTORS; i++) {
        uint32_t out[4];
        mlp_philox4x32(VECTORS[i].counter, VECTORS[i].key, out);
        assert_memory_equal(out, VECTORS[i].out, sizeof out);
    }
}

/* Seed, stream and index of the third vector, put together by the rule in rng.h. */
static void a_value_is_the_word_at_its_counter(void **state)
{
    (void)state;
    const uint64_t seed = 0x299f31d0a4093822, stream = 0x0370734413198a2e,
                   block = 0x05a308d3243f6a88;
    const uint32_t counter[4] = {0x243f6a88, 0x05a308d3, 0x13198a2e, 0x03707344};
    const uint32_t key[2] = {0xa4093822, 0x299f31d0};
    uint32_t out[4];
    mlp_philox4x32(counter, key, out);
    for (size_t word = 0; word < 4; word++)
        assert_int_equal(mlp_rng_u32(seed, stream, 4 * block + word), out[word]);
}

static void fill_is_u32_at_any_offset(void **state)
{
    (void)state;
    const uint64_t bases[] = {0, 1000, ((uint64_t)1 << 34) - 6};
    for (size_t b = 0; b < sizeof bases / sizeof *bases; b++)
        for (uint64_t first = bases[b]; first < bases[b] + 9; first++)
            for (size_t n = 0; n < 14; n++) {
                uint32_t values[15];
                values[n] = 12345;
                mlp_rng_fill(7, 8, first, n, values);
                for (size_t i = 0; i < n; i++)
                    assert_int_equal(values[i], mlp_rng_u32(7, 8, first + i));
                assert_int_equal(values[n], 12345);
            }
}

static void streams_of_all_purposes_differ(void **state)
{
    (void)state;
    const mlp_rng_purpose purposes[] = {MLP_RNG_INIT, MLP_RNG_SHUFFLE, MLP_RNG_VALIDATION,
                                        MLP_RNG_DIGITS};
    const uint32_t substreams[] = {0, 1, UINT32_MAX};
    uint64_t seen[12];
    size_t n = 0;
    for (size_t p = 0; p < 4; p++)
        for (size_t s = 0; s < 3; s++) {
            seen[n] = mlp_rng_stream(purposes[p], substreams[s]);
            for (size_t i = 0; i < n; i++)
                assert_true(seen[i] != seen[n]);
            n++;
        }
}

static void unit_spans_0_to_below_1(void **state)
{
    (void)state;
    assert_true(mlp_rng_unit(0) == 0.0f);
    assert_true(mlp_rng_unit(0xff) == 0.0f);
    assert_true(mlp_rng_unit(0x100) == 0x1p-24f);
    assert_true(mlp_rng_unit(0x80000000u) == 0.5f);
    assert_true(mlp_rng_unit(UINT32_MAX) == 1.0f - 0x1p-24f);
}

static void count_up(uint32_t *order, size_t n)
{
    for (size_t i = 0; i < n; i++)
        order[i] = (uint32_t)i;
}

static void shuffle_is_a_permutation(void **state)
{
    (void)state;
    enum { MAX = 1000 };
    uint32_t order[MAX + 1];
    for (size_t n = 0; n <= MAX; n = n < 20 ? n + 1 : n * 3 - 5) {
        bool seen[MAX] = {false};
        count_up(order, n);
        order[n] = 77;
        mlp_rng_shuffle(3, 4, n, order);
        assert_int_equal(order[n], 77);
        for (size_t i = 0; i < n; i++) {
            assert_true(order[i] < n);
            assert_false(seen[order[i]]);
            seen[order[i]] = true;
        }
    }
}

/* Durstenfeld's loop, word i of the stream choosing the place of item i. */
static void shuffle_is_fisher_yates_over_the_stream(void **state)
{
    (void)state;
    enum { N = 103 };
    uint32_t order[N], expected[N];
    count_up(order, N);
    count_up(expected, N);
    mlp_rng_shuffle(11, 12, N, order);
    for (size_t i = N - 1; i > 0; i--) {
        size_t j = (size_t)((double)mlp_rng_u32(11, 12, i) / 4294967296.0 * (double)(i + 1));
        uint32_t held = expected[i];
        expected[i] = expected[j];
        expected[j] = held;
    }
    assert_memory_equal(order, expected, sizeof order);
}

static void shuffle_depends_on_seed_and_stream(void **state)
{
    (void)state;
    enum { N = 50 };
    uint32_t orders[4][N];
    const uint64_t seeds[] = {1, 2, 1, 1}, streams[] = {1, 1, 2, 1};
    for (size_t i = 0; i < 4; i++) {
        count_up(orders[i], N);
        mlp_rng_shuffle(seeds[i], streams[i], N, orders[i]);
    }
    assert_memory_not_equal(orders[0], orders[1], sizeof orders[0]);
    assert_memory_not_equal(orders[0], orders[2], sizeof orders[0]);
    assert_memory_equal(orders[0], orders[3], sizeof orders[0]);
}

/* Where each of 5 items goes, in 20 000 shuffles: 4000 times to each place, with
 * a standard deviation of 57; five of them is never exceeded by fair shuffles
 * here, and by far by the naive one that swaps each item with any other. */
static void shuffle_is_fair(void **state)
{
    (void)state;
    enum { N = 5, SHUFFLES = 20000 };
    size_t counts[N][N] = {{0}};
    for (uint64_t stream = 0; stream < SHUFFLES; stream++) {
        uint32_t order[N];
        count_up(order, N);
        mlp_rng_shuffle(9, stream, N, order);
        for (size_t place = 0; place < N; place++)
            counts[order[place]][place]++;
    }
    for (size_t item = 0; item < N; item++)
        for (size_t place = 0; place < N; place++)
            assert_in_range(counts[item][place], SHUFFLES / N - 285, SHUFFLES / N + 285);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(philox_gives_the_published_words),
        cmocka_unit_test(a_value_is_the_word_at_its_counter),
        cmocka_unit_test(fill_is_u32_at_any_offset),
        cmocka_unit_test(streams_of_all_purposes_differ),
        cmocka_unit_test(unit_spans_0_to_below_1),
        cmocka_unit_test(shuffle_is_a_permutation),
        cmocka_unit_test(shuffle_is_fisher_yates_over_the_stream),
        cmocka_unit_test(shuffle_depends_on_seed_and_stream),
        cmocka_unit_test(shuffle_is_fair),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
