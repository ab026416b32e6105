/* checkpoint_fixture.h: what the tests of checkpoints share: a small training, its files, files
 * made by hand. */
#ifndef MLP_TESTS_CHECKPOINT_FIXTURE_H
#define MLP_TESTS_CHECKPOINT_FIXTURE_H

#include "data_fixture.h"

#include <math.h>

#include "base/mem.h"
#include "io/checkpoint.h"

enum { FEATURES = 6, CLASSES = 3, ROOM = 1 << 16 };

static const uint32_t DIMS[] = {2, 3};
static char *const NAMES[] = {"null", "eins \"1\"", "zw\xc3\xb6lf"};

/* A network of 6-40-3, or 6-1, with all that a training has of it. */
typedef struct training {
    mlp_config config;
    mlp_model model;
    mlp_progress progress;
    float *velocities;
} training;

static inline void training_init(training *t, mlp_output output)
{
    static const char text[] = "{\"data\": {\"dir\": \"d\"}, \"model\": {\"hidden\": [40]},"
                               " \"run\": {\"dir\": \"elsewhere\", \"threads\": 3}}";
    static const size_t hidden[] = {40};
    bool is_softmax = output == MLP_OUTPUT_SOFTMAX;
    mlp_error err;
    assert_int_equal(mlp_config_parse(&t->config, text, "c.json", "/base", NULL, 0, &err), MLP_OK);
    assert_int_equal(mlp_model_init(&t->model, FEATURES, is_softmax ? 1 : 0, hidden, output,
                                    is_softmax ? CLASSES : 2, &err),
                     MLP_OK);
    mlp_model_randomize(&t->model, 5);
    t->velocities = mlp_alloc(t->model.n_params, sizeof *t->velocities);
    assert_non_null(t->velocities);
    for (size_t i = 0; i < t->model.n_params; i++)
        t->velocities[i] = 0.3f * t->model.params[i]; /* the padding stays 0 */
    assert_int_equal(mlp_progress_init(&t->progress, t->model.n_layers, &err), MLP_OK);
    double *sums = t->progress.layer_norm_sums;
    t->progress = (mlp_progress){.epoch = 3,
                                 .step = UINT64_MAX,
                                 .step_in_epoch = 17,
                                 .labels_crc = UINT32_MAX,
                                 .loss_sum = 0.1 + 0.2,
                                 .correct = 1234,
                                 .norm_sum = 1e-300,
                                 .n_layers = t->model.n_layers,
                                 .layer_norm_sums = sums,
                                 .best_epoch = 2,
                                 .best_value = -1.0 / 3.0};
    for (size_t l = 0; l < t->model.n_layers; l++)
        sums[l] = 1.0 / (double)(l + 7);
}

static inline void training_free(training *t)
{
    mlp_config_free(&t->config);
    mlp_model_free(&t->model);
    mlp_progress_free(&t->progress);
    free(t->velocities);
}

static inline void write_best(const training *t, const char *path)
{
    mlp_error err;
    if (mlp_checkpoint_write(path, &t->model, &t->config, NAMES, 2, DIMS, NULL, NULL, &err) !=
        MLP_OK)
        fail_msg("%s", err.message);
}

static inline void write_last(const training *t, const char *path)
{
    mlp_error err;
    if (mlp_checkpoint_write(path, &t->model, &t->config, NAMES, 2, DIMS, t->velocities,
                             &t->progress, &err) != MLP_OK)
        fail_msg("%s", err.message);
}

static inline void load(mlp_checkpoint *c, const char *path)
{
    mlp_error err;
    if (mlp_checkpoint_load(c, path, &err) != MLP_OK)
        fail_msg("%s", err.message);
}

static inline size_t slurp(const char *path, char *bytes)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t n = fread(bytes, 1, ROOM, file);
    assert_true(n < ROOM);
    fclose(file);
    return n;
}

static inline void assert_same_bytes(const char *path, const char *other)
{
    static char bytes[ROOM], other_bytes[ROOM];
    size_t n = slurp(path, bytes);
    assert_int_equal(slurp(other, other_bytes), n);
    assert_memory_equal(bytes, other_bytes, n);
}

/* A safetensors file of this header and n bytes of data. */
static inline void craft(const char *path, const char *header, size_t length, const void *data,
                         size_t n)
{
    static char bytes[2 * ROOM];
    for (size_t i = 0; i < 8; i++)
        bytes[i] = (char)(uint8_t)((uint64_t)length >> 8 * i);
    memcpy(bytes + 8, header, length);
    if (n > 0)
        memcpy(bytes + 8 + length, data, n);
    write_file(path, bytes, 8 + length + n);
}

#define TENSOR(name, shape, begin, end)                                                            \
    "\"" name "\":{\"dtype\":\"F32\",\"shape\":" shape ",\"data_offsets\":[" begin "," end "]}"

static inline void craft_text(const char *header, const void *data, size_t n)
{
    craft("foreign", header, strlen(header), data, n);
}

#endif
