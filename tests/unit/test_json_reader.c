/* The JSON reader: what is JSON to the letter, and the way through a document. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "config/json_reader.h"
#include "config/json_syntax.h"

#define TEXT(literal) (literal), sizeof(literal) - 1

static mlp_json *parse(const char *text, size_t length)
{
    mlp_json *document;
    mlp_error err = {""};
    mlp_status status = mlp_json_parse(&document, text, length, "t", MLP_ERR_CONFIG, &err);
    assert_string_equal(err.message, "");
    assert_int_equal(status, MLP_OK);
    return document;
}

typedef struct refusal {
    const char *text;
    size_t length;
    const char *message;
} refusal;

static void assert_refused(const refusal *cases, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        mlp_json *document = (mlp_json *)(uintptr_t)1;
        mlp_error err = {""};
        /* A copy of its own size: reading past its end is seen by the sanitizers. */
        char *copy = malloc(cases[i].length + (cases[i].length == 0));
        assert_non_null(copy);
        memcpy(copy, cases[i].text, cases[i].length);
        mlp_status status =
            mlp_json_parse(&document, copy, cases[i].length, "t", MLP_ERR_CHECKPOINT, &err);
        free(copy);
        assert_string_equal(err.message, cases[i].message);
        assert_int_equal(status, MLP_ERR_CHECKPOINT);
        assert_null(document);
    }
}

static void test_structure_is_strict(void **state)
{
    static const refusal cases[] = {
        {TEXT(""), "t:1:1: syntax error: found the end of the text, wanted a value"},
        {TEXT(" \n "), "t:2:2: syntax error: found the end of the text, wanted a value"},
        {TEXT("1 2"), "t:1:3: syntax error: found \"2\", wanted the end of the text"},
        {TEXT("{} x"), "t:1:4: syntax error: found \"x\", wanted the end of the text"},
        {TEXT("[1 2]"), "t:1:4: syntax error: found \"2\", wanted \",\" or \"]\""},
        {TEXT("[1,]"), "t:1:4: syntax error: found \"]\", wanted a value"},
        {TEXT("[,1]"), "t:1:2: syntax error: found \",\", wanted a value"},
        {TEXT("[1"), "t:1:3: syntax error: found the end of the text, wanted \",\" or \"]\""},
        {TEXT("[1}"), "t:1:3: syntax error: found \"}\", wanted \",\" or \"]\""},
        {TEXT("{\"a\":1,}"), "t:1:8: syntax error: found \"}\", wanted a key in double quotes"},
        {TEXT("{a:1}"), "t:1:2: syntax error: found \"a\", wanted a key in double quotes"},
        {TEXT("{'a':1}"), "t:1:2: syntax error: found \"'\", wanted a key in double quotes"},
        {TEXT("{\"a\" 1}"), "t:1:6: syntax error: found \"1\", wanted \":\""},
        {TEXT("{\"a\":}"), "t:1:6: syntax error: found \"}\", wanted a value"},
        {TEXT("{\"a\":1 \"b\":2}"), "t:1:8: syntax error: found \"\"\", wanted \",\" or \"}\""},
        {TEXT("{\"a\":1"), "t:1:7: syntax error: found the end of the text, wanted \",\" or \"}\""},
        {TEXT("{\n  \"a\": 1, // one\n}"),
         "t:2:11: syntax error: found a comment, wanted a key in double quotes"},
        {TEXT("/* */ 1"), "t:1:1: syntax error: found a comment, wanted a value"},
        {TEXT("\xEF\xBB\xBF{}"),
         "t:1:1: syntax error: found a byte order mark, wanted plain UTF-8 without it"},
        {TEXT("1\0"), "t:1:2: syntax error: found byte 0x00, wanted the end of the text"},
        {TEXT("\0"), "t:1:1: syntax error: found byte 0x00, wanted a value"},
        {TEXT("\x01 1"), "t:1:1: syntax error: found byte 0x01, wanted a value"},
        {TEXT("[\v1]"), "t:1:2: syntax error: found byte 0x0b, wanted a value"},
    };
    (void)state;
    assert_refused(cases, sizeof cases / sizeof *cases);
}

static void test_words_and_numbers_are_strict(void **state)
{
    static const refusal cases[] = {
        {TEXT("NaN"), "t:1:1: syntax error: found \"NaN\", wanted a value"},
        {TEXT("Infinity"), "t:1:1: syntax error: found \"Infinity\", wanted a value"},
        {TEXT("-Infinity"), "t:1:1: syntax error: found \"-Infinity\", wanted a JSON number"},
        {TEXT("True"), "t:1:1: syntax error: found \"True\", wanted a value"},
        {TEXT("nullx"), "t:1:1: syntax error: found \"nullx\", wanted a value"},
        {TEXT("nul"), "t:1:1: syntax error: found \"nul\", wanted a value"},
        {TEXT("+1"), "t:1:1: syntax error: found \"+1\", wanted a JSON number"},
        {TEXT("01"), "t:1:1: syntax error: found \"01\", wanted a JSON number"},
        {TEXT("-01"), "t:1:1: syntax error: found \"-01\", wanted a JSON number"},
        {TEXT("1."), "t:1:1: syntax error: found \"1.\", wanted a JSON number"},
        {TEXT(".5"), "t:1:1: syntax error: found \".5\", wanted a JSON number"},
        {TEXT("-.5"), "t:1:1: syntax error: found \"-.5\", wanted a JSON number"},
        {TEXT("-"), "t:1:1: syntax error: found \"-\", wanted a JSON number"},
        {TEXT("1e"), "t:1:1: syntax error: found \"1e\", wanted a JSON number"},
        {TEXT("1e+"), "t:1:1: syntax error: found \"1e+\", wanted a JSON number"},
        {TEXT("1e1.5"), "t:1:1: syntax error: found \"1e1.5\", wanted a JSON number"},
        {TEXT("1-2"), "t:1:1: syntax error: found \"1-2\", wanted a JSON number"},
        {TEXT("0x10"), "t:1:1: syntax error: found \"0x10\", wanted a JSON number"},
        {TEXT("[9007199254740993]"), "t:1:2: syntax error: found \"9007199254740993\", wanted an "
                                     "integer of at most 2^53, the limit of exactness"},
        {TEXT("-12345678901234567"), "t:1:1: syntax error: found \"-12345678901234567\", wanted an "
                                     "integer of at most 2^53, the limit of exactness"},
        {TEXT("0.10000000000000000000000000000000000000000000000000000000000012"),
         "t:1:1: syntax error: found \"0.1000000000000000000000...\", wanted a number of at most "
         "63 characters"},
        {TEXT("1e999"), "t: found a number beyond the range of a double"},
        {TEXT("{\"a\":[0,{\"b\":-1e999}]}"),
         "t: a[1].b: found a number beyond the range of a double"},
    };
    (void)state;
    assert_refused(cases, sizeof cases / sizeof *cases);
}

static void test_strings_are_strict(void **state)
{
    static const refusal cases[] = {
        {TEXT("\"abc"),
         "t:1:5: syntax error: found the end of the text, wanted the closing quote of a string"},
        {TEXT("{\"a\": \"b\n\"}"), "t:1:9: syntax error: found a line break, wanted the closing "
                                   "quote of a string, or an escape"},
        {TEXT("\"a\tb\""),
         "t:1:3: syntax error: found a tab, wanted the closing quote of a string, or an escape"},
        {TEXT("\"a\0b\""), "t:1:3: syntax error: found byte 0x00, wanted the closing quote of a "
                           "string, or an escape"},
        {TEXT("\"\\x41\""),
         "t:1:2: syntax error: found \"\\x\", wanted one of the escapes of JSON"},
        {TEXT("\"\\u12G4\""),
         "t:1:2: syntax error: found \"\\u\", wanted one of the escapes of JSON"},
        {TEXT("\"\\u12"), "t:1:2: syntax error: found \"\\u\", wanted one of the escapes of JSON"},
        {TEXT("\"\\"), "t:1:2: syntax error: found \"\\\", wanted one of the escapes of JSON"},
        {TEXT("\"a\\u0000\""),
         "t:1:3: syntax error: found \"\\u0000\", wanted a string without the character NUL"},
        {TEXT("\"\\ud800\""), "t:1:2: syntax error: found \"\\ud800\", wanted a surrogate pair"},
        {TEXT("\"\\ud800\\u0041\""),
         "t:1:2: syntax error: found \"\\ud800\", wanted a surrogate pair"},
        {TEXT("\"\\ude42\""), "t:1:2: syntax error: found \"\\ude42\", wanted a surrogate pair"},
        {TEXT("\"\\ude42\\ude42\""),
         "t:1:2: syntax error: found \"\\ude42\", wanted a surrogate pair"},
        /* not UTF-8: a stray byte, cut off, overlong, a surrogate, above U+10FFFF */
        {TEXT("\"\xFF\""), "t:1:2: syntax error: found byte 0xff, wanted valid UTF-8"},
        {TEXT("\"\xC3\xA9\x80\""), "t:1:3: syntax error: found byte 0x80, wanted valid UTF-8"},
        {TEXT("\"\xE2\x82\""), "t:1:2: syntax error: found byte 0xe2, wanted valid UTF-8"},
        {TEXT("\"\xE2\x82"), "t:1:2: syntax error: found byte 0xe2, wanted valid UTF-8"},
        {TEXT("\"\xC0\xAF\""), "t:1:2: syntax error: found byte 0xc0, wanted valid UTF-8"},
        {TEXT("\"\xE0\x9F\xBF\""), "t:1:2: syntax error: found byte 0xe0, wanted valid UTF-8"},
        {TEXT("\"\xF0\x8F\xBF\xBF\""), "t:1:2: syntax error: found byte 0xf0, wanted valid UTF-8"},
        {TEXT("\"\xED\xA0\x80\""), "t:1:2: syntax error: found byte 0xed, wanted valid UTF-8"},
        {TEXT("\"\xF4\x90\x80\x80\""), "t:1:2: syntax error: found byte 0xf4, wanted valid UTF-8"},
        {TEXT("\"\xF5\x80\x80\x80\""), "t:1:2: syntax error: found byte 0xf5, wanted valid UTF-8"},
    };
    (void)state;
    assert_refused(cases, sizeof cases / sizeof *cases);
}

static void test_line_and_column(void **state)
{
    static const refusal cases[] = {
        {TEXT("{\r\n\t\"a\": 1,\n\t\"\xC3\xA9\xE2\x82\xAC\": ?\n}"),
         "t:3:8: syntax error: found \"?\", wanted a value"},
        {TEXT("[\n\n\n  \xC3\xA9]"), "t:4:3: syntax error: found \"\xC3\xA9\", wanted a value"},
        {TEXT("[\xFF]"), "t:1:2: syntax error: found byte 0xff, wanted a value"},
    };
    (void)state;
    assert_refused(cases, sizeof cases / sizeof *cases);
}

static void test_duplicate_keys(void **state)
{
    static const refusal cases[] = {
        {TEXT("{\"a\":1,\"b\":2,\"a\":1}"), "t: a: duplicate key"},
        {TEXT("{\"a\":{\"b\":[{},{\"c\":1,\"c\":2}]}}"), "t: a.b[1].c: duplicate key"},
        {TEXT("{\"a\":1,\"\\u0061\":2}"), "t: a: duplicate key"},
        {TEXT("{\"a\\n\":1,\"a\\u000a\":2}"), "t: a\\u000a: duplicate key"},
    };
    (void)state;
    assert_refused(cases, sizeof cases / sizeof *cases);
    /* Neither letter case nor another object makes a duplicate. */
    mlp_json_free(parse(TEXT("{\"a\":{\"b\":1},\"A\":{\"b\":2},\"b\":3}")));
}

static void test_nesting_is_bounded(void **state)
{
    const size_t depth = MLP_JSON_MAX_DEPTH;
    char text[2 * MLP_JSON_MAX_DEPTH + 2];
    mlp_json *document;
    mlp_error err;
    (void)state;
    memset(text, '[', depth + 1);
    memset(text + depth + 1, ']', depth + 1);
    mlp_json_free(parse(text + 1, 2 * depth));
    mlp_status status = mlp_json_parse(&document, text, sizeof text, "t", MLP_ERR_CONFIG, &err);
    assert_int_equal(status, MLP_ERR_CONFIG);
    assert_string_equal(err.message, "t:1:65: syntax error: found \"[\", wanted less nesting");
}

/* A value is at least two bytes of text, and a hundred of memory. */
static void test_number_of_values_is_bounded(void **state)
{
    enum { MOST = MLP_JSON_MAX_VALUES };
    static char text[2 * MOST + 2];
    mlp_json *document;
    mlp_error err;
    (void)state;
    for (size_t i = 0; i < MOST; i++)
        memcpy(text + 2 * i, i == 0 ? " [" : "0,", 2);
    text[2 * MOST - 1] = ']';
    mlp_json_free(parse(text, 2 * MOST));
    memcpy(text + 2 * MOST - 1, ",0]", 3);
    mlp_status status = mlp_json_parse(&document, text, sizeof text, "t", MLP_ERR_CONFIG, &err);
    assert_int_equal(status, MLP_ERR_CONFIG);
    assert_string_equal(err.message, "t:1:262145: syntax error: found \"0\", wanted fewer values");
}

static void test_walk(void **state)
{
    static const char *const keys[] = {"z", "a", "m"};
    (void)state;
    mlp_json *document =
        parse(TEXT(" {\"z\": [10, 9007199254740992, 0], \"a\": {}, \"m\": null} "));
    size_t i = 0;
    assert_true(mlp_json_is_object(document));
    assert_int_equal(mlp_json_count(document), 3);
    for (const mlp_json *m = mlp_json_first(document); m != NULL && i < 3; m = mlp_json_next(m))
        assert_string_equal(mlp_json_key(m), keys[i++]);
    assert_int_equal(i, 3);

    const mlp_json *z = mlp_json_member(document, "z");
    const uint64_t wanted[] = {10, UINT64_C(9007199254740992), 0};
    assert_true(mlp_json_is_array(z));
    assert_int_equal(mlp_json_count(z), 3);
    i = 0;
    for (const mlp_json *e = mlp_json_first(z); e != NULL && i < 3; e = mlp_json_next(e)) {
        uint64_t n = 77;
        assert_true(mlp_json_get_uint(e, UINT64_MAX, &n));
        assert_int_equal(n, wanted[i++]);
        assert_null(mlp_json_key(e));
    }
    assert_int_equal(i, 3);
    assert_true(mlp_json_is_null(mlp_json_member(document, "m")));
    assert_null(mlp_json_first(mlp_json_member(document, "a")));
    assert_int_equal(mlp_json_count(mlp_json_member(document, "a")), 0);
    assert_null(mlp_json_member(document, "Z"));
    assert_null(mlp_json_member(document, "none"));
    mlp_json_free(document);
    mlp_json_free(NULL);
}

static void test_getters(void **state)
{
    (void)state;
    mlp_json *document = parse(TEXT("[true, \"d\\u00edgito \\ud83d\\ude42\", 0.1, -1, 7.0, 1.5]"));
    const mlp_json *flag = mlp_json_first(document), *text = mlp_json_next(flag);
    const mlp_json *tenth = mlp_json_next(text), *minus = mlp_json_next(tenth);
    const mlp_json *seven = mlp_json_next(minus), *half = mlp_json_next(seven);
    bool b = false;
    const char *s = NULL;
    double x = 0;
    uint64_t n = 77;
    assert_true(mlp_json_get_bool(flag, &b) && b);
    assert_true(mlp_json_get_string(text, &s));
    assert_string_equal(s, "d\xC3\xADgito \xF0\x9F\x99\x82");
    assert_true(mlp_json_get_double(tenth, &x) && x == 0.1);
    assert_true(mlp_json_get_uint(seven, 7, &n) && n == 7);

    n = 77;
    assert_false(mlp_json_get_uint(seven, 6, &n));
    assert_false(mlp_json_get_uint(minus, UINT64_MAX, &n));
    assert_false(mlp_json_get_uint(half, UINT64_MAX, &n));
    assert_false(mlp_json_get_uint(text, UINT64_MAX, &n));
    assert_int_equal(n, 77);
    assert_false(mlp_json_get_bool(text, &b));
    assert_false(mlp_json_get_string(flag, &s));
    assert_false(mlp_json_get_double(text, &x));
    assert_false(mlp_json_is_null(flag) || mlp_json_is_array(flag) || mlp_json_is_object(flag));
    mlp_json_free(document);
}

/* cJSON takes 63 characters of a number; the last of these counts. */
static void test_longest_number(void **state)
{
    double x = 0;
    (void)state;
    mlp_json *document =
        parse(TEXT("1000000000000000000000000000000000000000000000000000000000.0e-9"));
    assert_true(mlp_json_get_double(document, &x));
    assert_true(x == 1e48);
    mlp_json_free(document);
}

static void test_numbers_beyond_exactness(void **state)
{
    uint64_t n = 77;
    (void)state;
    mlp_json *document = parse(TEXT("1e300"));
    assert_false(mlp_json_get_uint(document, UINT64_MAX, &n));
    mlp_json_free(document);
    document = parse(TEXT("9.007199254740994e15"));
    assert_false(mlp_json_get_uint(document, UINT64_MAX, &n));
    mlp_json_free(document);
    assert_int_equal(n, 77);
}

static void test_show(void **state)
{
    static const struct {
        const char *text, *shown;
    } cases[] = {
        {"null", "null"},       {"true", "true"},
        {"false", "false"},     {"-0.50", "-0.5"},
        {"[1]", "an array"},    {"{}", "an object"},
        {"\"ten\"", "\"ten\""}, {"\"a\\nb\"", "\"a\\u000ab\""},
    };
    char shown[MLP_JSON_SHOWN_SIZE];
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        mlp_json *document = parse(cases[i].text, strlen(cases[i].text));
        mlp_json_show(document, shown);
        assert_string_equal(shown, cases[i].shown);
        mlp_json_free(document);
    }
}

static void test_show_cuts(void **state)
{
    char text[300], shown[MLP_JSON_SHOWN_SIZE];
    (void)state;
    for (size_t shift = 0; shift < 3; shift++) { /* the cut never parts a character */
        memset(text, 'a', shift);
        for (size_t i = shift; i + 3 < sizeof text; i += 3)
            memcpy(text + i, "\xE2\x82\xAC", 4);
        mlp_json *string = mlp_json_new_string(text);
        assert_non_null(string);
        mlp_json_show(string, shown);
        mlp_json_free(string);
        size_t length = strlen(shown);
        assert_in_range(length, MLP_JSON_SHOWN_SIZE - 12, MLP_JSON_SHOWN_SIZE - 1);
        assert_memory_equal(shown + length - 7, "\xE2\x82\xAC...\"", 7);
    }
    mlp_json_show_string("\xFF\x01", shown);
    assert_string_equal(shown, "\\xff\\u0001");
    mlp_json_show_string("\xC2\x9B"
                         "a\x7F\xC2\xA0",
                         shown);
    assert_string_equal(shown, "\\u009ba\\u007f\xC2\xA0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_structure_is_strict),
        cmocka_unit_test(test_words_and_numbers_are_strict),
        cmocka_unit_test(test_strings_are_strict),
        cmocka_unit_test(test_line_and_column),
        cmocka_unit_test(test_duplicate_keys),
        cmocka_unit_test(test_nesting_is_bounded),
        cmocka_unit_test(test_number_of_values_is_bounded),
        cmocka_unit_test(test_walk),
        cmocka_unit_test(test_getters),
        cmocka_unit_test(test_longest_number),
        cmocka_unit_test(test_numbers_beyond_exactness),
        cmocka_unit_test(test_show),
        cmocka_unit_test(test_show_cuts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
