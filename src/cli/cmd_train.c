/* cmd_train.c: the options of `mlp train`. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/cli.h"
#include "cli/console.h"
#include "cli/options.h"
#include "cli/train_run.h"
#include "cli/train_session.h"

static const char HELP[] =
    "Usage: mlp train --config F [--set K=V]... [--out DIR]\n"
    "       mlp train --resume RUN [--set train.epochs=N]\n"
    "\n"
    "Trains a network and keeps everything about it in a run folder.\n"
    "\n"
    "  --config F         the JSON config\n"
    "  --set K=V          override one of its leaves, e.g. train.sgd.lr=0.05; repeatable\n"
    "  --out DIR          the run folder itself, instead of <run.dir>/<name>\n"
    "  --resume RUN       go on with the run in this folder, to the bit\n"
    "  --threads N        0: one for each CPU; changes no byte of the result\n"
    "  --kernel NAME      force a kernel table; changes no byte either (also: MLP_KERNEL)\n"
    "  --min-accuracy X   exit 7 when the test accuracy is below X\n"
    "  --print-config     print the resolved config and stop\n"
    "  --dry-run          check config and data, say what would be done and stop\n"
    "  --format FORMAT    of the result on stdout: text or json\n"
    "  -q, --quiet        no progress\n"
    "  -h, --help\n";

/* Of a run, only its length may change. */
static mlp_status check_resume(const train_options *o)
{
    if (o->config != NULL || o->out != NULL)
        return mlp_options_fail("train", "--resume goes with neither --config nor --out");
    for (size_t i = 0; i < o->overrides.count; i++)
        if (strncmp(o->overrides.values[i], "train.epochs=", 13) != 0)
            return mlp_options_fail("train", "--set %s: with --resume only train.epochs may change",
                                    o->overrides.values[i]);
    return MLP_OK;
}

static mlp_status check_options(const train_options *o)
{
    if (o->resume != NULL)
        return check_resume(o);
    if (o->config == NULL)
        return mlp_options_fail("train", "--config or --resume is missing");
    return MLP_OK;
}

int mlp_cmd_train(int argc, char **argv)
{
    train_session s = {.lock = -1};
    train_options *o = &s.options;
    const mlp_option options[] = {
        {.name = "config", .kind = MLP_OPTION_STRING, .target = &o->config},
        {.name = "set", .kind = MLP_OPTION_LIST, .target = &o->overrides},
        {.name = "out", .kind = MLP_OPTION_STRING, .target = &o->out},
        {.name = "resume", .kind = MLP_OPTION_STRING, .target = &o->resume},
        {.name = "min-accuracy",
         .kind = MLP_OPTION_RATIO,
         .target = &o->min_accuracy,
         .given = &o->has_gate},
        {.name = "print-config", .kind = MLP_OPTION_FLAG, .target = &o->print_config},
        {.name = "dry-run", .kind = MLP_OPTION_FLAG, .target = &o->dry_run},
        mlp_option_format(&o->common),
        mlp_option_threads(&o->common),
        mlp_option_kernel(&o->common),
        mlp_option_quiet(&o->common),
        {.name = NULL},
    };
    const mlp_command_line line = {"train", HELP, options, 0};
    mlp_error err;
    int exit_code;
    o->overrides.values = mlp_alloc((size_t)argc, sizeof *o->overrides.values);
    if (o->overrides.values == NULL)
        return (int)mlp_console_error(mlp_fail_memory(&err, "the options"), &err);
    if (!mlp_options_parse(&line, &argc, &argv, &exit_code)) {
        free(o->overrides.values);
        return exit_code;
    }
    exit_code = MLP_OK;
    mlp_status status = check_options(o);
    if (status == MLP_OK) {
        train_run_catch_signals();
        status = train_session_run(&s, &exit_code, &err);
        if (status != MLP_OK)
            mlp_console_error(status, &err);
    }
    train_session_free(&s);
    return status != MLP_OK ? (int)status : exit_code;
}
