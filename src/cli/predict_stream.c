#include "cli/predict_stream.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/counting_sort.h"
#include "base/mem.h"
#include "cli/console.h"
#include "cli/prediction.h"

enum {
    MAX_BATCH = 128,        /* images */
    WORTH_MORE_THREADS = 64 /* images in a file */
};

/* So many images of the file, and how reading them ended. */
typedef struct image_batch {
    uint64_t number, first; /* of the batch, of its first image */
    size_t n;
    mlp_status status;
    mlp_error err;
} image_batch;

static mlp_status init_worker(predict_worker *worker, const predict_stream *s, mlp_error *err)
{
    const mlp_model *model = &s->checkpoint->model;
    worker->pixels = mlp_alloc(s->batch, model->features);
    worker->place = mlp_alloc(s->batch, sizeof *worker->place);
    worker->order = mlp_alloc(s->batch, sizeof *worker->order);
    worker->next = mlp_alloc(model->features + 1, sizeof *worker->next);
    worker->lines = s->json ? NULL : mlp_alloc(s->batch, s->line_room);
    if (worker->pixels == NULL || worker->place == NULL || worker->order == NULL ||
        worker->next == NULL || (!s->json && worker->lines == NULL))
        return mlp_fail_memory(err, "a batch of images");
    mlp_status status = mlp_team_init(&worker->alone, 1, err);
    if (status == MLP_OK)
        status =
            mlp_pass_init(&worker->pass, model, s->kernels, s->batch, 1, MLP_PASS_INFERENCE, err);
    return status;
}

static void free_worker(predict_worker *worker)
{
    mlp_pass_free(&worker->pass);
    mlp_team_free(&worker->alone);
    free(worker->pixels);
    free(worker->place);
    free(worker->order);
    free(worker->next);
    free(worker->lines);
}

mlp_status predict_stream_init(predict_stream *s, mlp_error *err)
{
    pthread_mutex_init(&s->reading, NULL);
    pthread_mutex_init(&s->printing, NULL);
    pthread_cond_init(&s->printed, NULL);
    s->workers = mlp_alloc(s->n_threads, sizeof *s->workers);
    return s->workers == NULL ? mlp_fail_memory(err, "the threads") : MLP_OK;
}

static void free_workers(predict_stream *s)
{
    while (s->n_workers > 0)
        free_worker(&s->workers[--s->n_workers]);
}

void predict_stream_free(predict_stream *s)
{
    mlp_team_free(&s->team);
    if (s->workers == NULL)
        return;
    free_workers(s);
    free(s->workers);
    pthread_mutex_destroy(&s->reading);
    pthread_mutex_destroy(&s->printing);
    pthread_cond_destroy(&s->printed);
}

/* False when there is no batch left; one that failed is a batch. */
static bool take_batch(predict_stream *s, const predict_worker *worker, image_batch *batch)
{
    pthread_mutex_lock(&s->reading);
    bool taken = !s->ended;
    if (taken) {
        batch->number = s->n_batches++;
        batch->first = s->n_images;
        batch->status =
            mlp_image_read(&s->reader, s->batch, worker->pixels, &batch->n, &batch->err);
        s->n_images += batch->n;
        s->ended = batch->status != MLP_OK || s->reader.ended;
    }
    pthread_mutex_unlock(&s->reading);
    return taken;
}

/* Image i of the batch; order (MLP_MAX_CLASSES) is the caller's. */
static mlp_prediction rank_image(const predict_stream *s, const predict_worker *worker,
                                 const image_batch *batch, size_t i, uint8_t *order)
{
    size_t classes = s->checkpoint->model.classes, place = worker->place[i];
    mlp_prediction prediction = {.file = s->file,
                                 .index = batch->first + i,
                                 .class_names = s->checkpoint->class_names,
                                 .probabilities = worker->pass.probabilities + place * classes,
                                 .top_k = s->top_k,
                                 .order = order};
    mlp_prediction_rank(prediction.probabilities, classes, worker->pass.predictions[place],
                        prediction.top_k, order);
    return prediction;
}

/* Returns the end of the lines. */
static char *write_lines(const predict_stream *s, const predict_worker *worker,
                         const image_batch *batch)
{
    uint8_t order[MLP_MAX_CLASSES];
    char *line = worker->lines;
    for (size_t i = 0; i < batch->n; i++) {
        mlp_prediction prediction = rank_image(s, worker, batch, i, order);
        line = mlp_prediction_write_text(&prediction, s->names_files, line);
    }
    return line;
}

static mlp_status print_json(const predict_stream *s, const predict_worker *worker,
                             const image_batch *batch, mlp_error *err)
{
    uint8_t order[MLP_MAX_CLASSES];
    mlp_status status = MLP_OK;
    for (size_t i = 0; status == MLP_OK && i < batch->n; i++) {
        mlp_prediction prediction = rank_image(s, worker, batch, i, order);
        status = mlp_prediction_print_json(&prediction, err);
    }
    return status;
}

/* In the order of the batches. After a failure nothing more is printed. */
static void print_batch(predict_stream *s, const predict_worker *worker, const image_batch *batch,
                        const char *lines_end)
{
    pthread_mutex_lock(&s->printing);
    while (s->turn != batch->number)
        pthread_cond_wait(&s->printed, &s->printing);
    if (s->status == MLP_OK) {
        if (s->json)
            s->status = print_json(s, worker, batch, s->err);
        else
            fwrite(worker->lines, 1, (size_t)(lines_end - worker->lines), stdout);
        if (s->status == MLP_OK)
            s->status = mlp_console_flush(s->err);
        if (s->status == MLP_OK && batch->status != MLP_OK) {
            *s->err = batch->err;
            s->status = batch->status;
        }
    }
    bool failed = s->status != MLP_OK;
    s->turn++;
    pthread_cond_broadcast(&s->printed);
    pthread_mutex_unlock(&s->printing);
    if (failed) {
        pthread_mutex_lock(&s->reading);
        s->ended = true;
        pthread_mutex_unlock(&s->reading);
    }
}

/* Names n images to the pass, those with the same first pixel side by side: what is blank in both
 * of two neighbours is left out. Labels stay 0: nobody knows them, and the loss is not looked at.
 */
static void fill_batch(predict_worker *worker, size_t n)
{
    mlp_batch *batch = &worker->pass.batch;
    size_t features = batch->features;
    uint8_t background = mlp_background(worker->pixels, n, features);
    uint32_t *key = worker->place;
    for (size_t i = 0; i < n; i++)
        key[i] = mlp_first_set(worker->pixels + i * features, features, background);
    mlp_counting_sort(n, NULL, key, features + 1, worker->next, worker->order);
    for (uint32_t place = 0; place < n; place++) {
        size_t image = worker->order[place];
        worker->place[image] = place;
        batch->pixels[place] = worker->pixels + image * features;
    }
    batch->size = n;
    mlp_batch_set_background(batch, background);
}

static void answer_batches(mlp_team *team, size_t thread, void *argument)
{
    predict_stream *s = argument;
    predict_worker *worker = &s->workers[thread];
    image_batch batch;
    (void)team;
    while (take_batch(s, worker, &batch)) {
        char *lines_end = worker->lines;
        if (batch.n > 0) {
            fill_batch(worker, batch.n);
            mlp_batch_pack(&worker->pass.batch, s->kernels, &worker->alone, 0);
            mlp_pass_forward(&worker->pass, &worker->alone, 0);
        }
        if (!s->json)
            lines_end = write_lines(s, worker, &batch);
        print_batch(s, worker, &batch, lines_end);
    }
}

/* For a file that is known to be small one thread, with room for its images and one more, by
 * which the first batch is seen to be the last; unless more are there already. */
static mlp_status start_threads(predict_stream *s, mlp_error *err)
{
    uint64_t size = s->reader.source.size, images = size / s->reader.features;
    bool few = size > 0 && images < WORTH_MORE_THREADS; /* a size of 0 is not known */
    size_t threads = few ? 1 : s->n_threads, batch = few ? (size_t)images + 1 : MAX_BATCH;
    if (s->batch < batch) {
        free_workers(s);
        s->batch = batch;
    }
    while (s->n_workers < threads) {
        mlp_status status = init_worker(&s->workers[s->n_workers++], s, err);
        if (status != MLP_OK)
            return status;
    }
    if (s->team.n_threads >= s->n_workers)
        return MLP_OK;
    mlp_team_free(&s->team);
    return mlp_team_init(&s->team, s->n_workers, err);
}

mlp_status predict_stream_file(predict_stream *s, const char *file, mlp_error *err)
{
    const mlp_checkpoint *checkpoint = s->checkpoint;
    bool flat = checkpoint->rank != 2;
    mlp_status status =
        mlp_image_open(&s->reader, file, checkpoint->model.features, flat ? 0 : checkpoint->dims[0],
                       flat ? 0 : checkpoint->dims[1], err);
    if (status == MLP_OK)
        status = start_threads(s, err);
    if (status == MLP_OK) {
        s->file = file;
        s->n_batches = s->n_images = 0;
        s->ended = false;
        s->turn = 0;
        s->status = MLP_OK;
        s->err = err;
        mlp_team_run(&s->team, answer_batches, s);
        status = s->status;
    }
    mlp_image_close(&s->reader);
    return status;
}
