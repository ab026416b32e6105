/* console.h: what the program says. Results go to stdout, all else to stderr,
 * each line with "mlp: " in front. Nothing is coloured. */
#ifndef MLP_CLI_CONSOLE_H
#define MLP_CLI_CONSOLE_H

#include <stddef.h>

#include "base/status.h"
#include "cli/options.h"
#include "config/json_writer.h"
#include "train/evaluate.h"

/* "mlp: error: MESSAGE". Returns the status, so that a command can end with it. */
mlp_status mlp_console_error(mlp_status status, const mlp_error *err);

/* "mlp: ...", unless --quiet. */
void mlp_console_note(const mlp_common_options *common, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Writes out what stdout holds. MLP_ERR_RUNTIME when anything written so far was lost. */
mlp_status mlp_console_flush(mlp_error *err);

/* Finishes the writer and prints its text as a line. */
mlp_status mlp_console_print_json(mlp_json_writer *w, mlp_error *err);

/* MLP_ERR_GATE when the accuracy is below the one that is asked for. */
mlp_status mlp_console_gate(const mlp_evaluation *evaluation, double min_accuracy, mlp_error *err);

/* How many columns a UTF-8 text takes: its code points. */
size_t mlp_console_width(const char *text);

/* A file's text: control characters, which a terminal would obey, are escaped. */
void mlp_console_print_text(const char *text);

/* The same, and spaces up to `width` columns. */
void mlp_console_print_padded(const char *text, size_t width);

#endif
