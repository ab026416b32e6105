#include "data/image.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "data/pgm.h"

enum { PEEK_BYTES = 8 }; /* the longest signature */

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

/* The first n bytes, or all there are; enough to find any signature among them. */
static mlp_status peek(mlp_image_reader *reader, size_t n, const uint8_t **first, size_t *got,
                       mlp_error *err)
{
    return mlp_byte_source_peek(&reader->source, n > PEEK_BYTES ? n : PEEK_BYTES, first, got, err);
}

const char *mlp_image_wanted(const mlp_image_reader *reader, char text[MLP_IMAGE_WANTED_TEXT])
{
    int used = snprintf(text, MLP_IMAGE_WANTED_TEXT, "%zu bytes", reader->features);
    if (reader->rows > 0)
        snprintf(text + used, MLP_IMAGE_WANTED_TEXT - (size_t)used, " (%zu x %zu)", reader->rows,
                 reader->cols);
    return text;
}

static mlp_status fail_raw_size(const mlp_image_reader *reader, uint64_t found, mlp_error *err)
{
    char text[MLP_IMAGE_WANTED_TEXT];
    return mlp_fail(err, MLP_ERR_DATA,
                    "%s: found %" PRIu64 " bytes, wanted IDX, PGM or a multiple of the model's %s",
                    reader->source.name, found, mlp_image_wanted(reader, text));
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
    size_t left = idx->bytes_left, items = n < idx->items_left ? n : idx->items_left;
    mlp_status status = mlp_idx_read_items(idx, items, pixels, err);
    *got = (left - idx->bytes_left) / reader->features;
    return status == MLP_OK && items < n ? mlp_idx_check_end(idx, err) : status;
}

static mlp_status read_pgms(mlp_image_reader *reader, size_t n, uint8_t *pixels, size_t *got,
                            mlp_error *err)
{
    for (bool found = true; *got < n; ++*got) {
        mlp_status status = mlp_pgm_read(reader, pixels + *got * reader->features, &found, err);
        if (status != MLP_OK || !found)
            return status;
    }
    return MLP_OK;
}

static mlp_status open_idx(mlp_image_reader *reader, mlp_error *err)
{
    char text[MLP_IMAGE_WANTED_TEXT];
    mlp_status status = mlp_idx_open(&reader->idx, &reader->source, err);
    if (status == MLP_OK && reader->idx.shape.item_bytes != reader->features)
        return mlp_fail(err, MLP_ERR_DATA,
                        "%s: at byte %d found images of %zu bytes, wanted the model's %s",
                        reader->source.name, MLP_IDX_MAGIC_BYTES, reader->idx.shape.item_bytes,
                        mlp_image_wanted(reader, text));
    return status;
}

static const char *find_refusal(const uint8_t *first, size_t n)
{
    for (size_t i = 0; i < sizeof FOREIGN / sizeof FOREIGN[0]; i++) {
        size_t length = strlen(FOREIGN[i].signature);
        if (n >= length && memcmp(first, FOREIGN[i].signature, length) == 0)
            return FOREIGN[i].refusal;
    }
    return NULL;
}

static bool is_idx(const uint8_t *first, size_t n)
{
    return n >= MLP_IDX_MAGIC_BYTES && mlp_idx_is_magic(first);
}

/* Does it begin as anything but raw pixels? */
static bool is_known(const uint8_t *first, size_t n)
{
    return is_idx(first, n) || mlp_pgm_is_magic(first, n) || find_refusal(first, n) != NULL;
}

static mlp_status open_known(mlp_image_reader *reader, const uint8_t *first, size_t n,
                             mlp_error *err)
{
    const char *refusal = find_refusal(first, n);
    if (refusal != NULL)
        return mlp_fail(err, MLP_ERR_DATA,
                        "%s: %s: at byte 0 found its signature, wanted raw bytes, PGM or IDX",
                        reader->source.name, refusal);
    reader->format = is_idx(first, n) ? MLP_IMAGE_IDX : MLP_IMAGE_PGM;
    return reader->format == MLP_IMAGE_IDX ? open_idx(reader, err) : MLP_OK;
}

/* A plain file of a wrong size is refused before its first image is handed out. */
static mlp_status open_raw(const mlp_image_reader *reader, size_t n, mlp_error *err)
{
    const mlp_byte_source *source = &reader->source;
    if (n == 0 || (!source->gzip && source->size % reader->features != 0))
        return fail_raw_size(reader, source->size, err);
    return MLP_OK;
}

/* Whether more than one image comes is asked only where it matters: someone may be waiting for the
 * first one's answer. */
mlp_status mlp_image_open(mlp_image_reader *reader, const char *path, size_t features, size_t rows,
                          size_t cols, mlp_error *err)
{
    const uint8_t *first = NULL;
    size_t n = 0;
    *reader = (mlp_image_reader){.features = features, .rows = rows, .cols = cols};
    mlp_status status = mlp_byte_source_open(&reader->source, path, err);
    if (status == MLP_OK)
        status = peek(reader, features, &first, &n, err);
    if (status == MLP_OK && is_known(first, n))
        status = peek(reader, features + 1, &first, &n, err);
    if (status != MLP_OK)
        return status;
    return is_known(first, n) && n != features ? open_known(reader, first, n, err)
                                               : open_raw(reader, n, err);
}

static mlp_status read_images(mlp_image_reader *reader, size_t n, uint8_t *pixels, size_t *got,
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

/* Of a pipe one image after another, as long as one is there; of PGM, which has no size known
 * before, one alone. */
mlp_status mlp_image_read(mlp_image_reader *reader, size_t n, uint8_t *pixels, size_t *got,
                          mlp_error *err)
{
    bool is_pipe = reader->source.size == 0, goes_on;
    size_t wanted = is_pipe ? 1 : n, part;
    mlp_status status;
    *got = 0;
    do {
        status = read_images(reader, wanted, pixels + *got * reader->features, &part, err);
        *got += part;
        reader->ended = part < wanted;
        goes_on = status == MLP_OK && !reader->ended && *got < n;
    } while (goes_on && reader->format != MLP_IMAGE_PGM &&
             !mlp_byte_source_would_wait(&reader->source, reader->features));
    return status;
}

void mlp_image_close(mlp_image_reader *reader)
{
    mlp_byte_source_close(&reader->source);
    *reader = (mlp_image_reader){0};
}
