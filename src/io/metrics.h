/* metrics.h: metrics.jsonl, the diary of a run: one JSON object a line, appended.
 *
 * What the lines say is up to the caller. Here they are kept whole: each goes out
 * in one write(), and what a killed run left of a line is taken back on resume.
 */
#ifndef MLP_IO_METRICS_H
#define MLP_IO_METRICS_H

#include <stdint.h>

#include "base/status.h"

typedef struct mlp_metrics {
    char *path; /* NULL: not open */
    int fd;
} mlp_metrics;

/* Opens the file for appending; it is made where there is none. MLP_ERR_RUNTIME. */
mlp_status mlp_metrics_open(mlp_metrics *metrics, const char *path, mlp_error *err);

/* Accepts a zeroed or a failed one. */
void mlp_metrics_close(mlp_metrics *metrics);

/* `line` is one JSON object without a line break. MLP_ERR_RUNTIME: disk full, ... */
mlp_status mlp_metrics_append(mlp_metrics *metrics, const char *line, mlp_error *err);

/* For a run that goes on from completed_epochs: replaces the file, atomically, by
 * one without the "epoch" lines of later epochs, without "end" lines and without
 * what is no JSON object on a line of its own (torn lines). All other lines keep
 * their bytes. No file is no error. MLP_ERR_RUNTIME. */
mlp_status mlp_metrics_rewind(const char *path, uint64_t completed_epochs, mlp_error *err);

#endif
