/* options.h: a command's options, declared as a table and parsed by getopt_long.
 *
 *     mlp_common_options common = {0};
 *     const char *checkpoint = NULL;
 *     const mlp_option options[] = {
 *         {.name = "checkpoint", .kind = MLP_OPTION_STRING, .target = &checkpoint},
 *         {.name = "format", .kind = MLP_OPTION_FORMAT, .target = &common.format},
 *         {.name = NULL},
 *     };
 *     const mlp_command_line line = {"eval", HELP, options, 0};
 *     int exit_code;
 *     if (!mlp_options_parse(&line, &argc, &argv, &exit_code))
 *         return exit_code;
 *
 * -h and --help are always there.
 */
#ifndef MLP_CLI_OPTIONS_H
#define MLP_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "config/config.h"
#include "kernels/kernels.h"

typedef enum mlp_format { MLP_FORMAT_TEXT, MLP_FORMAT_JSON } mlp_format;

typedef enum mlp_option_kind {
    MLP_OPTION_FLAG,        /* bool: no value; set to true */
    MLP_OPTION_STRING,      /* const char *: the last one counts */
    MLP_OPTION_LIST,        /* mlp_option_list: every one counts, in order */
    MLP_OPTION_NUMBER,      /* uint64_t in [minimum, maximum] */
    MLP_OPTION_RATIO,       /* double in [0, 1] */
    MLP_OPTION_FORMAT,      /* mlp_format: text or json */
    MLP_OPTION_UNSUPPORTED, /* designed, and still to be made: refused by name; takes a value */
    MLP_OPTION_UNSUPPORTED_FLAG,
} mlp_option_kind;

typedef struct mlp_option_list {
    size_t count;
    const char **values; /* room for argc of them, the caller's */
} mlp_option_list;

typedef struct mlp_option {
    const char *name; /* the long one, without "--" */
    char letter;      /* the short one; 0: none */
    mlp_option_kind kind;
    void *target; /* as the kind says */
    bool *given;  /* set to true where the option stands; NULL: nobody asks */
    uint64_t minimum, maximum;
} mlp_option;

typedef struct mlp_command_line {
    const char *name;          /* "eval", "data check" */
    const char *help;          /* what --help prints, whole */
    const mlp_option *options; /* up to the one without a name */
    int max_operands;          /* arguments that are not options */
} mlp_command_line;

/* Parses argv[1 .. argc-1]; once in a process. True: all targets are set, and *argc,
 * *argv are the operands that are left. False: the command ends with *exit_code,
 * after --help (0) or a message and where to find help (2). */
bool mlp_options_parse(const mlp_command_line *line, int *argc, char ***argv, int *exit_code);

/* A mistake in the use of a command, found behind the parser: the message and
 * "Try 'mlp NAME --help'." on stderr. Returns MLP_ERR_USAGE. */
mlp_status mlp_options_fail(const char *name, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* What the commands that compute or print results have in common. */
typedef struct mlp_common_options {
    mlp_format format;
    bool quiet;
    uint64_t threads;   /* 0: one for each CPU */
    bool threads_given; /* also as 0 */
    const char *kernel; /* NULL: the environment's, otherwise the fastest */
} mlp_common_options;

enum { MLP_MAX_THREADS = 1024 };

/* Their rows, for a command's table. */
mlp_option mlp_option_format(mlp_common_options *common);
mlp_option mlp_option_quiet(mlp_common_options *common);
mlp_option mlp_option_threads(mlp_common_options *common);
mlp_option mlp_option_kernel(mlp_common_options *common);

/* How many threads that means. */
size_t mlp_options_thread_count(const mlp_common_options *common);

/* The kernels of --kernel, of MLP_KERNEL where it is not given, otherwise the
 * fastest of that precision. MLP_ERR_USAGE names what there is. Where the system keeps
 * AMX tiles from bf16 products, and none were named, a note on stderr says so. */
mlp_status mlp_options_kernels(const mlp_common_options *common, mlp_precision precision,
                               mlp_kernels *kernels, mlp_error *err);

/* The choice that is a likely misspelling of `word`: at most a third of its letters
 * edited. choices ends with NULL; NULL when nothing is near. */
const char *mlp_options_nearest(const char *word, const char *const *choices);

#endif
