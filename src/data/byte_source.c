/* byte_source.c: the bytes of a file or of standard input, gunzipped on the way.
 *
 * read() -> input -> (inflate) -> the caller's buffer, with `ahead` in between
 * for bytes that were peeked. Long reads skip `input` when there is nothing to
 * inflate. RFC 1952 is the gzip format: members one after another, each ending
 * with the CRC-32 and the length of its data, which zlib checks.
 */
#include "data/byte_source.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    INPUT_BYTES = 1 << 16,
    READ_MAX = 1 << 30, /* macOS refuses a read() of 2 GiB or more */
    MAGIC_BYTES = 2,
    TRAILER_FIELD = 4, /* bytes of the CRC-32, and of the length, that end a member */
    GZIP_WINDOW = 16 + MAX_WBITS,
};

static size_t unused_input(const mlp_byte_source *source)
{
    return source->input_end - source->input_begin;
}

/* Where in the file the next unused byte of the input lies. */
static uint64_t input_offset(const mlp_byte_source *source)
{
    return source->input_total - unused_input(source);
}

static mlp_status read_file(mlp_byte_source *source, uint8_t *bytes, size_t n, size_t *got,
                            mlp_error *err)
{
    ssize_t count;
    do {
        count = read(source->fd, bytes, n < READ_MAX ? n : READ_MAX);
    } while (count < 0 && errno == EINTR);
    if (count < 0)
        return mlp_fail_errno(err, MLP_ERR_RUNTIME, source->name, "read");
    source->input_ended = count == 0;
    source->input_total += (uint64_t)count;
    *got = (size_t)count;
    return MLP_OK;
}

/* Adds to the input what one read() gives. The last used bytes stay in front of
 * the unused ones: when zlib reports a failed check they are the stored value. */
static mlp_status fill_input(mlp_byte_source *source, mlp_error *err)
{
    size_t unused = unused_input(source);
    size_t kept = source->input_begin < TRAILER_FIELD ? source->input_begin : TRAILER_FIELD;
    size_t got = 0;
    memmove(source->input, source->input + source->input_begin - kept, kept + unused);
    source->input_begin = kept;
    source->input_end = kept + unused;
    mlp_status status = read_file(source, source->input + source->input_end,
                                  INPUT_BYTES - source->input_end, &got, err);
    source->input_end += got;
    return status;
}

/* True when a gzip member starts here; reads on until that can be told. */
static mlp_status look_for_gzip(mlp_byte_source *source, bool *found, mlp_error *err)
{
    mlp_status status = MLP_OK;
    while (status == MLP_OK && unused_input(source) < MAGIC_BYTES && !source->input_ended)
        status = fill_input(source, err);
    const uint8_t *first = source->input + source->input_begin;
    *found = unused_input(source) >= MAGIC_BYTES && first[0] == 0x1f && first[1] == 0x8b;
    return status;
}

/* The size of a regular file, from where it stands (standard input may have been
 * read from before); a folder is refused here, read() would name it less well. */
static mlp_status find_size(mlp_byte_source *source, mlp_error *err)
{
    struct stat info;
    if (fstat(source->fd, &info) != 0)
        return mlp_fail_errno(err, MLP_ERR_DATA, source->name, "open");
    if (S_ISDIR(info.st_mode))
        return mlp_fail(err, MLP_ERR_DATA, "%s: found a folder, wanted a file", source->name);
    off_t position = S_ISREG(info.st_mode) ? lseek(source->fd, 0, SEEK_CUR) : -1;
    if (position >= 0 && info.st_size > position)
        source->size = (uint64_t)(info.st_size - position);
    return MLP_OK;
}

mlp_status mlp_byte_source_open(mlp_byte_source *source, const char *path, mlp_error *err)
{
    *source = (mlp_byte_source){.name = path, .fd = STDIN_FILENO};
    if (strcmp(path, "-") == 0) {
        source->name = "standard input";
    } else {
        do {
            source->fd = open(path, O_RDONLY | O_CLOEXEC);
        } while (source->fd < 0 && errno == EINTR);
        if (source->fd < 0)
            return mlp_fail_errno(err, MLP_ERR_DATA, path, "open");
        source->owns_fd = true;
    }
    mlp_status status = find_size(source, err);
    if (status != MLP_OK)
        return status;
    source->input = malloc(INPUT_BYTES);
    if (source->input == NULL)
        return mlp_fail_memory(err, source->name);
    status = look_for_gzip(source, &source->gzip, err);
    if (status == MLP_OK && source->gzip && inflateInit2(&source->inflater, GZIP_WINDOW) != Z_OK)
        return mlp_fail_memory(err, source->name);
    return status;
}

bool mlp_byte_source_map(const mlp_byte_source *source, mlp_region *region)
{
    bool possible = source->owns_fd && source->size > 0 && source->size <= SIZE_MAX;
    return possible && mlp_region_map(region, source->fd, (size_t)source->size);
}

static mlp_status read_plain(mlp_byte_source *source, uint8_t *bytes, size_t n, size_t *got,
                             mlp_error *err)
{
    mlp_status status = MLP_OK;
    while (status == MLP_OK && *got < n) {
        size_t unused = unused_input(source), wanted = n - *got, part = 0;
        if (unused > 0) {
            part = unused < wanted ? unused : wanted;
            memcpy(bytes + *got, source->input + source->input_begin, part);
            source->input_begin += part;
        } else if (source->input_ended) {
            break;
        } else if (wanted < INPUT_BYTES) {
            status = fill_input(source, err);
        } else {
            status = read_file(source, bytes + *got, wanted, &part, err);
        }
        *got += part;
    }
    return status;
}

/* A member is complete: goes on to the next, or to the end of the data. */
static mlp_status end_member(mlp_byte_source *source, mlp_error *err)
{
    bool another;
    mlp_status status = look_for_gzip(source, &another, err);
    if (status != MLP_OK)
        return status;
    if (another) {
        inflateReset(&source->inflater);
    } else if (unused_input(source) == 0) {
        source->members_ended = true;
    } else {
        return mlp_fail(err, MLP_ERR_DATA,
                        "%s: trailing bytes after the gzip data: at compressed byte %" PRIu64
                        " found 0x%02X, wanted the end of the file",
                        source->name, input_offset(source), source->input[source->input_begin]);
    }
    return MLP_OK;
}

/* The 4 input bytes that zlib used last, little-endian. */
static uint32_t last_trailer_field(const mlp_byte_source *source)
{
    const uint8_t *field = source->input + source->input_begin - TRAILER_FIELD;
    return field[0] | (uint32_t)field[1] << 8 | (uint32_t)field[2] << 16 | (uint32_t)field[3] << 24;
}

static mlp_status fail_inflate(const mlp_byte_source *source, int code, mlp_error *err)
{
    const z_stream *inflater = &source->inflater;
    const char *problem = inflater->msg == NULL ? "corrupt data" : inflater->msg;
    uint64_t offset = input_offset(source);
    if (code == Z_MEM_ERROR)
        return mlp_fail_memory(err, source->name);
    if (strcmp(problem, "incorrect data check") == 0)
        return mlp_fail(err, MLP_ERR_DATA,
                        "%s: gzip checksum failed at compressed byte %" PRIu64
                        ": found data with CRC-32 %08" PRIx32 ", wanted %08" PRIx32,
                        source->name, offset - TRAILER_FIELD, (uint32_t)inflater->adler,
                        last_trailer_field(source));
    if (strcmp(problem, "incorrect length check") == 0)
        return mlp_fail(err, MLP_ERR_DATA,
                        "%s: gzip length check failed at compressed byte %" PRIu64
                        ": found %" PRIu32 " bytes of data, wanted %" PRIu32 " (modulo 2^32)",
                        source->name, offset - TRAILER_FIELD, (uint32_t)inflater->total_out,
                        last_trailer_field(source));
    return mlp_fail(err, MLP_ERR_DATA,
                    "%s: corrupt gzip data near compressed byte %" PRIu64
                    ": found \"%s\", wanted a valid gzip stream",
                    source->name, offset, problem);
}

/* Inflates straight into the caller's buffer. */
static mlp_status read_gzip(mlp_byte_source *source, uint8_t *bytes, size_t n, size_t *got,
                            mlp_error *err)
{
    z_stream *inflater = &source->inflater;
    mlp_status status = MLP_OK;
    while (status == MLP_OK && *got < n && !source->members_ended) {
        if (unused_input(source) == 0)
            status = fill_input(source, err);
        if (status != MLP_OK)
            break;
        if (unused_input(source) == 0)
            return mlp_fail(err, MLP_ERR_DATA,
                            "%s: truncated gzip data: found the end of the file at compressed byte "
                            "%" PRIu64 ", wanted the rest of the stream",
                            source->name, input_offset(source));
        uInt room = n - *got < UINT_MAX ? (uInt)(n - *got) : UINT_MAX;
        inflater->next_in = source->input + source->input_begin;
        inflater->avail_in = (uInt)unused_input(source);
        inflater->next_out = bytes + *got;
        inflater->avail_out = room;
        int code = inflate(inflater, Z_NO_FLUSH);
        source->input_begin = source->input_end - inflater->avail_in;
        *got += room - inflater->avail_out;
        if (code == Z_STREAM_END)
            status = end_member(source, err);
        else if (code != Z_OK && code != Z_BUF_ERROR)
            status = fail_inflate(source, code, err);
    }
    return status;
}

/* The data after what was peeked; *got says how much of it came, also on failure. */
static mlp_status read_data(mlp_byte_source *source, uint8_t *bytes, size_t n, size_t *got,
                            mlp_error *err)
{
    *got = 0;
    return source->gzip ? read_gzip(source, bytes, n, got, err)
                        : read_plain(source, bytes, n, got, err);
}

mlp_status mlp_byte_source_read(mlp_byte_source *source, void *bytes, size_t n, size_t *got,
                                mlp_error *err)
{
    uint8_t *out = bytes;
    size_t peeked = source->ahead_end - source->ahead_begin;
    if (peeked > n)
        peeked = n;
    if (peeked > 0)
        memcpy(out, source->ahead + source->ahead_begin, peeked);
    source->ahead_begin += peeked;
    mlp_status status = read_data(source, out + peeked, n - peeked, got, err);
    *got += peeked;
    source->offset += *got;
    return status;
}

mlp_status mlp_byte_source_peek(mlp_byte_source *source, size_t n, const uint8_t **bytes,
                                size_t *got, mlp_error *err)
{
    size_t held = source->ahead_end - source->ahead_begin, more = 0;
    mlp_status status = MLP_OK;
    if (n > source->ahead_capacity) {
        uint8_t *larger = realloc(source->ahead, n);
        if (larger == NULL)
            return mlp_fail_memory(err, source->name);
        source->ahead = larger;
        source->ahead_capacity = n;
    }
    if (held < n) {
        memmove(source->ahead, source->ahead + source->ahead_begin, held);
        status = read_data(source, source->ahead + held, n - held, &more, err);
        source->ahead_begin = 0;
        source->ahead_end = held + more;
    }
    *bytes = source->ahead + source->ahead_begin;
    *got = held + more < n ? held + more : n;
    return status;
}

bool mlp_byte_source_would_wait(mlp_byte_source *source, size_t n)
{
    struct pollfd input = {.fd = source->fd, .events = POLLIN};
    size_t ahead = source->ahead_end - source->ahead_begin;
    mlp_error ignored; /* whoever reads on meets it again */
    mlp_status status = source->size == 0 && !source->gzip ? MLP_OK : MLP_ERR_DATA;
    while (status == MLP_OK && !source->input_ended && ahead + unused_input(source) < n &&
           n - ahead <= INPUT_BYTES - TRAILER_FIELD) {
        if (poll(&input, 1, 0) == 0)
            return true;
        status = fill_input(source, &ignored);
    }
    return false;
}

void mlp_byte_source_close(mlp_byte_source *source)
{
    inflateEnd(&source->inflater);
    if (source->owns_fd)
        close(source->fd);
    free(source->input);
    free(source->ahead);
    *source = (mlp_byte_source){0};
}
