#include "train/train.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "train/evaluate.h"
#include "train/schedule.h"

static mlp_status init_parts(mlp_trainer *trainer, mlp_error *err)
{
    const mlp_config *config = trainer->config;
    mlp_status status =
        mlp_model_init(&trainer->model, trainer->data->features, config->model.n_hidden,
                       config->model.hidden, config->model.output, trainer->data->classes, err);
    if (status != MLP_OK)
        return status;
    mlp_model_randomize(&trainer->model, config->seed);
    if ((status = mlp_sgd_init(&trainer->sgd, &trainer->model, err)) != MLP_OK ||
        (status = mlp_progress_init(&trainer->progress, trainer->model.n_layers, err)) != MLP_OK ||
        (status = mlp_dataset_split(&trainer->split, trainer->data,
                                    config->data.validation_fraction, config->seed, err)) != MLP_OK)
        return status;
    trainer->progress.labels_crc = mlp_dataset_labels_crc(trainer->data);
    size_t batch = config->train.batch_size;
    if ((status = mlp_order_init(&trainer->order, trainer->data, &trainer->split, batch, err)) !=
        MLP_OK)
        return status;
    return mlp_pass_init(&trainer->pass, &trainer->model, trainer->kernels,
                         batch < trainer->split.n_train ? batch : trainer->split.n_train,
                         trainer->team->n_threads, MLP_PASS_TRAINING, err);
}

mlp_status mlp_trainer_init(mlp_trainer *trainer, const mlp_config *config, const mlp_dataset *data,
                            const mlp_kernels *kernels, mlp_team *team, mlp_error *err)
{
    memset(trainer, 0, sizeof *trainer);
    trainer->config = config;
    trainer->data = data;
    trainer->kernels = kernels;
    trainer->team = team;
    trainer->overflow = (mlp_overflow_watch){.weight = INFINITY, .velocity = INFINITY};
    mlp_status status = init_parts(trainer, err);
    if (status == MLP_OK) {
        uint8_t background = mlp_background(data->pixels, data->count, data->features);
        mlp_batch_set_background(&trainer->pass.batch, background);
        mlp_batch_set_background(&trainer->pass.next, background);
        trainer->pass.label_smoothing = (float)config->train.label_smoothing;
        trainer->layer_grad_norms =
            mlp_alloc(trainer->model.n_layers, sizeof *trainer->layer_grad_norms);
        if (trainer->layer_grad_norms == NULL)
            status = mlp_fail_memory(err, "the training");
    }
    if (status != MLP_OK)
        mlp_trainer_free(trainer);
    return status;
}

void mlp_trainer_free(mlp_trainer *trainer)
{
    mlp_pass_free(&trainer->pass);
    mlp_split_free(&trainer->split);
    mlp_progress_free(&trainer->progress);
    mlp_sgd_free(&trainer->sgd);
    mlp_model_free(&trainer->model);
    mlp_order_free(&trainer->order);
    free(trainer->layer_grad_norms);
    memset(trainer, 0, sizeof *trainer);
}

size_t mlp_trainer_steps_per_epoch(const mlp_trainer *trainer)
{
    size_t batch = trainer->config->train.batch_size;
    return (trainer->split.n_train - 1) / batch + 1;
}

size_t mlp_trainer_images_done(const mlp_trainer *trainer)
{
    size_t done = trainer->progress.step_in_epoch * trainer->config->train.batch_size;
    return done < trainer->split.n_train ? done : trainer->split.n_train;
}

/* The batch of one step of the running epoch; empty past its end. */
static void fill_batch(const mlp_trainer *trainer, uint64_t step_in_epoch, mlp_batch *batch)
{
    size_t size = trainer->config->train.batch_size, first = step_in_epoch * size;
    size_t left = trainer->split.n_train > first ? trainer->split.n_train - first : 0;
    mlp_batch_fill(batch, trainer->data, trainer->order.images, first, left < size ? left : size);
}

typedef struct step_job {
    mlp_trainer *trainer;
    mlp_sgd_step step;
    bool is_packed; /* the step's batch, by the step before */
} step_job;

/* One SGD step; each member of the team runs it. */
static void run_step(mlp_team *team, size_t thread, void *argument)
{
    const step_job *job = argument;
    mlp_trainer *trainer = job->trainer;
    mlp_pass *pass = &trainer->pass;
    if (!job->is_packed) {
        mlp_batch_pack(&pass->batch, trainer->kernels, team, thread);
        mlp_team_barrier(team);
    }
    mlp_pass_forward(pass, team, thread);
    mlp_pass_backward(pass, &trainer->sgd, &job->step, team, thread);
}

static mlp_status fail_diverged(const mlp_trainer *trainer, const char *what, size_t layer,
                                double lr, mlp_error *err)
{
    unsigned long long step = trainer->progress.step;
    unsigned long long epoch = (step - 1) / mlp_trainer_steps_per_epoch(trainer) + 1;
    return mlp_fail(err, MLP_ERR_DIVERGED,
                    "training diverged at step %llu (epoch %llu): the %s of layer linear%zu is "
                    "not finite, lr %g; try a smaller train.sgd.lr, or "
                    "train.schedule.warmup_epochs",
                    step, epoch, what, layer + 1, lr);
}

/* Adds the step to the epoch's sums. MLP_ERR_DIVERGED when the loss, or the
 * gradient or a weight of a layer, is not finite. */
static mlp_status count_step(mlp_trainer *trainer, double lr, mlp_error *err)
{
    mlp_progress *progress = &trainer->progress;
    const mlp_pass *pass = &trainer->pass;
    double loss = 0.0, square = 0.0;
    progress->step++;
    progress->step_in_epoch++;
    for (size_t i = 0; i < pass->batch.size; i++) {
        loss += (double)pass->losses[i];
        progress->correct += pass->predictions[i] == pass->batch.labels[i];
    }
    progress->loss_sum += loss;
    for (size_t l = 0; l < trainer->model.n_layers; l++) {
        double norm = mlp_sgd_layer_norm(&trainer->sgd, l);
        if (!isfinite(norm) || (!isfinite(loss) && l + 1 == trainer->model.n_layers))
            return fail_diverged(trainer, isfinite(norm) ? "loss" : "gradient", l, lr, err);
        progress->layer_norm_sums[l] += norm;
        square += norm * norm;
    }
    progress->norm_sum += sqrt(square);
    size_t layer = mlp_overflow_find(&trainer->overflow, &trainer->sgd, &trainer->config->train.sgd,
                                     lr, sqrt(square));
    return layer == trainer->model.n_layers ? MLP_OK
                                            : fail_diverged(trainer, "weight", layer, lr, err);
}

static double lr_of_step(const mlp_trainer *trainer, uint64_t step)
{
    return mlp_schedule_lr(&trainer->config->train, step, mlp_trainer_steps_per_epoch(trainer));
}

static mlp_status take_step(mlp_trainer *trainer, mlp_error *err)
{
    const mlp_train_config *train = &trainer->config->train;
    double lr = lr_of_step(trainer, trainer->progress.step);
    step_job job = {.trainer = trainer,
                    .step = {.lr = (float)lr,
                             .momentum = (float)train->sgd.momentum,
                             .weight_decay = (float)train->sgd.weight_decay,
                             .nesterov = train->sgd.nesterov},
                    .is_packed = trainer->pass.next.size > 0};
    mlp_pass *pass = &trainer->pass;
    uint64_t step = trainer->progress.step_in_epoch;
    if (job.is_packed)
        mlp_pass_advance(pass);
    else
        fill_batch(trainer, step, &pass->batch);
    fill_batch(trainer, step + 1, &pass->next);
    mlp_team_run(trainer->team, run_step, &job);
    return count_step(trainer, lr, err);
}

/* Steps until the epoch is complete or the observer wants to stop. */
static mlp_status run_steps(mlp_trainer *trainer, const mlp_train_observer *observer, bool *stopped,
                            mlp_error *err)
{
    size_t steps = mlp_trainer_steps_per_epoch(trainer);
    mlp_order_epoch(&trainer->order, trainer->config, trainer->progress.epoch);
    trainer->pass.next.size = 0; /* a batch that was packed before the progress was restored */
    while (trainer->progress.step_in_epoch < steps && !*stopped) {
        mlp_status status = take_step(trainer, err);
        if (status != MLP_OK)
            return status;
        if (observer->on_step != NULL) {
            status = observer->on_step(observer->context, trainer, mlp_trainer_images_done(trainer),
                                       trainer->split.n_train, err);
            if (status != MLP_OK)
                return status;
        }
        *stopped = observer->should_stop != NULL && observer->should_stop(observer->context);
    }
    return MLP_OK;
}

/* Validation figures, and whether this epoch is the best so far. */
static mlp_status judge_epoch(mlp_trainer *trainer, mlp_epoch_report *report, mlp_error *err)
{
    mlp_progress *progress = &trainer->progress;
    bool by_loss = trainer->config->train.metric == MLP_METRIC_VALIDATION_LOSS;
    mlp_evaluation evaluation;
    report->has_validation = trainer->split.n_validation > 0;
    report->is_best = true;
    if (!report->has_validation)
        return MLP_OK;
    mlp_status status =
        mlp_evaluate(&evaluation, &trainer->model, trainer->data, trainer->split.validation,
                     trainer->split.n_validation, trainer->kernels, trainer->team, err);
    if (status != MLP_OK)
        return status;
    report->validation_loss = evaluation.loss;
    report->validation_accuracy = mlp_evaluation_accuracy(&evaluation);
    mlp_evaluation_free(&evaluation);
    if (!isfinite(report->validation_loss))
        return fail_diverged(trainer, "validation loss", trainer->model.n_layers - 1, report->lr,
                             err);

    double value = by_loss ? report->validation_loss : report->validation_accuracy;
    report->is_best = progress->best_epoch == 0 ||
                      (by_loss ? value < progress->best_value : value > progress->best_value);
    if (report->is_best) {
        progress->best_epoch = report->epoch;
        progress->best_value = value;
    }
    return MLP_OK;
}

/* Turns the epoch's sums into means and moves progress to the next epoch. seconds and images are of
 * this go: of an epoch that was resumed behind its last step, no image. */
static mlp_status close_epoch(mlp_trainer *trainer, double seconds, size_t images,
                              mlp_epoch_report *report, mlp_error *err)
{
    mlp_progress *progress = &trainer->progress;
    double n = (double)trainer->split.n_train, steps = (double)progress->step_in_epoch;
    *report = (mlp_epoch_report){.epoch = progress->epoch + 1,
                                 .step = progress->step,
                                 .train_loss = progress->loss_sum / n,
                                 .train_accuracy = (double)progress->correct / n,
                                 .lr = lr_of_step(trainer, progress->step - 1),
                                 .grad_norm = progress->norm_sum / steps,
                                 .n_layers = progress->n_layers,
                                 .layer_grad_norms = trainer->layer_grad_norms,
                                 .seconds = seconds,
                                 .images_per_second = images > 0 ? (double)images / seconds : 0.0};
    for (size_t l = 0; l < progress->n_layers; l++) {
        trainer->layer_grad_norms[l] = progress->layer_norm_sums[l] / steps;
        progress->layer_norm_sums[l] = 0.0;
    }
    progress->epoch++;
    progress->step_in_epoch = 0;
    progress->loss_sum = 0.0;
    progress->norm_sum = 0.0;
    progress->correct = 0;
    return judge_epoch(trainer, report, err);
}

static mlp_status run_epoch(mlp_trainer *trainer, const mlp_train_observer *observer, bool *stopped,
                            mlp_error *err)
{
    size_t steps = mlp_trainer_steps_per_epoch(trainer);
    size_t skipped = mlp_trainer_images_done(trainer);
    mlp_epoch_report report;
    double start = mlp_clock_seconds();
    mlp_status status = run_steps(trainer, observer, stopped, err);
    if (status != MLP_OK || trainer->progress.step_in_epoch < steps)
        return status;
    double seconds = mlp_clock_seconds() - start;
    status = close_epoch(trainer, seconds, trainer->split.n_train - skipped, &report, err);
    if (status == MLP_OK && observer->on_epoch != NULL)
        status = observer->on_epoch(observer->context, trainer, &report, err);
    return status;
}

mlp_status mlp_trainer_run(mlp_trainer *trainer, const mlp_train_observer *observer, bool *stopped,
                           mlp_error *err)
{
    mlp_status status = MLP_OK;
    mlp_pass_renew(&trainer->pass); /* a checkpoint may have been read */
    *stopped = false;
    while (status == MLP_OK && !*stopped && trainer->progress.epoch < trainer->config->train.epochs)
        status = run_epoch(trainer, observer, stopped, err);
    return status;
}
