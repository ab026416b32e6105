/* list_step.h: what a step of a packed list (kernels.h) adds. */
#ifndef MLP_KERNELS_LIST_STEP_H
#define MLP_KERNELS_LIST_STEP_H

#include <stdbool.h>
#include <string.h>

#include "kernels/kernels.h"

typedef struct list_step {
    const float *row;  /* of the panel, */
    float a[MLP_TILE]; /* times these */
} list_step;

/* The values of step s of a list; pixels: it has words. */
static inline __attribute__((always_inline)) void read_values(bool pixels, const mlp_list *list,
                                                              size_t s, float a[MLP_TILE])
{
    if (pixels) {
        a[0] = list->values[list->words[s] & 0xff];
        a[1] = list->values[list->words[s] >> 24];
    } else
        memcpy(a, list->values + s * MLP_TILE, MLP_TILE * sizeof *a);
}

/* Step s of a list. Words hold the step where it is, times 256, the distance of a panel's rows in
 * bytes: finding one takes no shift. */
static inline __attribute__((always_inline)) list_step read_step(bool pixels, const mlp_list *list,
                                                                 size_t s, const float *b)
{
    list_step step;
    step.row =
        b + (pixels ? (list->words[s] & 0xffff00) / sizeof *b : (size_t)list->steps[s] * MLP_PANEL);
    read_values(pixels, list, s, step.a);
    return step;
}

_Static_assert(sizeof(float[MLP_PANEL]) == 1 << 8 && MLP_TILE == 2, "words hold byte offsets");

/* Which step s of a list is. */
static inline size_t step_at(bool pixels, const mlp_list *list, size_t s)
{
    return pixels ? list->words[s] >> 8 & 0xffff : list->steps[s];
}

/* The list without its first steps. */
static inline mlp_list skip_steps(bool pixels, const mlp_list *list, size_t steps)
{
    mlp_list rest = {.n = list->n - steps};
    if (pixels) {
        rest.words = list->words + steps;
        rest.values = list->values;
    } else {
        rest.steps = list->steps + steps;
        rest.values = list->values + steps * MLP_TILE;
    }
    return rest;
}

#endif
