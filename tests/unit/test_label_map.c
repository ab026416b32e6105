#include "data_fixture.h"

#include "data/label_map.h"

static const uint8_t LABELS[] = {3, 8, 0, 8, 5, 3, 9, 0, 8, 3};
enum { N = sizeof LABELS, F = 2 };

/* A dataset of N images whose pixels are (10 * position, label). */
static mlp_dataset make_dataset(const uint8_t *labels, size_t n)
{
    mlp_dataset d = {.count = n, .features = F, .rank = 1, .dims = {F}};
    d.pixels_memory.start = d.pixels = malloc(n * F);
    d.labels_memory.start = d.labels = malloc(n);
    d.labels_path = strdup("some-labels");
    assert_true(d.pixels != NULL && d.labels != NULL && d.labels_path != NULL);
    for (size_t i = 0; i < n; i++) {
        d.labels[i] = labels[i];
        d.pixels[i * F] = (uint8_t)(10 * i);
        d.pixels[i * F + 1] = labels[i];
    }
    return d;
}

/* After the map: these classes, and each image still next to its own label. */
static void assert_maps(const mlp_label_map *map, const uint8_t *classes, size_t n)
{
    mlp_dataset d = make_dataset(LABELS, N);
    mlp_error err = {""};
    if (mlp_label_map_apply(map, &d, &err) != MLP_OK)
        fail_msg("%s", err.message);
    assert_int_equal(d.classes, map->classes);
    assert_int_equal(d.count, n);
    assert_memory_equal(d.labels, classes, n);
    size_t position = 0;
    for (size_t i = 0; i < n; i++, position++) {
        while (map->class_of[LABELS[position]] < 0)
            position++;
        assert_int_equal(d.pixels[i * F], 10 * position);
        assert_int_equal(d.pixels[i * F + 1], LABELS[position]);
    }
    mlp_dataset_free(&d);
}

static mlp_label_map build(const mlp_data_config *data, const mlp_model_config *model)
{
    mlp_label_map map;
    mlp_dataset train = make_dataset(LABELS, N);
    mlp_error err = {""};
    if (mlp_label_map_build(&map, data, model, &train, &err) != MLP_OK)
        fail_msg("%s", err.message);
    mlp_dataset_free(&train);

    mlp_label_map later; /* what a checkpoint's config and model give must be the same */
    mlp_label_map_from_classes(&later, data, model, map.classes);
    assert_int_equal(later.classes, map.classes);
    assert_int_equal(later.drops_others, map.drops_others);
    assert_memory_equal(later.class_of, map.class_of, sizeof map.class_of);
    return map;
}

static mlp_error assert_build_refused(const mlp_data_config *data, const mlp_model_config *model,
                                      const uint8_t *labels, size_t n)
{
    mlp_label_map map;
    mlp_dataset train = make_dataset(labels, n);
    mlp_error err = {""};
    assert_int_equal(mlp_label_map_build(&map, data, model, &train, &err), MLP_ERR_DATA);
    assert_says(&err, "some-labels", "found", "wanted", NULL);
    mlp_dataset_free(&train);
    return err;
}

static mlp_error assert_apply_refused(const mlp_label_map *map, const uint8_t *labels, size_t n)
{
    mlp_dataset d = make_dataset(labels, n);
    mlp_error err = {""};
    assert_int_equal(mlp_label_map_apply(map, &d, &err), MLP_ERR_DATA);
    assert_says(&err, "some-labels", "found", "wanted", NULL);
    mlp_dataset_free(&d);
    return err;
}

static void softmax_keeps_labels_as_they_are(void **state)
{
    (void)state;
    const mlp_data_config data = {0};
    const mlp_model_config model = {.output = MLP_OUTPUT_SOFTMAX};
    static const uint8_t test_labels[] = {9, 0, 10};
    mlp_label_map map = build(&data, &model);
    assert_int_equal(map.classes, 10); /* the largest training label is 9 */
    assert_maps(&map, LABELS, N);
    mlp_error err = assert_apply_refused(&map, test_labels, sizeof test_labels);
    assert_says(&err, "label of image 2 (byte 10): found 10, wanted 0 to 9", NULL);
}

static void softmax_has_two_classes_at_least_and_256_at_most(void **state)
{
    (void)state;
    const mlp_data_config data = {0};
    const mlp_model_config model = {.output = MLP_OUTPUT_SOFTMAX};
    static const uint8_t zeros[] = {0, 0}, ones[] = {1}, twos[] = {2}, last[] = {0, 255};
    const struct {
        const uint8_t *labels;
        size_t n, classes;
    } cases[] = {{zeros, 2, 2}, {ones, 1, 2}, {twos, 1, 3}, {last, 2, 256}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        mlp_label_map map;
        mlp_error err = {""};
        mlp_dataset train = make_dataset(cases[i].labels, cases[i].n);
        assert_int_equal(mlp_label_map_build(&map, &data, &model, &train, &err), MLP_OK);
        assert_int_equal(map.classes, cases[i].classes);
        assert_int_equal(mlp_label_map_apply(&map, &train, &err), MLP_OK);
        assert_memory_equal(train.labels, cases[i].labels, cases[i].n);
        mlp_dataset_free(&train);
    }
}

static void class_names_set_the_number_of_classes(void **state)
{
    (void)state;
    const mlp_model_config model = {.output = MLP_OUTPUT_SOFTMAX};
    mlp_data_config data = {.n_class_names = 12};
    mlp_label_map map = build(&data, &model);
    assert_int_equal(map.classes, 12);
    assert_maps(&map, LABELS, N);
    data.n_class_names = 9;
    map = build(&data, &model);
    mlp_error err = assert_apply_refused(&map, LABELS, N);
    assert_says(&err, "label of image 6 (byte 14): found 9, wanted 0 to 8", NULL);
}

static void softmax_keeps_and_renumbers_listed_labels(void **state)
{
    (void)state;
    const mlp_data_config data = {.n_labels = 3, .labels = {8, 0, 3}};
    const mlp_model_config model = {.output = MLP_OUTPUT_SOFTMAX};
    static const uint8_t classes[] = {2, 0, 1, 0, 2, 1, 0, 2}, foreign[] = {1, 2, 7};
    mlp_label_map map = build(&data, &model);
    assert_int_equal(map.classes, 3);
    assert_maps(&map, classes, sizeof classes);
    mlp_error err = assert_apply_refused(&map, foreign, sizeof foreign);
    assert_says(&err, "found none of data.labels among 3 labels", NULL);
}

static void sigmoid_is_one_label_against_the_rest(void **state)
{
    (void)state;
    const mlp_model_config model = {.output = MLP_OUTPUT_SIGMOID, .positive_label = 8};
    static const uint8_t all[] = {0, 1, 0, 1, 0, 0, 0, 0, 1, 0}, some[] = {0, 1, 1, 0, 1, 0};
    mlp_data_config data = {0};
    mlp_label_map map = build(&data, &model);
    assert_int_equal(map.classes, 2);
    assert_int_equal(map.class_of[77], 0); /* a label the training set has not shown: the rest */
    assert_maps(&map, all, sizeof all);
    data = (mlp_data_config){.n_labels = 2, .labels = {8, 3}};
    map = build(&data, &model);
    assert_int_equal(map.classes, 2);
    assert_maps(&map, some, sizeof some);
}

static void refuses_classes_without_an_image(void **state)
{
    (void)state;
    const mlp_model_config softmax = {.output = MLP_OUTPUT_SOFTMAX};
    const mlp_model_config sigmoid = {.output = MLP_OUTPUT_SIGMOID, .positive_label = 4};
    const mlp_data_config listed = {.n_labels = 2, .labels = {3, 7}}, all = {0};
    const mlp_data_config without_positive = {.n_labels = 2, .labels = {3, 8}};
    static const uint8_t fours[] = {4, 4, 4}, some[] = {3, 4, 8};
    mlp_error err = assert_build_refused(&listed, &softmax, LABELS, N);
    assert_says(&err, "found no label 7", "(data.labels)", NULL);
    err = assert_build_refused(&all, &sigmoid, LABELS, N);
    assert_says(&err, "found no label 4", "(model.positive_label)", NULL);
    err = assert_build_refused(&without_positive, &sigmoid, some, sizeof some);
    assert_says(&err, "found no label 4", "(model.positive_label)", NULL);
    err = assert_build_refused(&all, &sigmoid, fours, sizeof fours);
    assert_says(&err, "found no label but 4", "wanted others", NULL);
}

static void assert_name(const mlp_data_config *data, const mlp_model_config *model, size_t c,
                        const char *expected)
{
    char *name = mlp_label_map_class_name(data, model, c);
    assert_string_equal(name, expected);
    free(name);
}

static void names_classes(void **state)
{
    (void)state;
    const mlp_model_config softmax = {.output = MLP_OUTPUT_SOFTMAX};
    const mlp_model_config sigmoid = {.output = MLP_OUTPUT_SIGMOID, .positive_label = 8};
    const mlp_data_config all = {0}, listed = {.n_labels = 2, .labels = {200, 7}};
    char cat[] = "cat", dog[] = "dog";
    const mlp_data_config named = {
        .n_labels = 2, .labels = {200, 7}, .n_class_names = 2, .class_names = {cat, dog}};
    assert_name(&all, &softmax, 0, "0");
    assert_name(&all, &softmax, 255, "255");
    assert_name(&listed, &softmax, 0, "200");
    assert_name(&listed, &softmax, 1, "7");
    assert_name(&named, &softmax, 1, "dog");
    assert_name(&named, &sigmoid, 0, "cat");
    assert_name(&all, &sigmoid, 0, "not-8");
    assert_name(&listed, &sigmoid, 1, "8");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(softmax_keeps_labels_as_they_are),
        cmocka_unit_test(softmax_has_two_classes_at_least_and_256_at_most),
        cmocka_unit_test(class_names_set_the_number_of_classes),
        cmocka_unit_test(softmax_keeps_and_renumbers_listed_labels),
        cmocka_unit_test(sigmoid_is_one_label_against_the_rest),
        cmocka_unit_test(refuses_classes_without_an_image),
        cmocka_unit_test(names_classes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
