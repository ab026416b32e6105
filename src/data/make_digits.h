/* make_digits.h: draws handwritten digits as MNIST has them, so that a network
 * can be trained where no data set is at hand. */
#ifndef MLP_DATA_MAKE_DIGITS_H
#define MLP_DATA_MAKE_DIGITS_H

#include <stddef.h>
#include <stdint.h>

enum { MLP_DIGIT_SIDE = 28, MLP_DIGIT_PIXELS = MLP_DIGIT_SIDE * MLP_DIGIT_SIDE };

/* Draws images first .. first + n - 1 of the sequence `seed`, first + n <= 2^32.
 * pixels (n, 28, 28): 0 is paper, 255 is ink; labels (n): 0..9.
 *
 * Image i is a function of (seed, i) alone, the same bytes on every machine, so
 * any part of a sequence may be drawn, in any order. Images 10k .. 10k + 9 hold
 * every digit once, shuffled. */
void mlp_make_digits(uint64_t seed, uint64_t first, size_t n, uint8_t *pixels, uint8_t *labels);

#endif
