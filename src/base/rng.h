/* rng.h: counter-based random numbers, Philox4x32-10.
 *
 * Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3",
 * SC 2011. A value is a pure function of (seed, stream, index): nothing has to
 * be stored or replayed to continue a sequence, and threads may draw any part
 * of it in any order.
 *
 * The 64-bit seed is Philox's key. Its 128-bit counter is (block, stream),
 * low words first, where block = index / 4 and index % 4 picks the output word.
 */
#ifndef MLP_BASE_RNG_H
#define MLP_BASE_RNG_H

#include <stddef.h>
#include <stdint.h>

/* What a stream is for. Two purposes never share a random number. */
typedef enum mlp_rng_purpose {
    MLP_RNG_INIT = 1,       /* sub-stream: number of the parameter tensor */
    MLP_RNG_SHUFFLE = 2,    /* sub-stream: epoch */
    MLP_RNG_VALIDATION = 3, /* sub-stream: class */
    MLP_RNG_DIGITS = 4,     /* sub-stream: number of the drawn image */
} mlp_rng_purpose;

uint64_t mlp_rng_stream(mlp_rng_purpose purpose, uint32_t substream);

/* One Philox4x32-10 block: 4 words from a 128-bit counter and a 64-bit key. */
void mlp_philox4x32(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);

/* The value at `index`, uniform over all 32-bit words. */
uint32_t mlp_rng_u32(uint64_t seed, uint64_t stream, uint64_t index);

/* Values first .. first + n - 1 of the stream, a block of four at a time. */
void mlp_rng_fill(uint64_t seed, uint64_t stream, uint64_t first, size_t n, uint32_t *out);

/* A random word as a float in [0, 1), a multiple of 2^-24. */
float mlp_rng_unit(uint32_t word);

/* order[0 .. n-1] is shuffled in place (Fisher-Yates, Durstenfeld 1964); n < 2^32. */
void mlp_rng_shuffle(uint64_t seed, uint64_t stream, size_t n, uint32_t *order);

#endif
