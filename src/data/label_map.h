/* label_map.h: from the labels in the files to the classes of the model.
 *
 * The map is made from the config and the training set, once, and applied to the
 * training and the test set alike. It needs a config as mlp_config_load() gives
 * it: distinct labels, and as many class names as classes.
 *
 *   softmax            class = label; as many as there are class names, otherwise
 *                      the largest training label + 1, but at least 2
 *   softmax, `labels`  class = position in `labels`; other images are left out
 *   sigmoid            class 1 = positive_label, class 0 = every other label (of
 *                      `labels`, where it is given; other images are left out)
 */
#ifndef MLP_DATA_LABEL_MAP_H
#define MLP_DATA_LABEL_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "config/config.h"
#include "data/dataset.h"

typedef struct mlp_label_map {
    size_t classes;
    int16_t class_of[MLP_MAX_CLASSES]; /* by label; -1: none */
    bool drops_others;                 /* an image without a class: left out, or an error? */
} mlp_label_map;

/* MLP_ERR_DATA when a label of `labels`, positive_label or, for sigmoid, any
 * other label has no image in the training set. */
mlp_status mlp_label_map_build(mlp_label_map *map, const mlp_data_config *data,
                               const mlp_model_config *model, const mlp_dataset *train,
                               mlp_error *err);

/* The same map without the training set, for a model that has been trained:
 * `classes` is how many it tells apart. */
void mlp_label_map_from_classes(mlp_label_map *map, const mlp_data_config *data,
                                const mlp_model_config *model, size_t classes);

/* Turns the dataset's labels, as loaded, into classes, leaving images out in
 * place. MLP_ERR_DATA, and the dataset is good for nothing but free, when a label
 * has no class (file, image and byte named) or when no image is left. */
mlp_status mlp_label_map_apply(const mlp_label_map *map, mlp_dataset *dataset, mlp_error *err);

/* The name of class c: from class_names, otherwise its label's number, for sigmoid
 * "not-8" and "8". Release with free(); NULL when out of memory. */
char *mlp_label_map_class_name(const mlp_data_config *data, const mlp_model_config *model,
                               size_t c);

#endif
