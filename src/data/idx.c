/* idx.c: the IDX format of the MNIST files, unsigned bytes only.
 *
 * The header alone decides how much is read, so nothing in it is believed before
 * it fits the file: a plain file must have exactly the size that the header asks
 * for, and a gzip file cannot hold more than DEFLATE_MAX_RATIO times its size.
 *
 * A whole file takes the shortest way that it can: a plain one is mapped, a gzip
 * file inflated at once (gunzip.h), and anything else, or whatever that refuses,
 * is read through the byte source.
 */
#include "data/idx.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "data/gunzip.h"

enum {
    /* RFC 1951 spends at least 2 bits on a match (one for its length, one for its
     * distance), which stands for at most 258 bytes. */
    DEFLATE_MAX_RATIO = 258 * 8 / 2,
    FIRST_STEP = 1 << 20, /* of memory for data of unknown size; doubled from there */
    SHAPE_TEXT = MLP_IDX_MAX_RANK * sizeof " x 4294967295",
};

static const uint64_t UNKNOWN_SIZE_MAX = (uint64_t)1 << 32;

static const struct {
    uint8_t type;
    const char *name;
} TYPES[] = {
    {MLP_IDX_TYPE_UBYTE, "unsigned byte"},
    {0x09, "signed byte"},
    {0x0B, "short"},
    {0x0C, "int"},
    {0x0D, "float"},
    {0x0E, "double"},
};

/* NULL when the format has no such type. */
static const char *type_name(uint8_t type)
{
    for (size_t i = 0; i < sizeof TYPES / sizeof TYPES[0]; i++) {
        if (TYPES[i].type == type)
            return TYPES[i].name;
    }
    return NULL;
}

bool mlp_idx_is_magic(const uint8_t first[MLP_IDX_MAGIC_BYTES])
{
    return first[0] == 0 && first[1] == 0 && type_name(first[2]) != NULL && first[3] >= 1 &&
           first[3] <= MLP_IDX_MAX_RANK;
}

/* "60000 x 28 x 28" */
static const char *shape_text(const mlp_idx_shape *shape, char text[SHAPE_TEXT])
{
    int used = 0;
    for (size_t i = 0; i < shape->rank; i++)
        used += snprintf(text + used, SHAPE_TEXT - (size_t)used, "%s%" PRIu32, i == 0 ? "" : " x ",
                         shape->dims[i]);
    return text;
}

/* A page that a failed download left: '<' after white space or a UTF-8 BOM. */
static bool is_web_page(const uint8_t first[MLP_IDX_MAGIC_BYTES])
{
    size_t i = memcmp(first, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
    while (i < MLP_IDX_MAGIC_BYTES - 1 &&
           (first[i] == ' ' || (first[i] >= '\t' && first[i] <= '\r')))
        i++;
    return first[i] == '<';
}

static mlp_status check_magic(const char *name, const uint8_t first[MLP_IDX_MAGIC_BYTES],
                              mlp_error *err)
{
    const char *type = type_name(first[2]);
    if (is_web_page(first))
        return mlp_fail(err, MLP_ERR_DATA,
                        "%s: looks like a web page (HTML), not IDX: at byte 0 found \"<\", wanted "
                        "00 00 08 and the rank",
                        name);
    if (first[0] != 0 || first[1] != 0)
        return mlp_fail(err, MLP_ERR_DATA,
                        "%s: at byte 0 found %02x %02x %02x %02x, wanted 00 00 08 and the rank "
                        "(IDX, plain or gzipped)",
                        name, first[0], first[1], first[2], first[3]);
    if (first[2] != MLP_IDX_TYPE_UBYTE)
        return mlp_fail(err, MLP_ERR_DATA,
                        "%s: at byte 2 found type 0x%02X (%s), wanted 0x08 (unsigned byte)", name,
                        first[2], type == NULL ? "unknown" : type);
    if (first[3] < 1 || first[3] > MLP_IDX_MAX_RANK)
        return mlp_fail(err, MLP_ERR_DATA, "%s: at byte 3 found rank %d, wanted 1 to %d", name,
                        first[3], MLP_IDX_MAX_RANK);
    return MLP_OK;
}

static mlp_status read_header_bytes(mlp_byte_source *source, uint8_t *bytes, size_t n,
                                    mlp_error *err)
{
    size_t got = 0;
    mlp_status status = mlp_byte_source_read(source, bytes, n, &got, err);
    if (status != MLP_OK || got == n)
        return status;
    if (source->offset == 0)
        return mlp_fail(err, MLP_ERR_DATA, "%s: empty: found 0 bytes, wanted IDX data",
                        source->name);
    return mlp_fail(err, MLP_ERR_DATA,
                    "%s: truncated header: found the end of the data at byte %" PRIu64
                    ", wanted %zu more bytes",
                    source->name, source->offset, n - got);
}

/* bytes_left must be what the file holds: to the byte when it is plain, at most
 * what deflate can pack into it when it is gzip. A pipe tells nothing. */
static mlp_status check_size(const mlp_idx_reader *reader, mlp_error *err)
{
    const mlp_byte_source *source = reader->source;
    uint64_t wanted = reader->bytes_left;
    char text[SHAPE_TEXT];
    if (source->size == 0)
        return MLP_OK;
    if (source->gzip && wanted / DEFLATE_MAX_RATIO > source->size)
        return mlp_fail(err, MLP_ERR_DATA,
                        "%s: at byte %" PRIu64 " found a gzip file of %" PRIu64
                        " bytes, which cannot hold the wanted %" PRIu64 " bytes of data (%s)",
                        source->name, source->offset, source->size, wanted,
                        shape_text(&reader->shape, text));
    uint64_t found = source->size < source->offset ? 0 : source->size - source->offset;
    if (!source->gzip && found != wanted)
        return mlp_fail(err, MLP_ERR_DATA,
                        "%s: %s: at byte %" PRIu64 " found %" PRIu64
                        " bytes of data, wanted %" PRIu64 " (%s)",
                        source->name, found < wanted ? "truncated" : "trailing bytes",
                        source->offset, found, wanted, shape_text(&reader->shape, text));
    return MLP_OK;
}

/* The sizes, and the products that follow from them. */
static mlp_status read_shape(mlp_idx_reader *reader, size_t rank, mlp_error *err)
{
    mlp_idx_shape *shape = &reader->shape;
    uint8_t bytes[MLP_IDX_MAX_RANK * MLP_IDX_DIM_BYTES];
    char text[SHAPE_TEXT];
    bool fits = true;
    mlp_status status = read_header_bytes(reader->source, bytes, rank * MLP_IDX_DIM_BYTES, err);
    if (status != MLP_OK)
        return status;
    shape->rank = rank;
    shape->item_bytes = 1;
    for (size_t i = 0; i < rank; i++) {
        const uint8_t *b = bytes + i * MLP_IDX_DIM_BYTES;
        shape->dims[i] = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
        if (shape->dims[i] == 0)
            return mlp_fail(err, MLP_ERR_DATA, "%s: at byte %zu found %s 0, wanted 1 or more",
                            reader->source->name, MLP_IDX_MAGIC_BYTES + i * MLP_IDX_DIM_BYTES,
                            i == 0 ? "a number of items of" : "a size of");
        if (i > 0)
            fits = fits && mlp_size_mul(shape->item_bytes, shape->dims[i], &shape->item_bytes);
    }
    shape->count = shape->dims[0];
    if (!fits || !mlp_size_mul(shape->count, shape->item_bytes, &reader->bytes_left))
        return mlp_fail(
            err, MLP_ERR_DATA, "%s: at byte %d found sizes %s, wanted a product of at most %zu",
            reader->source->name, MLP_IDX_MAGIC_BYTES, shape_text(shape, text), SIZE_MAX);
    reader->items_left = shape->count;
    return MLP_OK;
}

mlp_status mlp_idx_open(mlp_idx_reader *reader, mlp_byte_source *source, mlp_error *err)
{
    uint8_t first[MLP_IDX_MAGIC_BYTES];
    *reader = (mlp_idx_reader){.source = source};
    mlp_status status = read_header_bytes(source, first, sizeof first, err);
    if (status == MLP_OK)
        status = check_magic(source->name, first, err);
    if (status == MLP_OK)
        status = read_shape(reader, first[3], err);
    if (status == MLP_OK)
        status = check_size(reader, err);
    return status;
}

mlp_status mlp_idx_check_end(const mlp_idx_reader *reader, mlp_error *err)
{
    const uint8_t *next;
    size_t got;
    char text[SHAPE_TEXT];
    mlp_status status = mlp_byte_source_peek(reader->source, 1, &next, &got, err);
    if (status == MLP_OK && got > 0)
        return mlp_fail(err, MLP_ERR_DATA,
                        "%s: trailing bytes: at byte %" PRIu64
                        " found 0x%02X, wanted the end of the data (%s)",
                        reader->source->name, reader->source->offset, next[0],
                        shape_text(&reader->shape, text));
    return status;
}

/* The next n <= bytes_left bytes of the data. */
static mlp_status read_data(mlp_idx_reader *reader, uint8_t *bytes, size_t n, mlp_error *err)
{
    size_t got = 0;
    char text[SHAPE_TEXT];
    mlp_status status = mlp_byte_source_read(reader->source, bytes, n, &got, err);
    reader->bytes_left -= got; /* also what came before an error */
    if (status != MLP_OK)
        return status;
    if (got < n)
        return mlp_fail(err, MLP_ERR_DATA,
                        "%s: truncated: found the end of the data at byte %" PRIu64
                        ", wanted %zu more bytes (%s)",
                        reader->source->name, reader->source->offset, reader->bytes_left,
                        shape_text(&reader->shape, text));
    return MLP_OK;
}

mlp_status mlp_idx_read_items(mlp_idx_reader *reader, size_t n, uint8_t *items, mlp_error *err)
{
    reader->items_left -= n;
    return read_data(reader, items, n * reader->shape.item_bytes, err);
}

/* Maps a plain file: mlp_idx_open() has seen that it ends with the data. */
static bool map_plain(mlp_idx *idx, const mlp_idx_reader *reader)
{
    if (reader->source->gzip || !mlp_byte_source_map(reader->source, &idx->memory))
        return false;
    idx->data = (uint8_t *)idx->memory.start + reader->source->offset;
    return true;
}

/* Inflates a gzip file at once, the header a second time with the data. */
static bool inflate_whole(mlp_idx *idx, const mlp_idx_reader *reader)
{
    mlp_region packed = {0};
    size_t header = (size_t)reader->source->offset, total = header + reader->bytes_left;
    bool done = mlp_gunzip_is_built_in() && reader->source->gzip && total > header &&
                mlp_byte_source_map(reader->source, &packed) &&
                mlp_region_resize(&idx->memory, total) &&
                mlp_gunzip(packed.start, packed.mapped, idx->memory.start, total);
    mlp_region_free(&packed);
    if (done)
        idx->data = (uint8_t *)idx->memory.start + header;
    return done;
}

/* Memory for the whole data at once where the file's size vouches for the
 * header, otherwise in steps, each filled before the next. */
static mlp_status read_all(mlp_idx *idx, mlp_idx_reader *reader, mlp_error *err)
{
    const mlp_byte_source *source = reader->source;
    size_t total = reader->bytes_left, done = 0;
    size_t capacity = source->size == 0 && total > FIRST_STEP ? FIRST_STEP : total;
    char text[SHAPE_TEXT];
    if (source->size == 0 && total > UNKNOWN_SIZE_MAX)
        return mlp_fail(
            err, MLP_ERR_DATA,
            "%s: at byte %d found sizes %s, wanted a product of at most %" PRIu64 " from a pipe",
            source->name, MLP_IDX_MAGIC_BYTES, shape_text(&reader->shape, text), UNKNOWN_SIZE_MAX);
    mlp_status status = MLP_OK;
    while (status == MLP_OK && done < total) {
        if (!mlp_region_resize(&idx->memory, capacity))
            return mlp_fail_memory(err, source->name);
        idx->data = idx->memory.start;
        status = read_data(reader, idx->data + done, capacity - done, err);
        done = capacity;
        capacity = capacity > total / 2 ? total : capacity * 2;
    }
    return status == MLP_OK ? mlp_idx_check_end(reader, err) : status;
}

mlp_status mlp_idx_read(mlp_idx *idx, const char *path, mlp_error *err)
{
    mlp_byte_source source;
    mlp_idx_reader reader;
    *idx = (mlp_idx){0};
    mlp_status status = mlp_byte_source_open(&source, path, err);
    if (status == MLP_OK)
        status = mlp_idx_open(&reader, &source, err);
    if (status == MLP_OK) {
        idx->shape = reader.shape;
        if (!map_plain(idx, &reader) && !inflate_whole(idx, &reader))
            status = read_all(idx, &reader, err);
    }
    if (status != MLP_OK)
        mlp_idx_free(idx);
    mlp_byte_source_close(&source);
    return status;
}

void mlp_idx_free(mlp_idx *idx)
{
    mlp_region_free(&idx->memory);
    *idx = (mlp_idx){0};
}
