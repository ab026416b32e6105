#include "base/rng.h"

static const uint32_t PHILOX_M0 = 0xD2511F53u;
static const uint32_t PHILOX_M1 = 0xCD9E8D57u;
static const uint32_t PHILOX_W0 = 0x9E3779B9u; /* golden ratio */
static const uint32_t PHILOX_W1 = 0xBB67AE85u; /* sqrt(3) - 1 */
enum { PHILOX_ROUNDS = 10 };

uint64_t mlp_rng_stream(mlp_rng_purpose purpose, uint32_t substream)
{
    return (uint64_t)purpose << 32 | substream;
}

void mlp_philox4x32(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4])
{
    uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
    uint32_t k0 = key[0], k1 = key[1];
    for (int round = 0; round < PHILOX_ROUNDS; round++) {
        uint64_t p0 = (uint64_t)PHILOX_M0 * c0;
        uint64_t p1 = (uint64_t)PHILOX_M1 * c2;
        c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
        c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c1 = (uint32_t)p1;
        c3 = (uint32_t)p0;
        k0 += PHILOX_W0;
        k1 += PHILOX_W1;
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

static void block_at(uint64_t seed, uint64_t stream, uint64_t block, uint32_t out[4])
{
    const uint32_t counter[4] = {(uint32_t)block, (uint32_t)(block >> 32), (uint32_t)stream,
                                 (uint32_t)(stream >> 32)};
    const uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
    mlp_philox4x32(counter, key, out);
}

uint32_t mlp_rng_u32(uint64_t seed, uint64_t stream, uint64_t index)
{
    uint32_t block[4];
    block_at(seed, stream, index / 4, block);
    return block[index % 4];
}

void mlp_rng_fill(uint64_t seed, uint64_t stream, uint64_t first, size_t n, uint32_t *out)
{
    uint32_t block[4];
    for (size_t i = 0; i < n; i++) {
        uint64_t index = first + i;
        if (i == 0 || index % 4 == 0)
            block_at(seed, stream, index / 4, block);
        out[i] = block[index % 4];
    }
}

float mlp_rng_unit(uint32_t word)
{
    return (float)(word >> 8) * 0x1p-24f;
}

void mlp_rng_shuffle(uint64_t seed, uint64_t stream, size_t n, uint32_t *order)
{
    uint32_t block[4] = {0};
    for (size_t i = n; i-- > 1;) {
        /* Word i of the stream chooses j <= i: the high half of word * (i + 1). */
        if (i == n - 1 || i % 4 == 3)
            block_at(seed, stream, i / 4, block);
        size_t j = (size_t)((uint64_t)block[i % 4] * (i + 1) >> 32);
        uint32_t held = order[i];
        order[i] = order[j];
        order[j] = held;
    }
}
