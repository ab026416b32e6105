/* Every supported table's packed lists by their definition: each step that is not
 * zero in both of two, in order, and nothing else; n on both sides of whole vectors. */
#include "kernel_fixture.h"

enum {
    MAX_N = 150,
    VECTOR = 16, /* lists have room for n rounded up to it */
    ROOM = (MAX_N / VECTOR + 1) * VECTOR + VECTOR,
    BYTES = 256,
    MOST_STEPS = UINT16_MAX + 1, /* of a list */
};
static const uint32_t MARK = 0xdeadbeefu; /* where nothing may be written */
static const uint16_t STEP_MARK = 0xbeefu;

/* n pixels, of which none, some or all are set. */
static void roll_pixels(dice *d, size_t n, uint8_t *pixels)
{
    uint32_t density = roll(d) % 4;
    for (size_t k = 0; k < n; k++)
        pixels[k] = roll(d) % 3 < density ? (uint8_t)(roll(d) | 1) : 0;
}

/* What a pack function made of n pairs of pixels. */
static void check_words(const char *name, size_t n, const uint8_t *const pixels[MLP_TILE],
                        size_t stride, const uint32_t *list, size_t count)
{
    size_t s = 0;
    for (size_t k = 0; k < n; k++) {
        uint32_t low = pixels[0][k * stride], high = pixels[1][k * stride];
        if (low == 0 && high == 0)
            continue;
        if (s >= count || list[s] != (low | (uint32_t)k << 8 | high << 24))
            fail_msg("%s of %zu pairs: word %zu of %zu is not step %zu's", name, n, s, count, k);
        s++;
    }
    assert_int_equal(count, s);
    for (size_t i = mlp_round_up(n, VECTOR); i < mlp_round_up(n, VECTOR) + VECTOR; i++)
        assert_int_equal(list[i], MARK);
}

/* A list with room for n steps, and marks behind it. */
static uint32_t *marked_list(size_t n)
{
    size_t room = mlp_round_up(n, VECTOR);
    uint32_t *list = must_alloc(room + VECTOR, sizeof *list);
    for (size_t i = 0; i < VECTOR; i++)
        list[room + i] = MARK;
    return list;
}

/* Images begin anywhere in memory, and one of them ends where it does. */
static void check_images(dice *d, const mlp_kernels *kernels, size_t n)
{
    size_t gap = roll(d) % VECTOR, bytes = 2 * n + gap;
    uint8_t *memory = malloc(bytes + 1);
    assert_non_null(memory);
    const uint8_t *images[MLP_TILE] = {memory + 1, memory + 1 + n + gap};
    roll_pixels(d, n, memory + 1);
    roll_pixels(d, n + gap, memory + 1 + n);
    uint32_t *list = marked_list(n);
    check_words(kernels->name, n, images, 1, list, kernels->pack_images(n, images, list));
    free(list);
    free(memory);
}

static void steps_that_an_image_sets_are_listed(void **state)
{
    (void)state;
    dice d = {1, 0};
    for (size_t t = 0; supported_kernels(t) != NULL; t++) {
        for (size_t n = 0; n <= MAX_N; n++)
            for (size_t round = 0; round < quick_or(3, 20); round++)
                check_images(&d, supported_kernels(t), n);
        check_images(&d, supported_kernels(t), MOST_STEPS);
    }
}

/* Pairs that lie side by side: each the pixels of two bytes, the lower first. */
static void check_pairs(dice *d, const mlp_kernels *kernels, size_t n)
{
    uint16_t *pairs = malloc(n > 0 ? n * sizeof *pairs : 1);
    uint8_t *pixels = must_alloc(n, MLP_TILE);
    assert_non_null(pairs);
    roll_pixels(d, n * MLP_TILE, pixels);
    for (size_t k = 0; k < n; k++)
        pairs[k] = (uint16_t)(pixels[k * MLP_TILE] | pixels[k * MLP_TILE + 1] << 8);
    const uint8_t *both[MLP_TILE] = {pixels, pixels + 1};
    uint32_t *list = marked_list(n);
    check_words(kernels->name, n, both, MLP_TILE, list, kernels->pack_pairs(n, pairs, list));
    free(list);
    free(pixels);
    free(pairs);
}

static void pairs_of_zeros_are_left_out(void **state)
{
    (void)state;
    dice d = {2, 0};
    for (size_t t = 0; supported_kernels(t) != NULL; t++) {
        for (size_t n = 0; n <= MAX_N; n++)
            for (size_t round = 0; round < quick_or(3, 20); round++)
                check_pairs(&d, supported_kernels(t), n);
        check_pairs(&d, supported_kernels(t), MOST_STEPS);
    }
}

/* Pixels first .. first + size - 1 of n images, which lie behind each other and end there: nothing
 * is read past the last. */
static void check_gather(dice *d, const mlp_kernels *kernels, size_t n, size_t first, size_t size)
{
    enum { LINE = 64, ALL = LINE / MLP_TILE * MLP_BLOCK_STEPS };
    uint8_t *memory = malloc(n * (first + size) + 1);
    const uint8_t *images[MLP_BLOCK_STEPS];
    uint16_t *pairs = must_alloc(ALL + VECTOR, sizeof *pairs);
    assert_non_null(memory);
    for (size_t i = 0; i < n * (first + size); i++)
        memory[i] = (uint8_t)roll(d);
    for (size_t i = 0; i < n; i++)
        images[i] = memory + i * (first + size);
    for (size_t i = 0; i < ALL + VECTOR; i++)
        pairs[i] = STEP_MARK;
    kernels->gather_pairs(n, images, first, size, pairs);
    for (size_t k = 0; k < mlp_round_up(size, MLP_TILE); k++)
        for (size_t i = 0; i < n; i++) {
            uint32_t pair = pairs[k / MLP_TILE * MLP_BLOCK_STEPS + i];
            uint32_t pixel = k < size ? images[i][first + k] : 0;
            assert_int_equal(k % MLP_TILE == 0 ? pair & (BYTES - 1) : pair >> 8, pixel);
        }
    for (size_t i = ALL; i < ALL + VECTOR; i++)
        assert_int_equal(pairs[i], STEP_MARK);
    free(pairs);
    free(memory);
}

/* Any count of images, and of pixels up to a cache line. */
static void pairs_are_gathered_from_images(void **state)
{
    (void)state;
    enum { LINE = 64 };
    dice d = {6, 0};
    for (size_t t = 0; supported_kernels(t) != NULL; t++)
        for (size_t size = 1; size <= LINE; size++) {
            for (size_t n = 0; n < MLP_BLOCK_STEPS; n += 1 + roll(&d) % quick_or(40, 9))
                check_gather(&d, supported_kernels(t), n, roll(&d) % 4, size);
            check_gather(&d, supported_kernels(t), MLP_BLOCK_STEPS, roll(&d) % 4, size);
        }
}

/* (rows, 64), mostly zeros of both signs, and numbers of all kinds, NaN too. */
static float *roll_sparse(dice *d, size_t rows)
{
    float *x = roll_floats(d, rows * MLP_PANEL, WILD);
    for (size_t i = 0; i < rows * MLP_PANEL; i++) {
        uint32_t kind = roll(d) % 16;
        if (kind < 12)
            x[i] = kind % 2 == 0 ? 0.0f : -0.0f;
        if (kind == 12)
            x[i] = roll(d) % 2 == 0 ? NAN : -NAN;
    }
    return x;
}

/* A list that floats are packed into. */
typedef struct floats_list {
    uint16_t steps[ROOM];
    float values[ROOM * MLP_TILE];
} floats_list;

static void mark(floats_list *list)
{
    for (size_t s = 0; s < ROOM; s++)
        list->steps[s] = STEP_MARK;
    for (size_t i = 0; i < ROOM * MLP_TILE; i++)
        list->values[i] = SENTINEL;
}

/* It was packed from x; element k of row i is at x[i * row_stride + k * k_stride]. */
static void check_floats(const char *name, const floats_list *list, size_t found, size_t n,
                         size_t first_k, const float *x, size_t row_stride, size_t k_stride)
{
    size_t count = 0;
    for (size_t k = 0; k < n; k++) {
        const float pair[MLP_TILE] = {x[k * k_stride], x[row_stride + k * k_stride]};
        if (pair[0] == 0.0f && pair[1] == 0.0f) /* a NaN is not equal to 0 */
            continue;
        assert_int_equal(list->steps[count], first_k + k);
        assert_same(name, list->values + count++ * MLP_TILE, pair, MLP_TILE);
    }
    assert_int_equal(found, count);
    for (size_t s = mlp_round_up(n, VECTOR); s < ROOM; s++) {
        assert_int_equal(list->steps[s], STEP_MARK);
        assert_true(list->values[s * MLP_TILE] == SENTINEL);
        assert_true(list->values[s * MLP_TILE + 1] == SENTINEL);
    }
}

static void two_rows_become_a_list(void **state)
{
    (void)state;
    dice d = {4, 0};
    floats_list list;
    for (size_t t = 0; supported_kernels(t) != NULL; t++)
        for (size_t n = 0; n <= MLP_PANEL; n++)
            for (size_t round = 0; round < quick_or(3, 30); round++) {
                const mlp_kernels *kernels = supported_kernels(t);
                float *rows = roll_sparse(&d, MLP_TILE);
                size_t first_k = round % 3 == 2 ? MOST_STEPS - n : roll(&d) % 1000;
                mark(&list);
                size_t found = kernels->pack_rows(n, first_k, rows, list.steps, list.values);
                check_floats(kernels->name, &list, found, n, first_k, rows, MLP_PANEL, 1);
                free(rows);
            }
}

static void two_columns_become_a_list(void **state)
{
    (void)state;
    dice d = {5, 0};
    floats_list list;
    for (size_t t = 0; supported_kernels(t) != NULL; t++) {
        const mlp_kernels *kernels = supported_kernels(t);
        float *panel = roll_sparse(&d, MAX_N);
        for (size_t n = 0; n <= MAX_N; n++)
            for (size_t column = 0; column < MLP_PANEL; column += MLP_TILE) {
                mark(&list);
                size_t found = kernels->pack_columns(n, panel + column, list.steps, list.values);
                check_floats(kernels->name, &list, found, n, 0, panel + column, 1, MLP_PANEL);
            }
        free(panel);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_that_an_image_sets_are_listed),
        cmocka_unit_test(pairs_of_zeros_are_left_out),
        cmocka_unit_test(pairs_are_gathered_from_images),
        cmocka_unit_test(two_rows_become_a_list),
        cmocka_unit_test(two_columns_become_a_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
