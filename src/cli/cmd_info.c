/* cmd_info.c: what this program and this machine offer, and what a checkpoint holds. */
#include <stdio.h>

#include "base/version.h"
#include "cli/checkpoint_info.h"
#include "cli/cli.h"
#include "cli/console.h"
#include "cli/options.h"
#include "cli/self_test.h"
#include "config/json_writer.h"
#include "data/gunzip.h"
#include "kernels/cpu_features.h"
#include "kernels/select.h"

static const char HELP[] =
    "Usage: mlp info [--checkpoint F] [OPTION]...\n"
    "Shows the version, what this CPU and this build offer and which kernels will run. With a\n"
    "checkpoint: its tensors, its classes and how it came about. With --self-test: whether\n"
    "trainings on every kernel give the same bytes here as everywhere.\n\n"
    "  --checkpoint F      a safetensors file\n"
    "  --self-test         trains small networks; exit code 1 where a weight differs\n"
    "  --format FORMAT     text (the default) or json\n"
    "  --threads N         as for train; default 0: one for each CPU\n"
    "  --kernel NAME       as for train; also MLP_KERNEL\n"
    "  -h, --help          this text\n";

#if defined(__clang__)
static const char COMPILER[] = "clang " __clang_version__;
#else
static const char COMPILER[] = "gcc " __VERSION__;
#endif

typedef struct cpu_feature {
    const char *name;
    bool usable;
} cpu_feature;

enum { N_FEATURES = 9 };

/* What needs a library that may not have been there at the build. */
typedef struct optional_feature {
    const char *name;
    bool built_in;
} optional_feature;

enum { N_OPTIONAL = 4 };

static void list_optional(optional_feature optional[N_OPTIONAL])
{
    optional[0] = (optional_feature){"libdeflate", mlp_gunzip_is_built_in()};
    optional[1] = (optional_feature){"png", false};
    optional[2] = (optional_feature){"onnx", false};
    optional[3] = (optional_feature){"mpi", false};
}

static void list_features(cpu_feature features[N_FEATURES])
{
    mlp_cpu_features cpu = mlp_cpu_features_detect();
    const cpu_feature all[N_FEATURES] = {
        {"avx2", cpu.avx2},
        {"fma", cpu.fma},
        {"avx512f", cpu.avx512f},
        {"avx512bw", cpu.avx512bw},
        {"avx512dq", cpu.avx512dq},
        {"avx512vl", cpu.avx512vl},
        {"avx512_bf16", cpu.avx512_bf16},
        {"amx_bf16", cpu.amx_bf16},
        {"amx_granted", cpu.amx_granted},
    };
    for (size_t i = 0; i < N_FEATURES; i++)
        features[i] = all[i];
}

/* The tables that would run; NULL where a precision has none of the name that was given. */
typedef struct chosen_kernels {
    const char *fp32, *bf16;
} chosen_kernels;

static mlp_status choose_kernels(const mlp_common_options *common, chosen_kernels *chosen,
                                 mlp_error *err)
{
    mlp_kernels fp32 = {.name = NULL}, bf16 = {.name = NULL};
    mlp_error bf16_err;
    mlp_status status = mlp_options_kernels(common, MLP_PRECISION_FP32, &fp32, err);
    mlp_status bf16_status = mlp_options_kernels(common, MLP_PRECISION_BF16, &bf16, &bf16_err);
    *chosen = (chosen_kernels){fp32.name, bf16.name};
    return bf16_status == MLP_OK ? MLP_OK : status;
}

static void print_program(const mlp_common_options *common, const chosen_kernels *chosen)
{
    cpu_feature features[N_FEATURES];
    optional_feature optional[N_OPTIONAL];
    list_features(features);
    list_optional(optional);
    printf("mlp          %s\n", MLP_VERSION);
    printf("compiler     %s\n", COMPILER);
    printf("cpu         ");
    for (size_t i = 0; i < N_FEATURES; i++)
        printf("%s%s", features[i].usable ? " " : "", features[i].usable ? features[i].name : "");
    printf("\nkernels     ");
    for (size_t i = 0; mlp_kernels_list(i) != NULL; i++)
        printf(" %s%s", mlp_kernels_list(i)->name,
               mlp_kernels_supported(mlp_kernels_list(i)) ? "" : " (not on this CPU)");
    printf("\nbf16 kernels");
    for (size_t i = 0; mlp_bf16_kernels_list(i) != NULL; i++)
        printf(" %s%s", mlp_bf16_kernels_list(i)->name,
               mlp_bf16_kernels_supported(mlp_bf16_kernels_list(i)) ? "" : " (not on this CPU)");
    printf("\nkernel       %s\n", chosen->fp32 != NULL ? chosen->fp32 : "none of that name");
    printf("bf16 kernel  %s\n", chosen->bf16 != NULL ? chosen->bf16 : "none of that name");
    printf("threads      %zu\n", mlp_options_thread_count(common));
    for (size_t i = 0; i < N_OPTIONAL; i++)
        printf("%-11s  %sbuilt in\n", optional[i].name, optional[i].built_in ? "" : "not ");
}

static void write_table(mlp_json_writer *w, const char *name, bool supported)
{
    mlp_json_write_open_object(w);
    mlp_json_write_text_member(w, "name", name);
    mlp_json_write_key(w, "supported");
    mlp_json_write_bool(w, supported);
    mlp_json_write_close_object(w);
}

static void write_tables(mlp_json_writer *w)
{
    mlp_json_write_key(w, "kernels");
    mlp_json_write_open_array(w);
    for (size_t i = 0; mlp_kernels_list(i) != NULL; i++)
        write_table(w, mlp_kernels_list(i)->name, mlp_kernels_supported(mlp_kernels_list(i)));
    mlp_json_write_close_array(w);
    mlp_json_write_key(w, "bf16_kernels");
    mlp_json_write_open_array(w);
    for (size_t i = 0; mlp_bf16_kernels_list(i) != NULL; i++)
        write_table(w, mlp_bf16_kernels_list(i)->name,
                    mlp_bf16_kernels_supported(mlp_bf16_kernels_list(i)));
    mlp_json_write_close_array(w);
}

static void write_choice(mlp_json_writer *w, const char *key, const char *name)
{
    mlp_json_write_key(w, key);
    if (name == NULL)
        mlp_json_write_null(w);
    else
        mlp_json_write_string(w, name);
}

static void write_program(mlp_json_writer *w, const mlp_common_options *common,
                          const chosen_kernels *chosen)
{
    cpu_feature features[N_FEATURES];
    optional_feature optional[N_OPTIONAL];
    list_features(features);
    list_optional(optional);
    mlp_json_write_text_member(w, "version", MLP_VERSION);
    mlp_json_write_text_member(w, "compiler", COMPILER);
    mlp_json_write_key(w, "cpu");
    mlp_json_write_open_array(w);
    for (size_t i = 0; i < N_FEATURES; i++) {
        if (features[i].usable)
            mlp_json_write_string(w, features[i].name);
    }
    mlp_json_write_close_array(w);
    write_tables(w);
    write_choice(w, "kernel", chosen->fp32);
    write_choice(w, "bf16_kernel", chosen->bf16);
    mlp_json_write_count_member(w, "threads", mlp_options_thread_count(common));
    for (size_t i = 0; i < N_OPTIONAL; i++) {
        mlp_json_write_key(w, optional[i].name);
        mlp_json_write_bool(w, optional[i].built_in);
    }
}

static mlp_status print_json(const mlp_common_options *common, const chosen_kernels *chosen,
                             const mlp_checkpoint_info *info, mlp_error *err)
{
    mlp_json_writer w;
    mlp_json_writer_init(&w, 0);
    mlp_json_write_open_object(&w);
    write_program(&w, common, chosen);
    if (info->path != NULL) {
        mlp_json_write_key(&w, "checkpoint");
        mlp_checkpoint_info_write_json(info, &w);
    }
    mlp_json_write_close_object(&w);
    return mlp_console_print_json(&w, err);
}

static mlp_status show(const mlp_common_options *common, const char *path, mlp_error *err)
{
    chosen_kernels chosen;
    mlp_checkpoint_info info = {0};
    mlp_status status = choose_kernels(common, &chosen, err);
    if (status == MLP_OK && path != NULL)
        status = mlp_checkpoint_info_read(&info, path, err);
    if (status == MLP_OK && common->format == MLP_FORMAT_JSON) {
        status = print_json(common, &chosen, &info, err);
    } else if (status == MLP_OK) {
        print_program(common, &chosen);
        if (path != NULL)
            mlp_checkpoint_info_print_text(&info);
    }
    mlp_checkpoint_info_free(&info);
    return status;
}

/* Instead of all else: its exit code has to speak for it alone. */
static mlp_status self_test(const mlp_common_options *common, mlp_error *err)
{
    size_t trainings;
    mlp_json_writer w;
    mlp_status status = mlp_self_test_run(&trainings, err);
    if (status != MLP_OK)
        return status;
    if (common->format == MLP_FORMAT_TEXT) {
        printf("self-test    %zu trainings, every weight as expected\n", trainings);
        return MLP_OK;
    }
    mlp_json_writer_init(&w, 0);
    mlp_json_write_open_object(&w);
    mlp_json_write_count_member(&w, "self_test_trainings", trainings);
    mlp_json_write_close_object(&w);
    return mlp_console_print_json(&w, err);
}

int mlp_cmd_info(int argc, char **argv)
{
    mlp_common_options common = {0};
    const char *checkpoint = NULL;
    bool is_self_test = false;
    const mlp_option options[] = {
        {.name = "checkpoint", .kind = MLP_OPTION_STRING, .target = &checkpoint},
        {.name = "self-test", .kind = MLP_OPTION_FLAG, .target = &is_self_test},
        mlp_option_format(&common),
        mlp_option_threads(&common),
        mlp_option_kernel(&common),
        {.name = NULL},
    };
    const mlp_command_line line = {"info", HELP, options, 0};
    mlp_error err;
    int exit_code;
    if (!mlp_options_parse(&line, &argc, &argv, &exit_code))
        return exit_code;
    mlp_status status = is_self_test ? self_test(&common, &err) : show(&common, checkpoint, &err);
    return (int)(status == MLP_OK ? MLP_OK : mlp_console_error(status, &err));
}
