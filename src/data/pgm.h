/* pgm.h: Netpbm's grey map: a magic, width, height and maxval in ASCII with white space and
 * #-comments between them, then the samples, in ASCII too (P2) or, after one white space, as bytes
 * (P5).
 */
#ifndef MLP_DATA_PGM_H
#define MLP_DATA_PGM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/image.h"

/* Whether data that begin with these n bytes are a PGM. */
bool mlp_pgm_is_magic(const uint8_t *first, size_t n);

/* The next of the reader's images that follow each other, white space between them, into pixels
 * (F). *found is false at the end of the data. Errors as in image.h. */
mlp_status mlp_pgm_read(mlp_image_reader *reader, uint8_t *pixels, bool *found, mlp_error *err);

#endif
