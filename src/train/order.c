#include "train/order.h"

#include <stdlib.h>
#include <string.h>

#include "base/counting_sort.h"
#include "base/mem.h"
#include "base/rng.h"

enum {
    BYTES_AHEAD = 256, /* of an image that are asked for: few are blank further down */
    IMAGES_AHEAD = 16,
};

static void find_first_pixels(mlp_order *order, const mlp_dataset *data)
{
    const mlp_split *split = order->split;
    uint8_t background = mlp_background(data->pixels, data->count, data->features);
    size_t features = data->features, ahead = mlp_min_size(features, BYTES_AHEAD);
    for (size_t i = 0; i < split->n_train; i++) {
        if (i + IMAGES_AHEAD < split->n_train)
            mlp_prefetch(data->pixels + split->train[i + IMAGES_AHEAD] * features, 0, ahead);
        size_t image = split->train[i];
        order->key[image] = mlp_first_set(data->pixels + image * features, features, background);
    }
}

static void sort_by_key(mlp_order *order, size_t n_keys, const uint32_t *from, uint32_t *to)
{
    mlp_counting_sort(order->split->n_train, from, order->key, n_keys, order->next, to);
}

static void sort_images(mlp_order *order, const mlp_dataset *data)
{
    find_first_pixels(order, data);
    sort_by_key(order, data->features + 1, order->split->train, order->shuffled);
    for (size_t image = 0; image < data->count; image++)
        order->key[image] = data->labels[image];
    sort_by_key(order, data->classes, order->shuffled, order->sorted);
}

mlp_status mlp_order_init(mlp_order *order, const mlp_dataset *data, const mlp_split *split,
                          size_t batch_size, mlp_error *err)
{
    size_t n = split->n_train, batches = (n - 1) / batch_size + 1;
    size_t n_keys = mlp_max_size(batches, mlp_max_size(data->features + 1, data->classes));
    *order = (mlp_order){.split = split,
                         .batch_size = batch_size,
                         .sorted = mlp_alloc(n, sizeof(uint32_t)),
                         .shuffled = mlp_alloc(n, sizeof(uint32_t)),
                         .images = mlp_alloc(n, sizeof(uint32_t)),
                         .key = mlp_alloc(data->count, sizeof(uint32_t)),
                         .next = mlp_alloc(n_keys, sizeof(uint32_t))};
    if (order->sorted == NULL || order->shuffled == NULL || order->images == NULL ||
        order->key == NULL || order->next == NULL) {
        mlp_order_free(order);
        return mlp_fail_memory(err, "the order of the images");
    }
    sort_images(order, data);
    return MLP_OK;
}

void mlp_order_free(mlp_order *order)
{
    free(order->sorted);
    free(order->shuffled);
    free(order->images);
    free(order->key);
    free(order->next);
    memset(order, 0, sizeof *order);
}

void mlp_order_epoch(mlp_order *order, const mlp_config *config, uint64_t epoch)
{
    size_t n = order->split->n_train, size = order->batch_size;
    memcpy(order->shuffled, order->split->train, n * sizeof *order->shuffled);
    if (config->data.shuffle)
        mlp_rng_shuffle(config->seed, mlp_rng_stream(MLP_RNG_SHUFFLE, (uint32_t)epoch), n,
                        order->shuffled);
    for (size_t i = 0; i < n; i++)
        order->key[order->shuffled[i]] = (uint32_t)(i / size);
    sort_by_key(order, (n - 1) / size + 1, order->sorted, order->images);
}
