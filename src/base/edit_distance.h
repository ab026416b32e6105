/* edit_distance.h: how far two words are apart, for "did you mean". */
#ifndef MLP_BASE_EDIT_DISTANCE_H
#define MLP_BASE_EDIT_DISTANCE_H

#include <stddef.h>

enum { MLP_EDIT_WORD_SIZE = 64 }; /* of a word, with its NUL */

/* The insertions, deletions, substitutions and swaps of neighbours that turn one
 * into the other, no part edited twice (optimal string alignment; Damerau, "A
 * technique for computer detection and correction of spelling errors", CACM
 * 7(3), 1964). SIZE_MAX where a word is longer than MLP_EDIT_WORD_SIZE. */
size_t mlp_edit_distance(const char *a, const char *b);

#endif
