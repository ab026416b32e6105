/* bf16.h: what the bf16 instructions of AVX-512 and the AMX tiles do, for `make VARIANT=emulated`,
 * by the operations of Intel's "64 and IA-32 Architectures Software Developer's Manual", volume 2.
 */
#ifndef MLP_TESTS_EMULATED_BF16_H
#define MLP_TESTS_EMULATED_BF16_H

#include <stddef.h>
#include <stdint.h>

/* VCVTNE2PS2BF16, an element: to nearest, ties to even; subnormals are zeros. */
uint16_t emulated_round_to_bf16(float x);

/* VDPBF16PS: sums (16) += pairs (16) of a times pairs of b, first the upper halves. */
void emulated_vdpbf16ps(float sums[16], const uint32_t a[16], const uint32_t b[16]);

/* The tiles of a thread. Any but loadconfig and release end the process where no configuration
 * is loaded, as #UD would. `stride` bytes lie between rows. */
void emulated_tile_loadconfig(const void *config);
void emulated_tile_release(void);
void emulated_tile_loadd(int tile, const void *from, size_t stride);
void emulated_tile_stored(int tile, void *to, size_t stride);
void emulated_tile_dpbf16ps(int c, int a, int b);

#endif
