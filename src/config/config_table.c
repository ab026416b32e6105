#include "config/config_table.h"

#include <math.h>
#include <string.h>

#include "config/config.h"

/* Where config.h has an enum, it counts these from 0. */
static const char *const preprocesses[] = {"none", "digit", "resize", NULL};
static const char *const activations[] = {"relu", "leaky_relu", "tanh", "sigmoid", "gelu", NULL};
static const char *const outputs[] = {"softmax", "sigmoid", NULL};
static const char *const inits[] = {"kaiming_uniform", NULL};
static const char *const precisions[] = {"fp32", "bf16", NULL};
static const char *const schedules[] = {"constant", "cosine",      "one_cycle",
                                        "step",     "exponential", NULL};
static const char *const class_weights[] = {"none", "balanced", NULL};
static const char *const metrics[] = {"validation_loss", "validation_accuracy", NULL};

static const mlp_config_range seeds = {0, 0x1p53, false, false};
static const mlp_config_range labels = {0, 255, false, false};
static const mlp_config_range counts = {1, 1e6, false, false};
static const mlp_config_range counts_or_off = {0, 1e6, false, false};
static const mlp_config_range threads = {0, 1024, false, false};
static const mlp_config_range degrees = {0, 180, false, false};
static const mlp_config_range fractions = {0, 1, false, true};
static const mlp_config_range positive = {0, INFINITY, true, false};
static const mlp_config_range not_negative = {0, INFINITY, false, false};

/* In the order in which they are printed; the keys of a section stand together. */
const mlp_config_key mlp_config_keys[MLP_CONFIG_N_KEYS] = {
    {"name", MLP_KEY_NAME, NULL, .offset = offsetof(mlp_config, name)},
    {"seed", MLP_KEY_UINT64, "1", &seeds, .offset = offsetof(mlp_config, seed)},

    {"data.dir", MLP_KEY_PATH, "null", .offset = offsetof(mlp_config, data.dir)},
    {"data.train_images", MLP_KEY_PATH, "null", .offset = offsetof(mlp_config, data.train_images)},
    {"data.train_labels", MLP_KEY_PATH, "null", .offset = offsetof(mlp_config, data.train_labels)},
    {"data.test_images", MLP_KEY_PATH, "null", .offset = offsetof(mlp_config, data.test_images)},
    {"data.test_labels", MLP_KEY_PATH, "null", .offset = offsetof(mlp_config, data.test_labels)},
    {"data.labels", MLP_KEY_LABELS, "null", &labels, .offset = offsetof(mlp_config, data.labels)},
    {"data.class_names", MLP_KEY_CLASS_NAMES, "null",
     .offset = offsetof(mlp_config, data.class_names)},
    {"data.validation_fraction", MLP_KEY_NUMBER, "0", &fractions,
     .offset = offsetof(mlp_config, data.validation_fraction)},
    {"data.shuffle", MLP_KEY_BOOL, "true", .offset = offsetof(mlp_config, data.shuffle)},
    {"data.preprocess", MLP_KEY_CHOICE, "\"none\"", NULL, preprocesses, 1, .is_fixed = true},
    {"data.augment.shift", MLP_KEY_NUMBER, "0", &not_negative, .is_fixed = true},
    {"data.augment.rotate", MLP_KEY_NUMBER, "0", &degrees, .is_fixed = true},
    {"data.augment.scale", MLP_KEY_NUMBER, "0", &fractions, .is_fixed = true},
    {"data.augment.shear", MLP_KEY_NUMBER, "0", &not_negative, .is_fixed = true},
    {"data.augment.elastic.alpha", MLP_KEY_NUMBER, "0", &not_negative, .is_fixed = true},
    {"data.augment.elastic.sigma", MLP_KEY_NUMBER, "4", &positive, .is_fixed = true},

    {"model.hidden", MLP_KEY_WIDTHS, "[128]", &counts,
     .offset = offsetof(mlp_config, model.hidden)},
    {"model.activation", MLP_KEY_CHOICE, "\"relu\"", NULL, activations, 1, .is_fixed = true},
    {"model.output", MLP_KEY_CHOICE, "\"softmax\"", NULL, outputs, 2,
     .offset = offsetof(mlp_config, model.output)},
    {"model.positive_label", MLP_KEY_LABEL, "null", &labels,
     .offset = offsetof(mlp_config, model.positive_label)},
    {"model.init", MLP_KEY_CHOICE, "\"kaiming_uniform\"", NULL, inits, 1, .is_fixed = true},
    {"model.init_from", MLP_KEY_PATH, "null", .offset = offsetof(mlp_config, model.init_from)},
    {"model.dropout.input", MLP_KEY_NUMBER, "0", &fractions, .is_fixed = true},
    {"model.dropout.hidden", MLP_KEY_NUMBER, "0", &fractions, .is_fixed = true},

    {"train.epochs", MLP_KEY_SIZE, "10", &counts, .offset = offsetof(mlp_config, train.epochs)},
    {"train.batch_size", MLP_KEY_SIZE, "128", &counts,
     .offset = offsetof(mlp_config, train.batch_size)},
    {"train.precision", MLP_KEY_CHOICE, "\"fp32\"", NULL, precisions, 2,
     .offset = offsetof(mlp_config, train.precision)},
    {"train.sgd.lr", MLP_KEY_NUMBER, "0.1", &positive,
     .offset = offsetof(mlp_config, train.sgd.lr)},
    {"train.sgd.momentum", MLP_KEY_NUMBER, "0.9", &fractions,
     .offset = offsetof(mlp_config, train.sgd.momentum)},
    {"train.sgd.nesterov", MLP_KEY_BOOL, "false",
     .offset = offsetof(mlp_config, train.sgd.nesterov)},
    {"train.sgd.weight_decay", MLP_KEY_NUMBER, "0", &not_negative,
     .offset = offsetof(mlp_config, train.sgd.weight_decay)},
    {"train.sgd.max_norm", MLP_KEY_NUMBER, "0", &not_negative, .is_fixed = true},
    {"train.sgd.clip_norm", MLP_KEY_NUMBER, "0", &not_negative, .is_fixed = true},
    {"train.schedule.type", MLP_KEY_CHOICE, "\"constant\"", NULL, schedules, 3,
     .offset = offsetof(mlp_config, train.schedule.type)},
    {"train.schedule.warmup_epochs", MLP_KEY_NUMBER, "0", &not_negative,
     .offset = offsetof(mlp_config, train.schedule.warmup_epochs)},
    {"train.label_smoothing", MLP_KEY_NUMBER, "0", &fractions,
     .offset = offsetof(mlp_config, train.label_smoothing)},
    {"train.class_weights", MLP_KEY_CLASS_WEIGHTS, "\"none\"", &not_negative, class_weights, 1,
     .is_fixed = true},
    {"train.early_stopping.metric", MLP_KEY_CHOICE, "\"validation_loss\"", NULL, metrics, 2,
     .offset = offsetof(mlp_config, train.metric)},
    {"train.early_stopping.patience", MLP_KEY_SIZE, "0", &counts_or_off, .is_fixed = true},
    {"train.checkpoint.every_epochs", MLP_KEY_SIZE, "1", &counts,
     .offset = offsetof(mlp_config, train.checkpoint_every_epochs)},
    {"train.checkpoint.every_seconds", MLP_KEY_NUMBER, "0", &not_negative,
     .offset = offsetof(mlp_config, train.checkpoint_every_seconds)},

    {"run.dir", MLP_KEY_PATH, "null", .offset = offsetof(mlp_config, run.dir)},
    {"run.threads", MLP_KEY_SIZE, "0", &threads, .offset = offsetof(mlp_config, run.threads)},
    {"run.tensorboard", MLP_KEY_BOOL, "false", .is_fixed = true},
};

const mlp_config_key *mlp_config_find_key(const char *path)
{
    for (size_t i = 0; i < MLP_CONFIG_N_KEYS; i++) {
        if (strcmp(mlp_config_keys[i].path, path) == 0)
            return &mlp_config_keys[i];
    }
    return NULL;
}

bool mlp_config_is_section(const char *path)
{
    size_t length = strlen(path);
    for (size_t i = 0; i < MLP_CONFIG_N_KEYS; i++) {
        const char *other = mlp_config_keys[i].path;
        if (strncmp(other, path, length) == 0 && other[length] == '.')
            return true;
    }
    return false;
}

bool mlp_config_is_nullable(const mlp_config_key *key)
{
    return key->fallback != NULL && strcmp(key->fallback, "null") == 0;
}
