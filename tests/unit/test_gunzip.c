#include "data_fixture.h"

#include "data/gunzip.h"

enum { N = 100000, ROOM = 2 * N };

static uint8_t data[N], packed[ROOM], out[N + 1];

static size_t pack(void)
{
    for (size_t i = 0; i < N; i++)
        data[i] = (uint8_t)(i * i >> 7);
    return gzip(data, N, 6, packed, sizeof packed);
}

static void gives_back_what_was_packed(void **state)
{
    (void)state;
    size_t n = pack();
    if (!mlp_gunzip_is_built_in())
        skip();
    assert_true(mlp_gunzip(packed, n, out, N));
    assert_memory_equal(out, data, N);
}

/* So many bytes that a second thread asks for their memory meanwhile. */
static void gives_back_many_bytes(void **state)
{
    (void)state;
    enum { MANY = 9 << 20 };
    uint8_t *many = malloc(MANY), *found = malloc(MANY), *small = malloc(MANY);
    assert_true(many != NULL && found != NULL && small != NULL);
    for (size_t i = 0; i < MANY; i++)
        many[i] = (uint8_t)(i >> 10);
    size_t n = gzip(many, MANY, 1, small, MANY);
    if (mlp_gunzip_is_built_in()) {
        assert_true(mlp_gunzip(small, n, found, MANY));
        assert_memory_equal(found, many, MANY);
        assert_false(mlp_gunzip(small, n, found, MANY - 1));
    }
    free(many);
    free(found);
    free(small);
}

/* With libdeflate or without: what is not exactly one whole member is left to zlib. */
static void refuses_all_else(void **state)
{
    (void)state;
    size_t n = pack();
    assert_false(mlp_gunzip(packed, n, out, N - 1));
    assert_false(mlp_gunzip(packed, n, out, N + 1));
    assert_false(mlp_gunzip(packed, n - 1, out, N));
    assert_false(mlp_gunzip(packed, 0, out, N));
    assert_false(mlp_gunzip(data, N, out, N));
    packed[n] = 0;
    assert_false(mlp_gunzip(packed, n + 1, out, N));
    packed[n - 8] ^= 1; /* the checksum */
    assert_false(mlp_gunzip(packed, n, out, N));
    packed[n - 8] ^= 1;
    packed[n / 2] ^= 1;
    assert_false(mlp_gunzip(packed, n, out, N));
}

static void refuses_a_second_member(void **state)
{
    (void)state;
    size_t n = gzip(data, N / 2, 6, packed, sizeof packed);
    n += gzip(data + N / 2, N - N / 2, 6, packed + n, sizeof packed - n);
    assert_false(mlp_gunzip(packed, n, out, N));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_back_what_was_packed),
        cmocka_unit_test(gives_back_many_bytes),
        cmocka_unit_test(refuses_all_else),
        cmocka_unit_test(refuses_a_second_member),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
