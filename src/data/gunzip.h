/* gunzip.h: a whole gzip file at once, by libdeflate where the build found it.
 *
 * libdeflate inflates in half of zlib's time, but needs all of the input and the
 * exact size of the output, and says of an error no more than that there is one.
 * So it is tried first, and what it refuses is read again by byte_source.h, whose
 * word is final. A second thread asks for large memory meanwhile (region.h).
 */
#ifndef MLP_DATA_GUNZIP_H
#define MLP_DATA_GUNZIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether this build has libdeflate. */
bool mlp_gunzip_is_built_in(void);

/* True when packed (n_packed) is one gzip member of n bytes with nothing behind it, its checksum
 * right: then bytes (n) is its data. Otherwise, and always without libdeflate, bytes is anything.
 */
bool mlp_gunzip(const uint8_t *packed, size_t n_packed, uint8_t *bytes, size_t n);

#endif
