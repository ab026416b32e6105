#include "cli/options.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu_count.h"
#include "base/edit_distance.h"
#include "base/team.h"
#include "cli/console.h"
#include "kernels/select.h"

enum {
    MAX_OPTIONS = 31,    /* of a command */
    FIRST_LONG_VAL = 256 /* getopt_long's number of option 0: above all letters */
};

mlp_option mlp_option_format(mlp_common_options *common)
{
    return (mlp_option){.name = "format", .kind = MLP_OPTION_FORMAT, .target = &common->format};
}

mlp_option mlp_option_quiet(mlp_common_options *common)
{
    return (mlp_option){
        .name = "quiet", .letter = 'q', .kind = MLP_OPTION_FLAG, .target = &common->quiet};
}

mlp_option mlp_option_threads(mlp_common_options *common)
{
    return (mlp_option){.name = "threads",
                        .kind = MLP_OPTION_NUMBER,
                        .target = &common->threads,
                        .given = &common->threads_given,
                        .maximum = MLP_MAX_THREADS};
}

mlp_option mlp_option_kernel(mlp_common_options *common)
{
    return (mlp_option){.name = "kernel", .kind = MLP_OPTION_STRING, .target = &common->kernel};
}

size_t mlp_options_thread_count(const mlp_common_options *common)
{
    if (common->threads > 0)
        return (size_t)common->threads;
    size_t cpus = mlp_cpu_count();
    return cpus < MLP_MAX_THREADS ? cpus : MLP_MAX_THREADS;
}

mlp_status mlp_options_kernels(const mlp_common_options *common, mlp_precision precision,
                               mlp_kernels *kernels, mlp_error *err)
{
    const char *set = getenv("MLP_KERNEL");
    const char *name = common->kernel;
    if (name == NULL && set != NULL && set[0] != '\0')
        name = set;
    if (precision == MLP_PRECISION_FP32) {
        const mlp_kernels *chosen;
        mlp_status status = mlp_kernels_select(&chosen, name, err);
        if (status == MLP_OK)
            *kernels = *chosen;
        return status;
    }
    mlp_status status = mlp_bf16_kernels_select(kernels, name, err);
    if (status == MLP_OK && name == NULL && mlp_bf16_kernels_denied())
        mlp_console_note(common,
                         "this CPU has AMX tiles, but the operating system does not grant them; "
                         "the kernel is %s",
                         kernels->name);
    return status;
}

const char *mlp_options_nearest(const char *word, const char *const *choices)
{
    const char *nearest = NULL;
    size_t length = strlen(word), best = length < 6 ? 1 : length / 3;
    for (; *choices != NULL; choices++) {
        size_t distance = mlp_edit_distance(word, *choices);
        if (distance < best || (distance == best && nearest == NULL)) {
            nearest = *choices;
            best = distance;
        }
    }
    return nearest;
}

mlp_status mlp_options_fail(const char *name, const char *format, ...)
{
    mlp_error err;
    va_list args;
    va_start(args, format);
    vsnprintf(err.message, sizeof err.message, format, args);
    va_end(args);
    mlp_console_error(MLP_ERR_USAGE, &err);
    fprintf(stderr, "Try 'mlp %s --help'.\n", name);
    return MLP_ERR_USAGE;
}

static bool takes_value(const mlp_option *option)
{
    return option->kind != MLP_OPTION_FLAG && option->kind != MLP_OPTION_UNSUPPORTED_FLAG;
}

/* Digits only: strtoull alone would take "-1" and " 1". */
static bool read_number(const mlp_option *option, const char *text)
{
    uint64_t value = 0;
    char *end = NULL;
    bool is_number = text[0] != '\0' && text[strspn(text, "0123456789")] == '\0';
    errno = 0;
    if (is_number)
        value = strtoull(text, &end, 10);
    if (!is_number || errno != 0 || value < option->minimum || value > option->maximum)
        return false;
    *(uint64_t *)option->target = value;
    return true;
}

static bool read_ratio(const mlp_option *option, const char *text)
{
    char *end = NULL;
    double value = strtod(text, &end);
    if (end == text || *end != '\0' || !(value >= 0 && value <= 1))
        return false;
    *(double *)option->target = value;
    return true;
}

static bool read_format(const mlp_option *option, const char *text)
{
    bool json = strcmp(text, "json") == 0;
    if (!json && strcmp(text, "text") != 0)
        return false;
    *(mlp_format *)option->target = json ? MLP_FORMAT_JSON : MLP_FORMAT_TEXT;
    return true;
}

static void append(mlp_option_list *list, const char *value)
{
    list->values[list->count++] = value;
}

/* MLP_ERR_USAGE, said, when the value is none. */
static mlp_status store(const char *name, const mlp_option *option, const char *value)
{
    if (option->given != NULL)
        *option->given = true;
    switch (option->kind) {
    case MLP_OPTION_FLAG:
        *(bool *)option->target = true;
        return MLP_OK;
    case MLP_OPTION_STRING:
        *(const char **)option->target = value;
        return MLP_OK;
    case MLP_OPTION_LIST:
        append(option->target, value);
        return MLP_OK;
    case MLP_OPTION_NUMBER:
        if (read_number(option, value))
            return MLP_OK;
        return mlp_options_fail(
            name, "--%s: found \"%s\", wanted a whole number from %" PRIu64 " to %" PRIu64,
            option->name, value, option->minimum, option->maximum);
    case MLP_OPTION_RATIO:
        if (read_ratio(option, value))
            return MLP_OK;
        return mlp_options_fail(name, "--%s: found \"%s\", wanted a number from 0 to 1",
                                option->name, value);
    case MLP_OPTION_FORMAT:
        if (read_format(option, value))
            return MLP_OK;
        return mlp_options_fail(name, "--%s: found \"%s\", wanted text or json", option->name,
                                value);
    case MLP_OPTION_UNSUPPORTED:
    case MLP_OPTION_UNSUPPORTED_FLAG:
        break;
    }
    return mlp_options_fail(name, "--%s is not supported yet", option->name);
}

/* The option that getopt_long's number stands for; NULL: none of the table's. */
static const mlp_option *find_option(const mlp_command_line *line, int val)
{
    for (const mlp_option *option = line->options; option->name != NULL; option++) {
        if (val == FIRST_LONG_VAL + (int)(option - line->options) ||
            (option->letter != 0 && val == option->letter))
            return option;
    }
    return NULL;
}

/* `arg` is as it was typed: "--chekpoint=x". */
static mlp_status fail_unknown_long(const mlp_command_line *line, const char *arg)
{
    const char *names[MAX_OPTIONS + 2] = {"help"};
    for (size_t i = 0; line->options[i].name != NULL; i++)
        names[i + 1] = line->options[i].name;
    int typed = (int)strcspn(arg, "=");
    char word[MLP_EDIT_WORD_SIZE];
    snprintf(word, sizeof word, "%.*s", typed - 2, arg + 2);
    const char *nearest = mlp_options_nearest(word, names);
    if (nearest == NULL)
        return mlp_options_fail(line->name, "unknown option %.*s", typed, arg);
    return mlp_options_fail(line->name, "unknown option %.*s; did you mean --%s?", typed, arg,
                            nearest);
}

/* getopt_long returned ':' or '?'. */
static mlp_status fail_option(const mlp_command_line *line, int result, char **argv)
{
    const mlp_option *option = find_option(line, optopt);
    if (option != NULL && result == ':')
        return mlp_options_fail(line->name, "--%s wants a value", option->name);
    if (option != NULL || optopt == 'h')
        return mlp_options_fail(line->name, "--%s takes no value",
                                option != NULL ? option->name : "help");
    if (optopt != 0)
        return mlp_options_fail(line->name, "unknown option -%c", optopt);
    return fail_unknown_long(line, argv[optind - 1]);
}

/* The table in getopt_long's words. */
static void translate(const mlp_command_line *line, struct option *longs, char *shorts)
{
    *longs++ = (struct option){"help", no_argument, NULL, 'h'};
    *shorts++ = ':'; /* tell a missing value from an unknown option */
    *shorts++ = 'h';
    for (const mlp_option *option = line->options; option->name != NULL; option++) {
        *longs++ =
            (struct option){option->name, takes_value(option) ? required_argument : no_argument,
                            NULL, FIRST_LONG_VAL + (int)(option - line->options)};
        if (option->letter != 0)
            *shorts++ = option->letter;
        if (option->letter != 0 && takes_value(option))
            *shorts++ = ':';
    }
    *longs = (struct option){0};
    *shorts = '\0';
}

bool mlp_options_parse(const mlp_command_line *line, int *argc, char ***argv, int *exit_code)
{
    struct option longs[MAX_OPTIONS + 2];
    char shorts[2 * (size_t)MAX_OPTIONS + sizeof ":h"];
    int result;
    *exit_code = MLP_OK;
    translate(line, longs, shorts);
    opterr = 0;
    while ((result = getopt_long(*argc, *argv, shorts, longs, NULL)) != -1) {
        if (result == 'h') {
            fputs(line->help, stdout);
            return false;
        }
        const mlp_option *option = find_option(line, result);
        *exit_code = (int)(option == NULL ? fail_option(line, result, *argv)
                                          : store(line->name, option, optarg));
        if (*exit_code != MLP_OK)
            return false;
    }
    *argc -= optind;
    *argv += optind;
    if (*argc > line->max_operands)
        *exit_code = (int)mlp_options_fail(line->name, "unexpected argument \"%s\"",
                                           (*argv)[line->max_operands]);
    return *exit_code == MLP_OK;
}
