#include "cli/train_run.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/peak_memory.h"
#include "base/version.h"
#include "config/json_writer.h"
#include "data/label_map.h"
#include "io/atomic_file.h"
#include "io/checkpoint.h"
#include "io/run_folder.h"

mlp_status train_run_init(train_run *run, const mlp_config *config, char *folder,
                          const mlp_dataset *data, bool quiet, mlp_error *err)
{
    memset(run, 0, sizeof *run);
    run->config = config;
    run->quiet = quiet;
    run->on_terminal = isatty(STDERR_FILENO) == 1;
    run->started = mlp_clock_seconds();
    run->folder = folder;
    run->best_path = mlp_run_folder_file(folder, "best.safetensors");
    run->last_path = mlp_run_folder_file(folder, "last.safetensors");
    run->class_names = mlp_alloc(data->classes + 1, sizeof *run->class_names);
    bool ok = run->best_path != NULL && run->last_path != NULL && run->class_names != NULL;
    for (size_t c = 0; ok && c < data->classes; c++) {
        run->class_names[c] = mlp_label_map_class_name(&config->data, &config->model, c);
        ok = run->class_names[c] != NULL;
    }
    return ok ? MLP_OK : mlp_fail_memory(err, "the run");
}

void train_run_free(train_run *run)
{
    mlp_metrics_close(&run->metrics);
    for (size_t c = 0; run->class_names != NULL && run->class_names[c] != NULL; c++)
        free(run->class_names[c]);
    free(run->class_names);
    free(run->best_path);
    free(run->last_path);
    free(run->folder);
    memset(run, 0, sizeof *run);
}

static mlp_status write_best(const train_run *run, const mlp_trainer *trainer, mlp_error *err)
{
    return mlp_checkpoint_write(run->best_path, &trainer->model, run->config, run->class_names,
                                trainer->data->rank, trainer->data->dims, NULL, NULL, err);
}

static mlp_status write_last(train_run *run, const mlp_trainer *trainer, mlp_error *err)
{
    run->saved = mlp_clock_seconds();
    return mlp_checkpoint_write(run->last_path, &trainer->model, run->config, run->class_names,
                                trainer->data->rank, trainer->data->dims, trainer->sgd.velocities,
                                &trainer->progress, err);
}

/* Every line says first what happened and how far the training was. */
static void open_line(mlp_json_writer *w, const char *event, const mlp_progress *progress)
{
    mlp_json_writer_init(w, 0);
    mlp_json_write_open_object(w);
    mlp_json_write_text_member(w, "event", event);
    mlp_json_write_count_member(w, "epoch", progress->epoch);
    mlp_json_write_count_member(w, "step", progress->step);
}

/* Ends the object and appends the line; *line is handed over unless it is NULL. */
static mlp_status append_line(train_run *run, mlp_json_writer *w, char **line, mlp_error *err)
{
    mlp_json_write_close_object(w);
    char *text = mlp_json_writer_finish(w);
    if (text == NULL)
        return mlp_fail_memory(err, "a line of metrics");
    mlp_status status = mlp_metrics_append(&run->metrics, text, err);
    if (line != NULL)
        *line = text;
    else
        free(text);
    return status;
}

static void write_machine(mlp_json_writer *w, const mlp_trainer *trainer)
{
    mlp_json_write_text_member(w, "kernel", trainer->kernels->name);
    mlp_json_write_count_member(w, "threads", trainer->team->n_threads);
    mlp_json_write_text_member(w, "version", MLP_VERSION);
}

static mlp_status write_config(const train_run *run, mlp_error *err)
{
    char *text = mlp_config_to_json(run->config, MLP_CONFIG_WHOLE, 2);
    char *path = mlp_run_folder_file(run->folder, "config.json");
    mlp_status status;
    if (text == NULL || path == NULL) {
        status = mlp_fail_memory(err, "the config");
    } else {
        size_t length = strlen(text);
        text[length] = '\n'; /* a text file ends its last line */
        status = mlp_atomic_file_write(path, text, length + 1, err);
    }
    free(text);
    free(path);
    return status;
}

static mlp_status append_start(train_run *run, const mlp_trainer *trainer, bool resumed,
                               mlp_error *err)
{
    mlp_json_writer w;
    open_line(&w, "start", &trainer->progress);
    mlp_json_write_key(&w, "resumed");
    mlp_json_write_bool(&w, resumed);
    mlp_json_write_text_member(&w, "name", run->config->name);
    mlp_json_write_count_member(&w, "seed", run->config->seed);
    mlp_json_write_count_member(&w, "train_images", trainer->split.n_train);
    mlp_json_write_count_member(&w, "validation_images", trainer->split.n_validation);
    mlp_json_write_count_member(&w, "parameters", mlp_model_param_count(&trainer->model));
    write_machine(&w, trainer);
    return append_line(run, &w, NULL, err);
}

mlp_status train_run_start(train_run *run, const mlp_trainer *trainer, bool resumed, mlp_error *err)
{
    char *metrics_path = mlp_run_folder_file(run->folder, "metrics.jsonl");
    mlp_status status = metrics_path == NULL ? mlp_fail_memory(err, "a path") : MLP_OK;
    if (status == MLP_OK)
        status = write_config(run, err);
    if (status == MLP_OK)
        status = mlp_metrics_rewind(metrics_path, trainer->progress.epoch, err);
    if (status == MLP_OK)
        status = mlp_metrics_open(&run->metrics, metrics_path, err);
    if (status == MLP_OK)
        status = append_start(run, trainer, resumed, err);
    if (status == MLP_OK && !resumed)
        status = write_last(run, trainer, err);
    free(metrics_path);
    return status;
}

/* ---- what the loop calls ---- */

static void show_bar(const train_run *run, const mlp_trainer *trainer, size_t images,
                     size_t total_images)
{
    enum { BAR_WIDTH = 30 };
    size_t filled = images * BAR_WIDTH / total_images;
    fprintf(stderr, "\repoch %llu/%zu [", (unsigned long long)trainer->progress.epoch + 1,
            run->config->train.epochs);
    for (size_t i = 0; i < BAR_WIDTH; i++)
        fputc(i < filled ? '#' : '.', stderr);
    fprintf(stderr, "] %3zu %%", images * 100 / total_images);
}

static mlp_status on_step(void *context, const mlp_trainer *trainer, size_t images,
                          size_t total_images, mlp_error *err)
{
    train_run *run = context;
    double every = run->config->train.checkpoint_every_seconds, now = mlp_clock_seconds();
    if (!run->quiet && run->on_terminal && now - run->shown >= 0.1) {
        run->shown = now;
        show_bar(run, trainer, images, total_images);
    }
    return every > 0 && now - run->saved >= every ? write_last(run, trainer, err) : MLP_OK;
}

static void show_epoch(const train_run *run, const mlp_epoch_report *report)
{
    if (run->quiet)
        return;
    fprintf(stderr, "%sepoch %llu/%zu  loss %.4f  accuracy %.4f",
            run->on_terminal ? "\r\033[K" : "", (unsigned long long)report->epoch,
            run->config->train.epochs, report->train_loss, report->train_accuracy);
    if (report->has_validation)
        fprintf(stderr, "  validation loss %.4f  accuracy %.4f%s", report->validation_loss,
                report->validation_accuracy, report->is_best ? " *" : "");
    fprintf(stderr, "  lr %.4g  %.2f s  %.0f images/s\n", report->lr, report->seconds,
            report->images_per_second);
}

static mlp_status append_epoch(train_run *run, const mlp_trainer *trainer,
                               const mlp_epoch_report *report, mlp_error *err)
{
    mlp_json_writer w;
    open_line(&w, "epoch", &trainer->progress);
    mlp_json_write_number_member(&w, "train_loss", report->train_loss);
    mlp_json_write_number_member(&w, "train_accuracy", report->train_accuracy);
    if (report->has_validation) {
        mlp_json_write_number_member(&w, "validation_loss", report->validation_loss);
        mlp_json_write_number_member(&w, "validation_accuracy", report->validation_accuracy);
    } else {
        mlp_json_write_key(&w, "validation_loss");
        mlp_json_write_null(&w);
        mlp_json_write_key(&w, "validation_accuracy");
        mlp_json_write_null(&w);
    }
    mlp_json_write_number_member(&w, "lr", report->lr);
    mlp_json_write_number_member(&w, "grad_norm", report->grad_norm);
    mlp_json_write_key(&w, "layer_grad_norms");
    mlp_json_write_open_array(&w);
    for (size_t l = 0; l < report->n_layers; l++)
        mlp_json_write_double(&w, report->layer_grad_norms[l]);
    mlp_json_write_close_array(&w);
    mlp_json_write_number_member(&w, "seconds", report->seconds);
    mlp_json_write_number_member(&w, "images_per_second", report->images_per_second);
    return append_line(run, &w, NULL, err);
}

/* best, then the line, then last: a run that dies in between is resumed from the
 * last before, and writes the same best and the same line again. */
static mlp_status on_epoch(void *context, const mlp_trainer *trainer,
                           const mlp_epoch_report *report, mlp_error *err)
{
    train_run *run = context;
    bool is_final = report->epoch == run->config->train.epochs;
    bool is_due = is_final || report->epoch % run->config->train.checkpoint_every_epochs == 0;
    mlp_status status = MLP_OK;
    show_epoch(run, report);
    if (report->is_best && (is_due || report->has_validation))
        status = write_best(run, trainer, err);
    if (status == MLP_OK)
        status = append_epoch(run, trainer, report, err);
    if (status == MLP_OK && is_due)
        status = write_last(run, trainer, err);
    return status;
}

static bool should_stop(void *context)
{
    (void)context;
    return train_run_signal() != 0;
}

mlp_train_observer train_run_observer(train_run *run)
{
    return (mlp_train_observer){
        .context = run, .on_step = on_step, .on_epoch = on_epoch, .should_stop = should_stop};
}

/* ---- how a training ends ---- */

mlp_status train_run_interrupted(train_run *run, const mlp_trainer *trainer, mlp_error *err)
{
    mlp_json_writer w;
    mlp_status status = write_last(run, trainer, err);
    if (status != MLP_OK)
        return status;
    open_line(&w, "interrupted", &trainer->progress);
    mlp_json_write_count_member(&w, "signal", (uint64_t)train_run_signal());
    return append_line(run, &w, NULL, err);
}

mlp_status train_run_diverged(train_run *run, const mlp_trainer *trainer, const char *why,
                              mlp_error *err)
{
    mlp_json_writer w;
    open_line(&w, "diverged", &trainer->progress);
    mlp_json_write_text_member(&w, "message", why);
    return append_line(run, &w, NULL, err);
}

static void write_test(mlp_json_writer *w, const mlp_evaluation *test)
{
    mlp_interval interval = mlp_wilson_interval(test->correct, test->count);
    mlp_json_write_count_member(w, "test_images", test->count);
    mlp_json_write_number_member(w, "test_loss", test->loss);
    mlp_json_write_number_member(w, "test_accuracy", mlp_evaluation_accuracy(test));
    mlp_json_write_key(w, "test_accuracy_interval");
    mlp_json_write_open_array(w);
    mlp_json_write_double(w, interval.low);
    mlp_json_write_double(w, interval.high);
    mlp_json_write_close_array(w);
}

mlp_status train_run_end(train_run *run, const mlp_trainer *trainer, const mlp_evaluation *test,
                         char **line, mlp_error *err)
{
    mlp_json_writer w;
    open_line(&w, "end", &trainer->progress);
    if (test != NULL)
        write_test(&w, test);
    mlp_json_write_number_member(&w, "seconds", mlp_clock_seconds() - run->started);
    mlp_json_write_count_member(&w, "peak_memory_bytes", mlp_peak_memory_bytes());
    write_machine(&w, trainer);
    mlp_json_write_text_member(&w, "run", run->folder);
    return append_line(run, &w, line, err);
}

/* ---- signals ---- */

static volatile sig_atomic_t caught_signal; /* the one thing that a handler may write */

/* The next signal, of either kind, is the system's to answer: it ends the program. */
static void on_signal(int number)
{
    caught_signal = number;
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
}

void train_run_catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigemptyset(&action.sa_mask);
    sigaddset(&action.sa_mask, SIGINT);
    sigaddset(&action.sa_mask, SIGTERM);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

int train_run_signal(void)
{
    return caught_signal;
}
