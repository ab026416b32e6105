/* digit_strokes.h: how people write the ten digits, as the points a pen passes. */
#ifndef MLP_DATA_DIGIT_STROKES_H
#define MLP_DATA_DIGIT_STROKES_H

#include <stdint.h>

enum { MLP_DIGIT_PATH_MAX = 20 };

typedef struct mlp_pen_point {
    uint8_t x, y; /* to the right and down, on a sheet of 100 x 100; (0, 0): pen up */
} mlp_pen_point;

/* One written form of a digit: a smooth curve through the points of each stroke, about
 * 80 units high. A point given twice is a corner. (0, 0) separates two strokes; two of
 * them, or the end of the array, end the form. */
typedef struct mlp_digit_form {
    uint8_t digit;
    uint8_t weight; /* how common the form is among those of its digit */
    mlp_pen_point path[MLP_DIGIT_PATH_MAX];
} mlp_digit_form;

/* A form of the digit 0..9; `word`, uniform over all 32-bit words, chooses it by weight. */
const mlp_digit_form *mlp_digit_strokes_choose(uint8_t digit, uint32_t word);

#endif
