/* idx.h: the IDX format of the MNIST files, unsigned bytes only.
 *
 * A header (0, 0, type, rank, then `rank` sizes as big-endian 32-bit numbers)
 * and the elements, row-major. LeCun, Cortes, Burges: "The MNIST database of
 * handwritten digits". The first size counts the items; the others are the shape
 * of one item, which is handed out flat.
 *
 * Refused as MLP_ERR_DATA, with file, offset, found and wanted: another magic or
 * type, a web page, rank 0 or above MLP_IDX_MAX_RANK, a size of 0, sizes whose
 * product overflows or exceeds what the file can hold, truncated data, trailing
 * bytes, and whatever byte_source.h refuses.
 */
#ifndef MLP_DATA_IDX_H
#define MLP_DATA_IDX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/region.h"
#include "base/status.h"
#include "data/byte_source.h"

enum {
    MLP_IDX_MAX_RANK = 8,
    MLP_IDX_MAGIC_BYTES = 4, /* 0, 0, type, rank */
    MLP_IDX_DIM_BYTES = 4,
    MLP_IDX_TYPE_UBYTE = 0x08,
};

typedef struct mlp_idx_shape {
    size_t rank;
    uint32_t dims[MLP_IDX_MAX_RANK]; /* (rank) */
    size_t count;                    /* dims[0] */
    size_t item_bytes;               /* product of the other dims; 1 when there are none */
} mlp_idx_shape;

/* Reads items one after another, in constant memory. Nothing to free. */
typedef struct mlp_idx_reader {
    mlp_byte_source *source; /* borrowed, must stay open */
    mlp_idx_shape shape;
    size_t items_left;
    size_t bytes_left;
} mlp_idx_reader;

/* Reads the header at the source's position and checks it against the size of
 * the file, before anything is allocated for the data. */
mlp_status mlp_idx_open(mlp_idx_reader *reader, mlp_byte_source *source, mlp_error *err);

/* The next n <= items_left items into items (n, item_bytes). */
mlp_status mlp_idx_read_items(mlp_idx_reader *reader, size_t n, uint8_t *items, mlp_error *err);

/* Behind the last item: whether the data end there, and the gzip checksum is right. Of a pipe it
 * waits for that end. */
mlp_status mlp_idx_check_end(const mlp_idx_reader *reader, mlp_error *err);

typedef struct mlp_idx {
    mlp_idx_shape shape;
    uint8_t *data;     /* (count, item_bytes) */
    mlp_region memory; /* which holds the data */
} mlp_idx;

/* A whole file ("-" is standard input): a plain one is mapped, not read. Where the file's size is
 * not known, as of a pipe, memory grows with the data that arrives, to at most 4 GiB. On failure
 * *idx is zeroed; free it in either case. */
mlp_status mlp_idx_read(mlp_idx *idx, const char *path, mlp_error *err);

void mlp_idx_free(mlp_idx *idx);

/* True when these bytes begin an IDX file of any element type. */
bool mlp_idx_is_magic(const uint8_t first[MLP_IDX_MAGIC_BYTES]);

/* The gzip file, *bytes (*n), of data (dims[0], ..., dims[rank - 1]); release it
 * with free(). The header says nothing of time or system, so that equal data
 * give equal bytes (from one version of zlib). 1 <= rank <= MLP_IDX_MAX_RANK, at
 * most 1 GiB of data. MLP_ERR_RUNTIME only. */
mlp_status mlp_idx_encode_gzip(size_t rank, const uint32_t *dims, const uint8_t *data,
                               uint8_t **bytes, size_t *n, mlp_error *err);

#endif
