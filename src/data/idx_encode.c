/* idx_encode.c: data -> a gzipped IDX file in memory. */
#include <stdlib.h>
#include <zlib.h>

#include "base/mem.h"
#include "data/idx.h"

enum {
    GZIP_OS_UNKNOWN = 255,
    ENCODE_MAX = 1 << 30, /* keeps every size within zlib's 32-bit counters */
};

static void encode_header(size_t rank, const uint32_t *dims, uint8_t *header)
{
    header[0] = 0;
    header[1] = 0;
    header[2] = MLP_IDX_TYPE_UBYTE;
    header[3] = (uint8_t)rank;
    for (size_t i = 0; i < rank; i++) {
        uint8_t *b = header + MLP_IDX_MAGIC_BYTES + i * MLP_IDX_DIM_BYTES;
        b[0] = (uint8_t)(dims[i] >> 24);
        b[1] = (uint8_t)(dims[i] >> 16);
        b[2] = (uint8_t)(dims[i] >> 8);
        b[3] = (uint8_t)dims[i];
    }
}

mlp_status mlp_idx_encode_gzip(size_t rank, const uint32_t *dims, const uint8_t *data,
                               uint8_t **bytes, size_t *n, mlp_error *err)
{
    uint8_t header[MLP_IDX_MAGIC_BYTES + MLP_IDX_MAX_RANK * MLP_IDX_DIM_BYTES];
    size_t header_bytes = MLP_IDX_MAGIC_BYTES + rank * MLP_IDX_DIM_BYTES, data_bytes = 1;
    gz_header member = {.os = GZIP_OS_UNKNOWN};
    z_stream deflater = {0};
    encode_header(rank, dims, header);
    *bytes = NULL;
    for (size_t i = 0; i < rank; i++) {
        if (!mlp_size_mul(data_bytes, dims[i], &data_bytes) || data_bytes > ENCODE_MAX)
            return mlp_fail(err, MLP_ERR_RUNTIME, "IDX data to encode exceed %d bytes", ENCODE_MAX);
    }
    if (deflateInit2(&deflater, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 16 + MAX_WBITS, MAX_MEM_LEVEL,
                     Z_DEFAULT_STRATEGY) != Z_OK)
        return mlp_fail_memory(err, "the gzip encoder");
    deflateSetHeader(&deflater, &member);
    uLong bound = deflateBound(&deflater, (uLong)(header_bytes + data_bytes));
    *bytes = malloc(bound);
    if (*bytes != NULL) {
        deflater.next_out = *bytes;
        deflater.avail_out = (uInt)bound;
        deflater.next_in = header;
        deflater.avail_in = (uInt)header_bytes;
        deflate(&deflater, Z_NO_FLUSH);
        deflater.next_in = (Bytef *)(uintptr_t)data; /* zlib only reads it */
        deflater.avail_in = (uInt)data_bytes;
        deflate(&deflater, Z_FINISH); /* cannot fail: the output has deflateBound() bytes */
        *n = deflater.total_out;
    }
    deflateEnd(&deflater);
    return *bytes == NULL ? mlp_fail_memory(err, "the gzip file") : MLP_OK;
}
