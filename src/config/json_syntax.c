/* A recursive-descent recogniser of RFC 8259. It builds nothing: cJSON does
 * that afterwards, which on its own lets through "01", "1.", bad \u escapes, raw
 * control characters, bytes that are not UTF-8, text after the end, and rounds
 * large integers. At a fault the recogniser stops with `at` on it and says what
 * it wanted there; line, column and what was found follow from `at`. */
#include "config/json_syntax.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/utf8.h"

enum { END = -1 };                    /* what peek() finds behind the last byte */
enum { MAX_NUMBER_LENGTH = 63 };      /* cJSON cuts longer ones */
enum { LARGEST_INTEGER_LENGTH = 16 }; /* digits of 2^53 */
static const unsigned long long LARGEST_INTEGER = 1ull << 53;

typedef struct scanner {
    const char *text;
    size_t length;
    size_t at;
    int depth;
    size_t n_values;
    const char *wanted; /* set by refuse() */
} scanner;

static bool refuse(scanner *s, const char *wanted)
{
    s->wanted = wanted;
    return false;
}

static int peek(const scanner *s)
{
    return s->at < s->length ? (unsigned char)s->text[s->at] : END;
}

static void skip_space(scanner *s)
{
    int c;
    while ((c = peek(s)) == ' ' || c == '\t' || c == '\n' || c == '\r')
        s->at++;
}

/* Length of the run that a person would take for one word or number. */
static size_t word_length(const scanner *s)
{
    size_t end = s->at;
    while (end < s->length && s->text[end] != '\0' &&
           (isalnum((unsigned char)s->text[end]) || strchr("+-._", s->text[end]) != NULL))
        end++;
    return end - s->at;
}

static size_t count_digits(const char *text, size_t length)
{
    size_t n = 0;
    while (n < length && text[n] >= '0' && text[n] <= '9')
        n++;
    return n;
}

/* Reads `word` as -? (0 | [1-9][0-9]*) (\.[0-9]+)? ([eE][+-]?[0-9]+)? */
static bool is_number(const char *word, size_t length, bool *is_integer)
{
    size_t at = length > 0 && word[0] == '-';
    size_t digits = count_digits(word + at, length - at);
    if (digits == 0 || (digits > 1 && word[at] == '0'))
        return false;
    at += digits;
    *is_integer = at == length;
    if (at < length && word[at] == '.') {
        digits = count_digits(word + at + 1, length - at - 1);
        if (digits == 0)
            return false;
        at += 1 + digits;
    }
    if (at < length && (word[at] == 'e' || word[at] == 'E')) {
        at++;
        if (at < length && (word[at] == '+' || word[at] == '-'))
            at++;
        digits = count_digits(word + at, length - at);
        if (digits == 0)
            return false;
        at += digits;
    }
    return at == length;
}

static bool is_exact_integer(const char *word, size_t length)
{
    char digits[LARGEST_INTEGER_LENGTH + 1];
    size_t sign = word[0] == '-';
    if (length - sign > LARGEST_INTEGER_LENGTH)
        return false;
    memcpy(digits, word + sign, length - sign);
    digits[length - sign] = '\0';
    return strtoull(digits, NULL, 10) <= LARGEST_INTEGER;
}

static bool scan_word(scanner *s)
{
    static const char *const literals[] = {"true", "false", "null"};
    const char *word = s->text + s->at;
    size_t length = word_length(s);
    bool is_integer = false;
    for (size_t i = 0; i < sizeof literals / sizeof *literals; i++) {
        if (length == strlen(literals[i]) && memcmp(word, literals[i], length) == 0) {
            s->at += length;
            return true;
        }
    }
    if (!is_number(word, length, &is_integer))
        return refuse(s, length > 0 && strchr("+-.0123456789", *word) != NULL ? "a JSON number"
                                                                              : "a value");
    if (length > MAX_NUMBER_LENGTH)
        return refuse(s, "a number of at most 63 characters");
    if (is_integer && !is_exact_integer(word, length))
        return refuse(s, "an integer of at most 2^53, the limit of exactness");
    s->at += length;
    return true;
}

/* The four digits of a \uXXXX at `at`, or -1. */
static int hex_code(const scanner *s, size_t at)
{
    int code = 0;
    if (s->length < 6 || at > s->length - 6 || s->text[at] != '\\' || s->text[at + 1] != 'u')
        return -1;
    for (size_t i = at + 2; i < at + 6; i++) {
        int c = tolower((unsigned char)s->text[i]);
        if (!isxdigit(c))
            return -1;
        code = 16 * code + (isdigit(c) ? c - '0' : c - 'a' + 10);
    }
    return code;
}

static bool scan_escape(scanner *s)
{
    int letter = s->at + 1 < s->length ? s->text[s->at + 1] : '\0';
    if (letter != '\0' && strchr("\"\\/bfnrt", letter) != NULL) {
        s->at += 2;
        return true;
    }
    int code = hex_code(s, s->at);
    if (code < 0)
        return refuse(s, "one of the escapes of JSON");
    if (code == 0)
        return refuse(s, "a string without the character NUL");
    s->at += 6;
    if (code < 0xD800 || code > 0xDFFF)
        return true;
    int second = code < 0xDC00 ? hex_code(s, s->at) : -1;
    if (second < 0xDC00 || second > 0xDFFF) {
        s->at -= 6;
        return refuse(s, "a surrogate pair");
    }
    s->at += 6;
    return true;
}

static bool scan_string(scanner *s)
{
    s->at++;
    for (;;) {
        int c = peek(s);
        size_t bytes = mlp_utf8_character(s->text + s->at, s->length - s->at);
        if (c == END)
            return refuse(s, "the closing quote of a string");
        if (c < 0x20)
            return refuse(s, "the closing quote of a string, or an escape");
        if (bytes == 0)
            return refuse(s, "valid UTF-8");
        if (c == '\\') {
            if (!scan_escape(s))
                return false;
            continue;
        }
        s->at += bytes;
        if (c == '"')
            return true;
    }
}

static bool scan_value(scanner *s);

static bool scan_key(scanner *s)
{
    skip_space(s);
    if (peek(s) != '"')
        return refuse(s, "a key in double quotes");
    if (!scan_string(s))
        return false;
    skip_space(s);
    if (peek(s) != ':')
        return refuse(s, "\":\"");
    s->at++;
    return true;
}

/* An object or an array, by its closing bracket. */
static bool scan_container(scanner *s, char close)
{
    if (s->depth == MLP_JSON_MAX_DEPTH)
        return refuse(s, "less nesting");
    s->depth++;
    s->at++;
    skip_space(s);
    bool is_empty = peek(s) == close;
    while (!is_empty) {
        if (close == '}' && !scan_key(s))
            return false;
        if (!scan_value(s))
            return false;
        skip_space(s);
        if (peek(s) == close)
            break;
        if (peek(s) != ',')
            return refuse(s, close == '}' ? "\",\" or \"}\"" : "\",\" or \"]\"");
        s->at++;
    }
    s->at++;
    s->depth--;
    return true;
}

static bool scan_value(scanner *s)
{
    skip_space(s);
    if (s->n_values++ == MLP_JSON_MAX_VALUES)
        return refuse(s, "fewer values");
    switch (peek(s)) {
    case '{':
        return scan_container(s, '}');
    case '[':
        return scan_container(s, ']');
    case '"':
        return scan_string(s);
    default:
        return scan_word(s);
    }
}

static bool scan_document(scanner *s)
{
    static const char byte_order_mark[] = "\xEF\xBB\xBF";
    if (s->length >= 3 && memcmp(s->text, byte_order_mark, 3) == 0)
        return refuse(s, "plain UTF-8 without it");
    if (!scan_value(s))
        return false;
    skip_space(s);
    return peek(s) == END ? true : refuse(s, "the end of the text");
}

/* Names what stands at the fault. */
static void describe_found(const scanner *s, char *out, size_t size)
{
    enum { MAX_SHOWN = 24 };
    int c = peek(s);
    const char *at = s->text + s->at;
    size_t left = s->length - s->at, word = word_length(s);
    size_t character = mlp_utf8_character(at, left);
    if (c == END)
        snprintf(out, size, "the end of the text");
    else if (c == '\n' || c == '\r')
        snprintf(out, size, "a line break");
    else if (c == '\t')
        snprintf(out, size, "a tab");
    else if (character == 0 || mlp_utf8_is_control(at))
        snprintf(out, size, "byte 0x%02x", (unsigned)c);
    else if (c == '/' && left > 1 && (at[1] == '/' || at[1] == '*'))
        snprintf(out, size, "a comment");
    else if (left >= 3 && memcmp(at, "\xEF\xBB\xBF", 3) == 0)
        snprintf(out, size, "a byte order mark");
    else if (c == '\\' && left > 1 && isgraph((unsigned char)at[1]))
        snprintf(out, size, "\"%.*s\"", at[1] == 'u' && hex_code(s, s->at) >= 0 ? 6 : 2, at);
    else if (word > MAX_SHOWN)
        snprintf(out, size, "\"%.*s...\"", MAX_SHOWN, at);
    else
        snprintf(out, size, "\"%.*s\"", (int)(word > 0 ? word : character), at);
}

mlp_status mlp_json_check_syntax(const char *text, size_t length, const char *origin,
                                 mlp_status status, mlp_error *err)
{
    scanner s = {.text = text, .length = length};
    size_t line = 1, column = 1;
    char found[64];
    if (scan_document(&s))
        return MLP_OK;
    for (size_t i = 0; i < s.at; i++) {
        bool is_continuation = ((unsigned char)text[i] & 0xC0) == 0x80;
        column = text[i] == '\n' ? 1 : column + !is_continuation;
        line += text[i] == '\n';
    }
    describe_found(&s, found, sizeof found);
    return mlp_fail(err, status, "%s:%zu:%zu: syntax error: found %s, wanted %s", origin, line,
                    column, found, s.wanted);
}
