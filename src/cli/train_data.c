#include "cli/train_data.h"

#include <stdlib.h>

mlp_status train_data_find_test(train_data *data, const mlp_data_config *config, bool needed,
                                mlp_error *err)
{
    char *images = NULL, *labels = NULL;
    mlp_error labels_err;
    mlp_status images_status = mlp_dataset_locate(config, MLP_TEST_IMAGES, &images, err);
    mlp_status labels_status = mlp_dataset_locate(config, MLP_TEST_LABELS, &labels, &labels_err);
    free(images);
    free(labels);
    bool named = config->test_images != NULL || config->test_labels != NULL;
    data->has_test = images_status == MLP_OK && labels_status == MLP_OK;
    if (data->has_test || (images_status != MLP_OK && labels_status != MLP_OK && !named && !needed))
        return MLP_OK;
    if (images_status != MLP_OK)
        return images_status;
    *err = labels_err;
    return labels_status;
}

mlp_status train_data_load(train_data *data, const mlp_config *config, mlp_error *err)
{
    mlp_status status = mlp_dataset_load_part(&data->train, &config->data, MLP_DATASET_TRAIN, err);
    if (status == MLP_OK)
        status =
            mlp_label_map_build(&data->labels, &config->data, &config->model, &data->train, err);
    if (status == MLP_OK)
        status = mlp_label_map_apply(&data->labels, &data->train, err);
    return status;
}

mlp_status train_data_load_test(train_data *data, const mlp_data_config *config, mlp_error *err)
{
    mlp_status status = mlp_dataset_load_part(&data->test, config, MLP_DATASET_TEST, err);
    if (status == MLP_OK)
        status = mlp_label_map_apply(&data->labels, &data->test, err);
    if (status == MLP_OK && data->test.features != data->train.features)
        status = mlp_fail(err, MLP_ERR_DATA, "%s: found images of %zu pixels, wanted %zu as in %s",
                          data->test.images_path, data->test.features, data->train.features,
                          data->train.images_path);
    return status;
}

void train_data_free(train_data *data)
{
    mlp_dataset_free(&data->train);
    mlp_dataset_free(&data->test);
}
