/* cmd_predict.c: checkpoint + images -> a line for each image.
 *
 * Images are read and answered in batches, so memory does not grow with their
 * number. Threads are started only when the first batch is worth it.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/cli.h"
#include "cli/console.h"
#include "cli/options.h"
#include "cli/prediction.h"
#include "data/image.h"
#include "io/checkpoint.h"
#include "nn/pass.h"

enum {
    BATCH = 256,            /* images */
    WORTH_MORE_THREADS = 64 /* images of the first batch */
};

static const char LATEST[] = "runs/latest/best.safetensors";

static const char HELP[] =
    "Usage: mlp predict [--checkpoint F] [OPTION]... [FILE]...\n"
    "Prints a line for each image: its class and how probable that is. FILE - and no FILE are\n"
    "standard input. A file holds raw bytes (as many as the network has inputs), PGM (P2, P5) or\n"
    "IDX, gzipped or not; several images may follow each other.\n\n"
    "  --checkpoint F      default: runs/latest/best.safetensors\n"
    "  --top-k N           the N most probable classes; default 1\n"
    "  --preprocess MODE   none: images are as the training had them; auto (the default): what\n"
    "                      the checkpoint asks for; digit, resize: not supported yet\n"
    "  --show              print what the network saw (not supported yet)\n"
    "  --format FORMAT     text (the default) or json, an object a line\n"
    "  --threads N         0: one for each CPU; default: one, and more for many images\n"
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
    size_t rows, cols; /* of the model's input; 0, 0 where it is not two-dimensional */
    const mlp_kernels *kernels;
    uint8_t *pixels; /* (BATCH, F) */
    bool started;    /* there are a team and a pass */
    mlp_team team;
    mlp_pass pass;

    const char *file; /* whose images are being answered */
    bool name_file;   /* in each line */
    uint64_t done;    /* its images that are answered */
    size_t line_room; /* bytes of the longest line of text */
    char *lines;      /* (BATCH, line_room): each thread's lines start where its images do */
    char **line_ends; /* (threads) */
} predict_session;

/* Image i of the batch; order (MLP_MAX_CLASSES) is the caller's. */
static mlp_prediction rank_image(const predict_session *s, size_t i, uint8_t *order)
{
    size_t classes = s->checkpoint.model.classes;
    mlp_prediction prediction = {.file = s->file,
                                 .index = s->done + i,
                                 .class_names = s->checkpoint.class_names,
                                 .probabilities = s->pass.probabilities + i * classes,
                                 .top_k = (size_t)s->options.top_k,
                                 .order = order};
    mlp_prediction_rank(prediction.probabilities, classes, s->pass.predictions[i], prediction.top_k,
                        order);
    return prediction;
}

/* Each thread also writes the lines of its share of the images. */
static void predict_batch(mlp_team *team, size_t thread, void *argument)
{
    predict_session *s = argument;
    uint8_t order[MLP_MAX_CLASSES];
    size_t first, end;
    mlp_pass_forward(&s->pass, team, thread);
    mlp_pass_loss(&s->pass, team, thread);
    if (s->lines == NULL)
        return;
    mlp_team_share(team, thread, s->pass.batch.size, &first, &end);
    char *line = s->lines + first * s->line_room;
    for (size_t i = first; i < end; i++) {
        mlp_prediction prediction = rank_image(s, i, order);
        line = mlp_prediction_write_text(&prediction, s->name_file, line);
    }
    s->line_ends[thread] = line;
}

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
    if (status == MLP_OK)
        status = mlp_options_kernels(&options->common, &s->kernels, err);
    if (status != MLP_OK)
        return status;
    if (s->checkpoint.rank == 2) {
        s->rows = s->checkpoint.dims[0];
        s->cols = s->checkpoint.dims[1];
    }
    s->pixels = mlp_alloc(BATCH, s->checkpoint.model.features);
    return s->pixels == NULL ? mlp_fail_memory(err, "a batch of images") : MLP_OK;
}

static mlp_status alloc_lines(predict_session *s, size_t threads, mlp_error *err)
{
    if (s->options.common.format == MLP_FORMAT_JSON)
        return MLP_OK;
    s->lines = mlp_alloc(BATCH, s->line_room);
    s->line_ends = mlp_alloc(threads, sizeof *s->line_ends);
    return s->lines == NULL || s->line_ends == NULL ? mlp_fail_memory(err, "the lines") : MLP_OK;
}

static mlp_status start(predict_session *s, size_t first_batch, mlp_error *err)
{
    const mlp_common_options *common = &s->options.common;
    bool one = !common->threads_given && first_batch < WORTH_MORE_THREADS;
    size_t threads = one ? 1 : mlp_options_thread_count(common);
    mlp_status status = alloc_lines(s, threads, err);
    if (status == MLP_OK)
        status = mlp_team_init(&s->team, threads, err);
    if (status != MLP_OK)
        return status;
    status = mlp_pass_init(&s->pass, &s->checkpoint.model, s->kernels, BATCH, threads,
                           MLP_PASS_INFERENCE, err);
    if (status != MLP_OK) {
        mlp_team_free(&s->team);
        return status;
    }
    s->started = true;
    for (size_t i = 0; i < BATCH; i++) {
        s->pass.batch.pixels[i] = s->pixels + i * s->checkpoint.model.features;
        s->pass.batch.labels[i] = 0; /* nobody knows; the loss is not looked at */
    }
    return MLP_OK;
}

static mlp_status print_json(const predict_session *s, mlp_error *err)
{
    uint8_t order[MLP_MAX_CLASSES];
    mlp_status status = MLP_OK;
    for (size_t i = 0; status == MLP_OK && i < s->pass.batch.size; i++) {
        mlp_prediction prediction = rank_image(s, i, order);
        status = mlp_prediction_print_json(&prediction, err);
    }
    return status;
}

static void print_lines(const predict_session *s)
{
    for (size_t thread = 0; thread < s->team.n_threads; thread++) {
        size_t first, end;
        mlp_team_share(&s->team, thread, s->pass.batch.size, &first, &end);
        const char *lines = s->lines + first * s->line_room;
        fwrite(lines, 1, (size_t)(s->line_ends[thread] - lines), stdout);
    }
}

/* The images are in s->pixels. */
static mlp_status answer(predict_session *s, size_t n, mlp_error *err)
{
    mlp_status status = MLP_OK;
    if (!s->started)
        status = start(s, n, err);
    if (status != MLP_OK)
        return status;
    s->pass.batch.size = n;
    mlp_team_run(&s->team, predict_batch, s);
    if (s->lines == NULL)
        status = print_json(s, err);
    else
        print_lines(s);
    s->done += n;
    return status == MLP_OK ? mlp_console_flush(err) : status;
}

static mlp_status predict_file(predict_session *s, const char *file, mlp_error *err)
{
    mlp_image_reader reader;
    mlp_status status =
        mlp_image_open(&reader, file, s->checkpoint.model.features, s->rows, s->cols, err);
    size_t n = BATCH;
    s->file = file;
    s->done = 0;
    while (status == MLP_OK && n == BATCH) {
        mlp_error failed; /* `err` can only come true once the images before it are answered */
        mlp_status read_status = mlp_image_read(&reader, BATCH, s->pixels, &n, &failed);
        if (n > 0)
            status = answer(s, n, err);
        if (status == MLP_OK && read_status != MLP_OK) {
            *err = failed;
            status = read_status;
        }
    }
    mlp_image_close(&reader);
    return status;
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

static mlp_status run_session(predict_session *s, int n_files, char **files, mlp_error *err)
{
    mlp_status status = load_model(s, err);
    bool reads_terminal = n_files == 0 && isatty(STDIN_FILENO);
    if (status != MLP_OK)
        return status;
    if (reads_terminal)
        mlp_console_note(&s->options.common, "reading images from standard input");
    s->name_file = n_files > 1;
    s->line_room = find_line_room(s, n_files, files);
    if (n_files == 0)
        status = predict_file(s, "-", err);
    for (int i = 0; status == MLP_OK && i < n_files; i++)
        status = predict_file(s, files[i], err);
    return status;
}

static void free_session(predict_session *s)
{
    if (s->started) {
        mlp_pass_free(&s->pass);
        mlp_team_free(&s->team);
    }
    free(s->lines);
    free(s->line_ends);
    free(s->pixels);
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
