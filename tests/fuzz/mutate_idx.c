/* mutate_idx.c: an IDX file, altered by one that knows its layout (idx.h): the
 * header's numbers change, and the data become as long as they say. Gzip files are
 * altered inside, and packed again so that their checks hold.
 */
#include <stdbool.h>
#include <string.h>
#include <zlib.h>

#include "data/idx.h"
#include "fuzz.h"

enum { DIM_BYTES = 4, GZIP_WINDOW = 16 + MAX_WBITS };

/* Another rank, type or size; then data of the size that follows, where it fits. */
static size_t alter_header(uint8_t *data, size_t size, size_t room, unsigned seed)
{
    static const uint32_t sizes[] = {0, 1, 2, 3, 28, 784, 65536, 1u << 31, UINT32_MAX};
    uint32_t value = sizes[seed / 16 % (sizeof sizes / sizeof *sizes)];
    size_t rank = data[3], wanted = MLP_IDX_MAGIC_BYTES + rank * DIM_BYTES, count = 1;
    if (seed % 4 == 0 || rank == 0 || wanted > size) {
        data[seed / 4 % MLP_IDX_MAGIC_BYTES] = (uint8_t)value;
        return size;
    }
    uint8_t *dims = data + MLP_IDX_MAGIC_BYTES, *dim = dims + seed / 4 % rank * DIM_BYTES;
    for (size_t i = 0; i < DIM_BYTES; i++)
        dim[i] = (uint8_t)(value >> (24 - 8 * i));
    for (size_t i = 0; i < rank; i++, dims += DIM_BYTES)
        count *= (size_t)dims[0] << 24 | (size_t)dims[1] << 16 | (size_t)dims[2] << 8 | dims[3];
    if (seed % 4 == 1 || count > room - wanted)
        return size;
    if (wanted + count > size)
        memset(data + size, 0x5A, wanted + count - size);
    return wanted + count;
}

static size_t alter_plain(uint8_t *data, size_t size, size_t room, unsigned seed)
{
    if (size < MLP_IDX_MAGIC_BYTES || seed % 3 == 0)
        return LLVMFuzzerMutate(data, size, room);
    return alter_header(data, size, room, seed / 3);
}

/* What a gzip file of one member holds, at most `room` bytes; 0 where it is none. */
static size_t unpack(uint8_t *data, size_t size, uint8_t *plain, size_t room)
{
    z_stream z = {.next_in = data, .avail_in = (uInt)size};
    z.next_out = plain;
    z.avail_out = (uInt)room;
    FUZZ_ASSERT(inflateInit2(&z, GZIP_WINDOW) == Z_OK);
    int code = inflate(&z, Z_FINISH);
    inflateEnd(&z);
    return code == Z_STREAM_END ? room - z.avail_out : 0;
}

/* 0 where the room is too small. */
static size_t pack(uint8_t *plain, size_t n, uint8_t *data, size_t room)
{
    z_stream z = {.next_in = plain, .avail_in = (uInt)n};
    z.next_out = data;
    z.avail_out = (uInt)room;
    FUZZ_ASSERT(deflateInit2(&z, 6, Z_DEFLATED, GZIP_WINDOW, 8, Z_DEFAULT_STRATEGY) == Z_OK);
    int code = deflate(&z, Z_FINISH);
    deflateEnd(&z);
    return code == Z_STREAM_END ? room - z.avail_out : 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t room, unsigned seed)
{
    enum { PLAIN_MAX = 1 << 20 };
    bool is_gzip = size >= 2 && data[0] == 0x1f && data[1] == 0x8b;
    if (!is_gzip)
        return alter_plain(data, size, room, seed);
    uint8_t *plain = calloc(PLAIN_MAX, 1);
    FUZZ_ASSERT(plain != NULL);
    size_t n = seed % 4 == 0 ? 0 : unpack(data, size, plain, PLAIN_MAX), packed = 0;
    if (n > 0) {
        n = alter_plain(plain, n, PLAIN_MAX, seed / 4);
        uint8_t *file = malloc(room);
        FUZZ_ASSERT(file != NULL);
        packed = pack(plain, n, file, room);
        if (packed > 0)
            memcpy(data, file, packed);
        free(file);
    }
    free(plain);
    return packed > 0 ? packed : LLVMFuzzerMutate(data, size, room);
}
