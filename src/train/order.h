/* order.h: the order in which an epoch visits its images.
 *
 * The seed and the epoch's number decide which images each batch holds. A batch is a set, so within
 * it they may stand as suits the products, which leave out what is blank in neighbouring images
 * (kernels/kernels.h, nn/bf16_operand.h): by label, then by the first pixel that is set (that
 * is not as the background, see mlp_background), which tells how high and how
 * slanted a digit is, then as in the dataset.
 */
#ifndef MLP_TRAIN_ORDER_H
#define MLP_TRAIN_ORDER_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "config/config.h"
#include "data/dataset.h"

/* Images are positions in the dataset. */
typedef struct mlp_order {
    const mlp_split *split;
    size_t batch_size;
    uint32_t *sorted;   /* (n_train): all of split->train, as in a single batch */
    uint32_t *shuffled; /* (n_train): the same, cut into this epoch's batches */
    uint32_t *images;   /* (n_train): ... and each batch sorted */
    uint32_t *key;      /* by image: its batch, as long as images are sorted into them */
    uint32_t *next;     /* by batch, or by key: room to sort them */
} mlp_order;

/* Sorts the images; mlp_order_epoch comes next. The split must outlive the order. On failure *order
 * is zeroed; free it in either case. */
mlp_status mlp_order_init(mlp_order *order, const mlp_dataset *data, const mlp_split *split,
                          size_t batch_size, mlp_error *err);
void mlp_order_free(mlp_order *order);

/* Of this epoch, from 0: a function of the config's seed, so that a resumed epoch visits its images
 * likewise. */
void mlp_order_epoch(mlp_order *order, const mlp_config *config, uint64_t epoch);

#endif
