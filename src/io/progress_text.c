#include "io/progress_text.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { NUMBER_TEXT = 32 }; /* holds any %a and any 64-bit number */

typedef enum field_type { WHOLE, REAL } field_type;

/* One table for both directions, so that neither forgets a field. */
static const struct {
    const char *key;
    field_type type;
    size_t offset;
} FIELDS[] = {
    {"mlp.epoch", WHOLE, offsetof(mlp_progress, epoch)},
    {"mlp.step", WHOLE, offsetof(mlp_progress, step)},
    {"mlp.step_in_epoch", WHOLE, offsetof(mlp_progress, step_in_epoch)},
    {"mlp.labels_crc", WHOLE, offsetof(mlp_progress, labels_crc)},
    {"mlp.loss_sum", REAL, offsetof(mlp_progress, loss_sum)},
    {"mlp.correct", WHOLE, offsetof(mlp_progress, correct)},
    {"mlp.norm_sum", REAL, offsetof(mlp_progress, norm_sum)},
    {"mlp.best_epoch", WHOLE, offsetof(mlp_progress, best_epoch)},
    {"mlp.best_value", REAL, offsetof(mlp_progress, best_value)},
};
static const char LAYER_NORM_SUMS[] = "mlp.layer_norm_sums";

enum { N_FIELDS = sizeof FIELDS / sizeof *FIELDS };

static mlp_status add_layer_norm_sums(const mlp_progress *progress, mlp_safetensors_writer *w,
                                      mlp_error *err)
{
    char *text = mlp_alloc(progress->n_layers + 1, NUMBER_TEXT), *end = text;
    if (text == NULL)
        return mlp_fail_memory(err, "the progress");
    for (size_t l = 0; l < progress->n_layers; l++)
        end += snprintf(end, NUMBER_TEXT, "%s%a", l == 0 ? "" : " ", progress->layer_norm_sums[l]);
    mlp_safetensors_add_metadata(w, LAYER_NORM_SUMS, text);
    free(text);
    return MLP_OK;
}

mlp_status mlp_progress_add_metadata(const mlp_progress *progress, mlp_safetensors_writer *w,
                                     mlp_error *err)
{
    char text[NUMBER_TEXT];
    for (size_t i = 0; i < N_FIELDS; i++) {
        const char *field = (const char *)progress + FIELDS[i].offset;
        uint64_t whole;
        double real;
        if (FIELDS[i].type == WHOLE) {
            memcpy(&whole, field, sizeof whole);
            snprintf(text, sizeof text, "%" PRIu64, whole);
        } else {
            memcpy(&real, field, sizeof real);
            snprintf(text, sizeof text, "%a", real);
        }
        mlp_safetensors_add_metadata(w, FIELDS[i].key, text);
    }
    return add_layer_norm_sums(progress, w, err);
}

bool mlp_progress_is_in(const mlp_safetensors *file)
{
    return mlp_safetensors_metadata(file, FIELDS[0].key) != NULL;
}

static bool read_whole(const char *text, char *field)
{
    char *end;
    errno = 0;
    uint64_t value = strtoull(text, &end, 10);
    if (!isdigit((unsigned char)*text) || *end != '\0' || errno != 0)
        return false;
    memcpy(field, &value, sizeof value);
    return true;
}

/* The number that text starts with; NULL, or what follows it. */
static const char *read_real(const char *text, double *value)
{
    char *end;
    if (*text != '-' && !isdigit((unsigned char)*text))
        return NULL;
    *value = strtod(text, &end);
    return isfinite(*value) ? end : NULL;
}

static bool read_layer_norm_sums(const char *text, mlp_progress *progress)
{
    for (size_t l = 0; text != NULL && l < progress->n_layers; l++) {
        if (l > 0 && *text++ != ' ')
            return false;
        text = read_real(text, &progress->layer_norm_sums[l]);
    }
    return text != NULL && *text == '\0';
}

static mlp_status refuse(const char *path, const char *key, const char *text, const char *wanted,
                         mlp_error *err)
{
    char found[MLP_JSON_SHOWN_SIZE];
    if (text == NULL)
        return mlp_fail(err, MLP_ERR_CHECKPOINT, "%s: no metadata \"%s\", wanted %s", path, key,
                        wanted);
    mlp_json_show_string(text, found);
    return mlp_fail(err, MLP_ERR_CHECKPOINT, "%s: \"%s\": found \"%s\", wanted %s", path, key,
                    found, wanted);
}

mlp_status mlp_progress_from_metadata(mlp_progress *progress, const mlp_safetensors *file,
                                      const char *path, mlp_error *err)
{
    for (size_t i = 0; i < N_FIELDS; i++) {
        char *field = (char *)progress + FIELDS[i].offset;
        const char *text = mlp_safetensors_metadata(file, FIELDS[i].key);
        double real;
        bool ok = text != NULL;
        if (ok && FIELDS[i].type == WHOLE) {
            ok = read_whole(text, field);
        } else if (ok) {
            const char *end = read_real(text, &real);
            ok = end != NULL && *end == '\0';
            if (ok)
                memcpy(field, &real, sizeof real);
        }
        if (!ok)
            return refuse(path, FIELDS[i].key, text,
                          FIELDS[i].type == WHOLE ? "a whole number from 0" : "a finite number",
                          err);
    }
    const char *sums = mlp_safetensors_metadata(file, LAYER_NORM_SUMS);
    if (sums == NULL || !read_layer_norm_sums(sums, progress))
        return refuse(path, LAYER_NORM_SUMS, sums, "a finite number for each layer", err);
    return MLP_OK;
}
