#include "cli/prediction.h"

#include <stdio.h>

#include "cli/console.h"
#include "config/config.h"
#include "config/json_writer.h"

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

void mlp_prediction_print_text(const mlp_prediction *prediction, bool name_file)
{
    if (name_file)
        printf("%s ", prediction->file);
    for (size_t k = 0; k < prediction->top_k; k++) {
        uint8_t c = prediction->order[k];
        printf("%s%s %.4f", k == 0 ? "" : " ", prediction->class_names[c],
               (double)prediction->probabilities[c]);
    }
    putchar('\n');
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
