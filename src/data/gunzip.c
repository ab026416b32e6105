#include "data/gunzip.h"

#ifdef MLP_HAVE_LIBDEFLATE

#include <libdeflate.h>

bool mlp_gunzip_is_built_in(void)
{
    return true;
}

bool mlp_gunzip(const uint8_t *packed, size_t n_packed, uint8_t *bytes, size_t n)
{
    struct libdeflate_decompressor *inflater = libdeflate_alloc_decompressor();
    size_t used = 0;
    /* Without a place for the actual size, anything but n bytes is an error. */
    bool done = inflater != NULL &&
                libdeflate_gzip_decompress_ex(inflater, packed, n_packed, bytes, n, &used, NULL) ==
                    LIBDEFLATE_SUCCESS &&
                used == n_packed;
    libdeflate_free_decompressor(inflater);
    return done;
}

#else

bool mlp_gunzip_is_built_in(void)
{
    return false;
}

bool mlp_gunzip(const uint8_t *packed, size_t n_packed, uint8_t *bytes, size_t n)
{
    (void)packed;
    (void)n_packed;
    (void)bytes;
    (void)n;
    return false;
}

#endif
