/* Checkpoints: exact to the byte both ways; files of others are read too. */
#include "checkpoint_fixture.h"

#include "base/version.h"

static void keeps_every_byte_of_weights(void **state)
{
    (void)state;
    training t;
    mlp_checkpoint c;
    mlp_error err;
    training_init(&t, MLP_OUTPUT_SOFTMAX);
    write_best(&t, "best");
    load(&c, "best");
    assert_int_equal(c.model.output, MLP_OUTPUT_SOFTMAX);
    assert_int_equal(c.model.features, FEATURES);
    assert_int_equal(c.model.classes, CLASSES);
    assert_int_equal(c.model.n_params, t.model.n_params);
    assert_memory_equal(c.model.params, t.model.params, t.model.n_params * sizeof(float));
    for (size_t i = 0; i < CLASSES; i++)
        assert_string_equal(c.class_names[i], NAMES[i]);
    assert_int_equal(c.rank, 2);
    assert_memory_equal(c.dims, DIMS, sizeof DIMS);
    assert_string_equal(c.version, MLP_VERSION);
    assert_string_equal(c.preprocess, "none");
    assert_false(c.has_progress);
    assert_null(c.velocities);
    assert_int_equal(mlp_checkpoint_write("again", &c.model, &t.config, c.class_names, c.rank,
                                          c.dims, NULL, NULL, &err),
                     MLP_OK);
    assert_same_bytes("best", "again");
    mlp_checkpoint_free(&c);
    mlp_checkpoint_free(&c);
    training_free(&t);
}

static void keeps_every_byte_of_a_training(void **state)
{
    (void)state;
    training t;
    mlp_checkpoint c;
    mlp_error err;
    training_init(&t, MLP_OUTPUT_SOFTMAX);
    write_last(&t, "last");
    load(&c, "last");
    assert_true(c.has_progress);
    assert_memory_equal(c.velocities, t.velocities, t.model.n_params * sizeof(float));
    double *sums = c.progress.layer_norm_sums;
    assert_memory_equal(sums, t.progress.layer_norm_sums, c.progress.n_layers * sizeof *sums);
    assert_int_equal(c.progress.n_layers, 2);
    c.progress.layer_norm_sums = t.progress.layer_norm_sums;
    assert_memory_equal(&c.progress, &t.progress, sizeof t.progress);
    c.progress.layer_norm_sums = sums;
    assert_int_equal(mlp_checkpoint_write("again", &c.model, &t.config, c.class_names, c.rank,
                                          c.dims, c.velocities, &c.progress, &err),
                     MLP_OK);
    assert_same_bytes("last", "again");
    mlp_checkpoint_free(&c);
    training_free(&t);
}

/* The config comes back, and says nothing of folder and threads of the run. */
static void carries_the_config_without_the_run(void **state)
{
    (void)state;
    training t;
    mlp_checkpoint c;
    mlp_config config;
    mlp_error err;
    training_init(&t, MLP_OUTPUT_SOFTMAX);
    write_best(&t, "best");
    free(t.config.run.dir);
    t.config.run.dir = mlp_strdup("/another");
    t.config.run.threads = 1;
    write_best(&t, "other");
    assert_same_bytes("best", "other");
    load(&c, "best");
    assert_null(strchr(c.config_json, '\n'));
    assert_int_equal(mlp_config_parse(&config, c.config_json, "best", NULL, NULL, 0, &err), MLP_OK);
    assert_int_equal(config.model.hidden[0], 40);
    assert_string_equal(config.data.dir, "/base/d");
    mlp_config_free(&config);
    mlp_checkpoint_free(&c);
    training_free(&t);
}

static void keeps_a_sigmoid_without_hidden_layers(void **state)
{
    (void)state;
    training t;
    mlp_checkpoint c;
    training_init(&t, MLP_OUTPUT_SIGMOID);
    write_last(&t, "last");
    load(&c, "last");
    assert_int_equal(c.model.output, MLP_OUTPUT_SIGMOID);
    assert_int_equal(c.model.classes, 2);
    assert_int_equal(c.model.n_layers, 1);
    assert_memory_equal(c.model.params, t.model.params, t.model.n_params * sizeof(float));
    assert_string_equal(c.class_names[1], NAMES[1]);
    mlp_checkpoint_free(&c);
    training_free(&t);
}

static void restores_a_training_into_another(void **state)
{
    (void)state;
    training t, u;
    mlp_error err;
    training_init(&t, MLP_OUTPUT_SOFTMAX);
    training_init(&u, MLP_OUTPUT_SOFTMAX);
    size_t bytes = t.model.n_params * sizeof(float);
    write_last(&t, "last");
    memset(u.model.params, 0, bytes);
    memset(u.velocities, 0, bytes);
    memset(u.progress.layer_norm_sums, 0, 2 * sizeof(double));
    u.progress.step = u.progress.best_epoch = 0;
    assert_int_equal(mlp_checkpoint_load_weights_into(&u.model, "last", &err), MLP_OK);
    assert_memory_equal(u.model.params, t.model.params, bytes);
    memset(u.model.params, 0, bytes);
    assert_int_equal(mlp_checkpoint_restore("last", &u.model, u.velocities, &u.progress, &err),
                     MLP_OK);
    write_last(&u, "again");
    assert_same_bytes("last", "again");
    training_free(&t);
    training_free(&u);
}

static void restores_nothing_from_weights_alone(void **state)
{
    (void)state;
    training t, u;
    mlp_error err;
    training_init(&t, MLP_OUTPUT_SOFTMAX);
    training_init(&u, MLP_OUTPUT_SOFTMAX);
    write_best(&t, "best");
    u.model.params[0] = 7.0f;
    assert_int_equal(mlp_checkpoint_restore("best", &u.model, u.velocities, &u.progress, &err),
                     MLP_ERR_CHECKPOINT);
    assert_says(&err, "best: found weights only, wanted velocities", NULL);
    assert_true(u.model.params[0] == 7.0f);
    training_free(&t);
    training_free(&u);
}

static void names_the_tensor_that_does_not_fit(void **state)
{
    (void)state;
    static const struct {
        size_t features, n_hidden, hidden[2], classes;
        const char *says;
    } others[] = {
        {7, 1, {40, 0}, 3, "best: tensor \"linear1.weight\": found shape (40, 6), wanted (40, 7)"},
        {6, 1, {41, 0}, 3, "best: tensor \"linear1.weight\": found shape (40, 6), wanted (41, 6)"},
        {6, 1, {40, 0}, 4, "best: tensor \"linear2.weight\": found shape (3, 40), wanted (4, 40)"},
        {6, 0, {0, 0}, 40, "best: found 2 layers, wanted 1"},
        {6, 2, {40, 3}, 3, "best: tensor \"linear3.weight\": found none, wanted shape (3, 3)"},
    };
    training t;
    training_init(&t, MLP_OUTPUT_SOFTMAX);
    write_best(&t, "best");
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        mlp_model model;
        mlp_error err;
        assert_int_equal(mlp_model_init(&model, others[i].features, others[i].n_hidden,
                                        others[i].hidden, MLP_OUTPUT_SOFTMAX, others[i].classes,
                                        &err),
                         MLP_OK);
        model.params[0] = 7.0f;
        assert_int_equal(mlp_checkpoint_load_weights_into(&model, "best", &err),
                         MLP_ERR_CHECKPOINT);
        assert_string_equal(err.message, others[i].says);
        assert_true(model.params[0] == 7.0f);
        mlp_model_free(&model);
    }
    training_free(&t);
}

static void writes_no_value_that_is_not_finite(void **state)
{
    (void)state;
    training t;
    mlp_error err;
    training_init(&t, MLP_OUTPUT_SOFTMAX);
    write_last(&t, "last");
    write_last(&t, "before");
    t.velocities[t.model.layers[1].bias + 2] = -INFINITY;
    assert_int_equal(mlp_checkpoint_write("last", &t.model, &t.config, NAMES, 2, DIMS, t.velocities,
                                          &t.progress, &err),
                     MLP_ERR_DIVERGED);
    assert_says(&err, "last: not written: tensor \"velocity.linear2.bias\": found -inf at index 2",
                NULL);
    assert_same_bytes("last", "before");
    training_free(&t);
}

static void refuses_more_layers_than_it_could_read(void **state)
{
    (void)state;
    enum { N_HIDDEN = MLP_CHECKPOINT_MAX_LAYERS };
    static size_t hidden[N_HIDDEN];
    training t;
    mlp_model deep;
    mlp_checkpoint c;
    mlp_error err;
    training_init(&t, MLP_OUTPUT_SOFTMAX);
    for (size_t i = 0; i < N_HIDDEN; i++)
        hidden[i] = 1;
    for (size_t n = N_HIDDEN - 1; n <= N_HIDDEN; n++) {
        assert_int_equal(mlp_model_init(&deep, 6, n, hidden, MLP_OUTPUT_SOFTMAX, CLASSES, &err),
                         MLP_OK);
        mlp_status status =
            mlp_checkpoint_write("deep", &deep, &t.config, NAMES, 2, DIMS, NULL, NULL, &err);
        assert_int_equal(status, n < N_HIDDEN ? MLP_OK : MLP_ERR_CONFIG);
        mlp_model_free(&deep);
    }
    assert_string_equal(err.message, "deep: found 1025 layers, wanted at most 1024");
    load(&c, "deep");
    assert_int_equal(c.model.n_layers, MLP_CHECKPOINT_MAX_LAYERS);
    mlp_checkpoint_free(&c);
    training_free(&t);
}

static void reports_a_folder_that_is_not_there(void **state)
{
    (void)state;
    training t;
    mlp_error err;
    training_init(&t, MLP_OUTPUT_SOFTMAX);
    assert_int_equal(
        mlp_checkpoint_write("no/best", &t.model, &t.config, NAMES, 2, DIMS, NULL, NULL, &err),
        MLP_ERR_RUNTIME);
    assert_says(&err, "no/best: cannot write: No such file", NULL);
    training_free(&t);
}

static void reads_a_foreign_softmax(void **state)
{
    (void)state;
    static const char header[] =
        "{\"__metadata__\":{\"format\":\"pt\"}," TENSOR("linear1.bias", "[2]", "0", "8") "," TENSOR(
            "linear1.weight", "[2,3]", "8",
            "32") "," TENSOR("linear2.bias", "[2]", "32", "40") "," TENSOR("linear2.weight",
                                                                           "[2,2]", "40", "56") "}";
    static const float data[14] = {1, 2, 11, 12, 13, 21, 22, 23, 3, 4, 5, 6, 7, 8};
    float weight[6];
    mlp_checkpoint c;
    craft_text(header, data, sizeof data);
    load(&c, "foreign");
    assert_int_equal(c.model.output, MLP_OUTPUT_SOFTMAX);
    assert_int_equal(c.model.n_layers, 2);
    mlp_model_get_tensor(&c.model, c.model.params, 0, weight);
    assert_memory_equal(weight, data + 2, sizeof weight);
    mlp_model_get_tensor(&c.model, c.model.params, 3, weight);
    assert_memory_equal(weight, data + 8, 2 * sizeof *weight);
    assert_int_equal(c.rank, 1);
    assert_int_equal(c.dims[0], 3);
    assert_string_equal(c.class_names[0], "0");
    assert_string_equal(c.class_names[1], "1");
    assert_string_equal(c.preprocess, "none");
    assert_null(c.config_json);
    assert_null(c.version);
    assert_false(c.has_progress);
    mlp_checkpoint_free(&c);
}

static void reads_a_foreign_sigmoid_of_mnist_images(void **state)
{
    (void)state;
    static float data[785];
    mlp_checkpoint c;
    craft_text("{" TENSOR("linear1.weight", "[1,784]", "0",
                          "3136") "," TENSOR("linear1.bias", "[1]", "3136", "3140") "}",
               data, sizeof data);
    load(&c, "foreign");
    assert_int_equal(c.model.output, MLP_OUTPUT_SIGMOID);
    assert_int_equal(c.model.classes, 2);
    assert_int_equal(c.rank, 2);
    assert_int_equal(c.dims[0], 28);
    assert_int_equal(c.dims[1], 28);
    assert_string_equal(c.class_names[1], "1");
    mlp_checkpoint_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_every_byte_of_weights),
        cmocka_unit_test(keeps_every_byte_of_a_training),
        cmocka_unit_test(carries_the_config_without_the_run),
        cmocka_unit_test(keeps_a_sigmoid_without_hidden_layers),
        cmocka_unit_test(restores_a_training_into_another),
        cmocka_unit_test(restores_nothing_from_weights_alone),
        cmocka_unit_test(names_the_tensor_that_does_not_fit),
        cmocka_unit_test(writes_no_value_that_is_not_finite),
        cmocka_unit_test(refuses_more_layers_than_it_could_read),
        cmocka_unit_test(reports_a_folder_that_is_not_there),
        cmocka_unit_test(reads_a_foreign_softmax),
        cmocka_unit_test(reads_a_foreign_sigmoid_of_mnist_images),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
