/* What keys ask of each other. */
#include <string.h>

#include "config/config_value.h"

static mlp_status check_data(const mlp_config *config, const char *origin, mlp_error *err)
{
    const mlp_data_config *data = &config->data;
    if (data->dir == NULL && (data->train_images == NULL || data->train_labels == NULL))
        return mlp_fail(err, MLP_ERR_CONFIG,
                        "%s: data.dir: found none, wanted the folder of the data set, or both "
                        "data.train_images and data.train_labels",
                        origin);
    return MLP_OK;
}

static mlp_status check_positive_label(const mlp_config *config, bool is_given, const char *origin,
                                       mlp_error *err)
{
    const mlp_data_config *data = &config->data;
    unsigned label = config->model.positive_label;
    bool is_sigmoid = config->model.output == MLP_OUTPUT_SIGMOID;
    if (is_given && !is_sigmoid)
        return mlp_fail(err, MLP_ERR_CONFIG,
                        "%s: model.positive_label: found %u, wanted null, since model.output is "
                        "\"softmax\" (a positive label goes with \"sigmoid\")",
                        origin, label);
    if (!is_given && is_sigmoid)
        return mlp_fail(err, MLP_ERR_CONFIG,
                        "%s: model.positive_label: found none, wanted the label that counts as "
                        "positive, since model.output is \"sigmoid\"",
                        origin);
    if (is_given && data->n_labels > 0 && memchr(data->labels, (int)label, data->n_labels) == NULL)
        return mlp_fail(err, MLP_ERR_CONFIG,
                        "%s: model.positive_label: found %u, wanted one of data.labels", origin,
                        label);
    return MLP_OK;
}

static mlp_status check_class_names(const mlp_config *config, const char *origin, mlp_error *err)
{
    const mlp_data_config *data = &config->data;
    if (data->n_class_names == 0)
        return MLP_OK;
    if (config->model.output == MLP_OUTPUT_SIGMOID && data->n_class_names != 2)
        return mlp_fail(err, MLP_ERR_CONFIG,
                        "%s: data.class_names: found %zu names, wanted 2 with model.output "
                        "\"sigmoid\": the rest's, then the positive label's",
                        origin, data->n_class_names);
    if (config->model.output == MLP_OUTPUT_SOFTMAX && data->n_labels > 0 &&
        data->n_class_names != data->n_labels)
        return mlp_fail(err, MLP_ERR_CONFIG,
                        "%s: data.class_names: found %zu names, wanted %zu, one for each of "
                        "data.labels",
                        origin, data->n_class_names, data->n_labels);
    return MLP_OK;
}

static mlp_status check_sgd(const mlp_config *config, const char *origin, mlp_error *err)
{
    if (config->train.sgd.nesterov && !(config->train.sgd.momentum > 0))
        return mlp_fail(err, MLP_ERR_CONFIG,
                        "%s: train.sgd.momentum: found 0, wanted a number above 0 to below 1, "
                        "since train.sgd.nesterov is true",
                        origin);
    return MLP_OK;
}

mlp_status mlp_config_check_together(const mlp_config *config, bool has_positive_label,
                                     const char *origin, mlp_error *err)
{
    mlp_status status = check_data(config, origin, err);
    if (status == MLP_OK)
        status = check_positive_label(config, has_positive_label, origin, err);
    if (status == MLP_OK)
        status = check_class_names(config, origin, err);
    if (status == MLP_OK)
        status = check_sgd(config, origin, err);
    return status;
}
