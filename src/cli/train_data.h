/* train_data.h: the two halves of a data set as `mlp train` reads them: the training half at
 * the start, the test half, if there is one, when the training is over.
 */
#ifndef MLP_CLI_TRAIN_DATA_H
#define MLP_CLI_TRAIN_DATA_H

#include <stdbool.h>

#include "base/status.h"
#include "config/config.h"
#include "data/dataset.h"
#include "data/label_map.h"

typedef struct train_data {
    mlp_dataset train, test; /* test: empty until it is loaded */
    mlp_label_map labels;    /* of both */
    bool has_test;
} train_data;

/* Sets has_test; reads nothing. None at all is a data set without a test half. A config that
 * names a file which is not there, a half of the pair, or none where one is needed is an
 * error. */
mlp_status train_data_find_test(train_data *data, const mlp_data_config *config, bool needed,
                                mlp_error *err);

mlp_status train_data_load(train_data *data, const mlp_config *config, mlp_error *err);

/* MLP_ERR_DATA, too, when its images are not of the training images' size. */
mlp_status train_data_load_test(train_data *data, const mlp_data_config *config, mlp_error *err);

void train_data_free(train_data *data);

#endif
