/* self_test.c: a table of configs and of what has to come of them. The digits are
 * drawn, so that no file is needed, and every number from the seed to the last weight
 * has one value (kernels.h), so that a checksum of the weights can be written down. A
 * change of these is a change of every model that anybody trains.
 */
#include "cli/self_test.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdlib.h>
#include <zlib.h>

#include "base/mem.h"
#include "base/team.h"
#include "config/config.h"
#include "data/label_map.h"
#include "data/make_digits.h"
#include "kernels/select.h"
#include "train/train.h"

enum { N_IMAGES = 200, MAX_THREADS = 3, DIGITS_SEED = 1 };

static const struct {
    const char *name, *config;
    uint32_t crc; /* of linear1.weight, linear1.bias, ..., as in a checkpoint */
} TRAININGS[] = {
    {"softmax",
     "{\"data\": {\"dir\": \".\", \"validation_fraction\": 0.2}, \"model\": {\"hidden\": [40, 9]},"
     " \"train\": {\"epochs\": 3, \"batch_size\": 16, \"schedule\": {\"type\": \"cosine\"}}}",
     0x15a9aea8},
    {"sigmoid",
     "{\"data\": {\"dir\": \".\"}, \"model\": {\"hidden\": [33], \"output\": \"sigmoid\", "
     "\"positive_label\": 8},"
     " \"train\": {\"epochs\": 2, \"batch_size\": 50,"
     " \"sgd\": {\"nesterov\": true, \"weight_decay\": 0.001}}}",
     0x7f37aa66},
    {"regression",
     "{\"seed\": 7, \"data\": {\"dir\": \".\", \"shuffle\": false}, \"model\": {\"hidden\": []},"
     " \"train\": {\"epochs\": 2, \"batch_size\": 7, \"schedule\": {\"warmup_epochs\": 0.5}}}",
     0x8d594b49},
};

/* What one training needs; zeroed, it can be freed. */
typedef struct training {
    mlp_config config;
    mlp_dataset data; /* its pixels and labels are the two below */
    uint8_t *pixels, *labels;
    mlp_team team;
    mlp_trainer trainer;
    float *values; /* (n_params): one tensor */
    bool has_team, has_trainer;
} training;

static mlp_status draw_digits(training *t, mlp_error *err)
{
    mlp_label_map map;
    t->pixels = mlp_alloc(N_IMAGES, MLP_DIGIT_PIXELS);
    t->labels = mlp_alloc(N_IMAGES, sizeof *t->labels);
    if (t->pixels == NULL || t->labels == NULL)
        return mlp_fail_memory(err, "the digits");
    mlp_make_digits(DIGITS_SEED, 0, N_IMAGES, t->pixels, t->labels);
    t->data = (mlp_dataset){.count = N_IMAGES,
                            .features = MLP_DIGIT_PIXELS,
                            .rank = 2,
                            .dims = {MLP_DIGIT_SIDE, MLP_DIGIT_SIDE},
                            .pixels = t->pixels,
                            .labels = t->labels};
    mlp_status status = mlp_label_map_build(&map, &t->config.data, &t->config.model, &t->data, err);
    return status == MLP_OK ? mlp_label_map_apply(&map, &t->data, err) : status;
}

static mlp_status prepare(training *t, const char *config, const mlp_kernels *kernels,
                          size_t threads, mlp_error *err)
{
    mlp_status status = mlp_config_parse(&t->config, config, "<self-test>", NULL, NULL, 0, err);
    if (status == MLP_OK)
        status = draw_digits(t, err);
    if (status == MLP_OK)
        status = mlp_team_init(&t->team, threads, err);
    t->has_team = status == MLP_OK;
    if (status == MLP_OK)
        status = mlp_trainer_init(&t->trainer, &t->config, &t->data, kernels, &t->team, err);
    t->has_trainer = status == MLP_OK;
    if (status != MLP_OK)
        return status;
    t->values = mlp_alloc(t->trainer.model.n_params, sizeof *t->values);
    return t->values == NULL ? mlp_fail_memory(err, "the weights") : MLP_OK;
}

static void release(training *t)
{
    if (t->has_trainer)
        mlp_trainer_free(&t->trainer);
    if (t->has_team)
        mlp_team_free(&t->team);
    free(t->values);
    free(t->pixels);
    free(t->labels);
    mlp_config_free(&t->config);
}

static uint32_t checksum(const training *t)
{
    const mlp_model *model = &t->trainer.model;
    uLong crc = crc32_z(0, NULL, 0);
    for (size_t i = 0; i < mlp_model_tensor_count(model); i++) {
        mlp_model_get_tensor(model, model->params, i, t->values);
        crc = crc32_z(crc, (const void *)t->values,
                      mlp_model_tensor(model, i).count * sizeof *t->values);
    }
    return (uint32_t)crc;
}

static mlp_status train(const char *config, const mlp_kernels *kernels, size_t threads,
                        uint32_t *crc, mlp_error *err)
{
    const mlp_train_observer nobody = {0};
    training t = {0};
    bool stopped;
    mlp_status status = prepare(&t, config, kernels, threads, err);
    if (status == MLP_OK)
        status = mlp_trainer_run(&t.trainer, &nobody, &stopped, err);
    if (status == MLP_OK)
        *crc = checksum(&t);
    release(&t);
    return status;
}

/* All trainings of the table with these kernels on that many threads. */
static mlp_status run_table(const mlp_kernels *kernels, size_t threads, size_t *trainings,
                            mlp_error *err)
{
    for (size_t i = 0; i < sizeof TRAININGS / sizeof *TRAININGS; i++) {
        uint32_t crc = 0;
        mlp_status status = train(TRAININGS[i].config, kernels, threads, &crc, err);
        if (status != MLP_OK)
            return status;
        if (crc != TRAININGS[i].crc)
            return mlp_fail(err, MLP_ERR_RUNTIME,
                            "self-test: %s, kernel %s, %zu threads: found weights with CRC-32 "
                            "%08" PRIx32 ", wanted %08" PRIx32
                            ": this machine or this build computes other numbers",
                            TRAININGS[i].name, kernels->name, threads, crc, TRAININGS[i].crc);
        ++*trainings;
    }
    return MLP_OK;
}

mlp_status mlp_self_test_run(size_t *trainings, mlp_error *err)
{
    mlp_status status = MLP_OK;
    *trainings = 0;
    for (size_t k = 0; mlp_kernels_list(k) != NULL; k++) {
        if (!mlp_kernels_supported(mlp_kernels_list(k)))
            continue;
        for (size_t threads = 1; status == MLP_OK && threads <= MAX_THREADS; threads++)
            status = run_table(mlp_kernels_list(k), threads, trainings, err);
    }
    return status;
}
