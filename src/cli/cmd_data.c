/* cmd_data.c: makes and checks data sets: a folder of MNIST's four files. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/cli.h"
#include "cli/console.h"
#include "cli/data_check.h"
#include "cli/options.h"
#include "data/idx.h"
#include "data/make_digits.h"
#include "io/atomic_file.h"
#include "io/folder.h"
#include "io/run_folder.h"

static const char HELP[] =
    "Usage: mlp data make-digits --out DIR [OPTION]...\n"
    "       mlp data check DIR [OPTION]...\n"
    "       mlp data convert FOLDER --out DIR           (not supported yet)\n"
    "'mlp data make-digits --help' and 'mlp data check --help' tell more.\n";

static const char MAKE_HELP[] =
    "Usage: mlp data make-digits --out DIR [OPTION]...\n"
    "Draws handwritten digits and their labels, as MNIST has them, into four gzipped IDX files.\n"
    "The same seed gives the same images. Files of other data are not written over.\n\n"
    "  --out DIR           the folder; made where it is not there\n"
    "  --train N           training images; default 20000\n"
    "  --test N            test images; default 2000\n"
    "  --seed S            default 1\n"
    "  -q, --quiet         no notes\n"
    "  -h, --help          this text\n";

static const char CHECK_HELP[] =
    "Usage: mlp data check DIR [OPTION]...\n"
    "Reads MNIST's four files in the folder to their last byte, and shows what they hold.\n\n"
    "  --format FORMAT     text (the default) or json\n"
    "  -h, --help          this text\n";

enum {
    MAX_IMAGES = 1000000,
    /* of the drawn sequence: behind all training images, and at the start of a ten */
    FIRST_TEST_IMAGE = 1000000000,
};

typedef struct make_options {
    mlp_common_options common;
    const char *out;
    uint64_t n_train, n_test, seed;
} make_options;

/* The four files; images and labels of a half are drawn together. */
enum { N_FILES = 4, MAX_FILE_RANK = 3 };

typedef struct digit_file {
    const char *name;
    size_t rank;
    uint32_t dims[MAX_FILE_RANK];
    uint8_t *data;
} digit_file;

/* Somebody's data are not written over; the same ones may be drawn again. */
static mlp_status refuse_other_data(const char *path, const digit_file *file, mlp_error *err)
{
    mlp_idx there;
    if (access(path, F_OK) != 0)
        return MLP_OK;
    mlp_status status = mlp_idx_read(&there, path, err);
    bool same = status == MLP_OK && there.shape.rank == file->rank &&
                memcmp(there.shape.dims, file->dims, file->rank * sizeof *file->dims) == 0 &&
                memcmp(there.data, file->data, there.shape.count * there.shape.item_bytes) == 0;
    mlp_idx_free(&there);
    if (same || status == MLP_ERR_RUNTIME)
        return status;
    return mlp_fail(err, MLP_ERR_USAGE,
                    "%s: is there already, with other data; --out wants another folder", path);
}

/* By a rename at its end. */
static mlp_status write_idx(const char *path, const digit_file *file, mlp_error *err)
{
    uint8_t *bytes = NULL;
    size_t n = 0;
    mlp_status status = mlp_idx_encode_gzip(file->rank, file->dims, file->data, &bytes, &n, err);
    if (status == MLP_OK)
        status = mlp_atomic_file_write(path, bytes, n, err);
    free(bytes);
    return status;
}

/* Of each file in turn, DIR/NAME. */
static mlp_status for_each_file(const char *dir, const digit_file files[N_FILES],
                                mlp_status (*function)(const char *path, const digit_file *file,
                                                       mlp_error *err),
                                mlp_error *err)
{
    mlp_status status = MLP_OK;
    for (size_t i = 0; status == MLP_OK && i < N_FILES; i++) {
        char *path = mlp_run_folder_file(dir, files[i].name);
        status = path == NULL ? mlp_fail_memory(err, "a path") : function(path, &files[i], err);
        free(path);
    }
    return status;
}

/* n digits from the first-th on, in an images' file and a labels' file. */
static mlp_status draw(const make_options *options, uint64_t first, uint64_t n, digit_file files[2],
                       mlp_error *err)
{
    for (size_t i = 0; i < 2; i++)
        files[i].dims[0] = (uint32_t)n;
    files[0].data = mlp_alloc((size_t)n, MLP_DIGIT_PIXELS);
    files[1].data = mlp_alloc((size_t)n, 1);
    if (files[0].data == NULL || files[1].data == NULL)
        return mlp_fail_memory(err, "the digits");
    mlp_make_digits(options->seed, first, (size_t)n, files[0].data, files[1].data);
    return MLP_OK;
}

/* A plain file is read before a gzipped one of its name: it would hide what is made. */
static mlp_status refuse_plain_file(const char *path, const digit_file *file, mlp_error *err)
{
    char *plain = mlp_strdup(path);
    if (plain == NULL)
        return mlp_fail_memory(err, "a path");
    plain[strlen(plain) - strlen(".gz")] = '\0';
    mlp_status status = MLP_OK;
    if (access(plain, F_OK) == 0)
        status = mlp_fail(err, MLP_ERR_USAGE, "%s: is there already and would hide the new %s",
                          plain, file->name);
    free(plain);
    return status;
}

/* Nothing is written before all that is in the way has been looked for. */
static mlp_status make_files(const make_options *o, digit_file files[N_FILES], mlp_error *err)
{
    mlp_status status = for_each_file(o->out, files, refuse_plain_file, err);
    if (status == MLP_OK)
        status = draw(o, 0, o->n_train, files, err);
    if (status == MLP_OK)
        status = draw(o, FIRST_TEST_IMAGE, o->n_test, files + 2, err);
    if (status == MLP_OK)
        status = for_each_file(o->out, files, refuse_other_data, err);
    if (status == MLP_OK)
        status = mlp_folder_make(o->out, err);
    if (status == MLP_OK)
        status = for_each_file(o->out, files, write_idx, err);
    return status;
}

static mlp_status make_digits(const make_options *o, mlp_error *err)
{
    digit_file files[N_FILES] = {
        {.name = "train-images-idx3-ubyte.gz",
         .rank = 3,
         .dims = {0, MLP_DIGIT_SIDE, MLP_DIGIT_SIDE}},
        {.name = "train-labels-idx1-ubyte.gz", .rank = 1},
        {.name = "t10k-images-idx3-ubyte.gz",
         .rank = 3,
         .dims = {0, MLP_DIGIT_SIDE, MLP_DIGIT_SIDE}},
        {.name = "t10k-labels-idx1-ubyte.gz", .rank = 1},
    };
    mlp_status status = make_files(o, files, err);
    for (size_t i = 0; i < N_FILES; i++)
        free(files[i].data);
    if (status == MLP_OK)
        mlp_console_note(&o->common, "drew %llu training and %llu test images into %s",
                         (unsigned long long)o->n_train, (unsigned long long)o->n_test, o->out);
    return status;
}

static int run_make_digits(int argc, char **argv)
{
    make_options o = {.n_train = 20000, .n_test = 2000, .seed = 1};
    const mlp_option options[] = {
        {.name = "out", .kind = MLP_OPTION_STRING, .target = &o.out},
        {.name = "train",
         .kind = MLP_OPTION_NUMBER,
         .target = &o.n_train,
         .minimum = 1,
         .maximum = MAX_IMAGES},
        {.name = "test",
         .kind = MLP_OPTION_NUMBER,
         .target = &o.n_test,
         .minimum = 1,
         .maximum = MAX_IMAGES},
        {.name = "seed", .kind = MLP_OPTION_NUMBER, .target = &o.seed, .maximum = UINT64_MAX},
        mlp_option_quiet(&o.common),
        {.name = NULL},
    };
    const mlp_command_line line = {"data make-digits", MAKE_HELP, options, 0};
    mlp_error err;
    int exit_code;
    if (!mlp_options_parse(&line, &argc, &argv, &exit_code))
        return exit_code;
    if (o.out == NULL)
        return (int)mlp_options_fail(line.name, "--out DIR is missing");
    mlp_status status = make_digits(&o, &err);
    return (int)(status == MLP_OK ? MLP_OK : mlp_console_error(status, &err));
}

static int run_check(int argc, char **argv)
{
    mlp_common_options common = {0};
    const mlp_option options[] = {mlp_option_format(&common), {.name = NULL}};
    const mlp_command_line line = {"data check", CHECK_HELP, options, 1};
    mlp_error err;
    int exit_code;
    if (!mlp_options_parse(&line, &argc, &argv, &exit_code))
        return exit_code;
    if (argc == 0)
        return (int)mlp_options_fail(line.name, "DIR is missing");
    mlp_data_check check;
    mlp_status status = mlp_data_check_read(&check, argv[0], &err);
    if (status == MLP_OK && common.format == MLP_FORMAT_JSON)
        status = mlp_data_check_print_json(&check, &err);
    else if (status == MLP_OK)
        mlp_data_check_print_text(&check);
    mlp_data_check_free(&check);
    return (int)(status == MLP_OK ? MLP_OK : mlp_console_error(status, &err));
}

int mlp_cmd_data(int argc, char **argv)
{
    static const char *const NAMES[] = {"make-digits", "check", "convert", NULL};
    const mlp_option none = {.name = NULL};
    const mlp_command_line line = {"data", HELP, &none, 0};
    if (argc < 2)
        return (int)mlp_options_fail("data", "make-digits or check is missing");
    if (strcmp(argv[1], "make-digits") == 0)
        return run_make_digits(argc - 1, argv + 1);
    if (strcmp(argv[1], "check") == 0)
        return run_check(argc - 1, argv + 1);
    if (strcmp(argv[1], "convert") == 0)
        return (int)mlp_options_fail("data", "data convert is not supported yet");
    if (argv[1][0] == '-') {
        int exit_code;
        mlp_options_parse(&line, &argc, &argv, &exit_code);
        return exit_code;
    }
    const char *nearest = mlp_options_nearest(argv[1], NAMES);
    if (nearest == NULL)
        return (int)mlp_options_fail("data", "unknown command \"data %s\"", argv[1]);
    return (int)mlp_options_fail("data", "unknown command \"data %s\"; did you mean %s?", argv[1],
                                 nearest);
}
