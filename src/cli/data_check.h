/* data_check.h: what a folder of MNIST's four files holds. */
#ifndef MLP_CLI_DATA_CHECK_H
#define MLP_CLI_DATA_CHECK_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "data/dataset.h"

/* The training or the test set. */
typedef struct mlp_data_half {
    char *images_path, *labels_path;
    size_t count, rank;
    uint32_t dims[MLP_IDX_MAX_RANK];    /* (rank): of one image */
    size_t label_counts[UINT8_MAX + 1]; /* images with each label */
} mlp_data_half;

typedef struct mlp_data_check {
    const char *dir;
    mlp_data_half halves[2]; /* by mlp_dataset_part */
} mlp_data_check;

/* MLP_ERR_DATA when a file is missing or bad, or when the images of the two sets
 * differ in shape. Free it in either case. */
mlp_status mlp_data_check_read(mlp_data_check *check, const char *dir, mlp_error *err);
void mlp_data_check_free(mlp_data_check *check);

void mlp_data_check_print_text(const mlp_data_check *check);
mlp_status mlp_data_check_print_json(const mlp_data_check *check, mlp_error *err);

#endif
