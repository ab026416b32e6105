/* Every supported table's packed lists by their definition: each step that is not
 * zero in all of four, in order, and nothing else; n on both sides of whole vectors. */
#include "kernel_fixture.h"

enum {
    MAX_N = 150,
    VECTOR = 16, /* lists have room for n rounded up to it */
    ROOM = (MAX_N / VECTOR + 1) * VECTOR + VECTOR,
    MAX_BYTE = 255,
};
static const uint32_t MARK = 0xdeadbeefu; /* where nothing may be written */

static void mark(uint32_t *words)
{
    for (size_t i = 0; i < ROOM; i++)
        words[i] = MARK;
}

static void assert_marked_past(const uint32_t *words, size_t n)
{
    for (size_t i = mlp_round_up(n, VECTOR); i < ROOM; i++)
        assert_int_equal(words[i], MARK);
}

static void four_images_lie_side_by_side(void **state)
{
    (void)state;
    dice d = {1, 0};
    uint8_t pixels[MLP_TILE][MAX_N + MLP_TILE];
    for (size_t i = 0; i < sizeof pixels; i++)
        ((uint8_t *)pixels)[i] = (uint8_t)roll(&d);
    for (size_t t = 0; supported_kernels(t) != NULL; t++)
        for (size_t n = 0; n <= MAX_N; n++) {
            /* Images begin anywhere in memory. */
            const uint8_t *images[MLP_TILE] = {pixels[0], pixels[1] + 1, pixels[2] + 2,
                                               pixels[3] + 3};
            uint32_t words[ROOM];
            mark(words);
            supported_kernels(t)->interleave(n, images, words);
            for (size_t k = 0; k < n; k++)
                for (size_t i = 0; i < MLP_TILE; i++)
                    assert_int_equal(words[k] >> 8 * i & MAX_BYTE, images[i][k]);
            for (size_t k = n; k < ROOM; k++)
                assert_int_equal(words[k], MARK);
        }
}

/* Any count of images and of pixels up to a cache line; nothing is read past an image. */
static void words_are_gathered_from_images(void **state)
{
    (void)state;
    enum { LINE = 64, GROUPS = LINE / MLP_TILE, IMAGES = MLP_BLOCK_STEPS };
    dice d = {6, 0};
    static uint8_t pixels[IMAGES][LINE + 3];
    static uint32_t words[GROUPS * MLP_BLOCK_STEPS];
    const uint8_t *images[IMAGES];
    for (size_t t = 0; supported_kernels(t) != NULL; t++)
        for (size_t n = 1; n <= IMAGES; n += 1 + roll(&d) % 9)
            for (size_t size = 1; size <= LINE; size++) {
                size_t first = roll(&d) % 4;
                for (size_t i = 0; i < n; i++) {
                    images[i] = pixels[i] + LINE - size; /* they end where the memory does */
                    for (size_t k = 0; k < LINE + 3; k++)
                        pixels[i][k] = (uint8_t)roll(&d);
                }
                supported_kernels(t)->gather_words(n, images, first, size, words);
                for (size_t g = 0; g * MLP_TILE < size; g++)
                    for (size_t i = 0; i < n; i++)
                        for (size_t j = 0; j < MLP_TILE; j++) {
                            size_t k = g * MLP_TILE + j;
                            uint32_t found = words[g * MLP_BLOCK_STEPS + i] >> 8 * j & MAX_BYTE;
                            assert_int_equal(found, k < size ? images[i][first + k] : 0);
                        }
            }
}

static void words_of_zeros_are_left_out(void **state)
{
    (void)state;
    dice d = {2, 0};
    for (size_t t = 0; supported_kernels(t) != NULL; t++)
        for (size_t n = 0; n <= MAX_N; n++) {
            uint32_t words[MAX_N], steps[ROOM], packed[ROOM];
            size_t count = 0, first_k = roll(&d) % 1000, density = roll(&d) % 4;
            for (size_t k = 0; k < n; k++) /* set: none, some, or all; in one byte or four */
                words[k] = roll(&d) % 3 < density ? 1u << roll(&d) % 32 | roll(&d) % 2 : 0;
            mark(steps);
            mark(packed);
            size_t found = supported_kernels(t)->pack_pixels(n, first_k, words, steps, packed);
            for (size_t k = 0; k < n; k++) {
                if (words[k] == 0)
                    continue;
                assert_int_equal(steps[count], (first_k + k) * MLP_PANEL);
                assert_int_equal(packed[count++], words[k]);
            }
            assert_int_equal(found, count);
            assert_marked_past(steps, n);
            assert_marked_past(packed, n);
        }
}

/* All 256 bytes, in each place of a word: the correctly rounded quotient. */
static void unit_pixels_divides_by_255(void **state)
{
    (void)state;
    uint32_t words[MAX_BYTE + 1];
    float values[(MAX_BYTE + 2) * MLP_TILE];
    for (uint32_t p = 0; p <= MAX_BYTE; p++) {
        uint8_t bytes[MLP_TILE] = {(uint8_t)p, (uint8_t)(p + 64), (uint8_t)(p + 128),
                                   (uint8_t)(p + 192)};
        memcpy(&words[p], bytes, sizeof bytes);
    }
    for (size_t t = 0; supported_kernels(t) != NULL; t++)
        for (size_t n = 0; n <= MAX_BYTE + 1; n = n < 70 ? n + 1 : n + 31) {
            for (size_t i = 0; i < (MAX_BYTE + 2) * MLP_TILE; i++)
                values[i] = SENTINEL;
            supported_kernels(t)->unit_pixels(n, words, values);
            for (size_t i = 0; i < (MAX_BYTE + 2) * MLP_TILE; i++) {
                float pixel = (float)(uint8_t)(i / MLP_TILE + i % MLP_TILE * 64);
                float wanted = i < n * MLP_TILE ? pixel / 255.0f : SENTINEL;
                assert_int_equal(mlp_float_bits(values[i]), mlp_float_bits(wanted));
            }
        }
}

/* (rows, 64), mostly zeros of both signs, and numbers of all kinds, NaN too. */
static float *roll_sparse(dice *d, size_t rows)
{
    float *x = roll_floats(d, rows * MLP_PANEL, WITH_INFINITIES);
    for (size_t i = 0; i < rows * MLP_PANEL; i++) {
        uint32_t kind = roll(d) % 16;
        if (kind < 12)
            x[i] = kind % 2 == 0 ? 0.0f : -0.0f;
        if (kind == 12)
            x[i] = NAN;
    }
    return x;
}

typedef size_t pack_function(size_t n, size_t first_k, const float *from, uint32_t *steps,
                             float *values);

/* Packs from x; element k of row i is at x[i * row_stride + k * k_stride]. */
static void check_pack(pack_function *pack, size_t n, size_t first_k, const float *x,
                       size_t row_stride, size_t k_stride)
{
    uint32_t steps[ROOM];
    float values[ROOM * MLP_TILE];
    size_t count = 0;
    mark(steps);
    for (size_t i = 0; i < ROOM * MLP_TILE; i++)
        values[i] = SENTINEL;
    size_t found = pack(n, first_k, x, steps, values);
    for (size_t k = 0; k < n; k++) {
        float four[MLP_TILE];
        bool any = false;
        for (size_t i = 0; i < MLP_TILE; i++) {
            four[i] = x[i * row_stride + k * k_stride];
            any |= four[i] != 0.0f; /* a NaN is not equal to 0 */
        }
        if (!any)
            continue;
        assert_int_equal(steps[count], (first_k + k) * MLP_PANEL);
        assert_same("packed", values + count++ * MLP_TILE, four, MLP_TILE);
    }
    assert_int_equal(found, count);
    assert_marked_past(steps, n);
    for (size_t i = mlp_round_up(n, VECTOR) * MLP_TILE; i < ROOM * MLP_TILE; i++)
        assert_true(values[i] == SENTINEL);
}

static void rows_are_packed_four_at_a_time(void **state)
{
    (void)state;
    dice d = {3, 0};
    for (size_t t = 0; supported_kernels(t) != NULL; t++)
        for (size_t n = 0; n <= MLP_PANEL; n++)
            for (size_t round = 0; round < quick_or(2, 20); round++) {
                float *rows = roll_sparse(&d, MLP_TILE);
                check_pack(supported_kernels(t)->pack_rows, n, roll(&d) % 1000, rows, MLP_PANEL, 1);
                free(rows);
            }
}

static void columns_are_packed_four_at_a_time(void **state)
{
    (void)state;
    dice d = {4, 0};
    float *panel = roll_sparse(&d, MAX_N);
    for (size_t t = 0; supported_kernels(t) != NULL; t++)
        for (size_t n = 0; n <= MAX_N; n++)
            for (size_t column = 0; column < MLP_PANEL; column += MLP_TILE)
                check_pack(supported_kernels(t)->pack_columns, n, roll(&d) % 1000, panel + column,
                           1, MLP_PANEL);
    free(panel);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(four_images_lie_side_by_side),
        cmocka_unit_test(words_are_gathered_from_images),
        cmocka_unit_test(words_of_zeros_are_left_out),
        cmocka_unit_test(unit_pixels_divides_by_255),
        cmocka_unit_test(rows_are_packed_four_at_a_time),
        cmocka_unit_test(columns_are_packed_four_at_a_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
