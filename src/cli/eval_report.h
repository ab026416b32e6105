/* eval_report.h: what `mlp eval` prints. */
#ifndef MLP_CLI_EVAL_REPORT_H
#define MLP_CLI_EVAL_REPORT_H

#include "base/status.h"
#include "train/evaluate.h"

typedef struct mlp_eval_report {
    const char *checkpoint;
    const char *split;  /* NULL: images of their own, no part of a data set */
    char **class_names; /* (classes) */
    const mlp_evaluation *result;
} mlp_eval_report;

mlp_status mlp_eval_report_print_text(const mlp_eval_report *report, mlp_error *err);

/* One object on one line. */
mlp_status mlp_eval_report_print_json(const mlp_eval_report *report, mlp_error *err);

#endif
