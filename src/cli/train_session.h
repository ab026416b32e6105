/* train_session.h: one `mlp train`: config -> dataset -> model -> train -> checkpoint + metrics. */
#ifndef MLP_CLI_TRAIN_SESSION_H
#define MLP_CLI_TRAIN_SESSION_H

#include <stdbool.h>

#include "base/status.h"
#include "base/team.h"
#include "cli/options.h"
#include "cli/train_data.h"
#include "cli/train_run.h"
#include "config/config.h"
#include "kernels/kernels.h"
#include "train/train.h"

typedef struct train_options {
    const char *config, *resume, *out;
    mlp_option_list overrides;
    double min_accuracy;
    bool has_gate, print_config, dry_run;
    mlp_common_options common;
} train_options;

/* Everything that a training needs and that has to be released after it. Begins as zeros but for
 * `lock`, -1, and the options. */
typedef struct train_session {
    train_options options;
    mlp_config config;
    train_data data;
    mlp_kernels kernels;
    mlp_team team;
    mlp_trainer trainer;
    int lock;             /* on the run's folder; -1: none */
    bool resumed;         /* goes on from a checkpoint, */
    size_t epochs_before; /* of a training of so many */
    train_run run;
} train_session;

/* All that the options ask for. *exit_code is set where no status says it: after a signal. */
mlp_status train_session_run(train_session *session, int *exit_code, mlp_error *err);

/* Takes any session, however far it came. */
void train_session_free(train_session *session);

#endif
