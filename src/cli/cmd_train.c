/* cmd_train.c: config -> dataset -> model -> train -> checkpoint + metrics. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/cli.h"
#include "cli/console.h"
#include "cli/options.h"
#include "cli/train_data.h"
#include "cli/train_run.h"
#include "io/checkpoint.h"
#include "io/run_folder.h"

typedef struct train_options {
    const char *config, *resume, *out;
    mlp_option_list overrides;
    double min_accuracy;
    bool has_gate, print_config, dry_run;
    mlp_common_options common;
} train_options;

/* Everything that a training needs and that has to be released after it. */
typedef struct train_session {
    train_options options;
    mlp_config config;
    train_data data;
    mlp_kernels kernels;
    mlp_team team;
    mlp_trainer trainer;
    int lock;     /* on the run's folder; -1: none */
    bool resumed; /* goes on from a checkpoint */
    train_run run;
} train_session;

static const char HELP[] =
    "Usage: mlp train --config F [--set K=V]... [--out DIR]\n"
    "       mlp train --resume RUN [--set train.epochs=N]\n"
    "\n"
    "Trains a network and keeps everything about it in a run folder.\n"
    "\n"
    "  --config F         the JSON config\n"
    "  --set K=V          override one of its leaves, e.g. train.sgd.lr=0.05; repeatable\n"
    "  --out DIR          the run folder itself, instead of <run.dir>/<name>\n"
    "  --resume RUN       go on with the run in this folder, to the bit\n"
    "  --threads N        0: one for each CPU; changes no byte of the result\n"
    "  --kernel NAME      force a kernel table; changes no byte either (also: MLP_KERNEL)\n"
    "  --min-accuracy X   exit 7 when the test accuracy is below X\n"
    "  --print-config     print the resolved config and stop\n"
    "  --dry-run          check config and data, say what would be done and stop\n"
    "  --format FORMAT    of the result on stdout: text or json\n"
    "  -q, --quiet        no progress\n"
    "  -h, --help\n";

static bool is_missing(const char *path)
{
    return access(path, F_OK) != 0 && errno == ENOENT;
}

/* Locks the run before its config is read: from here on nobody changes it. One that was
 * killed before its first checkpoint was there begins at its beginning. */
static mlp_status load_run_config(train_session *s, mlp_error *err)
{
    const train_options *options = &s->options;
    mlp_status status = mlp_run_folder_lock(&s->lock, options->resume, err);
    if (status != MLP_OK)
        return status;
    char *config = mlp_run_folder_file(options->resume, "config.json");
    char *last = mlp_run_folder_file(options->resume, "last.safetensors");
    char *best = mlp_run_folder_file(options->resume, "best.safetensors");
    if (config == NULL || last == NULL || best == NULL) {
        status = mlp_fail_memory(err, "a path");
    } else {
        status = mlp_config_load(&s->config, config, options->overrides.values,
                                 options->overrides.count, err);
        s->resumed = !is_missing(last) || !is_missing(best);
    }
    free(config);
    free(last);
    free(best);
    return status;
}

static mlp_status load_config(train_session *s, mlp_error *err)
{
    const train_options *options = &s->options;
    return options->resume != NULL
               ? load_run_config(s, err)
               : mlp_config_load(&s->config, options->config, options->overrides.values,
                                 options->overrides.count, err);
}

static mlp_status load_data(train_session *s, mlp_error *err)
{
    mlp_status status = train_data_find_test(&s->data, &s->config.data, s->options.has_gate, err);
    if (status == MLP_OK && !s->data.has_test)
        mlp_console_note(&s->options.common, "no test files: there will be no test result");
    if (status == MLP_OK)
        status = train_data_load(&s->data, &s->config, err);
    return status;
}

static mlp_status init_trainer(train_session *s, mlp_error *err)
{
    if (!s->options.common.threads_given)
        s->options.common.threads = s->config.run.threads;
    mlp_status status =
        mlp_options_kernels(&s->options.common, s->config.train.precision, &s->kernels, err);
    if (status == MLP_OK)
        status = mlp_team_init(&s->team, mlp_options_thread_count(&s->options.common), err);
    if (status == MLP_OK)
        status =
            mlp_trainer_init(&s->trainer, &s->config, &s->data.train, &s->kernels, &s->team, err);
    if (status == MLP_OK && s->config.model.init_from != NULL && !s->resumed)
        status =
            mlp_checkpoint_load_weights_into(&s->trainer.model, s->config.model.init_from, err);
    return status;
}

/* The folder, and for a resumed run what its `last` holds. */
static mlp_status open_run(train_session *s, mlp_error *err)
{
    const train_options *options = &s->options;
    const char *named = options->resume != NULL ? options->resume : options->out;
    char *folder = named != NULL ? mlp_strdup(named) : NULL;
    mlp_status status = MLP_OK;
    if (named == NULL)
        status = mlp_run_folder_create(&folder, &s->lock, s->config.run.dir, s->config.name, err);
    else if (folder == NULL)
        status = mlp_fail_memory(err, "a path");
    else if (options->resume == NULL)
        status = mlp_run_folder_create_at(folder, &s->lock, err);
    if (status != MLP_OK) {
        free(folder);
        return status;
    }
    status =
        train_run_init(&s->run, &s->config, folder, &s->data.train, options->common.quiet, err);
    if (status == MLP_OK && s->resumed)
        status = mlp_checkpoint_restore(s->run.last_path, &s->trainer.model,
                                        s->trainer.sgd.velocities, &s->trainer.progress, err);
    if (status == MLP_OK)
        status = train_run_start(&s->run, &s->trainer, s->resumed, err);
    if (status == MLP_OK)
        status = mlp_run_folder_set_latest(folder, err);
    return status;
}

static void print_result(const train_session *s, const mlp_evaluation *test, const char *line)
{
    if (s->options.common.format == MLP_FORMAT_JSON) {
        printf("%s\n", line);
        return;
    }
    if (test != NULL) {
        mlp_interval interval = mlp_wilson_interval(test->correct, test->count);
        printf("test accuracy %.4f  (95 %% interval %.4f to %.4f, %zu images)\n",
               mlp_evaluation_accuracy(test), interval.low, interval.high, test->count);
        printf("test loss     %.4f\n", test->loss);
    }
    printf("run           %s\n", s->run.folder);
}

/* The best model on the test set, once, and the end of the metrics. */
static mlp_status finish_run(train_session *s, mlp_error *err)
{
    mlp_evaluation test = {0};
    char *line = NULL;
    mlp_status status = mlp_checkpoint_load_weights_into(&s->trainer.model, s->run.best_path, err);
    if (status == MLP_OK && s->data.has_test)
        status = train_data_load_test(&s->data, &s->config.data, err);
    if (status == MLP_OK && s->data.has_test)
        status = mlp_evaluate(&test, &s->trainer.model, &s->data.test, NULL, 0, &s->kernels,
                              &s->team, err);
    if (status == MLP_OK && !isfinite(test.loss))
        status = mlp_fail(err, MLP_ERR_DIVERGED,
                          "training diverged: the test loss of %s is not finite; try a smaller "
                          "train.sgd.lr",
                          s->run.best_path);
    if (status == MLP_OK)
        status = train_run_end(&s->run, &s->trainer, s->data.has_test ? &test : NULL, &line, err);
    if (status == MLP_OK) {
        print_result(s, s->data.has_test ? &test : NULL, line);
        if (s->options.has_gate)
            status = mlp_console_gate(&test, s->options.min_accuracy, err);
    }
    free(line);
    mlp_evaluation_free(&test);
    return status;
}

/* From an open run to its end; *exit_code is set where no status says it. */
static mlp_status train(train_session *s, int *exit_code, mlp_error *err)
{
    mlp_train_observer observer = train_run_observer(&s->run);
    bool stopped;
    mlp_status status = mlp_trainer_run(&s->trainer, &observer, &stopped, err);
    if (status == MLP_OK && !stopped)
        status = finish_run(s, err);
    if (status == MLP_ERR_DIVERGED) {
        mlp_error ignored; /* the divergence is the error to report */
        train_run_diverged(&s->run, &s->trainer, err->message, &ignored);
    }
    if (status != MLP_OK || !stopped)
        return status;
    *exit_code = 128 + train_run_signal();
    status = train_run_interrupted(&s->run, &s->trainer, err);
    if (status == MLP_OK)
        mlp_console_note(&s->options.common,
                         "interrupted after step %llu; to go on: mlp train --resume %s",
                         (unsigned long long)s->trainer.progress.step, s->run.folder);
    return status;
}

static mlp_status dry_run(train_session *s, mlp_error *err)
{
    mlp_status status =
        s->data.has_test ? train_data_load_test(&s->data, &s->config.data, err) : MLP_OK;
    if (status != MLP_OK)
        return status;
    printf("training images   %zu\n", s->trainer.split.n_train);
    printf("validation images %zu\n", s->trainer.split.n_validation);
    printf("test images       %zu\n", s->data.test.count);
    printf("classes           %zu\n", s->data.train.classes);
    printf("parameters        %zu\n", mlp_model_param_count(&s->trainer.model));
    printf("steps             %zu an epoch, %zu epochs\n", mlp_trainer_steps_per_epoch(&s->trainer),
           s->config.train.epochs);
    return MLP_OK;
}

static mlp_status print_config(const train_session *s, mlp_error *err)
{
    char *text = mlp_config_to_json(&s->config, MLP_CONFIG_WHOLE, 2);
    if (text == NULL)
        return mlp_fail_memory(err, "the config");
    printf("%s\n", text);
    free(text);
    return MLP_OK;
}

static mlp_status run_session(train_session *s, int *exit_code, mlp_error *err)
{
    mlp_status status = load_config(s, err);
    if (status == MLP_OK && s->options.print_config)
        return print_config(s, err);
    if (status == MLP_OK)
        status = load_data(s, err);
    if (status == MLP_OK)
        status = init_trainer(s, err);
    if (status == MLP_OK && s->options.dry_run)
        return dry_run(s, err);
    if (status == MLP_OK)
        status = open_run(s, err);
    if (status == MLP_OK)
        status = train(s, exit_code, err);
    return status;
}

static void free_session(train_session *s)
{
    train_run_free(&s->run);
    if (s->lock >= 0)
        close(s->lock);
    mlp_trainer_free(&s->trainer);
    mlp_team_free(&s->team);
    train_data_free(&s->data);
    mlp_config_free(&s->config);
    free(s->options.overrides.values);
}

/* Of a run, only its length may change. */
static mlp_status check_resume(const train_options *o)
{
    if (o->config != NULL || o->out != NULL)
        return mlp_options_fail("train", "--resume goes with neither --config nor --out");
    for (size_t i = 0; i < o->overrides.count; i++)
        if (strncmp(o->overrides.values[i], "train.epochs=", 13) != 0)
            return mlp_options_fail("train", "--set %s: with --resume only train.epochs may change",
                                    o->overrides.values[i]);
    return MLP_OK;
}

static mlp_status check_options(const train_options *o)
{
    if (o->resume != NULL)
        return check_resume(o);
    if (o->config == NULL)
        return mlp_options_fail("train", "--config or --resume is missing");
    return MLP_OK;
}

int mlp_cmd_train(int argc, char **argv)
{
    train_session s = {.lock = -1};
    train_options *o = &s.options;
    const mlp_option options[] = {
        {.name = "config", .kind = MLP_OPTION_STRING, .target = &o->config},
        {.name = "set", .kind = MLP_OPTION_LIST, .target = &o->overrides},
        {.name = "out", .kind = MLP_OPTION_STRING, .target = &o->out},
        {.name = "resume", .kind = MLP_OPTION_STRING, .target = &o->resume},
        {.name = "min-accuracy",
         .kind = MLP_OPTION_RATIO,
         .target = &o->min_accuracy,
         .given = &o->has_gate},
        {.name = "print-config", .kind = MLP_OPTION_FLAG, .target = &o->print_config},
        {.name = "dry-run", .kind = MLP_OPTION_FLAG, .target = &o->dry_run},
        mlp_option_format(&o->common),
        mlp_option_threads(&o->common),
        mlp_option_kernel(&o->common),
        mlp_option_quiet(&o->common),
        {.name = NULL},
    };
    const mlp_command_line line = {"train", HELP, options, 0};
    mlp_error err;
    int exit_code;
    o->overrides.values = mlp_alloc((size_t)argc, sizeof *o->overrides.values);
    if (o->overrides.values == NULL)
        return (int)mlp_console_error(mlp_fail_memory(&err, "the options"), &err);
    if (!mlp_options_parse(&line, &argc, &argv, &exit_code)) {
        free(o->overrides.values);
        return exit_code;
    }
    exit_code = MLP_OK;
    mlp_status status = check_options(o);
    if (status == MLP_OK) {
        train_run_catch_signals();
        status = run_session(&s, &exit_code, &err);
        if (status != MLP_OK)
            mlp_console_error(status, &err);
    }
    free_session(&s);
    return status != MLP_OK ? (int)status : exit_code;
}
