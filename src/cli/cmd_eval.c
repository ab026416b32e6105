/* cmd_eval.c: checkpoint + labelled images -> how good the network is. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/cli.h"
#include "cli/console.h"
#include "cli/eval_report.h"
#include "cli/options.h"
#include "data/label_map.h"
#include "io/checkpoint.h"

static const char HELP[] =
    "Usage: mlp eval --checkpoint F [OPTION]...\n"
    "Measures a checkpoint on labelled images: loss, accuracy with its 95 % interval (Wilson),\n"
    "precision, recall and F1 of each class, and the confusion matrix.\n\n"
    "  --checkpoint F      a safetensors file of mlp, or of PyTorch with the same tensor names\n"
    "  --data DIR          the folder of MNIST's four files; default: what it was trained with\n"
    "  --images F          an IDX file of images, and\n"
    "  --labels F          that of their labels, instead of --data\n"
    "  --split PART        test (the default), validation or train\n"
    "  --min-accuracy X    exit 7 when the accuracy is below X, 0 to 1\n"
    "  --against F         compare with another checkpoint (not supported yet)\n"
    "  --format FORMAT     text (the default) or json\n"
    "  --threads N         default 0: one for each CPU\n"
    "  --kernel NAME       force a table of kernels that `mlp info` lists; also MLP_KERNEL\n"
    "  -q, --quiet         no notes\n"
    "  -h, --help          this text\n";

typedef struct eval_options {
    mlp_common_options common;
    const char *checkpoint, *data, *images, *labels, *split;
    double min_accuracy; /* 0: no gate, since no accuracy is below */
} eval_options;

typedef struct eval_session {
    eval_options options;
    mlp_checkpoint checkpoint;
    mlp_config config; /* the checkpoint's; zeroed where it has none */
    mlp_dataset data;
    mlp_split split;
    const uint32_t *index; /* (n): the images of the split; NULL: all */
    size_t n;
    mlp_evaluation result;
} eval_session;

static bool is_test(const eval_options *options)
{
    return strcmp(options->split, "test") == 0;
}

static mlp_status check_options(const eval_options *options)
{
    bool has_files = options->images != NULL || options->labels != NULL;
    if (options->checkpoint == NULL)
        return mlp_options_fail("eval", "--checkpoint F is missing");
    if (!is_test(options) && strcmp(options->split, "validation") != 0 &&
        strcmp(options->split, "train") != 0)
        return mlp_options_fail("eval", "--split: found \"%s\", wanted test, validation or train",
                                options->split);
    if (has_files && (options->images == NULL || options->labels == NULL))
        return mlp_options_fail("eval", "--images and --labels go together: --%s is missing",
                                options->images == NULL ? "images" : "labels");
    if (has_files && options->data != NULL)
        return mlp_options_fail("eval", "--data and --images exclude each other");
    if (has_files && !is_test(options))
        return mlp_options_fail("eval",
                                "--split %s is a part of the training set; "
                                "--images and --labels are taken whole",
                                options->split);
    return MLP_OK;
}

/* All four files are those of the folder, wherever they lay before. */
static mlp_status replace_data(mlp_data_config *data, const char *dir, mlp_error *err)
{
    char **const paths[] = {&data->dir, &data->train_images, &data->train_labels,
                            &data->test_images, &data->test_labels};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        free(*paths[i]);
        *paths[i] = NULL;
    }
    data->dir = mlp_strdup(dir);
    return data->dir == NULL ? mlp_fail_memory(err, "a path") : MLP_OK;
}

/* The checkpoint's config, with the data that the command line names instead. */
static mlp_status load_config(eval_session *s, mlp_error *err)
{
    const eval_options *options = &s->options;
    const char *json = s->checkpoint.config_json;
    mlp_status status = MLP_OK;
    if (json != NULL)
        status = mlp_config_parse(&s->config, json, options->checkpoint, NULL, NULL, 0, err);
    if (status == MLP_ERR_CONFIG)
        return MLP_ERR_CHECKPOINT; /* nobody but the checkpoint brought it */
    if (status != MLP_OK)
        return status;
    if (json == NULL && options->data == NULL && options->images == NULL)
        return mlp_fail(err, MLP_ERR_USAGE,
                        "%s: does not say what it was trained with: --data or --images is missing",
                        options->checkpoint);
    mlp_data_config *data = &s->config.data;
    if (strcmp(options->split, "validation") == 0 && data->validation_fraction == 0)
        return mlp_fail(err, MLP_ERR_USAGE, "%s: %s, so that --split validation has no images",
                        options->checkpoint,
                        json == NULL ? "does not say which images validated it"
                                     : "was trained without a validation set");
    return options->data == NULL ? MLP_OK : replace_data(data, options->data, err);
}

/* Where the images and their labels lie; both are released with free(). */
static mlp_status locate_data(const eval_session *s, char **images, char **labels, mlp_error *err)
{
    const eval_options *options = &s->options;
    const mlp_data_config *data = &s->config.data;
    bool test = is_test(options);
    if (options->images != NULL) {
        *images = mlp_strdup(options->images);
        *labels = mlp_strdup(options->labels);
        return *images == NULL || *labels == NULL ? mlp_fail_memory(err, "a path") : MLP_OK;
    }
    mlp_status status =
        mlp_dataset_locate(data, test ? MLP_TEST_IMAGES : MLP_TRAIN_IMAGES, images, err);
    if (status == MLP_OK)
        status = mlp_dataset_locate(data, test ? MLP_TEST_LABELS : MLP_TRAIN_LABELS, labels, err);
    return status;
}

/* Labels become classes as they did for the training. */
static mlp_status apply_label_map(eval_session *s, mlp_error *err)
{
    mlp_label_map map;
    size_t classes = s->checkpoint.model.classes, images = s->data.count;
    mlp_label_map_from_classes(&map, &s->config.data, &s->config.model, classes);
    if (map.classes != classes)
        return mlp_fail(err, MLP_ERR_CHECKPOINT,
                        "%s: found a model of %zu classes with a config of %zu, wanted the same",
                        s->options.checkpoint, classes, map.classes);
    mlp_status status = mlp_label_map_apply(&map, &s->data, err);
    if (status == MLP_OK && s->data.count < images)
        mlp_console_note(&s->options.common, "%zu of %zu images have other labels and are left out",
                         images - s->data.count, images);
    return status;
}

static mlp_status load_data(eval_session *s, mlp_error *err)
{
    char *images = NULL, *labels = NULL;
    mlp_status status = locate_data(s, &images, &labels, err);
    if (status == MLP_OK)
        status = mlp_dataset_load(&s->data, images, labels, err);
    if (status == MLP_OK && s->data.features != s->checkpoint.model.features)
        status = mlp_fail(err, MLP_ERR_DATA,
                          "%s: found images of %zu pixels, wanted %zu, the inputs of %s", images,
                          s->data.features, s->checkpoint.model.features, s->options.checkpoint);
    if (status == MLP_OK)
        status = apply_label_map(s, err);
    free(images);
    free(labels);
    return status;
}

/* The training set is divided as the training divided it. */
static mlp_status choose_images(eval_session *s, mlp_error *err)
{
    double fraction = s->config.data.validation_fraction;
    bool validation = strcmp(s->options.split, "validation") == 0;
    if (is_test(&s->options))
        return MLP_OK;
    mlp_status status = mlp_dataset_split(&s->split, &s->data, fraction, s->config.seed, err);
    s->index = validation ? s->split.validation : s->split.train;
    s->n = validation ? s->split.n_validation : s->split.n_train;
    return status;
}

static mlp_status evaluate(eval_session *s, mlp_error *err)
{
    mlp_kernels kernels;
    mlp_team team;
    mlp_status status =
        mlp_options_kernels(&s->options.common, s->config.train.precision, &kernels, err);
    if (status == MLP_OK)
        status = mlp_team_init(&team, mlp_options_thread_count(&s->options.common), err);
    if (status != MLP_OK)
        return status;
    status = mlp_evaluate(&s->result, &s->checkpoint.model, &s->data, s->index, s->n, &kernels,
                          &team, err);
    mlp_team_free(&team);
    return status;
}

static mlp_status run_session(eval_session *s, mlp_error *err)
{
    const eval_options *options = &s->options;
    mlp_status status = mlp_checkpoint_load(&s->checkpoint, options->checkpoint, err);
    if (status == MLP_OK)
        status = load_config(s, err);
    if (status == MLP_OK)
        status = load_data(s, err);
    if (status == MLP_OK)
        status = choose_images(s, err);
    if (status == MLP_OK)
        status = evaluate(s, err);
    if (status != MLP_OK)
        return status;
    mlp_eval_report report = {.checkpoint = options->checkpoint,
                              .split = options->images != NULL ? NULL : options->split,
                              .class_names = s->checkpoint.class_names,
                              .result = &s->result};
    status = options->common.format == MLP_FORMAT_JSON ? mlp_eval_report_print_json(&report, err)
                                                       : mlp_eval_report_print_text(&report, err);
    return status == MLP_OK ? mlp_console_gate(&s->result, options->min_accuracy, err) : status;
}

static void free_session(eval_session *s)
{
    mlp_evaluation_free(&s->result);
    mlp_split_free(&s->split);
    mlp_dataset_free(&s->data);
    mlp_config_free(&s->config);
    mlp_checkpoint_free(&s->checkpoint);
}

int mlp_cmd_eval(int argc, char **argv)
{
    eval_session s = {.options = {.split = "test"}};
    eval_options *o = &s.options;
    const mlp_option options[] = {
        {.name = "checkpoint", .kind = MLP_OPTION_STRING, .target = &o->checkpoint},
        {.name = "data", .kind = MLP_OPTION_STRING, .target = &o->data},
        {.name = "images", .kind = MLP_OPTION_STRING, .target = &o->images},
        {.name = "labels", .kind = MLP_OPTION_STRING, .target = &o->labels},
        {.name = "split", .kind = MLP_OPTION_STRING, .target = &o->split},
        {.name = "min-accuracy", .kind = MLP_OPTION_RATIO, .target = &o->min_accuracy},
        {.name = "against", .kind = MLP_OPTION_UNSUPPORTED},
        mlp_option_format(&o->common),
        mlp_option_threads(&o->common),
        mlp_option_kernel(&o->common),
        mlp_option_quiet(&o->common),
        {.name = NULL},
    };
    const mlp_command_line line = {"eval", HELP, options, 0};
    int exit_code;
    if (!mlp_options_parse(&line, &argc, &argv, &exit_code))
        return exit_code;
    mlp_status status = check_options(o);
    if (status != MLP_OK)
        return (int)status;
    mlp_error err;
    status = run_session(&s, &err);
    if (status != MLP_OK)
        mlp_console_error(status, &err);
    free_session(&s);
    return (int)status;
}
