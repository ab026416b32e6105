/* dataset.c: images and their labels in memory, from IDX files. */
#include "data/dataset.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "base/mem.h"
#include "base/rng.h"

static const char *const FILE_NAMES[] = {
    [MLP_TRAIN_IMAGES] = "train-images-idx3-ubyte",
    [MLP_TRAIN_LABELS] = "train-labels-idx1-ubyte",
    [MLP_TEST_IMAGES] = "t10k-images-idx3-ubyte",
    [MLP_TEST_LABELS] = "t10k-labels-idx1-ubyte",
};

static const char *const CONFIG_KEYS[] = {
    [MLP_TRAIN_IMAGES] = "data.train_images",
    [MLP_TRAIN_LABELS] = "data.train_labels",
    [MLP_TEST_IMAGES] = "data.test_images",
    [MLP_TEST_LABELS] = "data.test_labels",
};

static const char *configured_path(const mlp_data_config *data, mlp_dataset_file file)
{
    const char *const paths[] = {
        [MLP_TRAIN_IMAGES] = data->train_images,
        [MLP_TRAIN_LABELS] = data->train_labels,
        [MLP_TEST_IMAGES] = data->test_images,
        [MLP_TEST_LABELS] = data->test_labels,
    };
    return paths[file];
}

static bool exists(const char *path)
{
    return access(path, F_OK) == 0;
}

/* MNIST's name in the folder: plain, or with .gz at the end. */
static mlp_status locate_in_folder(const char *dir, const char *name, char **path, mlp_error *err)
{
    size_t room = strlen(dir) + sizeof "/" + strlen(name) + sizeof ".gz";
    char *candidate = malloc(room);
    if (candidate == NULL)
        return mlp_fail_memory(err, "a path");
    snprintf(candidate, room, "%s/%s", dir, name);
    if (!exists(candidate))
        snprintf(candidate, room, "%s/%s.gz", dir, name);
    if (!exists(candidate)) {
        free(candidate);
        return mlp_fail(err, MLP_ERR_DATA, "%s: found neither %s nor %s.gz, wanted one of them",
                        dir, name, name);
    }
    *path = candidate;
    return MLP_OK;
}

mlp_status mlp_dataset_locate(const mlp_data_config *data, mlp_dataset_file file, char **path,
                              mlp_error *err)
{
    const char *configured = configured_path(data, file);
    *path = NULL;
    if (configured == NULL && data->dir == NULL)
        return mlp_fail(err, MLP_ERR_CONFIG,
                        "data.dir: found null, wanted the folder of %s (or %s, the file itself)",
                        FILE_NAMES[file], CONFIG_KEYS[file]);
    if (configured == NULL)
        return locate_in_folder(data->dir, FILE_NAMES[file], path, err);
    if (!exists(configured))
        return mlp_fail_errno(err, MLP_ERR_DATA, configured, "open");
    *path = mlp_strdup(configured);
    return *path == NULL ? mlp_fail_memory(err, "a path") : MLP_OK;
}

/* The labels come first: they are small, and tell most mistakes at once. */
mlp_status mlp_dataset_load(mlp_dataset *dataset, const char *images_path, const char *labels_path,
                            mlp_error *err)
{
    mlp_idx images = {0}, labels;
    *dataset = (mlp_dataset){0};
    mlp_status status = mlp_idx_read(&labels, labels_path, err);
    if (status == MLP_OK && labels.shape.rank != 1)
        status = mlp_fail(err, MLP_ERR_DATA, "%s: at byte 3 found rank %zu, wanted 1 (labels)",
                          labels_path, labels.shape.rank);
    if (status == MLP_OK)
        status = mlp_idx_read(&images, images_path, err);
    if (status == MLP_OK && images.shape.rank == 1)
        status = mlp_fail(err, MLP_ERR_DATA,
                          "%s: at byte 3 found rank 1, wanted 2 or more (images)", images_path);
    if (status == MLP_OK && images.shape.count != labels.shape.count)
        status = mlp_fail(err, MLP_ERR_DATA,
                          "%s: at byte 4 found %zu labels, wanted %zu, the number of images in %s",
                          labels_path, labels.shape.count, images.shape.count, images_path);
    if (status == MLP_OK) {
        *dataset = (mlp_dataset){.count = images.shape.count,
                                 .features = images.shape.item_bytes,
                                 .rank = images.shape.rank - 1,
                                 .pixels = images.data,
                                 .labels = labels.data,
                                 .pixels_memory = images.memory,
                                 .labels_memory = labels.memory,
                                 .images_path = mlp_strdup(images_path),
                                 .labels_path = mlp_strdup(labels_path)};
        memcpy(dataset->dims, images.shape.dims + 1, dataset->rank * sizeof dataset->dims[0]);
        images = labels = (mlp_idx){0}; /* the dataset's now */
        if (dataset->images_path == NULL || dataset->labels_path == NULL) {
            mlp_dataset_free(dataset);
            status = mlp_fail_memory(err, "a path");
        }
    }
    mlp_idx_free(&images);
    mlp_idx_free(&labels);
    return status;
}

mlp_status mlp_dataset_load_part(mlp_dataset *dataset, const mlp_data_config *data,
                                 mlp_dataset_part part, mlp_error *err)
{
    bool train = part == MLP_DATASET_TRAIN;
    char *images_path = NULL, *labels_path = NULL;
    *dataset = (mlp_dataset){0};
    mlp_status status =
        mlp_dataset_locate(data, train ? MLP_TRAIN_IMAGES : MLP_TEST_IMAGES, &images_path, err);
    if (status == MLP_OK)
        status =
            mlp_dataset_locate(data, train ? MLP_TRAIN_LABELS : MLP_TEST_LABELS, &labels_path, err);
    if (status == MLP_OK)
        status = mlp_dataset_load(dataset, images_path, labels_path, err);
    free(images_path);
    free(labels_path);
    return status;
}

void mlp_dataset_free(mlp_dataset *dataset)
{
    mlp_region_free(&dataset->pixels_memory);
    mlp_region_free(&dataset->labels_memory);
    free(dataset->images_path);
    free(dataset->labels_path);
    *dataset = (mlp_dataset){0};
}

uint32_t mlp_dataset_labels_crc(const mlp_dataset *dataset)
{
    return (uint32_t)crc32_z(crc32_z(0, NULL, 0), dataset->labels, dataset->count);
}

uint8_t mlp_background(const uint8_t *images, size_t n, size_t features)
{
    enum { LOOKED_AT = 64, LEVELS = UINT8_MAX + 1 };
    size_t counts[LEVELS] = {0}, most = 0;
    for (size_t i = 0; i < n && i < LOOKED_AT; i++)
        counts[images[i * features]]++;
    for (size_t level = 1; level < LEVELS; level++)
        if (counts[level] > counts[most])
            most = level;
    return (uint8_t)most;
}

uint32_t mlp_first_set(const uint8_t *pixels, size_t n, uint8_t background)
{
    const uint64_t eight = background * UINT64_C(0x0101010101010101);
    size_t i = 0;
    for (uint64_t word; i + sizeof word <= n; i += sizeof word) {
        memcpy(&word, pixels + i, sizeof word);
        if (word != eight)
            break;
    }
    while (i < n && pixels[i] == background)
        i++;
    return (uint32_t)i;
}

/* How many of a class's n images are held out; one at least is trained on. */
static size_t validation_share(double fraction, size_t n)
{
    size_t share = (size_t)round(fraction * (double)n);
    return n > 0 && share >= n ? n - 1 : share;
}

/* chosen[i] = 1 for the images of the validation set, whose number is returned;
 * `order` (N) is room to sort the images by class. */
static size_t choose_validation(const mlp_dataset *dataset, double fraction, uint64_t seed,
                                uint32_t *order, uint8_t *chosen)
{
    size_t end[MLP_MAX_CLASSES] = {0}; /* of each class in order */
    size_t begin = 0, total = 0;
    for (size_t i = 0; i < dataset->count; i++)
        end[dataset->labels[i]]++;
    for (size_t c = 1; c < MLP_MAX_CLASSES; c++)
        end[c] += end[c - 1];
    size_t next[MLP_MAX_CLASSES] = {0};
    memcpy(next + 1, end, sizeof end - sizeof end[0]);
    for (size_t i = 0; i < dataset->count; i++)
        order[next[dataset->labels[i]]++] = (uint32_t)i;
    for (uint32_t c = 0; c < MLP_MAX_CLASSES; c++) {
        size_t n = end[c] - begin, share = validation_share(fraction, n);
        mlp_rng_shuffle(seed, mlp_rng_stream(MLP_RNG_VALIDATION, c), n, order + begin);
        for (size_t i = 0; i < share; i++)
            chosen[order[begin + i]] = 1;
        begin = end[c];
        total += share;
    }
    return total;
}

mlp_status mlp_dataset_split(mlp_split *split, const mlp_dataset *dataset, double fraction,
                             uint64_t seed, mlp_error *err)
{
    size_t n = dataset->count, n_train = 0, n_validation = 0;
    uint32_t *order = mlp_alloc(n, sizeof *order); /* becomes split->train */
    uint8_t *chosen = mlp_alloc(n, sizeof *chosen);
    uint32_t *validation = NULL;
    mlp_status status = MLP_OK;
    *split = (mlp_split){0};
    if (order == NULL || chosen == NULL) {
        status = mlp_fail_memory(err, "the validation split");
        goto done;
    }
    n_validation = choose_validation(dataset, fraction, seed, order, chosen);
    if (fraction > 0 && n_validation == 0) {
        status = mlp_fail(err, MLP_ERR_CONFIG,
                          "data.validation_fraction: found %g, which holds out none of %zu images, "
                          "wanted 0 or a larger fraction",
                          fraction, n);
        goto done;
    }
    validation = mlp_alloc(n_validation, sizeof *validation);
    if (validation == NULL) {
        status = mlp_fail_memory(err, "the validation split");
        goto done;
    }
    n_validation = 0;
    for (size_t i = 0; i < n; i++) {
        if (chosen[i])
            validation[n_validation++] = (uint32_t)i;
        else
            order[n_train++] = (uint32_t)i;
    }
    *split = (mlp_split){n_train, n_validation, order, validation};
    order = NULL;
done:
    free(order);
    free(chosen);
    return status;
}

void mlp_split_free(mlp_split *split)
{
    free(split->train);
    free(split->validation);
    *split = (mlp_split){0};
}
