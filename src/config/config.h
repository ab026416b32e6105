/* config.h: a training config, from strict JSON to plain structs.
 *
 * One table in config_table.c names every key, its type, its default and its
 * range; parsing, --set, "did you mean", printing and the schema test all walk
 * it. Keys that the program knows but cannot honour yet are refused by name.
 *
 * Paths: in a config file relative to that file, in a --set relative to the
 * working directory; after loading all are absolute, except run.dir where it
 * is left to its default, "runs" below the working directory.
 */
#ifndef MLP_CONFIG_CONFIG_H
#define MLP_CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

enum { MLP_MAX_CLASSES = 256 };        /* labels are bytes */
enum { MLP_MAX_HIDDEN_LAYERS = 1023 }; /* a checkpoint has room for one layer more */

typedef enum mlp_output { MLP_OUTPUT_SOFTMAX, MLP_OUTPUT_SIGMOID } mlp_output;
typedef enum mlp_precision { MLP_PRECISION_FP32, MLP_PRECISION_BF16 } mlp_precision;
typedef enum mlp_schedule_type {
    MLP_SCHEDULE_CONSTANT,
    MLP_SCHEDULE_COSINE,
    MLP_SCHEDULE_ONE_CYCLE,
} mlp_schedule_type;
typedef enum mlp_metric { MLP_METRIC_VALIDATION_LOSS, MLP_METRIC_VALIDATION_ACCURACY } mlp_metric;

typedef struct mlp_data_config {
    char *dir;                          /* holds the four MNIST names; NULL: not given */
    char *train_images, *train_labels;  /* NULL: the MNIST name in dir */
    char *test_images, *test_labels;    /* NULL: the MNIST name in dir */
    size_t n_labels;                    /* 0: keep all labels as they are */
    uint8_t labels[MLP_MAX_CLASSES];    /* (n_labels): kept, renumbered in this order */
    size_t n_class_names;               /* 0: the labels' own numbers */
    char *class_names[MLP_MAX_CLASSES]; /* (n_class_names) */
    double validation_fraction;         /* [0, 1): of the training set, stratified */
    bool shuffle;
} mlp_data_config;

typedef struct mlp_model_config {
    size_t n_hidden;
    size_t *hidden; /* (n_hidden): width of each hidden layer; ReLU */
    mlp_output output;
    uint8_t positive_label; /* sigmoid: this label (as in the file) against the rest */
    char *init_from;        /* safetensors file; NULL: kaiming_uniform from the seed */
} mlp_model_config;

typedef struct mlp_sgd_config {
    double lr, momentum, weight_decay;
    bool nesterov;
} mlp_sgd_config;

typedef struct mlp_schedule_config {
    mlp_schedule_type type;
    double warmup_epochs; /* lr rises linearly from 0 over these first epochs */
} mlp_schedule_config;

typedef struct mlp_train_config {
    size_t epochs, batch_size;
    mlp_precision precision; /* of the matrix products, in training and after it */
    mlp_sgd_config sgd;
    mlp_schedule_config schedule;
    double label_smoothing;
    mlp_metric metric; /* early_stopping.metric: what chooses best.safetensors */
    size_t checkpoint_every_epochs;
    double checkpoint_every_seconds; /* 0: never */
} mlp_train_config;

typedef struct mlp_run_config {
    char *dir;      /* null in JSON stands for the default, "runs" */
    size_t threads; /* 0: one for each CPU this process may use */
} mlp_run_config;

typedef struct mlp_config {
    char *name; /* of the run's folder: not hidden, no '/', not "latest"; by default the
                   config file's name without ".json", "mlp" where there is no file */
    uint64_t seed;
    mlp_data_config data;
    mlp_model_config model;
    mlp_train_config train;
    mlp_run_config run;
} mlp_config;

/* One --set: "train.sgd.lr=0.05". The value is JSON; what is no JSON is a string. */
typedef const char *mlp_override;

/* Reads the file ("-": stdin), applies the overrides in order, resolves the paths, checks all.
 * MLP_ERR_CONFIG names file, path in the file, found, allowed; a syntax error
 * names line and column; an override's error names the override. MLP_ERR_RUNTIME
 * when out of memory. On failure *config is zeroed; free it in either case. */
mlp_status mlp_config_load(mlp_config *config, const char *path, const mlp_override *overrides,
                           size_t n_overrides, mlp_error *err);

/* The same for a text that is in memory. `origin` stands for the file's name in
 * messages ("<...>": no file, so the default name is "mlp"); relative paths are
 * taken from the folder `base_dir`, NULL for the working directory. */
mlp_status mlp_config_parse(mlp_config *config, const char *text, const char *origin,
                            const char *base_dir, const mlp_override *overrides, size_t n_overrides,
                            mlp_error *err);

typedef enum mlp_config_part {
    MLP_CONFIG_WHOLE,
    MLP_CONFIG_WITHOUT_RUN, /* what decides the weights: a checkpoint's copy, free of run.* */
} mlp_config_part;

/* The resolved config as a JSON text, all keys, `indent` spaces a level (0: one
 * line), no line break at its end. Reading it back gives the same config, from
 * any folder. Release with free(); NULL when out of memory. */
char *mlp_config_to_json(const mlp_config *config, mlp_config_part part, int indent);

void mlp_config_free(mlp_config *config);

/* Whether a class may have that name, which will be shown on terminals, and the
 * rule in words. */
bool mlp_config_is_class_name(const char *name);
extern const char mlp_config_class_name_rule[];

#endif
