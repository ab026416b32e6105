/* cmd_predict.c: checkpoint + images -> a line for each image. */
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/console.h"
#include "cli/options.h"
#include "cli/predict_stream.h"
#include "cli/prediction.h"

static const char LATEST[] = "runs/latest/best.safetensors";

static const char HELP[] =
    "Usage: mlp predict [--checkpoint F] [OPTION]... [FILE]...\n"
    "Prints a line for each image: its class and how probable that is. FILE - and no FILE are\n"
    "standard input. A file holds raw bytes (as many as the network has inputs), PGM (P2, P5) or\n"
    "IDX, gzipped or not; several images may follow each other. What comes through a pipe is\n"
    "answered as it comes, unless gzipped.\n\n"
    "  --checkpoint F      default: runs/latest/best.safetensors\n"
    "  --top-k N           the N most probable classes; default 1\n"
    "  --preprocess MODE   none: images are as the training had them; auto (the default): what\n"
    "                      the checkpoint asks for; digit, resize: not supported yet\n"
    "  --show              print what the network saw (not supported yet)\n"
    "  --format FORMAT     text (the default) or json, an object a line\n"
    "  --threads N         0 (the default): one for each CPU; few images take one alone\n"
    "  --kernel NAME       force a table of kernels that `mlp info` lists; also MLP_KERNEL\n"
    "  -q, --quiet         no notes\n"
    "  -h, --help          this text\n";

typedef struct predict_options {
    mlp_common_options common;
    const char *checkpoint, *preprocess;
    uint64_t top_k;
} predict_options;

typedef struct predict_session {
    predict_options options;
    mlp_checkpoint checkpoint;
    mlp_kernels kernels;
    predict_stream stream;
} predict_session;

static mlp_status check_preprocess(const char *mode)
{
    if (strcmp(mode, "auto") == 0 || strcmp(mode, "none") == 0)
        return MLP_OK;
    if (strcmp(mode, "digit") == 0 || strcmp(mode, "resize") == 0)
        return mlp_options_fail("predict", "--preprocess %s is not supported yet", mode);
    return mlp_options_fail("predict",
                            "--preprocess: found \"%s\", wanted auto, digit, resize or none", mode);
}

/* What the command line and the checkpoint ask of each other. */
static mlp_status check_model(const predict_session *s, mlp_error *err)
{
    const predict_options *options = &s->options;
    const char *asked = s->checkpoint.preprocess; /* NULL: a foreign checkpoint */
    size_t classes = s->checkpoint.model.classes;
    bool is_auto = strcmp(options->preprocess, "auto") == 0;
    if (is_auto && asked != NULL && strcmp(asked, "none") != 0)
        return mlp_fail(err, MLP_ERR_USAGE,
                        "%s: asks for the preprocessing \"%s\", which is not supported yet; "
                        "--preprocess none takes the images as they are",
                        options->checkpoint, asked);
    if (options->top_k > classes)
        return mlp_fail(err, MLP_ERR_USAGE,
                        "--top-k: found %llu, wanted 1 to %zu, the classes of %s",
                        (unsigned long long)options->top_k, classes, options->checkpoint);
    return MLP_OK;
}

static mlp_status load_model(predict_session *s, mlp_error *err)
{
    predict_options *options = &s->options;
    if (options->checkpoint == NULL && access(LATEST, F_OK) != 0)
        return mlp_fail(err, MLP_ERR_USAGE,
                        "%s: no such file, so --checkpoint F must name a checkpoint", LATEST);
    if (options->checkpoint == NULL)
        options->checkpoint = LATEST;
    mlp_status status = mlp_checkpoint_load(&s->checkpoint, options->checkpoint, err);
    if (status == MLP_OK)
        status = check_model(s, err);
    return status;
}

/* The network computes as it did when it was trained. */
static mlp_status choose_kernels(predict_session *s, mlp_error *err)
{
    mlp_precision precision = MLP_PRECISION_FP32;
    if (s->checkpoint.config_json != NULL) {
        mlp_config config;
        mlp_status status = mlp_config_parse(&config, s->checkpoint.config_json,
                                             s->options.checkpoint, NULL, NULL, 0, err);
        precision = config.train.precision;
        mlp_config_free(&config);
        if (status != MLP_OK)
            return status == MLP_ERR_CONFIG ? MLP_ERR_CHECKPOINT : status;
    }
    return mlp_options_kernels(&s->options.common, precision, &s->kernels, err);
}

/* Room for a line of any of the files. */
static size_t find_line_room(const predict_session *s, int n_files, char **files)
{
    size_t longest = 0;
    for (int i = 0; i < n_files; i++) {
        size_t length = strlen(files[i]);
        longest = length > longest ? length : longest;
    }
    return mlp_prediction_text_room(s->checkpoint.class_names, s->checkpoint.model.classes,
                                    (size_t)s->options.top_k, longest);
}

static mlp_status init_stream(predict_session *s, int n_files, char **files, mlp_error *err)
{
    const predict_options *options = &s->options;
    mlp_status status = choose_kernels(s, err);
    if (status != MLP_OK)
        return status;
    s->stream = (predict_stream){.checkpoint = &s->checkpoint,
                                 .kernels = &s->kernels,
                                 .n_threads = mlp_options_thread_count(&options->common),
                                 .top_k = (size_t)options->top_k,
                                 .json = options->common.format == MLP_FORMAT_JSON,
                                 .names_files = n_files > 1,
                                 .line_room = find_line_room(s, n_files, files)};
    return predict_stream_init(&s->stream, err);
}

static mlp_status run_session(predict_session *s, int n_files, char **files, mlp_error *err)
{
    mlp_status status = load_model(s, err);
    bool reads_terminal = n_files == 0 && isatty(STDIN_FILENO);
    if (status == MLP_OK)
        status = init_stream(s, n_files, files, err);
    if (status == MLP_OK && reads_terminal)
        mlp_console_note(&s->options.common, "reading images from standard input");
    if (status == MLP_OK && n_files == 0)
        status = predict_stream_file(&s->stream, "-", err);
    for (int i = 0; status == MLP_OK && i < n_files; i++)
        status = predict_stream_file(&s->stream, files[i], err);
    return status;
}

static void free_session(predict_session *s)
{
    predict_stream_free(&s->stream);
    mlp_checkpoint_free(&s->checkpoint);
}

int mlp_cmd_predict(int argc, char **argv)
{
    predict_session s = {.options = {.preprocess = "auto", .top_k = 1}};
    predict_options *o = &s.options;
    const mlp_option options[] = {
        {.name = "checkpoint", .kind = MLP_OPTION_STRING, .target = &o->checkpoint},
        {.name = "top-k",
         .kind = MLP_OPTION_NUMBER,
         .target = &o->top_k,
         .minimum = 1,
         .maximum = MLP_MAX_CLASSES},
        {.name = "preprocess", .kind = MLP_OPTION_STRING, .target = &o->preprocess},
        {.name = "show", .kind = MLP_OPTION_UNSUPPORTED_FLAG},
        mlp_option_format(&o->common),
        mlp_option_threads(&o->common),
        mlp_option_kernel(&o->common),
        mlp_option_quiet(&o->common),
        {.name = NULL},
    };
    const mlp_command_line line = {"predict", HELP, options, INT_MAX};
    int exit_code;
    if (!mlp_options_parse(&line, &argc, &argv, &exit_code))
        return exit_code;
    mlp_status status = check_preprocess(o->preprocess);
    if (status != MLP_OK)
        return (int)status;
    mlp_error err;
    status = run_session(&s, argc, argv, &err);
    if (status != MLP_OK)
        mlp_console_error(status, &err);
    free_session(&s);
    return (int)status;
}
