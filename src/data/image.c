/* image.c: images that `predict` is given, one after another, as bytes 0..255.
 *
 * PGM is Netpbm's grey map: a magic, width, height and maxval in ASCII with white
 * space and #-comments between them, then the samples, in ASCII too (P2) or, after
 * one white space, as bytes (P5).
 */
#include "data/image.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    PEEK_BYTES = 8,      /* the longest signature */
    PGM_MAGIC_BYTES = 3, /* with the white space */
    PGM_NUMBER_MAX = 1000000,
    PIXEL_MAX = 255,
    WANTED_TEXT = 96, /* three sizes of up to 20 digits, and the words around them */
};

/* What is known well enough to be told from raw pixels, and cannot be read. */
static const struct {
    const char *signature;
    const char *refusal;
} FOREIGN[] = {
    {"\x89PNG\r\n\x1a\n", "PNG is not supported yet"},
    {"\xff\xd8\xff", "JPEG is not supported"},
    {"P3\n", "colour images (PPM) are not supported"},
    {"P6\n", "colour images (PPM) are not supported"},
};

/* "784 bytes (28 x 28)" */
static const char *wanted_text(const mlp_image_reader *reader, char text[WANTED_TEXT])
{
    int used = snprintf(text, WANTED_TEXT, "%zu bytes", reader->features);
    if (reader->rows > 0)
        snprintf(text + used, WANTED_TEXT - (size_t)used, " (%zu x %zu)", reader->rows,
                 reader->cols);
    return text;
}

static bool is_space(int byte)
{
    return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

static mlp_status fail_raw_size(const mlp_image_reader *reader, uint64_t found, mlp_error *err)
{
    char text[WANTED_TEXT];
    return mlp_fail(err, MLP_ERR_DATA,
                    "%s: found %" PRIu64 " bytes, wanted IDX, PGM or a multiple of the model's %s",
                    reader->source.name, found, wanted_text(reader, text));
}

static mlp_status read_raw(mlp_image_reader *reader, size_t n, uint8_t *pixels, size_t *got,
                           mlp_error *err)
{
    size_t bytes = 0;
    mlp_status status =
        mlp_byte_source_read(&reader->source, pixels, n * reader->features, &bytes, err);
    if (status == MLP_OK && bytes % reader->features != 0)
        status = fail_raw_size(reader, reader->source.offset, err);
    *got = bytes / reader->features;
    return status;
}

static mlp_status read_idx(mlp_image_reader *reader, size_t n, uint8_t *pixels, size_t *got,
                           mlp_error *err)
{
    mlp_idx_reader *idx = &reader->idx;
    size_t left = idx->bytes_left;
    n = n < idx->items_left ? n : idx->items_left;
    mlp_status status = n > 0 ? mlp_idx_read_items(idx, n, pixels, err) : MLP_OK;
    *got = (left - idx->bytes_left) / reader->features;
    return status;
}

/* *byte = -1 at the end of the data. */
static mlp_status read_byte(mlp_byte_source *source, int *byte, mlp_error *err)
{
    uint8_t value = 0;
    size_t got = 0;
    mlp_status status = mlp_byte_source_read(source, &value, 1, &got, err);
    *byte = got == 1 ? value : -1;
    return status;
}

/* A number and the one byte after it. White space and comments may come first. */
static mlp_status read_number(mlp_byte_source *source, const char *what, unsigned *number,
                              mlp_error *err)
{
    int byte = -1;
    bool comment = false;
    mlp_status status;
    do {
        status = read_byte(source, &byte, err);
        comment = byte == '#' || (comment && byte != '\n' && byte != '\r' && byte >= 0);
    } while (status == MLP_OK && (comment || is_space(byte)));
    if (status == MLP_OK && byte < 0)
        return mlp_fail(err, MLP_ERR_DATA,
                        "%s: truncated PGM: found the end of the data at byte %" PRIu64
                        ", wanted %s",
                        source->name, source->offset, what);
    if (status == MLP_OK && (byte < '0' || byte > '9'))
        return mlp_fail(err, MLP_ERR_DATA,
                        "%s: at byte %" PRIu64 " found 0x%02X, wanted %s of the PGM, a number",
                        source->name, source->offset - 1, (unsigned)byte, what);
    *number = 0;
    while (status == MLP_OK && byte >= '0' && byte <= '9') {
        *number = *number * 10 + (unsigned)(byte - '0');
        if (*number > PGM_NUMBER_MAX)
            return mlp_fail(err, MLP_ERR_DATA,
                            "%s: at byte %" PRIu64 " found %s above %d, wanted a smaller number",
                            source->name, source->offset - 1, what, PGM_NUMBER_MAX);
        status = read_byte(source, &byte, err);
    }
    if (status == MLP_OK && byte >= 0 && !is_space(byte))
        return mlp_fail(err, MLP_ERR_DATA,
                        "%s: at byte %" PRIu64 " found 0x%02X, wanted white space after %s",
                        source->name, source->offset - 1, (unsigned)byte, what);
    return status;
}

static bool is_pgm(const uint8_t *first, size_t n)
{
    return n >= PGM_MAGIC_BYTES && first[0] == 'P' && (first[1] == '2' || first[1] == '5') &&
           is_space(first[2]);
}

/* Goes to the next magic and past it; *found is false at the end of the data. */
static mlp_status read_pgm_magic(mlp_byte_source *source, bool *found, bool *ascii, mlp_error *err)
{
    const uint8_t *first = NULL;
    size_t n = 0;
    int space;
    mlp_status status = mlp_byte_source_peek(source, PGM_MAGIC_BYTES, &first, &n, err);
    while (status == MLP_OK && n > 0 && is_space(first[0])) {
        status = read_byte(source, &space, err);
        if (status == MLP_OK)
            status = mlp_byte_source_peek(source, PGM_MAGIC_BYTES, &first, &n, err);
    }
    *found = status == MLP_OK && n > 0;
    if (!*found)
        return status;
    if (!is_pgm(first, n))
        return mlp_fail(err, MLP_ERR_DATA,
                        "%s: trailing bytes: at byte %" PRIu64
                        " found 0x%02X, wanted the end of the data or another PGM (P2, P5)",
                        source->name, source->offset, first[0]);
    *ascii = first[1] == '2';
    uint8_t magic[PGM_MAGIC_BYTES];
    return mlp_byte_source_read(source, magic, sizeof magic, &n, err);
}

static mlp_status read_pgm_header(mlp_image_reader *reader, unsigned *maxval, mlp_error *err)
{
    mlp_byte_source *source = &reader->source;
    unsigned cols = 0, rows = 0, number = 0;
    char text[WANTED_TEXT];
    mlp_status status = read_number(source, "the width", &cols, err);
    if (status == MLP_OK)
        status = read_number(source, "the height", &rows, err);
    if (status != MLP_OK)
        return status;
    bool fits = reader->rows > 0 ? rows == reader->rows && cols == reader->cols
                                 : (uint64_t)rows * cols == reader->features;
    if (!fits)
        return mlp_fail(err, MLP_ERR_DATA,
                        "%s: at byte %" PRIu64
                        " found a PGM of %u rows x %u columns, wanted the model's %s",
                        source->name, source->offset, rows, cols, wanted_text(reader, text));
    status = read_number(source, "the maxval", &number, err);
    if (status != MLP_OK)
        return status;
    if (number < 1 || number > PIXEL_MAX)
        return mlp_fail(err, MLP_ERR_DATA,
                        "%s: at byte %" PRIu64 " found maxval %u%s, wanted 1 to %d", source->name,
                        source->offset, number, number > PIXEL_MAX ? " (a 16-bit PGM)" : "",
                        PIXEL_MAX);
    *maxval = number;
    return MLP_OK;
}

/* The samples as they are in the file; P2's are cut to a byte only once checked. */
static mlp_status read_pgm_samples(mlp_image_reader *reader, bool ascii, unsigned maxval,
                                   uint8_t *pixels, mlp_error *err)
{
    mlp_byte_source *source = &reader->source;
    size_t got = reader->features;
    uint64_t offset = source->offset;
    mlp_status status =
        ascii ? MLP_OK : mlp_byte_source_read(source, pixels, reader->features, &got, err);
    if (status == MLP_OK && got < reader->features)
        return mlp_fail(err, MLP_ERR_DATA,
                        "%s: truncated PGM: found the end of the data at byte %" PRIu64
                        ", wanted %zu more samples",
                        source->name, source->offset, reader->features - got);
    for (size_t i = 0; status == MLP_OK && i < reader->features; i++) {
        unsigned sample = pixels[i];
        if (ascii)
            status = read_number(source, "a sample", &sample, err);
        if (status == MLP_OK && sample > maxval)
            return mlp_fail(err, MLP_ERR_DATA,
                            "%s: at byte %" PRIu64 " found sample %u, wanted 0 to %u (the maxval)",
                            source->name, ascii ? source->offset : offset + i, sample, maxval);
        pixels[i] = (uint8_t)((sample * PIXEL_MAX + maxval / 2) / maxval);
    }
    return status;
}

/* *found is false at the end of the data. */
static mlp_status read_pgm(mlp_image_reader *reader, uint8_t *pixels, bool *found, mlp_error *err)
{
    bool ascii = false;
    unsigned maxval = PIXEL_MAX;
    mlp_status status = read_pgm_magic(&reader->source, found, &ascii, err);
    if (status == MLP_OK && *found)
        status = read_pgm_header(reader, &maxval, err);
    if (status == MLP_OK && *found)
        status = read_pgm_samples(reader, ascii, maxval, pixels, err);
    return status;
}

static mlp_status read_pgms(mlp_image_reader *reader, size_t n, uint8_t *pixels, size_t *got,
                            mlp_error *err)
{
    for (bool found = true; *got < n; ++*got) {
        mlp_status status = read_pgm(reader, pixels + *got * reader->features, &found, err);
        if (status != MLP_OK || !found)
            return status;
    }
    return MLP_OK;
}

static mlp_status open_idx(mlp_image_reader *reader, mlp_error *err)
{
    char text[WANTED_TEXT];
    mlp_status status = mlp_idx_open(&reader->idx, &reader->source, err);
    if (status == MLP_OK && reader->idx.shape.item_bytes != reader->features)
        return mlp_fail(err, MLP_ERR_DATA,
                        "%s: at byte %d found images of %zu bytes, wanted the model's %s",
                        reader->source.name, MLP_IDX_MAGIC_BYTES, reader->idx.shape.item_bytes,
                        wanted_text(reader, text));
    return status;
}

/* A plain file of a wrong size is refused before its first image is handed out. */
static mlp_status open_raw(mlp_image_reader *reader, const uint8_t *first, size_t n, mlp_error *err)
{
    const mlp_byte_source *source = &reader->source;
    for (size_t i = 0; i < sizeof FOREIGN / sizeof FOREIGN[0]; i++) {
        size_t length = strlen(FOREIGN[i].signature);
        if (n >= length && memcmp(first, FOREIGN[i].signature, length) == 0)
            return mlp_fail(err, MLP_ERR_DATA,
                            "%s: %s: at byte 0 found its signature, wanted raw bytes, PGM or IDX",
                            source->name, FOREIGN[i].refusal);
    }
    if (!source->gzip && source->size % reader->features != 0)
        return fail_raw_size(reader, source->size, err);
    return MLP_OK;
}

mlp_status mlp_image_open(mlp_image_reader *reader, const char *path, size_t features, size_t rows,
                          size_t cols, mlp_error *err)
{
    const uint8_t *first = NULL;
    size_t n = 0;
    *reader = (mlp_image_reader){.features = features, .rows = rows, .cols = cols};
    mlp_status status = mlp_byte_source_open(&reader->source, path, err);
    if (status == MLP_OK)
        status = mlp_byte_source_peek(&reader->source,
                                      features + 1 > PEEK_BYTES ? features + 1 : PEEK_BYTES, &first,
                                      &n, err);
    if (status != MLP_OK || n == features)
        return status;
    if (n == 0)
        return fail_raw_size(reader, 0, err);
    if (n >= MLP_IDX_MAGIC_BYTES && mlp_idx_is_magic(first)) {
        reader->format = MLP_IMAGE_IDX;
        return open_idx(reader, err);
    }
    if (is_pgm(first, n)) {
        reader->format = MLP_IMAGE_PGM;
        return MLP_OK;
    }
    return open_raw(reader, first, n, err);
}

mlp_status mlp_image_read(mlp_image_reader *reader, size_t n, uint8_t *pixels, size_t *got,
                          mlp_error *err)
{
    *got = 0;
    switch (reader->format) {
    case MLP_IMAGE_IDX:
        return read_idx(reader, n, pixels, got, err);
    case MLP_IMAGE_PGM:
        return read_pgms(reader, n, pixels, got, err);
    case MLP_IMAGE_RAW:
        break;
    }
    return read_raw(reader, n, pixels, got, err);
}

void mlp_image_close(mlp_image_reader *reader)
{
    mlp_byte_source_close(&reader->source);
    *reader = (mlp_image_reader){0};
}
