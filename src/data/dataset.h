/* dataset.h: images and their labels in memory, from IDX files.
 *
 * Legend: N images, F features (pixels of one image), C classes. Pixels stay
 * bytes; they become floats where a batch is packed.
 */
#ifndef MLP_DATA_DATASET_H
#define MLP_DATA_DATASET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/region.h"
#include "base/status.h"
#include "config/config.h"
#include "data/idx.h"

typedef struct mlp_dataset {
    size_t count;                    /* N >= 1 */
    size_t features;                 /* F: product of dims */
    size_t classes;                  /* C once a label map is applied (label_map.h), 0 before */
    size_t rank;                     /* of one image; 2 for MNIST */
    uint32_t dims[MLP_IDX_MAX_RANK]; /* (rank): 28, 28 for MNIST */
    uint8_t *pixels;                 /* (N, F) */
    uint8_t *labels;                 /* (N): as in the file, then class 0 .. C - 1 */
    mlp_region pixels_memory, labels_memory;
    char *images_path, *labels_path; /* for messages */
} mlp_dataset;

typedef enum mlp_dataset_part { MLP_DATASET_TRAIN, MLP_DATASET_TEST } mlp_dataset_part;

typedef enum mlp_dataset_file {
    MLP_TRAIN_IMAGES,
    MLP_TRAIN_LABELS,
    MLP_TEST_IMAGES,
    MLP_TEST_LABELS
} mlp_dataset_file;

/* Finds a file without reading it: the one that the config names, or MNIST's name
 * in data->dir, plain before .gz. *path is released with free(). MLP_ERR_DATA
 * when no such file exists, MLP_ERR_CONFIG when the config says nothing of it. */
mlp_status mlp_dataset_locate(const mlp_data_config *data, mlp_dataset_file file, char **path,
                              mlp_error *err);

/* Reads images (N, ...) and labels (N), one copy of each in memory.
 * MLP_ERR_DATA as in idx.h, also when the labels are not of rank 1, the images
 * are, or their numbers differ. On failure *dataset is zeroed; free it in either case. */
mlp_status mlp_dataset_load(mlp_dataset *dataset, const char *images_path, const char *labels_path,
                            mlp_error *err);

/* Locates and loads the two files of the training or the test set. */
mlp_status mlp_dataset_load_part(mlp_dataset *dataset, const mlp_data_config *data,
                                 mlp_dataset_part part, mlp_error *err);

void mlp_dataset_free(mlp_dataset *dataset);

/* CRC-32 of the labels (N), as they are now. */
uint32_t mlp_dataset_labels_crc(const mlp_dataset *dataset);

/* The level that the first pixel has in most of the first 64 of n images (n, features); of several
 * the lowest, and of no images 0. */
uint8_t mlp_background(const uint8_t *images, size_t n, size_t features);

/* Which of n pixels is the first that is set: not as the background is; n: none. Images in which it
 * is the same have more blank pixels in common than others. */
uint32_t mlp_first_set(const uint8_t *pixels, size_t n, uint8_t background);

/* Which images are trained on and which are held out; ascending, disjoint,
 * together all of them. */
typedef struct mlp_split {
    size_t n_train, n_validation;
    uint32_t *train;      /* (n_train): positions in the dataset */
    uint32_t *validation; /* (n_validation) */
} mlp_split;

/* Stratified: of each class's n images, round(fraction * n) chosen by the seed go
 * to validation, but never the last one; fraction in [0, 1), after the label map.
 * MLP_ERR_CONFIG when a fraction above 0 leaves the validation set empty. On
 * failure *split is zeroed; free it in either case. */
mlp_status mlp_dataset_split(mlp_split *split, const mlp_dataset *dataset, double fraction,
                             uint64_t seed, mlp_error *err);

void mlp_split_free(mlp_split *split);

#endif
