/* train.h: the SGD loop: shuffled batches, epochs, validation, the best model.
 *
 * The loop reaches files, metrics and the terminal only through the observer.
 * All that a training is, besides its config and data, lies in mlp_trainer:
 * model, velocities and mlp_progress. Whoever restores those three goes on to
 * the bit.
 */
#ifndef MLP_TRAIN_TRAIN_H
#define MLP_TRAIN_TRAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "base/team.h"
#include "config/config.h"
#include "data/dataset.h"
#include "kernels/kernels.h"
#include "nn/model.h"
#include "nn/pass.h"
#include "nn/progress.h"
#include "nn/sgd.h"
#include "train/order.h"
#include "train/overflow.h"

/* What an epoch line reports. Losses are means over images, in nats. */
typedef struct mlp_epoch_report {
    uint64_t epoch;                    /* completed, from 1 */
    uint64_t step;                     /* completed since the start of the training */
    double train_loss, train_accuracy; /* of each batch before its step, over the epoch; the loss
                                          as it is minimized, with label smoothing */
    bool has_validation;
    double validation_loss, validation_accuracy;
    double lr;        /* of the epoch's last step */
    double grad_norm; /* mean over the epoch's steps of the whole gradient's L2 norm */
    size_t n_layers;
    const double *layer_grad_norms; /* (n_layers): the same for each layer */
    double seconds;                 /* of training, without the validation */
    double images_per_second;
    bool is_best; /* on validation so far; without a validation set every epoch is */
} mlp_epoch_report;

typedef struct mlp_trainer mlp_trainer;

/* Called on the caller's thread, between steps. A function may be NULL. A status
 * other than MLP_OK ends the training with it. */
typedef struct mlp_train_observer {
    void *context;
    /* After each step. images of total_images of the running epoch are done. */
    mlp_status (*on_step)(void *context, const mlp_trainer *trainer, size_t images,
                          size_t total_images, mlp_error *err);
    /* After each epoch, with the progress already at the next one. */
    mlp_status (*on_epoch)(void *context, const mlp_trainer *trainer,
                           const mlp_epoch_report *report, mlp_error *err);
    /* Asked after each step: true ends the training there, with *stopped set. */
    bool (*should_stop)(void *context);
} mlp_train_observer;

struct mlp_trainer {
    const mlp_config *config;
    const mlp_dataset *data; /* the training set, validation images included */
    const mlp_kernels *kernels;
    mlp_team *team;

    mlp_model model;
    mlp_sgd sgd;
    mlp_progress progress;
    mlp_overflow_watch overflow;

    mlp_split split;
    mlp_order order;
    mlp_pass pass;
    double *layer_grad_norms; /* (n_layers): scratch of the report */
};

/* A model from the seed, no progress, and all the buffers that training needs. config, data,
 * kernels and team stay the caller's and must outlive the trainer. */
mlp_status mlp_trainer_init(mlp_trainer *trainer, const mlp_config *config, const mlp_dataset *data,
                            const mlp_kernels *kernels, mlp_team *team, mlp_error *err);
void mlp_trainer_free(mlp_trainer *trainer);

/* From where progress stands to the config's last epoch. *stopped says whether
 * should_stop ended it. MLP_ERR_DIVERGED names step, layer and lr: a loss, a gradient
 * or a weight was not finite. The model is then no longer good for anything. */
mlp_status mlp_trainer_run(mlp_trainer *trainer, const mlp_train_observer *observer, bool *stopped,
                           mlp_error *err);

/* The steps of one epoch, and the images of its steps so far: the last batch may be short. */
size_t mlp_trainer_steps_per_epoch(const mlp_trainer *trainer);
size_t mlp_trainer_images_done(const mlp_trainer *trainer);

#endif
