/* byte_source.h: the bytes of a file or of standard input, gunzipped on the way.
 *
 * A source is gzip when its first two bytes are 1f 8b (RFC 1952), whatever its
 * name says; anything else is handed out as it is. It only ever reads forward,
 * so pipes do, and it holds one small buffer however long the data is.
 *
 * Stricter than gzread(): a gzip stream that is cut short, fails its CRC-32 or
 * length, or is followed by anything but another gzip member is an error. The
 * check of a member happens when a read or a peek goes past its last data byte,
 * so a reader that wants it done ends with a peek.
 *
 * Every error is MLP_ERR_DATA and names the file and the offset; a failing
 * system call other than open, or no memory, is MLP_ERR_RUNTIME.
 */
#ifndef MLP_DATA_BYTE_SOURCE_H
#define MLP_DATA_BYTE_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <zlib.h>

#include "base/region.h"
#include "base/status.h"

/* Do not move an open source: zlib keeps a pointer to the inflater. */
typedef struct mlp_byte_source {
    const char *name; /* for messages: the path, or "standard input" */
    bool gzip;
    uint64_t size;   /* of the file, compressed or not; 0: not known, as of a pipe */
    uint64_t offset; /* data bytes (uncompressed) read so far */

    int fd;
    bool owns_fd;
    bool input_ended;     /* read() has returned 0 */
    bool members_ended;   /* gzip: the last member is complete and nothing follows */
    uint64_t input_total; /* bytes read from fd */
    uint8_t *input;       /* bytes as they are in the file: [begin, end) not used yet */
    size_t input_begin, input_end;
    uint8_t *ahead; /* data bytes that a peek took: [begin, end) not read yet */
    size_t ahead_begin, ahead_end, ahead_capacity;
    z_stream inflater;
} mlp_byte_source;

/* Opens the path ("-" is standard input) and looks whether it is gzip. The path
 * is borrowed until the source is closed. Close it also when this fails. */
mlp_status mlp_byte_source_open(mlp_byte_source *source, const char *path, mlp_error *err);

/* The whole file as it lies on the disk, compressed or not, wherever reading has come to; false
 * where that is not to be had: standard input, a pipe. Free the region with mlp_region_free(). */
bool mlp_byte_source_map(const mlp_byte_source *source, mlp_region *region);

/* Reads n bytes; *got < n only at the end of the data. */
mlp_status mlp_byte_source_read(mlp_byte_source *source, void *bytes, size_t n, size_t *got,
                                mlp_error *err);

/* The next n bytes (*got < n only at the end of the data) without reading them:
 * *bytes (*got) is good until the next call. Holds n bytes of memory. */
mlp_status mlp_byte_source_peek(mlp_byte_source *source, size_t n, const uint8_t **bytes,
                                size_t *got, mlp_error *err);

/* Would a read of n bytes wait for more to come? Takes in what is there already. False where that
 * is not to be known: of gzip, of files, whose bytes are there, and of more than 64 KB. */
bool mlp_byte_source_would_wait(mlp_byte_source *source, size_t n);

void mlp_byte_source_close(mlp_byte_source *source);

#endif
