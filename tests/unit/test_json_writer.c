/* The JSON writer: layout, escapes, shortest numbers, remembered failure. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "config/json_writer.h"
#include "quick.h"

static void assert_finishes(mlp_json_writer *w, const char *wanted)
{
    char *text = mlp_json_writer_finish(w);
    assert_non_null(text);
    assert_string_equal(text, wanted);
    free(text);
}

/* {"a": 1, "rows": [[1, 2], []], "objects": [{"x": true}], "empty": {}, "none": []} */
static void write_sample(mlp_json_writer *w)
{
    mlp_json_write_open_object(w);
    mlp_json_write_key(w, "a");
    mlp_json_write_int64(w, 1);
    mlp_json_write_key(w, "rows");
    mlp_json_write_open_row(w);
    mlp_json_write_open_array(w);
    mlp_json_write_int64(w, 1);
    mlp_json_write_int64(w, 2);
    mlp_json_write_close_array(w);
    mlp_json_write_open_array(w);
    mlp_json_write_close_array(w);
    mlp_json_write_close_array(w);
    mlp_json_write_key(w, "objects");
    mlp_json_write_open_array(w);
    mlp_json_write_open_object(w);
    mlp_json_write_key(w, "x");
    mlp_json_write_bool(w, true);
    mlp_json_write_close_object(w);
    mlp_json_write_close_array(w);
    mlp_json_write_key(w, "empty");
    mlp_json_write_open_object(w);
    mlp_json_write_close_object(w);
    mlp_json_write_key(w, "none");
    mlp_json_write_open_array(w);
    mlp_json_write_close_array(w);
    mlp_json_write_close_object(w);
}

static void test_one_line(void **state)
{
    mlp_json_writer w;
    (void)state;
    mlp_json_writer_init(&w, 0);
    write_sample(&w);
    assert_finishes(&w, "{\"a\": 1, \"rows\": [[1, 2], []], \"objects\": [{\"x\": true}], "
                        "\"empty\": {}, \"none\": []}");
}

static void test_indented(void **state)
{
    mlp_json_writer w;
    (void)state;
    mlp_json_writer_init(&w, 2);
    write_sample(&w);
    assert_finishes(&w, "{\n"
                        "  \"a\": 1,\n"
                        "  \"rows\": [[1, 2], []],\n"
                        "  \"objects\": [\n"
                        "    {\n"
                        "      \"x\": true\n"
                        "    }\n"
                        "  ],\n"
                        "  \"empty\": {},\n"
                        "  \"none\": []\n"
                        "}");
}

static void test_values(void **state)
{
    mlp_json_writer w;
    (void)state;
    mlp_json_writer_init(&w, 0);
    mlp_json_write_open_array(&w);
    mlp_json_write_int64(&w, INT64_MIN);
    mlp_json_write_int64(&w, INT64_MAX);
    mlp_json_write_uint64(&w, UINT64_MAX);
    mlp_json_write_bool(&w, false);
    mlp_json_write_null(&w);
    mlp_json_write_raw(&w, "{\"k\": 1}");
    mlp_json_write_double(&w, (double)INFINITY);
    mlp_json_write_double(&w, -(double)INFINITY);
    mlp_json_write_double(&w, (double)NAN);
    mlp_json_write_float(&w, INFINITY);
    mlp_json_write_float(&w, NAN);
    mlp_json_write_float(&w, 0.1f);
    mlp_json_write_double(&w, (double)0.1f);
    mlp_json_write_close_array(&w);
    assert_finishes(&w, "[-9223372036854775808, 9223372036854775807, 18446744073709551615, false, "
                        "null, {\"k\": 1}, null, null, null, null, null, 0.1, "
                        "0.10000000149011612]");
}

static void test_strings(void **state)
{
    static const struct {
        const char *value, *wanted;
    } cases[] = {
        {"", "\"\""},
        {"a \"b\" \\ /", "\"a \\\"b\\\" \\\\ /\""},
        {"\b\f\n\r\t", "\"\\b\\f\\n\\r\\t\""},
        {"\x01\x1f\x7f", "\"\\u0001\\u001f\\u007f\""},
        {"d\xC3\xADgito \xE2\x82\xAC \xF0\x9F\x99\x82",
         "\"d\xC3\xADgito \xE2\x82\xAC \xF0\x9F\x99\x82\""},
        {"x\xFFy\xC3", "\"x\xEF\xBF\xBDy\xEF\xBF\xBD\""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        mlp_json_writer w;
        mlp_json_writer_init(&w, 0);
        mlp_json_write_string(&w, cases[i].value);
        assert_finishes(&w, cases[i].wanted);
    }
}

static void test_key_is_escaped(void **state)
{
    mlp_json_writer w;
    (void)state;
    mlp_json_writer_init(&w, 0);
    mlp_json_write_open_object(&w);
    mlp_json_write_key(&w, "a\"\n");
    mlp_json_write_null(&w);
    mlp_json_write_close_object(&w);
    assert_finishes(&w, "{\"a\\\"\\n\": null}");
}

static void test_number_layout(void **state)
{
    static const struct {
        double value;
        const char *wanted;
    } cases[] = {
        {0, "0"},
        {-0.0, "-0"},
        {1, "1"},
        {-12.5, "-12.5"},
        {0.1, "0.1"},
        {0.05, "0.05"},
        {0.0001, "0.0001"},
        {0.00012345, "0.00012345"},
        {1e-5, "1e-5"},
        {1e-7, "1e-7"},
        {1.5e-7, "1.5e-7"},
        {100000, "100000"},
        {123456.789, "123456.789"},
        {9007199254740992, "9007199254740992"},
        {1e15, "1000000000000000"},
        {1e16, "1e16"},
        {1.25e300, "1.25e300"},
        {0.1 + 0.2, "0.30000000000000004"},
        {1.0 / 3, "0.3333333333333333"},
        {DBL_MAX, "1.7976931348623157e308"},
        {DBL_MIN, "2.2250738585072014e-308"},
        {5e-324, "5e-324"},
        {-1.7976931348623157e308, "-1.7976931348623157e308"},
    };
    char text[MLP_JSON_NUMBER_SIZE];
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        mlp_json_format_double(cases[i].value, text);
        assert_string_equal(text, cases[i].wanted);
    }
    mlp_json_format_float(1e15f, text);
    assert_string_equal(text, "1000000000000000");
    mlp_json_format_float(16777216.0f, text);
    assert_string_equal(text, "16777216");
    mlp_json_format_float(-FLT_MAX, text);
    assert_string_equal(text, "-3.4028235e38");
}

static void test_numbers_read_back(void **state)
{
    char text[MLP_JSON_NUMBER_SIZE];
    (void)state;
    for (uint64_t i = 0; i < quick_or(2000, 20000); i++) {
        uint64_t bits = (uint64_t)mlp_rng_u32(1, 0, 2 * i) << 32 | mlp_rng_u32(1, 0, 2 * i + 1);
        uint32_t low = (uint32_t)bits;
        double x, back;
        float y, y_back;
        memcpy(&x, &bits, sizeof x);
        memcpy(&y, &low, sizeof y);
        if (isfinite(x)) {
            mlp_json_format_double(x, text);
            back = strtod(text, NULL);
            assert_memory_equal(&back, &x, sizeof x);
        }
        if (isfinite(y)) {
            mlp_json_format_float(y, text);
            y_back = strtof(text, NULL);
            assert_memory_equal(&y_back, &y, sizeof y);
        }
    }
}

static void test_failure_is_remembered(void **state)
{
    mlp_json_writer w;
    (void)state;
    mlp_json_writer_init(&w, 0);
    mlp_json_write_open_array(&w);
    mlp_json_write_null(&w);
    /* A full buffer whose doubling no address space can hold. */
    size_t capacity = w.capacity, length = w.length;
    w.capacity = w.length = SIZE_MAX / 2;
    mlp_json_write_null(&w);
    assert_true(w.is_failure);
    w.capacity = capacity;
    w.length = length;
    mlp_json_write_close_array(&w);
    assert_int_equal(w.length, length);
    assert_null(mlp_json_writer_finish(&w));
    assert_null(w.text);
}

static void test_given_up(void **state)
{
    mlp_json_writer w = {0};
    (void)state;
    mlp_json_writer_free(&w);
    mlp_json_writer_init(&w, 0);
    mlp_json_write_string(&w, "given up");
    mlp_json_writer_free(&w);
    assert_null(w.text);
    mlp_json_writer_free(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_line),
        cmocka_unit_test(test_indented),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_strings),
        cmocka_unit_test(test_key_is_escaped),
        cmocka_unit_test(test_number_layout),
        cmocka_unit_test(test_numbers_read_back),
        cmocka_unit_test(test_failure_is_remembered),
        cmocka_unit_test(test_given_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
