#include "data/pgm.h"

#include <inttypes.h>

enum {
    MAGIC_BYTES = 3, /* with the white space */
    NUMBER_MAX = 1000000,
    PIXEL_MAX = 255,
};

static bool is_space(int byte)
{
    return byte == ' ' || (byte >= '\t' && byte <= '\r');
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
        if (*number > NUMBER_MAX)
            return mlp_fail(err, MLP_ERR_DATA,
                            "%s: at byte %" PRIu64 " found %s above %d, wanted a smaller number",
                            source->name, source->offset - 1, what, NUMBER_MAX);
        status = read_byte(source, &byte, err);
    }
    if (status == MLP_OK && byte >= 0 && !is_space(byte))
        return mlp_fail(err, MLP_ERR_DATA,
                        "%s: at byte %" PRIu64 " found 0x%02X, wanted white space after %s",
                        source->name, source->offset - 1, (unsigned)byte, what);
    return status;
}

bool mlp_pgm_is_magic(const uint8_t *first, size_t n)
{
    return n >= MAGIC_BYTES && first[0] == 'P' && (first[1] == '2' || first[1] == '5') &&
           is_space(first[2]);
}

/* Goes to the next magic and past it; *found is false at the end of the data. */
static mlp_status read_magic(mlp_byte_source *source, bool *found, bool *ascii, mlp_error *err)
{
    const uint8_t *first = NULL;
    size_t n = 0;
    int space;
    mlp_status status = mlp_byte_source_peek(source, MAGIC_BYTES, &first, &n, err);
    while (status == MLP_OK && n > 0 && is_space(first[0])) {
        status = read_byte(source, &space, err);
        if (status == MLP_OK)
            status = mlp_byte_source_peek(source, MAGIC_BYTES, &first, &n, err);
    }
    *found = status == MLP_OK && n > 0;
    if (!*found)
        return status;
    if (!mlp_pgm_is_magic(first, n))
        return mlp_fail(err, MLP_ERR_DATA,
                        "%s: trailing bytes: at byte %" PRIu64
                        " found 0x%02X, wanted the end of the data or another PGM (P2, P5)",
                        source->name, source->offset, first[0]);
    *ascii = first[1] == '2';
    uint8_t magic[MAGIC_BYTES];
    return mlp_byte_source_read(source, magic, sizeof magic, &n, err);
}

static mlp_status read_header(mlp_image_reader *reader, unsigned *maxval, mlp_error *err)
{
    mlp_byte_source *source = &reader->source;
    unsigned cols = 0, rows = 0, number = 0;
    char text[MLP_IMAGE_WANTED_TEXT];
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
                        source->name, source->offset, rows, cols, mlp_image_wanted(reader, text));
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
static mlp_status read_samples(mlp_image_reader *reader, bool ascii, unsigned maxval,
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

mlp_status mlp_pgm_read(mlp_image_reader *reader, uint8_t *pixels, bool *found, mlp_error *err)
{
    bool ascii = false;
    unsigned maxval = PIXEL_MAX;
    mlp_status status = read_magic(&reader->source, found, &ascii, err);
    if (status == MLP_OK && *found)
        status = read_header(reader, &maxval, err);
    if (status == MLP_OK && *found)
        status = read_samples(reader, ascii, maxval, pixels, err);
    return status;
}
