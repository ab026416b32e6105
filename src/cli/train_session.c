#include "cli/train_session.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/console.h"
#include "io/checkpoint.h"
#include "io/run_folder.h"
#include "train/resume.h"

static bool is_missing(const char *path)
{
    return access(path, F_OK) != 0 && errno == ENOENT;
}

/* Of a run that goes on, and how long it was to be. */
static mlp_status load_resumed_config(train_session *s, const char *path, mlp_error *err)
{
    const train_options *options = &s->options;
    mlp_status status = mlp_config_load(&s->config, path, NULL, 0, err);
    if (status != MLP_OK)
        return status;
    s->epochs_before = s->config.train.epochs;
    mlp_config_free(&s->config);
    return mlp_config_load(&s->config, path, options->overrides.values, options->overrides.count,
                           err);
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
        status = load_resumed_config(s, config, err);
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

/* What the learning rate will be, where that is not what one would think. */
static void note_schedule(const train_session *s)
{
    const mlp_train_config *train = &s->config.train;
    if (train->schedule.warmup_epochs > (double)train->epochs)
        mlp_console_note(&s->options.common,
                         "the warm-up of %g epochs is longer than the training of %zu: the "
                         "learning rate stays below train.sgd.lr",
                         train->schedule.warmup_epochs, train->epochs);
    if (s->resumed && s->epochs_before != train->epochs &&
        train->schedule.type != MLP_SCHEDULE_CONSTANT)
        mlp_console_note(&s->options.common,
                         "from here on the learning rate is that of a training of %zu epochs, "
                         "before it was that of %zu",
                         train->epochs, s->epochs_before);
}

static mlp_status load_data(train_session *s, mlp_error *err)
{
    mlp_status status = train_data_find_test(&s->data, &s->config.data, s->options.has_gate, err);
    if (status == MLP_OK)
        status = train_data_load(&s->data, &s->config, err);
    if (status == MLP_OK && !s->data.has_test)
        mlp_console_note(&s->options.common, "no test files: there will be no test result");
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

static mlp_status restore(train_session *s, mlp_error *err)
{
    mlp_status status = mlp_checkpoint_restore(
        s->run.last_path, &s->trainer.model, s->trainer.sgd.velocities, &s->trainer.progress, err);
    return status == MLP_OK ? mlp_trainer_check_progress(&s->trainer, s->run.last_path, err)
                            : status;
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
        status = restore(s, err);
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

mlp_status train_session_run(train_session *s, int *exit_code, mlp_error *err)
{
    mlp_status status = load_config(s, err);
    if (status == MLP_OK && s->options.print_config)
        return print_config(s, err);
    if (status == MLP_OK)
        status = load_data(s, err);
    if (status == MLP_OK)
        status = init_trainer(s, err);
    if (status == MLP_OK)
        note_schedule(s);
    if (status == MLP_OK && s->options.dry_run)
        return dry_run(s, err);
    if (status == MLP_OK)
        status = open_run(s, err);
    if (status == MLP_OK)
        status = train(s, exit_code, err);
    return status;
}

void train_session_free(train_session *s)
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
