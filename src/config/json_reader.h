/* json_reader.h: strict JSON, read whole into a tree.
 *
 * The one place that knows cJSON. A document is a tree of values, and its root
 * is a value: who parses a document frees it, everything handed out by the other
 * functions belongs to it. Not for two threads at once: cJSON keeps the place of
 * its last error in a global.
 */
#ifndef MLP_CONFIG_JSON_READER_H
#define MLP_CONFIG_JSON_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

typedef struct cJSON mlp_json;

/* Parses text[0 .. length-1], one JSON value and nothing else (no NUL needed at
 * its end). The caller bounds the length. Refused with `status` and a message
 * that starts with `origin`: all that json_syntax.h lists, with line and column;
 * a key that stands twice in an object and a number beyond double's range, with
 * the path in the document ("train.sgd.lr", "shape[2]"). MLP_ERR_RUNTIME when
 * out of memory. *document is NULL on failure. */
mlp_status mlp_json_parse(mlp_json **document, const char *text, size_t length, const char *origin,
                          mlp_status status, mlp_error *err);

/* A document that is one string, valid UTF-8; NULL when out of memory. */
mlp_json *mlp_json_new_string(const char *string);

/* Accepts NULL. */
void mlp_json_free(mlp_json *document);

bool mlp_json_is_null(const mlp_json *value);
bool mlp_json_is_array(const mlp_json *value);
bool mlp_json_is_object(const mlp_json *value);

/* The value; false, and *out untouched, where the type is another. */
bool mlp_json_get_bool(const mlp_json *value, bool *out);
bool mlp_json_get_string(const mlp_json *value, const char **out);
bool mlp_json_get_double(const mlp_json *value, double *out);
/* A number without fraction (7 and 7.0 alike) from 0 to min(max, 2^53). */
bool mlp_json_get_uint(const mlp_json *value, uint64_t max, uint64_t *out);

/* The entries of an object or array, in the order of the text:
 *     for (const mlp_json *m = mlp_json_first(v); m != NULL; m = mlp_json_next(m)) */
const mlp_json *mlp_json_first(const mlp_json *container);
const mlp_json *mlp_json_next(const mlp_json *entry);
size_t mlp_json_count(const mlp_json *container);
/* The entry's key in its object; NULL for an array's entry. */
const char *mlp_json_key(const mlp_json *entry);
/* The object's member of that key, NULL without one; takes a walk through all. */
const mlp_json *mlp_json_member(const mlp_json *object, const char *key);

enum { MLP_JSON_SHOWN_SIZE = 96 };

/* The string for a message: control characters escaped, cut with "..." when long. */
void mlp_json_show_string(const char *string, char out[MLP_JSON_SHOWN_SIZE]);
/* The value for a message: `"ten"`, `0.5`, `true`, `null`, `an array`, `an object`. */
void mlp_json_show(const mlp_json *value, char out[MLP_JSON_SHOWN_SIZE]);

#endif
