#include "cli/data_check.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/console.h"
#include "config/json_writer.h"

enum {
    N_LABELS = UINT8_MAX + 1,
    SHAPE_TEXT = MLP_IDX_MAX_RANK * sizeof " x 4294967295",
};

static const char *const HALF_NAMES[] = {"train", "test"};

/* "28 x 28"; of a scalar "1" */
static const char *shape_text(const mlp_data_half *half, char text[SHAPE_TEXT])
{
    int used = snprintf(text, SHAPE_TEXT, "%" PRIu32, half->rank == 0 ? 1 : half->dims[0]);
    for (size_t i = 1; i < half->rank; i++)
        used += snprintf(text + used, SHAPE_TEXT - (size_t)used, " x %" PRIu32, half->dims[i]);
    return text;
}

static mlp_status read_half(mlp_data_half *half, const mlp_data_config *data, bool train,
                            mlp_error *err)
{
    mlp_dataset dataset = {0};
    mlp_status status = mlp_dataset_locate(data, train ? MLP_TRAIN_IMAGES : MLP_TEST_IMAGES,
                                           &half->images_path, err);
    if (status == MLP_OK)
        status = mlp_dataset_locate(data, train ? MLP_TRAIN_LABELS : MLP_TEST_LABELS,
                                    &half->labels_path, err);
    if (status == MLP_OK)
        status = mlp_dataset_load(&dataset, half->images_path, half->labels_path, err);
    half->count = dataset.count;
    half->rank = dataset.rank;
    memcpy(half->dims, dataset.dims, sizeof half->dims);
    for (size_t i = 0; i < dataset.count; i++)
        half->label_counts[dataset.labels[i]]++;
    mlp_dataset_free(&dataset);
    return status;
}

mlp_status mlp_data_check_read(mlp_data_check *check, const char *dir, mlp_error *err)
{
    char *copy = NULL;
    *check = (mlp_data_check){.dir = dir};
    mlp_data_half *train = &check->halves[MLP_DATASET_TRAIN];
    mlp_data_half *test = &check->halves[MLP_DATASET_TEST];
    mlp_status status = MLP_OK;
    copy = mlp_strdup(dir); /* a config owns its paths */
    if (copy == NULL)
        return mlp_fail_memory(err, "a path");
    const mlp_data_config data = {.dir = copy};
    status = read_half(train, &data, true, err);
    if (status == MLP_OK)
        status = read_half(test, &data, false, err);
    if (status == MLP_OK &&
        (train->rank != test->rank || memcmp(train->dims, test->dims, sizeof train->dims) != 0)) {
        char found[SHAPE_TEXT], wanted[SHAPE_TEXT];
        status = mlp_fail(err, MLP_ERR_DATA, "%s: found images of %s, wanted %s, as in %s",
                          test->images_path, shape_text(test, found), shape_text(train, wanted),
                          train->images_path);
    }
    free(copy);
    return status;
}

void mlp_data_check_free(mlp_data_check *check)
{
    for (size_t i = 0; i < 2; i++) {
        free(check->halves[i].images_path);
        free(check->halves[i].labels_path);
    }
    *check = (mlp_data_check){0};
}

void mlp_data_check_print_text(const mlp_data_check *check)
{
    char shape[SHAPE_TEXT];
    for (size_t i = 0; i < 2; i++) {
        const mlp_data_half *half = &check->halves[i];
        printf("%-5s  %zu images of %s  %s\n", HALF_NAMES[i], half->count, shape_text(half, shape),
               half->images_path);
        printf("%-5s  %zu labels  %s\n", HALF_NAMES[i], half->count, half->labels_path);
    }
    printf("\nlabel  %8s  %8s\n", HALF_NAMES[0], HALF_NAMES[1]);
    for (size_t label = 0; label < N_LABELS; label++) {
        size_t train = check->halves[0].label_counts[label];
        size_t test = check->halves[1].label_counts[label];
        if (train > 0 || test > 0)
            printf("%5zu  %8zu  %8zu\n", label, train, test);
    }
}

static void write_half(mlp_json_writer *w, const mlp_data_half *half)
{
    mlp_json_write_open_object(w);
    mlp_json_write_text_member(w, "images", half->images_path);
    mlp_json_write_text_member(w, "labels", half->labels_path);
    mlp_json_write_count_member(w, "count", half->count);
    mlp_json_write_key(w, "dims");
    mlp_json_write_open_array(w);
    for (size_t i = 0; i < half->rank; i++)
        mlp_json_write_uint64(w, half->dims[i]);
    mlp_json_write_close_array(w);
    mlp_json_write_key(w, "label_counts");
    mlp_json_write_open_object(w);
    for (size_t label = 0; label < N_LABELS; label++) {
        char name[sizeof "255"];
        if (half->label_counts[label] == 0)
            continue;
        snprintf(name, sizeof name, "%u", (unsigned)label & UINT8_MAX);
        mlp_json_write_count_member(w, name, half->label_counts[label]);
    }
    mlp_json_write_close_object(w);
    mlp_json_write_close_object(w);
}

mlp_status mlp_data_check_print_json(const mlp_data_check *check, mlp_error *err)
{
    mlp_json_writer w;
    mlp_json_writer_init(&w, 0);
    mlp_json_write_open_object(&w);
    mlp_json_write_text_member(&w, "dir", check->dir);
    for (size_t i = 0; i < 2; i++) {
        mlp_json_write_key(&w, HALF_NAMES[i]);
        write_half(&w, &check->halves[i]);
    }
    mlp_json_write_close_object(&w);
    return mlp_console_print_json(&w, err);
}
