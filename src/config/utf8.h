/* utf8.h: what is UTF-8 and what is not. */
#ifndef MLP_CONFIG_UTF8_H
#define MLP_CONFIG_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes of the well-formed character at the start of text[0 .. length-1]: 1 to
 * 4; 0 when there is none (empty, cut off, overlong, surrogate, above U+10FFFF). */
size_t mlp_utf8_character(const char *text, size_t length);

/* Whether the whole string is well formed. */
bool mlp_utf8_is_valid(const char *string);

/* Whether the string begins with a character that a terminal acts upon instead of
 * showing it: Unicode's category Cc, U+0000 to U+001F and U+007F to U+009F. */
bool mlp_utf8_is_control(const char *string);

#endif
