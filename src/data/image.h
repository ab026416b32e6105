/* image.h: images that `predict` is given, one after another, as bytes 0..255.
 *
 * What the data is follows from its first bytes, after gunzipping:
 *
 *   exactly F bytes in all        one raw image, whatever it starts with: no other
 *                                 format holds F pixels in F bytes
 *   00 00, an IDX type, rank 1-8  IDX, items of F bytes
 *   P2 or P5 and white space      PGM of rows x cols, maxval 1..255 scaled to 255;
 *                                 several may follow each other
 *   PNG, JPEG, PPM                refused by name
 *   anything else                 raw images, a multiple of F bytes
 *
 * From a pipe an image of fewer than 8 bytes is recognised once 8 have come.
 *
 * F is the number of inputs of the model. Memory is constant, except F + 1 bytes.
 * Errors are MLP_ERR_DATA and name file, offset, found and wanted.
 */
#ifndef MLP_DATA_IMAGE_H
#define MLP_DATA_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "data/byte_source.h"
#include "data/idx.h"

typedef enum mlp_image_format {
    MLP_IMAGE_RAW,
    MLP_IMAGE_IDX,
    MLP_IMAGE_PGM,
} mlp_image_format;

/* Do not move an open reader: it holds a byte source. */
typedef struct mlp_image_reader {
    size_t features;   /* F */
    size_t rows, cols; /* of the model's input; 0, 0 where it is not two-dimensional */
    mlp_image_format format;
    mlp_byte_source source;
    mlp_idx_reader idx; /* used when the data is IDX */
    bool ended;         /* the last read came to the end of the data */
} mlp_image_reader;

/* Opens the path ("-" is standard input, the path is borrowed) and recognises the
 * format. rows * cols == features >= 1, or rows and cols are 0. Close it also
 * when this fails. */
mlp_status mlp_image_open(mlp_image_reader *reader, const char *path, size_t features, size_t rows,
                          size_t cols, mlp_error *err);

/* The next n > 0 images into pixels (n, F). *got < n at the end of the data, before an error, and
 * of a pipe where another one would have to be waited for; 0 only for the first two. */
mlp_status mlp_image_read(mlp_image_reader *reader, size_t n, uint8_t *pixels, size_t *got,
                          mlp_error *err);

/* Three sizes of up to 20 digits, and the words around them. */
enum { MLP_IMAGE_WANTED_TEXT = 96 };

/* What one image is, for messages: "784 bytes (28 x 28)". Returns text. */
const char *mlp_image_wanted(const mlp_image_reader *reader, char text[MLP_IMAGE_WANTED_TEXT]);

void mlp_image_close(mlp_image_reader *reader);

#endif
