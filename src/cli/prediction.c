#include "cli/prediction.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli/console.h"
#include "config/config.h"
#include "config/json_writer.h"

enum { PROBABILITY_ROOM = 48 }; /* the largest float, which no probability is, has 45 bytes */

void mlp_prediction_rank(const float *probabilities, size_t classes, uint8_t predicted,
                         size_t top_k, uint8_t *order)
{
    bool taken[MLP_MAX_CLASSES] = {false};
    order[0] = predicted;
    taken[predicted] = true;
    for (size_t k = 1; k < top_k; k++) {
        size_t best = classes;
        for (size_t c = 0; c < classes; c++) {
            if (!taken[c] && (best == classes || probabilities[c] > probabilities[best]))
                best = c;
        }
        order[k] = (uint8_t)best;
        taken[best] = true;
    }
}

/* As printf's "%.4f", which would take longer than the network. The product has 24 + 14 bits at
 * most, so that it is exact, and lrint() rounds a half to even as printf does. */
static char *write_probability(float probability, char *text)
{
    if (!(probability >= 0.0F && probability <= 1.0F)) /* a NaN, of a network gone wrong */
        return text + snprintf(text, PROBABILITY_ROOM, "%.4f", (double)probability);
    long rest = lrint((double)probability * 1e4);
    for (size_t i = 5; i > 1; i--, rest /= 10)
        text[i] = (char)('0' + rest % 10);
    text[1] = '.';
    text[0] = (char)('0' + rest);
    return text + 6;
}

char *mlp_prediction_write_text(const mlp_prediction *prediction, bool name_file, char *line)
{
    if (name_file) {
        line = stpcpy(line, prediction->file);
        *line++ = ' ';
    }
    for (size_t k = 0; k < prediction->top_k; k++) {
        uint8_t c = prediction->order[k];
        if (k > 0)
            *line++ = ' ';
        line = stpcpy(line, prediction->class_names[c]);
        *line++ = ' ';
        line = write_probability(prediction->probabilities[c], line);
    }
    *line++ = '\n';
    return line;
}

size_t mlp_prediction_text_room(char *const *class_names, size_t classes, size_t top_k,
                                size_t name_length)
{
    size_t longest = 0;
    for (size_t c = 0; c < classes; c++) {
        size_t length = strlen(class_names[c]);
        longest = length > longest ? length : longest;
    }
    return name_length + 2 + top_k * (longest + 2 + PROBABILITY_ROOM);
}

/* Two members of an open object. */
static void write_class(mlp_json_writer *w, const mlp_prediction *prediction, uint8_t c)
{
    mlp_json_write_text_member(w, "class", prediction->class_names[c]);
    mlp_json_write_key(w, "probability");
    mlp_json_write_float(w, prediction->probabilities[c]);
}

mlp_status mlp_prediction_print_json(const mlp_prediction *prediction, mlp_error *err)
{
    mlp_json_writer w;
    mlp_json_writer_init(&w, 0);
    mlp_json_write_open_object(&w);
    mlp_json_write_text_member(&w, "file", prediction->file);
    mlp_json_write_count_member(&w, "index", prediction->index);
    write_class(&w, prediction, prediction->order[0]);
    mlp_json_write_key(&w, "top");
    mlp_json_write_open_array(&w);
    for (size_t k = 0; k < prediction->top_k; k++) {
        mlp_json_write_open_object(&w);
        write_class(&w, prediction, prediction->order[k]);
        mlp_json_write_close_object(&w);
    }
    mlp_json_write_close_array(&w);
    mlp_json_write_close_object(&w);
    return mlp_console_print_json(&w, err);
}
