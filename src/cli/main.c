/* main.c: finds the command and runs it. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/version.h"
#include "cli/cli.h"
#include "cli/console.h"
#include "cli/options.h"

static const struct {
    const char *name;
    int (*function)(int argc, char **argv);
    const char *help;
} COMMANDS[] = {
    {"train", mlp_cmd_train, "train a network as a config says, or go on with a run"},
    {"eval", mlp_cmd_eval, "measure a checkpoint on labelled images"},
    {"predict", mlp_cmd_predict, "name the class of each image"},
    {"info", mlp_cmd_info, "show what this program and CPU offer, or what a checkpoint holds"},
    {"data", mlp_cmd_data, "draw a set of digits, or check a data set"},
    {"export", mlp_cmd_unsupported, "convert a checkpoint (not supported yet)"},
    {"report", mlp_cmd_unsupported, "make a page of a run (not supported yet)"},
};
enum { N_COMMANDS = sizeof COMMANDS / sizeof COMMANDS[0] };

static void print_usage(FILE *out)
{
    fputs("Usage: mlp COMMAND [OPTION]...\n"
          "Trains and runs multi-layer perceptrons.\n\n"
          "Commands:\n",
          out);
    for (size_t i = 0; i < N_COMMANDS; i++)
        fprintf(out, "  %-8s  %s\n", COMMANDS[i].name, COMMANDS[i].help);
    fputs(
        "\n"
        "  -h, --help  this text; 'mlp COMMAND --help' tells about a command\n"
        "  --version   the version\n\n"
        "Exit codes: 0 done, 1 failed at run time, 2 wrong usage, 3 wrong config, 4 wrong data,\n"
        "5 wrong checkpoint, 6 training diverged, 7 a gate was not met, 130 and 143 interrupted.\n",
        out);
}

int mlp_cmd_unsupported(int argc, char **argv)
{
    (void)argc;
    mlp_error err;
    return (int)mlp_console_error(mlp_fail(&err, MLP_ERR_USAGE, "%s is not supported yet", argv[0]),
                                  &err);
}

static int fail_unknown(const char *word)
{
    const char *names[N_COMMANDS + 3] = {"--help", "--version"};
    const char *kind = word[0] == '-' ? "option" : "command";
    mlp_error err;
    for (size_t i = 0; i < N_COMMANDS; i++)
        names[i + 2] = COMMANDS[i].name;
    const char *nearest = mlp_options_nearest(word, names);
    if (nearest == NULL)
        mlp_fail(&err, MLP_ERR_USAGE, "unknown %s \"%s\"", kind, word);
    else
        mlp_fail(&err, MLP_ERR_USAGE, "unknown %s \"%s\"; did you mean %s?", kind, word, nearest);
    mlp_console_error(MLP_ERR_USAGE, &err);
    fputs("Try 'mlp --help'.\n", stderr);
    return MLP_ERR_USAGE;
}

static int run(int argc, char **argv)
{
    if (argc < 2) {
        print_usage(stderr);
        return MLP_ERR_USAGE;
    }
    if (strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "--help") == 0) {
        print_usage(stdout);
        return MLP_OK;
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("mlp " MLP_VERSION);
        return MLP_OK;
    }
    for (size_t i = 0; i < N_COMMANDS; i++) {
        if (strcmp(argv[1], COMMANDS[i].name) == 0)
            return COMMANDS[i].function(argc - 1, argv + 1);
    }
    return fail_unknown(argv[1]);
}

/* A standard stream that came closed would lend its number to the next file that is
 * opened, and the results would go there. This one fails on writing, as it should. */
static void hold_standard_streams(void)
{
    int fd;
    do
        fd = open("/dev/null", O_RDONLY);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0)
        close(fd);
}

int main(int argc, char **argv)
{
    mlp_error err;
    hold_standard_streams();
    signal(SIGPIPE, SIG_IGN); /* a reader that left is a failed write: exit 1 */
    signal(SIGXFSZ, SIG_IGN); /* so is a file that may not grow (ulimit -f) */
    int exit_code = run(argc, argv);
    if (exit_code != MLP_ERR_RUNTIME && mlp_console_flush(&err) != MLP_OK)
        exit_code = (int)mlp_console_error(MLP_ERR_RUNTIME, &err);
    return exit_code;
}
