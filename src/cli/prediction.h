/* prediction.h: what `mlp predict` prints of one image. */
#ifndef MLP_CLI_PREDICTION_H
#define MLP_CLI_PREDICTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

typedef struct mlp_prediction {
    const char *file; /* "-": standard input */
    uint64_t index;   /* of the image in the file */
    char **class_names;
    const float *probabilities; /* (classes) */
    size_t top_k;
    const uint8_t *order; /* (top_k): classes, the most probable first */
} mlp_prediction;

/* order (top_k <= classes) = the predicted class, then the others by probability,
 * the lowest class first where two are equal. The prediction comes from the
 * logits, which still differ where their probabilities round to the same float. */
void mlp_prediction_rank(const float *probabilities, size_t classes, uint8_t predicted,
                         size_t top_k, uint8_t *order);

/* The line "7 0.9983" with its line break, more classes behind it, and the file's name in front if
 * it is asked for; into line, which has the room. Returns the end. */
char *mlp_prediction_write_text(const mlp_prediction *prediction, bool name_file, char *line);

/* Bytes that no line is longer than: of top_k of these classes, in a file whose name has so many.
 */
size_t mlp_prediction_text_room(char *const *class_names, size_t classes, size_t top_k,
                                size_t name_length);

/* One object on one line. */
mlp_status mlp_prediction_print_json(const mlp_prediction *prediction, mlp_error *err);

#endif
