/* test_make_digits.c: the drawn digits: their bytes, their frame, their variety. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "data/digit_ink.h"
#include "data/digit_strokes.h"
#include "data/make_digits.h"

enum { N = 1000, SIDE = MLP_DIGIT_SIDE, PIXELS = MLP_DIGIT_PIXELS, BOX = MLP_INK_BOX };

static uint8_t pixels[N * PIXELS], labels[N]; /* images 0 .. N - 1 of seed 1 */

static int setup(void **state)
{
    (void)state;
    mlp_make_digits(1, 0, N, pixels, labels);
    return 0;
}

static const uint8_t *image_at(size_t i)
{
    return pixels + i * PIXELS;
}

/* The same bytes from any compiler, at any optimisation, on any machine. */
static void test_bytes_are_pinned(void **state)
{
    (void)state;
    assert_int_equal(crc32(0, pixels, sizeof pixels), 0xc8ebe852u);
    assert_int_equal(crc32(0, labels, sizeof labels), 0x77457e89u);
}

static void test_image_is_a_function_of_seed_and_number(void **state)
{
    (void)state;
    uint8_t part[13 * PIXELS], part_labels[13];
    mlp_make_digits(1, 17, 13, part, part_labels);
    assert_memory_equal(part, image_at(17), sizeof part);
    assert_memory_equal(part_labels, labels + 17, sizeof part_labels);
    mlp_make_digits(1, N - 1, 1, part, part_labels);
    assert_memory_equal(part, image_at(N - 1), PIXELS);
    assert_int_equal(part_labels[0], labels[N - 1]);
}

static void test_nothing_asked_nothing_written(void **state)
{
    (void)state;
    uint8_t image = 7, label = 9;
    mlp_make_digits(1, 0, 0, &image, &label);
    assert_int_equal(image, 7);
    assert_int_equal(label, 9);
}

static void assert_every_digit_once(const uint8_t *ten)
{
    unsigned seen = 0;
    for (size_t i = 0; i < 10; i++) {
        assert_in_range(ten[i], 0, 9);
        seen |= 1u << ten[i];
    }
    assert_int_equal(seen, 0x3FF);
}

static void test_labels_are_balanced_and_shuffled(void **state)
{
    (void)state;
    size_t same_order = 0;
    for (size_t i = 0; i < N; i += 10) {
        assert_every_digit_once(labels + i);
        same_order += i > 0 && memcmp(labels + i, labels + i - 10, 10) == 0;
    }
    assert_int_equal(same_order, 0);
}

static void test_last_images_of_a_sequence(void **state)
{
    (void)state;
    uint8_t end[16 * PIXELS], end_labels[16]; /* 2^32 - 16 is a multiple of ten */
    mlp_make_digits(1, (UINT64_C(1) << 32) - 16, 16, end, end_labels);
    assert_every_digit_once(end_labels);
    assert_memory_not_equal(end, pixels, PIXELS);
}

static void test_images_and_seeds_differ(void **state)
{
    (void)state;
    uint8_t *other = malloc(sizeof pixels), other_labels[N];
    assert_non_null(other);
    mlp_make_digits(2, 0, N, other, other_labels);
    assert_memory_not_equal(labels, other_labels, N);
    for (size_t i = 0; i < N; i++) {
        assert_memory_not_equal(image_at(i), other + i * PIXELS, PIXELS);
        for (size_t j = 0; j < i; j++)
            assert_memory_not_equal(image_at(i), image_at(j), PIXELS);
    }
    free(other);
}

/* Along one axis, where the ink runs from pixel `first` to pixel `last`: the centre of mass
 * lies within half a pixel of pixel 14, 2 |moment - 14 mass| <= mass, unless the box would
 * have to leave the image to bring it there. */
static void assert_centred(int64_t moment, int64_t mass, size_t first, size_t last)
{
    int64_t off = 2 * (moment - SIDE / 2 * mass);
    assert_true(off <= mass || first == 0);
    assert_true(-off <= mass || last == SIDE - 1);
}

static void test_frame_is_that_of_mnist(void **state)
{
    (void)state;
    for (size_t i = 0; i < N; i++) {
        int64_t mass = 0, moment_x = 0, moment_y = 0;
        size_t left = SIDE, right = 0, top = SIDE, bottom = 0;
        for (size_t y = 0; y < SIDE; y++) {
            for (size_t x = 0; x < SIDE; x++) {
                int64_t ink = image_at(i)[y * SIDE + x];
                if (ink == 0)
                    continue;
                mass += ink;
                moment_x += ink * (int64_t)x;
                moment_y += ink * (int64_t)y;
                left = x < left ? x : left;
                right = x > right ? x : right;
                top = y < top ? y : top;
                bottom = y;
            }
        }
        assert_true(mass > 0);
        assert_centred(moment_x, mass, left, right);
        assert_centred(moment_y, mass, top, bottom);
        size_t width = right - left + 1, height = bottom - top + 1;
        assert_in_range(width > height ? width : height, BOX - 1, BOX);
    }
}

/* MNIST's training half: mean 0.131 of full ink, 19.1 % of the pixels not white. */
static void test_amount_of_ink_is_near_that_of_mnist(void **state)
{
    (void)state;
    size_t ink = 0, inked = 0;
    for (size_t i = 0; i < sizeof pixels; i++) {
        ink += pixels[i];
        inked += pixels[i] > 0;
    }
    double total = (double)sizeof pixels;
    assert_true((double)ink > 0.120 * 255.0 * total && (double)ink < 0.145 * 255.0 * total);
    assert_true((double)inked > 0.17 * total && (double)inked < 0.20 * total);
}

/* Words spread evenly over all words choose the forms of a digit as often as their weights say. */
static void test_forms_are_chosen_by_weight(void **state)
{
    (void)state;
    enum { DRAWS = 4096, MOST = 32 };
    for (uint8_t digit = 0; digit < 10; digit++) {
        const mlp_digit_form *forms[MOST] = {NULL};
        size_t count[MOST] = {0}, n = 0, total = 0;
        for (uint32_t draw = 0; draw < DRAWS; draw++) {
            const mlp_digit_form *form = mlp_digit_strokes_choose(digit, draw << 20 | 0xFFFFF);
            assert_int_equal(form->digit, digit);
            size_t k = 0;
            while (k < n && forms[k] != form)
                k++;
            if (k == n) {
                assert_true(n < MOST);
                forms[n++] = form;
                total += form->weight;
            }
            count[k]++;
        }
        assert_true(n >= 3);
        for (size_t k = 0; k < n; k++) {
            size_t wanted = (size_t)DRAWS * forms[k]->weight / total;
            assert_in_range(count[k], wanted - 1, wanted + 1);
        }
    }
}

/* Edge bytes that leave the outline where it is, to within a hundredth of a pixel. */
static const uint32_t *even_edge(void)
{
    static uint32_t edge[MLP_INK_EDGE_WORDS];
    memset(edge, 0x80, sizeof edge);
    return edge;
}

/* An upright line of height 1 and a pen of radius 0.1: 20 pixels high, 10/3 wide. */
static void test_ink_covers_what_it_should(void **state)
{
    (void)state;
    mlp_ink_line line = {.n = 2, .nodes = {{0, 0, 1, false}, {0, 1, 1, true}}};
    uint8_t image[PIXELS];
    mlp_ink_draw(&line, 0.1f, even_edge(), image);
    for (size_t y = 0; y < SIDE; y++) {
        const uint8_t *row = image + y * SIDE;
        for (size_t x = 0; x < SIDE; x++) {
            if (y < 4 || y >= 24 || x < 12 || x > 15)
                assert_int_equal(row[x], 0);
        }
        if (y >= 4 && y < 24)
            assert_int_not_equal(row[13], 0);
        if (y >= 6 && y < 22) { /* between the round ends */
            assert_int_equal(row[13], 255);
            assert_in_range(row[12], 169, 171); /* two thirds of a pixel */
        }
        assert_int_equal(row[14], row[13]);
        assert_int_equal(row[15], row[12]);
    }
}

static void test_lifted_pen_leaves_no_ink(void **state)
{
    (void)state;
    const mlp_ink_line apart = {
        .n = 4, .nodes = {{0, 0, 1, false}, {0, 1, 1, true}, {1, 0, 1, false}, {1, 1, 1, true}}};
    uint8_t image[PIXELS];
    mlp_ink_line line = apart;
    mlp_ink_draw(&line, 0.1f, even_edge(), image);
    for (size_t y = 0; y < SIDE; y++)
        assert_int_equal(image[y * SIDE + 14], 0);
    line = apart;
    line.nodes[1].last = false;
    mlp_ink_draw(&line, 0.1f, even_edge(), image);
    assert_int_equal(image[(size_t)14 * SIDE + 14], 255);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes_are_pinned),
        cmocka_unit_test(test_image_is_a_function_of_seed_and_number),
        cmocka_unit_test(test_nothing_asked_nothing_written),
        cmocka_unit_test(test_labels_are_balanced_and_shuffled),
        cmocka_unit_test(test_last_images_of_a_sequence),
        cmocka_unit_test(test_images_and_seeds_differ),
        cmocka_unit_test(test_frame_is_that_of_mnist),
        cmocka_unit_test(test_amount_of_ink_is_near_that_of_mnist),
        cmocka_unit_test(test_forms_are_chosen_by_weight),
        cmocka_unit_test(test_ink_covers_what_it_should),
        cmocka_unit_test(test_lifted_pen_leaves_no_ink),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
