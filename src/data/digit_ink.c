/* digit_ink.c: scales a line to MNIST's box, inks it, and centres the box.
 *
 * Size and place are those of LeCun, Bottou, Bengio, Haffner: "Gradient-based learning
 * applied to document recognition", Proc. IEEE 86(11), 1998, section III.A: the inked
 * shape, its aspect kept, fills a box of 20 x 20 pixels in its longer direction, and
 * the box is moved so that the centre of mass comes to the centre of 28 x 28; by whole
 * pixels, as in the published files.
 *
 * Each straight piece is a capsule whose radius runs from that of one end to that of
 * the other. A pixel's value is the signed distance of its centre to the edge of the
 * union of the capsules, clamped to one pixel: anti-aliasing by distance.
 */
#include "data/digit_ink.h"

#include <math.h>
#include <string.h>

#include "data/make_digits.h"

enum { SIDE = MLP_DIGIT_SIDE, BOX = MLP_INK_BOX, MARGIN = SIDE - BOX };

static const float ROUGHNESS = 0.15f; /* the largest displacement of the outline, in pixels */

typedef struct bounds {
    float left, right, top, bottom;
} bounds;

/* Of discs of pen * radius at every node. */
static bounds line_bounds(const mlp_ink_line *line, float pen)
{
    bounds b = {.left = INFINITY, .right = -INFINITY, .top = INFINITY, .bottom = -INFINITY};
    for (const mlp_ink_node *p = line->nodes; p < line->nodes + line->n; p++) {
        float r = pen * p->radius;
        b.left = p->x - r < b.left ? p->x - r : b.left;
        b.right = p->x + r > b.right ? p->x + r : b.right;
        b.top = p->y - r < b.top ? p->y - r : b.top;
        b.bottom = p->y + r > b.bottom ? p->y + r : b.bottom;
    }
    return b;
}

static float longer_side(bounds b)
{
    float width = b.right - b.left, height = b.bottom - b.top;
    return width > height ? width : height;
}

/* Brings places and radii to pixels of the box, which the ink then fills from edge to
 * edge in its longer direction. */
static void fit_to_box(mlp_ink_line *line, float thickness)
{
    float pen = thickness * longer_side(line_bounds(line, 0.0f));
    bounds ink = line_bounds(line, pen);
    float scale = (float)BOX / longer_side(ink);
    for (mlp_ink_node *p = line->nodes; p < line->nodes + line->n; p++) {
        p->x = (float)BOX / 2 + scale * (p->x - 0.5f * (ink.left + ink.right));
        p->y = (float)BOX / 2 + scale * (p->y - 0.5f * (ink.top + ink.bottom));
        p->radius *= scale * pen;
    }
}

/* The half-open range of pixels whose centres may lie within `reach` of [a, b]. */
static void pixel_range(float a, float b, float reach, int *first, int *end)
{
    float low = (a < b ? a : b) - reach, high = (a < b ? b : a) + reach;
    *first = low > 0.0f ? (int)low : 0;
    *end = high < (float)BOX ? (int)high + 1 : BOX;
}

/* depth (20, 20): how far each pixel's centre lies inside the ink, negative outside.
 * Adds the capsule from a to b, out to where its anti-aliased edge ends. */
static void ink_piece(float depth[BOX][BOX], const mlp_ink_node *a, const mlp_ink_node *b)
{
    const float dx = b->x - a->x, dy = b->y - a->y, taper = b->radius - a->radius;
    const float length2 = dx * dx + dy * dy;
    const float inverse = length2 > 0.0f ? 1.0f / length2 : 0.0f;
    const float reach = (a->radius > b->radius ? a->radius : b->radius) + 0.5f + ROUGHNESS;
    int left, right, top, bottom;
    pixel_range(a->x, b->x, reach, &left, &right);
    pixel_range(a->y, b->y, reach, &top, &bottom);
    for (int row = top; row < bottom; row++) {
        for (int column = left; column < right; column++) {
            float px = (float)column + 0.5f - a->x, py = (float)row + 0.5f - a->y;
            float t = (px * dx + py * dy) * inverse;
            t = t < 0.0f ? 0.0f : t > 1.0f ? 1.0f : t;
            px -= t * dx;
            py -= t * dy;
            float here = a->radius + t * taper - sqrtf(px * px + py * py);
            depth[row][column] = here > depth[row][column] ? here : depth[row][column];
        }
    }
}

/* box (20, 20); edge (MLP_INK_EDGE_WORDS): ink does not run into paper evenly. */
static void ink_line(const mlp_ink_line *line, const uint32_t *edge, uint8_t box[BOX][BOX])
{
    float depth[BOX][BOX];
    for (int i = 0; i < BOX * BOX; i++)
        depth[i / BOX][i % BOX] = -(float)BOX;
    for (const mlp_ink_node *p = line->nodes; p + 1 < line->nodes + line->n; p++) {
        if (!p->last)
            ink_piece(depth, p, p + 1);
    }
    for (int i = 0; i < BOX * BOX; i++) {
        float noise = (float)(edge[i / 4] >> 8 * (i % 4) & 0xFF) / 127.5f - 1.0f;
        float ink = depth[i / BOX][i % BOX] + ROUGHNESS * noise + 0.5f;
        ink = ink < 0.0f ? 0.0f : ink > 1.0f ? 1.0f : ink;
        box[i / BOX][i % BOX] = (uint8_t)(255.0f * ink + 0.5f);
    }
}

/* The margin before the box that brings its centre of mass, moment / mass pixels from the
 * first one, nearest to the image's centre; the box never leaves the image. */
static size_t margin_before(uint32_t moment, uint32_t mass)
{
    uint32_t distance = (moment + mass / 2) / mass;
    uint32_t wanted = SIDE / 2;
    if (distance >= wanted)
        return 0;
    return wanted - distance < MARGIN ? wanted - distance : MARGIN;
}

/* image (28, 28). The box is never empty: a line that crosses it passes within half a
 * pixel of a centre in every row or every column, and no pen is so thin, nor an outline
 * so rough, that such a pixel stays white. */
static void centre(uint8_t box[BOX][BOX], uint8_t *image)
{
    uint32_t mass = 0, moment_x = 0, moment_y = 0;
    for (uint32_t y = 0; y < BOX; y++) {
        for (uint32_t x = 0; x < BOX; x++) {
            mass += box[y][x];
            moment_x += x * box[y][x];
            moment_y += y * box[y][x];
        }
    }
    size_t left = margin_before(moment_x, mass), top = margin_before(moment_y, mass);
    memset(image, 0, MLP_DIGIT_PIXELS);
    for (size_t y = 0; y < BOX; y++)
        memcpy(image + (top + y) * SIDE + left, box[y], BOX);
}

void mlp_ink_draw(mlp_ink_line *line, float thickness, const uint32_t *edge, uint8_t *image)
{
    uint8_t box[BOX][BOX];
    fit_to_box(line, thickness);
    ink_line(line, edge, box);
    centre(box, image);
}
