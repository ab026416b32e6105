/* train_run.h: a training as `mlp train` runs it: the folder, the checkpoints and
 * the metrics that the loop in train/ reports to. */
#ifndef MLP_CLI_TRAIN_RUN_H
#define MLP_CLI_TRAIN_RUN_H

#include <stdbool.h>

#include "base/status.h"
#include "io/metrics.h"
#include "train/evaluate.h"
#include "train/train.h"

typedef struct train_run {
    const mlp_config *config;
    char *folder, *best_path, *last_path;
    char **class_names; /* (classes) */
    mlp_metrics metrics;
    bool quiet, on_terminal;
    double started, shown, saved; /* seconds: of the run, its last progress bar, its `last` */
} train_run;

/* Names the files of the run in `folder`; the run keeps the folder's name and frees it. */
mlp_status train_run_init(train_run *run, const mlp_config *config, char *folder,
                          const mlp_dataset *data, bool quiet, mlp_error *err);
void train_run_free(train_run *run);

/* config.json, the first `last` and the start line of a new or a resumed run. */
mlp_status train_run_start(train_run *run, const mlp_trainer *trainer, bool resumed,
                           mlp_error *err);

/* What the loop is to call; the run is its context. */
mlp_train_observer train_run_observer(train_run *run);

/* `last` and a line for a training that a signal ended. */
mlp_status train_run_interrupted(train_run *run, const mlp_trainer *trainer, mlp_error *err);

/* A line for one that diverged; `why` is the loop's message. */
mlp_status train_run_diverged(train_run *run, const mlp_trainer *trainer, const char *why,
                              mlp_error *err);

/* The end line; test is NULL without a test set. *line is what was written, to be
 * released with free(). */
mlp_status train_run_end(train_run *run, const mlp_trainer *trainer, const mlp_evaluation *test,
                         char **line, mlp_error *err);

/* From the first SIGINT or SIGTERM on train_run_signal() is its number, 0 before;
 * a second one, of either kind, ends the program at once. */
void train_run_catch_signals(void);
int train_run_signal(void);

#endif
