/* train_fixture.h: what the tests of the train room share: a small training on drawn digits, and
 * someone who watches it. */
#ifndef MLP_TESTS_TRAIN_FIXTURE_H
#define MLP_TESTS_TRAIN_FIXTURE_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdbool.h>
#include <stdlib.h>

#include "data/make_digits.h"
#include "kernels/select.h"
#include "quick.h"
#include "train/train.h"

enum { N_IMAGES = 90 }; /* batches of 16: five whole ones and a short one */

static const char CONFIG[] =
    "{\"data\": {\"dir\": \"unused\", \"validation_fraction\": 0.2},"
    " \"model\": {\"hidden\": [40, 9]},"
    " \"train\": {\"epochs\": 3, \"batch_size\": 16, \"schedule\": {\"type\": \"cosine\"}}}";

static inline void load_config(mlp_config *config, const mlp_override *overrides, size_t n)
{
    mlp_error err;
    if (mlp_config_parse(config, CONFIG, "test.json", "/", overrides, n, &err) != MLP_OK)
        fail_msg("%s", err.message);
}

static inline mlp_dataset draw_digits(void)
{
    mlp_dataset data = {.count = N_IMAGES,
                        .features = MLP_DIGIT_PIXELS,
                        .classes = 10,
                        .rank = 2,
                        .dims = {MLP_DIGIT_SIDE, MLP_DIGIT_SIDE}};
    data.pixels_memory.start = data.pixels = malloc(data.count * data.features);
    data.labels_memory.start = data.labels = malloc(data.count);
    assert_non_null(data.pixels);
    assert_non_null(data.labels);
    mlp_make_digits(7, 0, data.count, data.pixels, data.labels);
    return data;
}

/* Counts steps down and asks to stop at 0; keeps the last report. */
typedef struct watcher {
    size_t steps_left;
    size_t n_epochs;
    mlp_epoch_report report;
} watcher;

static inline bool stop_when_done(void *context)
{
    watcher *w = context;
    return --w->steps_left == 0;
}

static inline mlp_status keep_report(void *context, const mlp_trainer *trainer,
                                     const mlp_epoch_report *report, mlp_error *err)
{
    watcher *w = context;
    (void)trainer;
    (void)err;
    w->n_epochs++;
    w->report = *report;
    return MLP_OK;
}

static inline mlp_train_observer observe(watcher *w)
{
    return (mlp_train_observer){
        .context = w, .on_epoch = keep_report, .should_stop = stop_when_done};
}

static inline const mlp_kernels *fastest_kernels(void)
{
    const mlp_kernels *kernels;
    mlp_error err;
    assert_int_equal(mlp_kernels_select(&kernels, NULL, &err), MLP_OK);
    return kernels;
}

/* A trainer on a team of its own. */
typedef struct fixture {
    mlp_config config;
    mlp_dataset data;
    mlp_team team;
    mlp_trainer trainer;
} fixture;

static inline void open_fixture(fixture *f, size_t threads, const mlp_kernels *kernels,
                                const mlp_override *overrides, size_t n_overrides)
{
    mlp_error err;
    load_config(&f->config, overrides, n_overrides);
    f->data = draw_digits();
    assert_int_equal(mlp_team_init(&f->team, threads, &err), MLP_OK);
    if (mlp_trainer_init(&f->trainer, &f->config, &f->data, kernels, &f->team, &err) != MLP_OK)
        fail_msg("%s", err.message);
}

static inline void close_fixture(fixture *f)
{
    mlp_trainer_free(&f->trainer);
    mlp_team_free(&f->team);
    mlp_dataset_free(&f->data);
    mlp_config_free(&f->config);
}

/* Trains on, for at most max_steps. True when it was stopped. */
static inline bool train_steps(fixture *f, size_t max_steps, watcher *w)
{
    mlp_error err;
    bool stopped;
    w->steps_left = max_steps;
    mlp_train_observer observer = observe(w);
    if (mlp_trainer_run(&f->trainer, &observer, &stopped, &err) != MLP_OK)
        fail_msg("%s", err.message);
    return stopped;
}

#endif
