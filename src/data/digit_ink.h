/* digit_ink.h: from a pen's way over the paper to an image in MNIST's frame. */
#ifndef MLP_DATA_DIGIT_INK_H
#define MLP_DATA_DIGIT_INK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    MLP_INK_BOX = 20,                                   /* side of the inked part of an image */
    MLP_INK_EDGE_WORDS = MLP_INK_BOX * MLP_INK_BOX / 4, /* random words: a byte for each pixel */
    MLP_INK_NODES = 128                                 /* of the longest line */
};

typedef struct mlp_ink_node {
    float x, y;   /* to the right and down, in any unit */
    float radius; /* of the pen here, relative to its mean; at least 0.6 */
    bool last;    /* of its stroke: the pen is lifted here */
} mlp_ink_node;

/* Strokes of straight pieces, one stroke after the other. */
typedef struct mlp_ink_line {
    size_t n;
    mlp_ink_node nodes[MLP_INK_NODES];
} mlp_ink_line;

/* Draws the line, which must have an extent, into image (28, 28). `thickness` is the
 * pen's mean radius over the line's longer side, at least 0.04; edge
 * (MLP_INK_EDGE_WORDS) roughens the outline. The line is left in pixels of the box. */
void mlp_ink_draw(mlp_ink_line *line, float thickness, const uint32_t *edge, uint8_t *image);

#endif
