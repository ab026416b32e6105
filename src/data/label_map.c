/* label_map.c: from the labels in the files to the classes of the model. */
#include "data/label_map.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum {
    N_LABELS = UINT8_MAX + 1,
    LABELS_HEADER = 8, /* bytes of an IDX header of rank 1 */
};

static mlp_status fail_absent(const mlp_dataset *train, unsigned label, const char *key,
                              mlp_error *err)
{
    return mlp_fail(err, MLP_ERR_DATA,
                    "%s: found no label %u, wanted at least one in the training set (%s)",
                    train->labels_path, label, key);
}

/* The largest label that has an image, + 1, but at least 2. */
static size_t count_classes(const size_t *images)
{
    size_t classes = 2;
    for (size_t label = 2; label < N_LABELS; label++) {
        if (images[label] > 0)
            classes = label + 1;
    }
    return classes;
}

/* One label against the rest: both must be there. */
static mlp_status check_binary(const mlp_label_map *map, uint8_t positive, const mlp_dataset *train,
                               const size_t *images, mlp_error *err)
{
    size_t images_of_class[2] = {0};
    for (size_t label = 0; label < N_LABELS; label++) {
        if (map->class_of[label] >= 0)
            images_of_class[map->class_of[label]] += images[label];
    }
    if (images_of_class[1] == 0)
        return fail_absent(train, positive, "model.positive_label", err);
    if (images_of_class[0] == 0)
        return mlp_fail(err, MLP_ERR_DATA,
                        "%s: found no label but %u (model.positive_label), wanted others too",
                        train->labels_path, positive);
    return MLP_OK;
}

void mlp_label_map_from_classes(mlp_label_map *map, const mlp_data_config *data,
                                const mlp_model_config *model, size_t classes)
{
    bool binary = model->output == MLP_OUTPUT_SIGMOID, keeps_all = data->n_labels == 0;
    *map = (mlp_label_map){.classes = keeps_all ? classes : data->n_labels,
                           .drops_others = !keeps_all};
    for (size_t label = 0; label < N_LABELS; label++)
        map->class_of[label] = (int16_t)(keeps_all && label < classes ? (int)label : -1);
    for (size_t i = 0; i < data->n_labels; i++)
        map->class_of[data->labels[i]] = (int16_t)i;
    if (!binary)
        return;
    /* Without `labels`, whatever is not positive is negative. */
    map->classes = 2;
    for (size_t label = 0; label < N_LABELS; label++) {
        if (keeps_all || map->class_of[label] >= 0)
            map->class_of[label] = label == model->positive_label ? 1 : 0;
    }
}

mlp_status mlp_label_map_build(mlp_label_map *map, const mlp_data_config *data,
                               const mlp_model_config *model, const mlp_dataset *train,
                               mlp_error *err)
{
    size_t images[N_LABELS] = {0}; /* of each label in the training set */
    for (size_t i = 0; i < train->count; i++)
        images[train->labels[i]]++;
    for (size_t i = 0; i < data->n_labels; i++) {
        if (images[data->labels[i]] == 0)
            return fail_absent(train, data->labels[i], "data.labels", err);
    }
    size_t classes = data->n_class_names > 0 ? data->n_class_names : count_classes(images);
    mlp_label_map_from_classes(map, data, model, classes);
    if (model->output == MLP_OUTPUT_SIGMOID)
        return check_binary(map, model->positive_label, train, images, err);
    return MLP_OK;
}

/* Gives back the memory behind the first n bytes. */
static void shrink(mlp_region *memory, uint8_t **bytes, size_t n)
{
    size_t header = (size_t)(*bytes - (uint8_t *)memory->start);
    mlp_region_resize(memory, header + n);
    *bytes = (uint8_t *)memory->start + header;
}

mlp_status mlp_label_map_apply(const mlp_label_map *map, mlp_dataset *dataset, mlp_error *err)
{
    size_t features = dataset->features, kept = 0;
    for (size_t i = 0; i < dataset->count; i++) {
        int16_t class_index = map->class_of[dataset->labels[i]];
        if (class_index < 0 && map->drops_others)
            continue;
        if (class_index < 0)
            return mlp_fail(
                err, MLP_ERR_DATA, "%s: label of image %zu (byte %zu): found %u, wanted 0 to %zu",
                dataset->labels_path, i, LABELS_HEADER + i, dataset->labels[i], map->classes - 1);
        if (kept < i)
            memcpy(dataset->pixels + kept * features, dataset->pixels + i * features, features);
        dataset->labels[kept++] = (uint8_t)class_index;
    }
    if (kept == 0)
        return mlp_fail(err, MLP_ERR_DATA,
                        "%s: found none of data.labels among %zu labels, wanted at least one",
                        dataset->labels_path, dataset->count);
    if (kept < dataset->count) {
        shrink(&dataset->pixels_memory, &dataset->pixels, kept * features);
        shrink(&dataset->labels_memory, &dataset->labels, kept);
    }
    dataset->count = kept;
    dataset->classes = map->classes;
    return MLP_OK;
}

char *mlp_label_map_class_name(const mlp_data_config *data, const mlp_model_config *model, size_t c)
{
    char number[sizeof "not-" + 3 * sizeof c];
    if (c < data->n_class_names)
        return mlp_strdup(data->class_names[c]);
    if (model->output == MLP_OUTPUT_SIGMOID)
        snprintf(number, sizeof number, "%s%u", c == 0 ? "not-" : "", model->positive_label);
    else
        snprintf(number, sizeof number, "%zu", c < data->n_labels ? data->labels[c] : c);
    return mlp_strdup(number);
}
