#include "data_fixture.h"

#include "base/rng.h"
#include "data/dataset.h"

enum { ROOM = 1 << 16 };

static uint8_t file[ROOM], packed[ROOM];

/* n images of 2 x 3 (pixels 0, 1, 2, ...) and n labels 0, 1, 2, 0, ... */
static void write_pair(const char *images, const char *labels, uint32_t n_images, uint32_t n_labels)
{
    const uint32_t dims[] = {n_images, 2, 3};
    write_file(images, file, make_idx(file, 3, dims, 251));
    write_file(labels, file, make_idx(file, 1, &n_labels, 3));
}

static void loads_images_and_labels(void **state)
{
    (void)state;
    mlp_dataset d;
    mlp_error err = {""};
    write_pair("images", "labels", 7, 7);
    assert_int_equal(mlp_dataset_load(&d, "images", "labels", &err), MLP_OK);
    assert_int_equal(d.count, 7);
    assert_int_equal(d.features, 6);
    assert_int_equal(d.classes, 0);
    assert_int_equal(d.rank, 2);
    assert_int_equal(d.dims[0], 2);
    assert_int_equal(d.dims[1], 3);
    for (size_t i = 0; i < 42; i++)
        assert_int_equal(d.pixels[i], i);
    for (size_t i = 0; i < 7; i++)
        assert_int_equal(d.labels[i], i % 3);
    mlp_dataset_free(&d);
    assert_null(d.pixels);
    mlp_dataset_free(&d);
}

static void flattens_images_of_any_rank(void **state)
{
    (void)state;
    static const uint32_t dims[] = {4, 3, 2, 5};
    static const size_t features[] = {3, 6, 30};
    mlp_dataset d;
    mlp_error err = {""};
    write_file("labels", file, make_idx(file, 1, dims, 3));
    for (size_t rank = 2; rank <= 4; rank++) {
        write_file("images", file, make_idx(file, rank, dims, 251));
        assert_int_equal(mlp_dataset_load(&d, "images", "labels", &err), MLP_OK);
        assert_int_equal(d.features, features[rank - 2]);
        assert_int_equal(d.rank, rank - 1);
        assert_memory_equal(d.dims, dims + 1, (rank - 1) * sizeof *dims);
        mlp_dataset_free(&d);
    }
}

static void assert_load_refused(mlp_error *err, const char *images, const char *labels)
{
    mlp_dataset d;
    assert_int_equal(mlp_dataset_load(&d, images, labels, err), MLP_ERR_DATA);
    assert_null(d.pixels);
    assert_null(d.labels);
    mlp_dataset_free(&d);
}

static void refuses_what_does_not_fit_together(void **state)
{
    (void)state;
    mlp_error err = {""};
    write_pair("images", "labels", 7, 6);
    assert_load_refused(&err, "images", "labels");
    assert_says(&err, "labels: at byte 4 found 6 labels", "wanted 7", "images in images", NULL);
    assert_load_refused(&err, "images", "images");
    assert_says(&err, "images: at byte 3 found rank 3", "wanted 1 (labels)", NULL);
    assert_load_refused(&err, "labels", "labels");
    assert_says(&err, "labels: at byte 3 found rank 1", "wanted 2 or more (images)", NULL);
    assert_load_refused(&err, "absent", "labels");
    assert_string_equal(err.message, "absent: cannot open: No such file or directory");
    assert_load_refused(&err, "images", "gone");
    assert_string_equal(err.message, "gone: cannot open: No such file or directory");
}

static void locates_the_mnist_names_plain_first(void **state)
{
    (void)state;
    static const char *const names[] = {"train-images-idx3-ubyte", "train-labels-idx1-ubyte",
                                        "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"};
    char name[64], wanted[160], dir[] = "folder";
    const mlp_data_config data = {.dir = dir};
    char *path;
    mlp_error err = {""};
    assert_int_equal(mkdir(dir, 0777), 0);
    for (unsigned i = MLP_TRAIN_IMAGES; i <= MLP_TEST_LABELS; i++) {
        assert_int_equal(mlp_dataset_locate(&data, (mlp_dataset_file)i, &path, &err), MLP_ERR_DATA);
        assert_null(path);
        snprintf(wanted, sizeof wanted, "folder: found neither %s nor %s.gz, wanted one of them",
                 names[i], names[i]);
        assert_string_equal(err.message, wanted);
        for (int plain = 0; plain < 2; plain++) {
            snprintf(name, sizeof name, "folder/%s%s", names[i], plain ? "" : ".gz");
            write_file(name, "", 0);
            assert_int_equal(mlp_dataset_locate(&data, (mlp_dataset_file)i, &path, &err), MLP_OK);
            assert_string_equal(path, name);
            free(path);
        }
    }
}

static void locates_the_files_that_the_config_names(void **state)
{
    (void)state;
    char names[4][2] = {"a", "b", "c", "d"}, dir[] = "nowhere";
    const mlp_data_config data = {.dir = dir,
                                  .train_images = names[0],
                                  .train_labels = names[1],
                                  .test_images = names[2],
                                  .test_labels = names[3]};
    const mlp_data_config nothing = {0};
    char *path;
    mlp_error err = {""};
    for (unsigned i = MLP_TRAIN_IMAGES; i <= MLP_TEST_LABELS; i++) {
        assert_int_equal(mlp_dataset_locate(&data, (mlp_dataset_file)i, &path, &err), MLP_ERR_DATA);
        assert_null(path);
        assert_says(&err, names[i], ": cannot open: No such file", NULL);
        write_file(names[i], "", 0);
        assert_int_equal(mlp_dataset_locate(&data, (mlp_dataset_file)i, &path, &err), MLP_OK);
        assert_string_equal(path, names[i]);
        free(path);
    }
    assert_int_equal(mlp_dataset_locate(&nothing, MLP_TEST_LABELS, &path, &err), MLP_ERR_CONFIG);
    assert_null(path);
    assert_says(&err, "data.dir: found null", "t10k-labels-idx1-ubyte", "data.test_labels", NULL);
}

static void loads_a_part_of_a_folder(void **state)
{
    (void)state;
    char dir[] = "mixed", test_labels[] = "mixed/other";
    const mlp_data_config data = {.dir = dir, .test_labels = test_labels};
    const uint32_t dims[] = {3, 2, 3};
    mlp_dataset d;
    mlp_error err = {""};
    assert_int_equal(mkdir(dir, 0777), 0);
    write_pair("mixed/train-images-idx3-ubyte", "mixed/train-labels-idx1-ubyte", 5, 5);
    size_t n = make_idx(file, 3, dims, 251);
    write_file("mixed/t10k-images-idx3-ubyte.gz", packed, gzip(file, n, 6, packed, sizeof packed));
    assert_int_equal(mlp_dataset_load_part(&d, &data, MLP_DATASET_TRAIN, &err), MLP_OK);
    assert_int_equal(d.count, 5);
    mlp_dataset_free(&d);
    assert_int_equal(mlp_dataset_load_part(&d, &data, MLP_DATASET_TEST, &err), MLP_ERR_DATA);
    assert_null(d.pixels);
    assert_says(&err, "mixed/other", NULL);
    write_file("mixed/other", file, make_idx(file, 1, dims, 3));
    assert_int_equal(mlp_dataset_load_part(&d, &data, MLP_DATASET_TEST, &err), MLP_OK);
    assert_int_equal(d.count, 3);
    mlp_dataset_free(&d);
}

/* n labels of classes in a fixed, uneven order. */
static void fill_labels(uint8_t *labels, size_t n, unsigned classes)
{
    for (size_t i = 0; i < n; i++)
        labels[i] = (uint8_t)((i * i + i / 7) % classes);
}

static void count_classes(const uint8_t *labels, const uint32_t *index, size_t n, size_t *counts)
{
    memset(counts, 0, MLP_MAX_CLASSES * sizeof *counts);
    for (size_t i = 0; i < n; i++)
        counts[labels[index == NULL ? i : index[i]]]++;
}

static void splits_each_class_by_the_fraction(void **state)
{
    (void)state;
    enum { N = 1003 };
    static const double fractions[] = {0.05, 0.1, 0.25, 1.0 / 3, 0.5, 0.9, 0.999};
    uint8_t labels[N];
    size_t all[MLP_MAX_CLASSES], held[MLP_MAX_CLASSES];
    const mlp_dataset d = {.count = N, .classes = 10, .labels = labels};
    mlp_split split;
    mlp_error err = {""};
    fill_labels(labels, N, 10);
    count_classes(labels, NULL, N, all);
    for (size_t f = 0; f < sizeof fractions / sizeof fractions[0]; f++) {
        assert_int_equal(mlp_dataset_split(&split, &d, fractions[f], 1, &err), MLP_OK);
        assert_int_equal(split.n_train + split.n_validation, N);
        size_t t = 0, v = 0; /* ascending, disjoint and complete: they merge to 0, 1, 2, ... */
        for (uint32_t i = 0; i < N; i++) {
            bool in_train = t < split.n_train && split.train[t] == i;
            bool in_validation = v < split.n_validation && split.validation[v] == i;
            assert_int_equal(in_train + in_validation, 1);
            t += in_train;
            v += in_validation;
        }
        count_classes(labels, split.validation, split.n_validation, held);
        for (size_t c = 0; c < 10; c++) {
            size_t share = (size_t)(fractions[f] * (double)all[c] + 0.5);
            assert_int_equal(held[c], share < all[c] ? share : all[c] > 0 ? all[c] - 1 : 0);
        }
        mlp_split_free(&split);
        assert_null(split.train);
        mlp_split_free(&split);
    }
}

static void split_follows_the_seed_alone(void **state)
{
    (void)state;
    enum { N = 500 };
    uint8_t labels[N];
    const mlp_dataset d = {.count = N, .classes = 10, .labels = labels};
    mlp_split first, again, other;
    mlp_error err = {""};
    fill_labels(labels, N, 10);
    assert_int_equal(mlp_dataset_split(&first, &d, 0.2, 7, &err), MLP_OK);
    assert_int_equal(mlp_dataset_split(&again, &d, 0.2, 7, &err), MLP_OK);
    assert_int_equal(mlp_dataset_split(&other, &d, 0.2, 8, &err), MLP_OK);
    size_t bytes = first.n_validation * sizeof *first.validation;
    assert_int_equal(first.n_validation, again.n_validation);
    assert_int_equal(first.n_validation, other.n_validation);
    assert_memory_equal(first.validation, again.validation, bytes);
    assert_memory_equal(first.train, again.train, first.n_train * sizeof *first.train);
    assert_memory_not_equal(first.validation, other.validation, bytes);
    mlp_split_free(&first);
    mlp_split_free(&again);
    mlp_split_free(&other);
}

/* The choice within a class is the documented stream's shuffle, for ever. */
static void split_is_the_shuffle_of_the_class(void **state)
{
    (void)state;
    enum { N = 30 };
    uint8_t labels[N];
    uint32_t order[N / 2], expected[N / 2] = {0};
    const mlp_dataset d = {.count = N, .classes = 2, .labels = labels};
    mlp_split split;
    mlp_error err = {""};
    for (size_t i = 0; i < N; i++)
        labels[i] = i % 2;
    assert_int_equal(mlp_dataset_split(&split, &d, 0.2, 42, &err), MLP_OK);
    assert_int_equal(split.n_validation, 6);
    for (uint32_t c = 0; c < 2; c++) {
        for (uint32_t i = 0; i < N / 2; i++)
            order[i] = 2 * i + c;
        mlp_rng_shuffle(42, mlp_rng_stream(MLP_RNG_VALIDATION, c), N / 2, order);
        memcpy(expected + (size_t)3 * c, order, 3 * sizeof *order);
    }
    for (size_t i = 0; i < 6; i++) {
        size_t hits = 0;
        for (size_t j = 0; j < 6; j++)
            hits += expected[i] == split.validation[j];
        assert_int_equal(hits, 1);
    }
    mlp_split_free(&split);
}

static void split_keeps_one_image_of_each_class(void **state)
{
    (void)state;
    uint8_t labels[] = {3, 0, 255, 0, 255}; /* one 3; classes 1, 2, 4 .. 254 have none */
    const mlp_dataset d = {.count = 5, .classes = 256, .labels = labels};
    mlp_split split;
    mlp_error err = {""};
    assert_int_equal(mlp_dataset_split(&split, &d, 0.99, 1, &err), MLP_OK);
    assert_int_equal(split.n_train, 3);
    assert_int_equal(split.n_validation, 2);
    assert_int_equal(split.train[0], 0);
    assert_int_not_equal(labels[split.validation[0]], labels[split.validation[1]]);
    mlp_split_free(&split);
}

static void split_of_nothing_and_split_that_fails(void **state)
{
    (void)state;
    uint8_t labels[] = {0, 1, 0, 1, 0, 1};
    const mlp_dataset d = {.count = 6, .classes = 2, .labels = labels};
    mlp_split split;
    mlp_error err = {""};
    assert_int_equal(mlp_dataset_split(&split, &d, 0, 1, &err), MLP_OK);
    assert_int_equal(split.n_train, 6);
    assert_int_equal(split.n_validation, 0);
    for (uint32_t i = 0; i < 6; i++)
        assert_int_equal(split.train[i], i);
    mlp_split_free(&split);
    assert_int_equal(mlp_dataset_split(&split, &d, 0.1, 1, &err), MLP_ERR_CONFIG);
    assert_null(split.train);
    assert_says(&err, "data.validation_fraction", "found 0.1", "6 images", "wanted", NULL);
    mlp_split_free(&split);
}

static void loads_and_splits_real_mnist(void **state)
{
    static const size_t images_of[] = {5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949};
    char path[PATH_MAX], *dir;
    size_t counts[MLP_MAX_CLASSES];
    mlp_dataset d;
    mlp_split split;
    mlp_error err = {""};
    mnist_path(state, "train-images-idx3-ubyte.gz", path);
    dir = path;
    *strrchr(dir, '/') = '\0';
    const mlp_data_config data = {.dir = dir};
    if (mlp_dataset_load_part(&d, &data, MLP_DATASET_TRAIN, &err) != MLP_OK)
        fail_msg("%s", err.message);
    assert_int_equal(d.count, 60000);
    assert_int_equal(d.features, 784);
    assert_int_equal(crc32(0, d.pixels, 47040000), 0xf3639b56);
    assert_int_equal(crc32(0, d.labels, 60000), 0xba07e8ef);
    count_classes(d.labels, NULL, d.count, counts);
    assert_memory_equal(counts, images_of, sizeof images_of);
    assert_int_equal(mlp_dataset_split(&split, &d, 0.1, 1, &err), MLP_OK);
    count_classes(d.labels, split.validation, split.n_validation, counts);
    for (size_t c = 0; c < 10; c++)
        assert_int_equal(counts[c], (images_of[c] + 5) / 10);
    mlp_split_free(&split);
    mlp_dataset_free(&d);
}

/* Of two pixels each. */
static void the_commonest_first_pixel_is_the_background(void **state)
{
    (void)state;
    enum { LOOKED_AT = 64 };
    uint8_t images[2 * (LOOKED_AT + 9)];
    const uint8_t few[] = {5, 1, 9, 1, 9, 1, 5, 1, 200, 1};
    assert_int_equal(mlp_background(few, 5, 2), 5); /* twice, as 9 */
    assert_int_equal(mlp_background(few, 3, 2), 9);
    assert_int_equal(mlp_background(few, 0, 2), 0);
    memset(images, 255, sizeof images);
    for (size_t i = 0; i < LOOKED_AT / 2; i++)
        images[2 * i] = 254;
    assert_int_equal(mlp_background(images, LOOKED_AT + 9, 2), 254);
}

static void the_first_pixel_that_is_set_is_not_as_the_background(void **state)
{
    uint8_t pixels[19];
    (void)state;
    memset(pixels, 7, sizeof pixels);
    assert_int_equal(mlp_first_set(pixels, sizeof pixels, 7), sizeof pixels);
    assert_int_equal(mlp_first_set(pixels, sizeof pixels, 0), 0);
    for (size_t i = sizeof pixels; i-- > 0;) {
        pixels[i] = 0;
        assert_int_equal(mlp_first_set(pixels, sizeof pixels, 7), i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_commonest_first_pixel_is_the_background),
        cmocka_unit_test(the_first_pixel_that_is_set_is_not_as_the_background),
        cmocka_unit_test(loads_images_and_labels),
        cmocka_unit_test(flattens_images_of_any_rank),
        cmocka_unit_test(refuses_what_does_not_fit_together),
        cmocka_unit_test(locates_the_mnist_names_plain_first),
        cmocka_unit_test(locates_the_files_that_the_config_names),
        cmocka_unit_test(loads_a_part_of_a_folder),
        cmocka_unit_test(splits_each_class_by_the_fraction),
        cmocka_unit_test(split_follows_the_seed_alone),
        cmocka_unit_test(split_is_the_shuffle_of_the_class),
        cmocka_unit_test(split_keeps_one_image_of_each_class),
        cmocka_unit_test(split_of_nothing_and_split_that_fails),
        cmocka_unit_test(loads_and_splits_real_mnist),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
