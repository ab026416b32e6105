/* json_writer.h: JSON text, written piece by piece into memory.
 *
 *     mlp_json_writer w;
 *     mlp_json_writer_init(&w, 0);
 *     mlp_json_write_open_object(&w);
 *     mlp_json_write_key(&w, "epoch");
 *     mlp_json_write_uint64(&w, 3);
 *     mlp_json_write_close_object(&w);
 *     char *text = mlp_json_writer_finish(&w);      {"epoch": 3}, or NULL
 *
 * Commas, line breaks and indentation are the writer's work; to open and close
 * in pairs, and to give each member of an object its key, is the caller's. No
 * call reports failure: the first failed allocation makes the rest do nothing
 * and mlp_json_writer_finish return NULL.
 */
#ifndef MLP_CONFIG_JSON_WRITER_H
#define MLP_CONFIG_JSON_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct mlp_json_writer {
    char *text; /* (capacity): the first `length` bytes are written; no NUL yet */
    size_t length, capacity;
    int indent;      /* spaces a level; 0: all on one line */
    int depth;       /* open objects and arrays */
    int broken;      /* how many of them, from the outermost, have a line for each entry */
    bool is_empty;   /* nothing is in the innermost of them yet */
    bool has_key;    /* a key is written, its value comes next */
    bool is_failure; /* an allocation failed */
} mlp_json_writer;

/* indent 0: one line, separators ", " and ": ". Otherwise a line for each entry,
 * `indent` spaces a level. */
void mlp_json_writer_init(mlp_json_writer *w, int indent);

/* The text, with no line break at its end; release with free(). NULL when memory
 * ran out on the way. The writer is empty afterwards. */
char *mlp_json_writer_finish(mlp_json_writer *w);

/* Drops an unfinished text; accepts a zeroed or finished writer. */
void mlp_json_writer_free(mlp_json_writer *w);

void mlp_json_write_open_object(mlp_json_writer *w);
void mlp_json_write_close_object(mlp_json_writer *w);
void mlp_json_write_open_array(mlp_json_writer *w);
/* An array that stays on one line, with all it holds, whatever the indent. */
void mlp_json_write_open_row(mlp_json_writer *w);
void mlp_json_write_close_array(mlp_json_writer *w);

void mlp_json_write_key(mlp_json_writer *w, const char *key);
/* UTF-8 passes through; a byte that is not UTF-8 becomes U+FFFD. */
void mlp_json_write_string(mlp_json_writer *w, const char *value);
void mlp_json_write_int64(mlp_json_writer *w, int64_t value);
void mlp_json_write_uint64(mlp_json_writer *w, uint64_t value);
/* The fewest digits that read back as the same double (float); not finite: null. */
void mlp_json_write_double(mlp_json_writer *w, double value);
void mlp_json_write_float(mlp_json_writer *w, float value);
void mlp_json_write_bool(mlp_json_writer *w, bool value);
void mlp_json_write_null(mlp_json_writer *w);
/* A value that is JSON text already. */
void mlp_json_write_raw(mlp_json_writer *w, const char *json);

/* A member of the open object: its key and its value in one. */
void mlp_json_write_text_member(mlp_json_writer *w, const char *key, const char *value);
void mlp_json_write_count_member(mlp_json_writer *w, const char *key, uint64_t value);
void mlp_json_write_number_member(mlp_json_writer *w, const char *key, double value);

enum { MLP_JSON_NUMBER_SIZE = 40 };

/* The number as mlp_json_write_double / _float write it, NUL-terminated. */
void mlp_json_format_double(double value, char out[MLP_JSON_NUMBER_SIZE]);
void mlp_json_format_float(float value, char out[MLP_JSON_NUMBER_SIZE]);

#endif
