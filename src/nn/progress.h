/* progress.h: how far a training has come: with the model and the velocities,
 * all that a checkpoint has to hold for the training to go on to the bit. */
#ifndef MLP_NN_PROGRESS_H
#define MLP_NN_PROGRESS_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

typedef struct mlp_progress {
    uint64_t epoch;         /* completed epochs */
    uint64_t step;          /* completed steps, over all epochs */
    uint64_t step_in_epoch; /* completed steps of the running epoch */

    uint64_t labels_crc; /* CRC-32 of the training set's labels, as classes: whose progress it is */

    /* Sums over the running epoch's completed steps. */
    double loss_sum;  /* over images */
    uint64_t correct; /* images */
    double norm_sum;  /* over steps: the gradient's L2 norm */
    size_t n_layers;
    double *layer_norm_sums; /* (n_layers) */

    /* The best epoch on validation; 0: none yet. */
    uint64_t best_epoch;
    double best_value; /* of the config's metric */
} mlp_progress;

mlp_status mlp_progress_init(mlp_progress *progress, size_t n_layers, mlp_error *err);
void mlp_progress_free(mlp_progress *progress);

#endif
