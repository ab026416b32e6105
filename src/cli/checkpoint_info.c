#include "cli/checkpoint_info.h"

#include <inttypes.h>
#include <stdio.h>

#include "cli/console.h"

mlp_status mlp_checkpoint_info_read(mlp_checkpoint_info *info, const char *path, mlp_error *err)
{
    *info = (mlp_checkpoint_info){.path = path};
    mlp_status status = mlp_checkpoint_load(&info->checkpoint, path, err);
    return status == MLP_OK ? mlp_safetensors_read(&info->file, path, err) : status;
}

void mlp_checkpoint_info_free(mlp_checkpoint_info *info)
{
    mlp_checkpoint_free(&info->checkpoint);
    mlp_safetensors_free(&info->file);
    *info = (mlp_checkpoint_info){0};
}

static const char *output_name(const mlp_checkpoint *c)
{
    return c->model.output == MLP_OUTPUT_SIGMOID ? "sigmoid" : "softmax";
}

static void print_tensors(const mlp_safetensors *file)
{
    size_t width = 0;
    for (size_t i = 0; i < file->n_tensors; i++) {
        size_t used = mlp_console_width(file->tensors[i].name);
        width = used > width ? used : width;
    }
    puts("\ntensors");
    for (size_t i = 0; i < file->n_tensors; i++) {
        const mlp_safetensors_tensor *tensor = &file->tensors[i];
        char shape[MLP_SHAPE_TEXT];
        mlp_shape_show(tensor->rank, tensor->shape, shape);
        mlp_console_print_padded(tensor->name, width);
        printf("  %s\n", shape);
    }
}

static void print_metadata(const mlp_json *metadata)
{
    size_t width = 0;
    for (const mlp_json *m = mlp_json_first(metadata); m != NULL; m = mlp_json_next(m)) {
        size_t used = mlp_console_width(mlp_json_key(m));
        width = used > width ? used : width;
    }
    puts("\nmetadata");
    for (const mlp_json *m = mlp_json_first(metadata); m != NULL; m = mlp_json_next(m)) {
        const char *value = "";
        mlp_json_get_string(m, &value);
        mlp_console_print_padded(mlp_json_key(m), width);
        fputs("  ", stdout);
        mlp_console_print_text(value);
        putchar('\n');
    }
}

void mlp_checkpoint_info_print_text(const mlp_checkpoint_info *info)
{
    const mlp_checkpoint *c = &info->checkpoint;
    printf("\ncheckpoint   %s\n", info->path);
    fputs("written by   ", stdout);
    if (c->version != NULL)
        fputs("mlp ", stdout);
    mlp_console_print_text(c->version == NULL ? "another program" : c->version);
    printf("\ninput        ");
    for (size_t i = 0; i < c->rank; i++)
        printf("%s%" PRIu32, i == 0 ? "" : " x ", c->dims[i]);
    printf("\noutput       %s\nclasses     ", output_name(c));
    for (size_t i = 0; i < c->model.classes; i++)
        printf(" %s", c->class_names[i]);
    printf("\nparameters   %zu\n", mlp_model_param_count(&c->model));
    if (c->has_progress)
        printf("epoch        %" PRIu64 "\nstep         %" PRIu64 "\n", c->progress.epoch,
               c->progress.step);
    print_tensors(&info->file);
    if (info->file.metadata != NULL)
        print_metadata(info->file.metadata);
}

static void write_tensors(mlp_json_writer *w, const mlp_safetensors *file)
{
    mlp_json_write_key(w, "tensors");
    mlp_json_write_open_array(w);
    for (size_t i = 0; i < file->n_tensors; i++) {
        const mlp_safetensors_tensor *tensor = &file->tensors[i];
        mlp_json_write_open_object(w);
        mlp_json_write_text_member(w, "name", tensor->name);
        mlp_json_write_key(w, "shape");
        mlp_json_write_open_array(w);
        for (size_t d = 0; d < tensor->rank; d++)
            mlp_json_write_uint64(w, tensor->shape[d]);
        mlp_json_write_close_array(w);
        mlp_json_write_close_object(w);
    }
    mlp_json_write_close_array(w);
}

static void write_metadata(mlp_json_writer *w, const mlp_json *metadata)
{
    mlp_json_write_key(w, "metadata");
    mlp_json_write_open_object(w);
    const mlp_json *m = metadata == NULL ? NULL : mlp_json_first(metadata);
    for (; m != NULL; m = mlp_json_next(m)) {
        const char *value = "";
        mlp_json_get_string(m, &value);
        mlp_json_write_text_member(w, mlp_json_key(m), value);
    }
    mlp_json_write_close_object(w);
}

void mlp_checkpoint_info_write_json(const mlp_checkpoint_info *info, mlp_json_writer *w)
{
    const mlp_checkpoint *c = &info->checkpoint;
    mlp_json_write_open_object(w);
    mlp_json_write_text_member(w, "path", info->path);
    mlp_json_write_key(w, "input");
    mlp_json_write_open_array(w);
    for (size_t i = 0; i < c->rank; i++)
        mlp_json_write_uint64(w, c->dims[i]);
    mlp_json_write_close_array(w);
    mlp_json_write_text_member(w, "output", output_name(c));
    mlp_json_write_key(w, "classes");
    mlp_json_write_open_array(w);
    for (size_t i = 0; i < c->model.classes; i++)
        mlp_json_write_string(w, c->class_names[i]);
    mlp_json_write_close_array(w);
    mlp_json_write_count_member(w, "parameters", mlp_model_param_count(&c->model));
    if (c->has_progress) {
        mlp_json_write_count_member(w, "epoch", c->progress.epoch);
        mlp_json_write_count_member(w, "step", c->progress.step);
    }
    write_tensors(w, &info->file);
    write_metadata(w, info->file.metadata);
    mlp_json_write_close_object(w);
}
