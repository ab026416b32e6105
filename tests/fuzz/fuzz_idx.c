/* fuzz_idx.c: an IDX file, plain or gzipped. Read whole or item by item it holds the
 * same, and what was accepted survives being written and read again.
 *
 * A whole gzip file may be libdeflate's to read, which takes deflate's two reserved
 * length codes for the longest length where zlib refuses them. The CRC-32 holds
 * by then, so that the refusal may differ, never the data.
 */
#include <string.h>

#include "data/idx.h"
#include "fuzz.h"

static mlp_status stream(const char *path, const mlp_idx *whole, mlp_error *err)
{
    mlp_byte_source source;
    mlp_idx_reader reader;
    mlp_status status = mlp_byte_source_open(&source, path, err);
    if (status == MLP_OK)
        status = mlp_idx_open(&reader, &source, err);
    size_t bytes = status == MLP_OK && whole->data != NULL ? reader.shape.item_bytes : 0;
    uint8_t *item = bytes > 0 ? malloc(bytes) : NULL;
    for (size_t i = 0; status == MLP_OK && item != NULL && reader.items_left > 0; i++) {
        status = mlp_idx_read_items(&reader, 1, item, err);
        FUZZ_ASSERT(status != MLP_OK || memcmp(item, whole->data + i * bytes, bytes) == 0);
    }
    if (status == MLP_OK && item != NULL)
        status = mlp_idx_check_end(&reader, err);
    free(item);
    mlp_byte_source_close(&source);
    return status;
}

static void write_and_read(const mlp_idx *idx)
{
    mlp_idx again;
    mlp_error err;
    uint8_t *bytes;
    size_t n;
    FUZZ_ASSERT(mlp_idx_encode_gzip(idx->shape.rank, idx->shape.dims, idx->data, &bytes, &n,
                                    &err) == MLP_OK);
    FUZZ_ASSERT(mlp_idx_read(&again, fuzz_file(bytes, n), &err) == MLP_OK);
    FUZZ_ASSERT(memcmp(again.data, idx->data, idx->shape.count * idx->shape.item_bytes) == 0);
    mlp_idx_free(&again);
    free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *path = fuzz_file(data, size);
    mlp_idx idx;
    mlp_error err;
    mlp_status status = mlp_idx_read(&idx, path, &err);
    FUZZ_ASSERT(status == MLP_OK || status == MLP_ERR_DATA);
    if (status == MLP_OK) {
        bool is_gzip = data[0] == 0x1f;
        FUZZ_ASSERT(stream(path, &idx, &err) == MLP_OK || is_gzip);
        write_and_read(&idx);
    } else {
        stream(path, &idx, &err);
    }
    mlp_idx_free(&idx);
    return 0;
}
