/* json_syntax.h: whether a text is JSON, to the letter. */
#ifndef MLP_CONFIG_JSON_SYNTAX_H
#define MLP_CONFIG_JSON_SYNTAX_H

#include <stddef.h>

#include "base/status.h"

enum {
    MLP_JSON_MAX_DEPTH = 64,       /* objects and arrays in one another */
    MLP_JSON_MAX_VALUES = 1 << 17, /* each takes more memory than the 2 bytes of text it may be */
};

/* MLP_OK where text[0 .. length-1] is one JSON value of RFC 8259; otherwise
 * `status`, and "ORIGIN:LINE:COLUMN: syntax error: found ..., wanted ..." (both
 * from 1, columns in characters). Refused beyond the grammar: what a reader could
 * not hand over exactly (integers above 2^53, numbers longer than 63 characters,
 * "\u0000" and lone surrogates in strings) nesting above MLP_JSON_MAX_DEPTH, and more
 * than MLP_JSON_MAX_VALUES values. */
mlp_status mlp_json_check_syntax(const char *text, size_t length, const char *origin,
                                 mlp_status status, mlp_error *err);

#endif
