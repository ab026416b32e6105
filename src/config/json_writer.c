#include "config/json_writer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/utf8.h"

void mlp_json_writer_init(mlp_json_writer *w, int indent)
{
    *w = (mlp_json_writer){.indent = indent, .is_empty = true};
}

void mlp_json_writer_free(mlp_json_writer *w)
{
    free(w->text);
    *w = (mlp_json_writer){0};
}

char *mlp_json_writer_finish(mlp_json_writer *w)
{
    char *text = w->is_failure ? NULL : realloc(w->text, w->length + 1);
    if (text != NULL) {
        text[w->length] = '\0';
        w->text = NULL;
    }
    mlp_json_writer_free(w);
    return text;
}

static void append(mlp_json_writer *w, const char *bytes, size_t n)
{
    if (w->is_failure || n == 0)
        return;
    if (n > w->capacity - w->length) {
        char *larger = NULL;
        size_t capacity = 0;
        if (n <= SIZE_MAX / 4 && w->capacity <= SIZE_MAX / 4) {
            capacity = 2 * (w->capacity + n);
            larger = realloc(w->text, capacity);
        }
        if (larger == NULL) {
            w->is_failure = true;
            return;
        }
        w->text = larger;
        w->capacity = capacity;
    }
    memcpy(w->text + w->length, bytes, n);
    w->length += n;
}

static void append_string(mlp_json_writer *w, const char *string)
{
    append(w, string, strlen(string));
}

/* Whether the innermost open object or array has a line for each entry. */
static bool is_broken(const mlp_json_writer *w)
{
    return w->indent > 0 && w->depth > 0 && w->broken == w->depth;
}

static void break_line(mlp_json_writer *w)
{
    append(w, "\n", 1);
    for (int i = 0; i < w->indent * w->depth; i++)
        append(w, " ", 1);
}

/* What stands before an entry: its key, or the comma and the line break. */
static void begin_entry(mlp_json_writer *w)
{
    if (w->has_key) {
        w->has_key = false;
        return;
    }
    if (!w->is_empty)
        append_string(w, is_broken(w) ? "," : ", ");
    if (is_broken(w))
        break_line(w);
    w->is_empty = false;
}

static void open_container(mlp_json_writer *w, const char *bracket, bool is_row)
{
    begin_entry(w);
    append_string(w, bracket);
    if (w->broken == w->depth && !is_row)
        w->broken++;
    w->depth++;
    w->is_empty = true;
}

static void close_container(mlp_json_writer *w, const char *bracket)
{
    bool on_new_line = is_broken(w) && !w->is_empty;
    if (w->broken == w->depth)
        w->broken--;
    w->depth--;
    if (on_new_line)
        break_line(w);
    append_string(w, bracket);
    w->is_empty = false;
}

void mlp_json_write_open_object(mlp_json_writer *w)
{
    open_container(w, "{", false);
}

void mlp_json_write_close_object(mlp_json_writer *w)
{
    close_container(w, "}");
}

void mlp_json_write_open_array(mlp_json_writer *w)
{
    open_container(w, "[", false);
}

void mlp_json_write_open_row(mlp_json_writer *w)
{
    open_container(w, "[", true);
}

void mlp_json_write_close_array(mlp_json_writer *w)
{
    close_container(w, "]");
}

static void append_escaped(mlp_json_writer *w, char c)
{
    static const char shorthand[] = "\"\"\\\\\bb\ff\nn\rr\tt"; /* pairs: character, letter */
    for (const char *pair = shorthand; *pair != '\0'; pair += 2) {
        if (c == *pair) {
            append(w, "\\", 1);
            append(w, pair + 1, 1);
            return;
        }
    }
    char code[sizeof "\\u0000"];
    snprintf(code, sizeof code, "\\u%04x", (unsigned)(unsigned char)c);
    append_string(w, code);
}

static bool needs_escape(char c)
{
    return (unsigned char)c < 0x20 || c == 0x7F || c == '"' || c == '\\';
}

static void append_quoted(mlp_json_writer *w, const char *string)
{
    size_t left = strlen(string);
    append(w, "\"", 1);
    while (left > 0) {
        size_t bytes = mlp_utf8_character(string, left);
        if (bytes == 0)
            append_string(w, "\xEF\xBF\xBD"); /* U+FFFD, the replacement character */
        else if (needs_escape(*string))
            append_escaped(w, *string);
        else
            append(w, string, bytes);
        bytes = bytes == 0 ? 1 : bytes;
        string += bytes;
        left -= bytes;
    }
    append(w, "\"", 1);
}

void mlp_json_write_key(mlp_json_writer *w, const char *key)
{
    begin_entry(w);
    append_quoted(w, key);
    append_string(w, ": ");
    w->has_key = true;
}

void mlp_json_write_string(mlp_json_writer *w, const char *value)
{
    begin_entry(w);
    append_quoted(w, value);
}

void mlp_json_write_raw(mlp_json_writer *w, const char *json)
{
    begin_entry(w);
    append_string(w, json);
}

void mlp_json_write_int64(mlp_json_writer *w, int64_t value)
{
    char text[MLP_JSON_NUMBER_SIZE];
    snprintf(text, sizeof text, "%" PRId64, value);
    mlp_json_write_raw(w, text);
}

void mlp_json_write_uint64(mlp_json_writer *w, uint64_t value)
{
    char text[MLP_JSON_NUMBER_SIZE];
    snprintf(text, sizeof text, "%" PRIu64, value);
    mlp_json_write_raw(w, text);
}

void mlp_json_write_double(mlp_json_writer *w, double value)
{
    char text[MLP_JSON_NUMBER_SIZE];
    mlp_json_format_double(value, text);
    mlp_json_write_raw(w, text);
}

void mlp_json_write_float(mlp_json_writer *w, float value)
{
    char text[MLP_JSON_NUMBER_SIZE];
    mlp_json_format_float(value, text);
    mlp_json_write_raw(w, text);
}

void mlp_json_write_bool(mlp_json_writer *w, bool value)
{
    mlp_json_write_raw(w, value ? "true" : "false");
}

void mlp_json_write_null(mlp_json_writer *w)
{
    mlp_json_write_raw(w, "null");
}

void mlp_json_write_text_member(mlp_json_writer *w, const char *key, const char *value)
{
    mlp_json_write_key(w, key);
    mlp_json_write_string(w, value);
}

void mlp_json_write_count_member(mlp_json_writer *w, const char *key, uint64_t value)
{
    mlp_json_write_key(w, key);
    mlp_json_write_uint64(w, value);
}

void mlp_json_write_number_member(mlp_json_writer *w, const char *key, double value)
{
    mlp_json_write_key(w, key);
    mlp_json_write_double(w, value);
}
