/* make_digits.c: a hand that is never quite steady.
 *
 * A written form (digit_strokes.c) becomes an image in three steps:
 *
 *   1. trace: each point of the form is displaced at random, and the pen pressed
 *      harder or softer there; a Catmull-Rom spline, flattened to short straight
 *      pieces, runs through the points of a stroke.
 *   2. bend: a random polynomial of second and third degree warps the sheet, which
 *      changes proportions smoothly; then aspect, slant and rotation.
 *   3. ink (digit_ink.c): scaled, drawn and centred as MNIST is.
 *
 * Only + - * / and sqrt, which IEEE 754 rounds correctly, touch a number on the way,
 * and the build forbids their contraction: that makes the bytes the same everywhere.
 */
#include "data/make_digits.h"

#include <stdbool.h>

#include "base/rng.h"
#include "data/digit_ink.h"
#include "data/digit_strokes.h"

enum { PIECES = 5 };     /* straight pieces from one point to the next */
enum { WARP_TERMS = 7 }; /* monomials of degree 2 (three of them) and 3 */

_Static_assert(MLP_INK_NODES / PIECES >= MLP_DIGIT_PATH_MAX, "a line holds any form");

/* The hand, chosen so that people can read what it writes and a network trained on it
 * reads people. A standard deviation, where nothing else is said. */
static const float WOBBLE = 4.5f;       /* displacement of a point, in units of the sheet */
static const float PRESSURE = 0.3f;     /* the pen's radius at a point, relative to its mean, */
static const float LEAST_RADIUS = 0.6f; /* and its lower bound */
static const float QUADRATIC = 0.1f;    /* coefficients of the warp; the sheet is [-1, 1] squared */
static const float CUBIC = 0.05f;
static const float ASPECT = 0.15f;
static const float SLANT = 0.3f;
static const float SLANT_MEAN = 0.14f; /* most hands lean to the right */
static const float ROTATION = 0.12f;   /* the angle's tangent */
static const float THINNEST = 0.04f;   /* the pen's mean radius over the line's longer side: */
static const float THICKEST = 0.15f;   /* bounds; thin pens are more common */

/* An image's stream: three blocks for the labels' shuffle, then the drawing's words. */
enum { LABEL_WORDS = 12 };
enum {
    FORM_WORD = 0,
    ASPECT_WORD,
    SLANT_WORD,
    ROTATION_WORD,
    THICKNESS_WORD,
    WARP_WORDS,
    KNOT_WORDS = WARP_WORDS + 2 * WARP_TERMS,
    KNOT_STRIDE = MLP_DIGIT_PATH_MAX + 2, /* for x, then for y, then for the pressure */
    EDGE_WORDS = KNOT_WORDS + 3 * KNOT_STRIDE,
    WORD_COUNT = EDGE_WORDS + MLP_INK_EDGE_WORDS
};

/* The sum of two uniform numbers, with mean 0 and variance 1; within +-sqrt(6). */
static float spread(uint32_t word)
{
    const float sqrt6 = 2.4494897f;
    return ((float)(word >> 16) + (float)(word & 0xFFFF) - 65535.0f) * (sqrt6 / 65536.0f);
}

/* Point i of a path shares part of its chance with its neighbours: a hand drifts, it
 * does not jump. Variance 1. words (KNOT_STRIDE). */
static float drift(const uint32_t *words, size_t i)
{
    const float norm = 0.81649658f; /* 1 / sqrt(1/4 + 1 + 1/4) */
    return norm * (0.5f * spread(words[i]) + spread(words[i + 1]) + 0.5f * spread(words[i + 2]));
}

/* Where the pen really passes for point i: the sheet's middle 80 units become -1..1. */
static mlp_ink_node wobbled(const mlp_pen_point *path, size_t i, const uint32_t *words)
{
    float x = (float)path[i].x - 50.0f + WOBBLE * drift(words, i);
    float y = (float)path[i].y - 50.0f + WOBBLE * drift(words + KNOT_STRIDE, i);
    float radius = 1.0f + PRESSURE * drift(words + (size_t)2 * KNOT_STRIDE, i);
    return (mlp_ink_node){
        .x = x / 40.0f, .y = y / 40.0f, .radius = radius > LEAST_RADIUS ? radius : LEAST_RADIUS};
}

/* The place t in [0, 1] of the way from b to c on the spline through a, b, c, d. */
static mlp_ink_node spline(const mlp_ink_node *a, const mlp_ink_node *b, const mlp_ink_node *c,
                           const mlp_ink_node *d, float t)
{
    float s = 1.0f - t;
    float at_b = s * s * (1.0f + 2.0f * t), slope_b = 0.5f * s * s * t; /* Hermite's basis, */
    float at_c = t * t * (1.0f + 2.0f * s), slope_c = 0.5f * t * t * s; /* slopes halved */
    return (mlp_ink_node){
        .x = at_b * b->x + at_c * c->x + slope_b * (c->x - a->x) - slope_c * (d->x - b->x),
        .y = at_b * b->y + at_c * c->y + slope_b * (c->y - a->y) - slope_c * (d->y - b->y),
        .radius = s * b->radius + t * c->radius};
}

static void trace_stroke(mlp_ink_line *line, const mlp_ink_node *knots, size_t n)
{
    for (size_t k = 0; k + 1 < n; k++) {
        const mlp_ink_node *before = &knots[k > 0 ? k - 1 : k];
        const mlp_ink_node *after = &knots[k + 2 < n ? k + 2 : k + 1];
        for (int piece = 0; piece < PIECES; piece++) {
            float t = (float)piece / (float)PIECES;
            line->nodes[line->n++] = spline(before, &knots[k], &knots[k + 1], after, t);
        }
    }
    line->nodes[line->n] = knots[n - 1];
    line->nodes[line->n++].last = true;
}

static void trace_form(mlp_ink_line *line, const mlp_digit_form *form, const uint32_t *words)
{
    const mlp_pen_point *path = form->path;
    mlp_ink_node knots[MLP_DIGIT_PATH_MAX];
    line->n = 0;
    for (size_t i = 0; i < MLP_DIGIT_PATH_MAX && path[i].x != 0; i++) {
        size_t n = 0;
        for (; i < MLP_DIGIT_PATH_MAX && path[i].x != 0; i++) {
            bool corner = n > 0 && path[i].x == path[i - 1].x && path[i].y == path[i - 1].y;
            knots[n] = corner ? knots[n - 1] : wobbled(path, i, words);
            n++;
        }
        trace_stroke(line, knots, n);
    }
}

static void bend(mlp_ink_line *line, const uint32_t *words)
{
    const float aspect = 1.0f + ASPECT * spread(words[ASPECT_WORD]);
    const float slant = SLANT_MEAN + SLANT * spread(words[SLANT_WORD]);
    const float rotation = ROTATION * spread(words[ROTATION_WORD]);
    float warp_x[WARP_TERMS], warp_y[WARP_TERMS];
    for (size_t k = 0; k < WARP_TERMS; k++) {
        float size = k < 3 ? QUADRATIC : CUBIC; /* in the order of `term` below */
        warp_x[k] = size * spread(words[WARP_WORDS + k]);
        warp_y[k] = size * spread(words[WARP_WORDS + WARP_TERMS + k]);
    }
    for (mlp_ink_node *p = line->nodes; p < line->nodes + line->n; p++) {
        float x = p->x, y = p->y;
        const float term[WARP_TERMS] = {x * x,     x * y,     y * y,    x * x * x,
                                        x * x * y, x * y * y, y * y * y};
        for (size_t k = 0; k < WARP_TERMS; k++) {
            x += warp_x[k] * term[k];
            y += warp_y[k] * term[k];
        }
        x = aspect * x - slant * y; /* y runs down: tops go to the right */
        p->x = x - rotation * y;
        p->y = y + rotation * x;
    }
}

static void draw(uint64_t seed, uint32_t number, uint8_t digit, uint8_t *image)
{
    uint32_t words[WORD_COUNT];
    mlp_rng_fill(seed, mlp_rng_stream(MLP_RNG_DIGITS, number), LABEL_WORDS, WORD_COUNT, words);
    mlp_ink_line line;
    trace_form(&line, mlp_digit_strokes_choose(digit, words[FORM_WORD]), words + KNOT_WORDS);
    bend(&line, words);
    float u = mlp_rng_unit(words[THICKNESS_WORD]);
    float thickness = THINNEST + (THICKEST - THINNEST) * u * u;
    mlp_ink_draw(&line, thickness, words + EDGE_WORDS, image);
}

/* The ten images of a decade share a shuffle, from the stream of the first of them. */
static uint8_t label_of(uint64_t seed, uint32_t number)
{
    uint32_t digits[10] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
    uint64_t stream = mlp_rng_stream(MLP_RNG_DIGITS, number - number % 10);
    mlp_rng_shuffle(seed, stream, 10, digits);
    return (uint8_t)digits[number % 10];
}

void mlp_make_digits(uint64_t seed, uint64_t first, size_t n, uint8_t *pixels, uint8_t *labels)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t number = (uint32_t)(first + i);
        labels[i] = label_of(seed, number);
        draw(seed, number, labels[i], pixels + i * MLP_DIGIT_PIXELS);
    }
}
