/* Checkpoints: exact to the byte both ways; whatever does not hold is refused. */
#include "data_fixture.h"

#include <math.h>

#include "base/mem.h"
#include "base/version.h"
#include "io/checkpoint.h"

enum { FEATURES = 6, CLASSES = 3, ROOM = 1 << 16 };

static const uint32_t DIMS[] = {2, 3};
static char *const NAMES[] = {"null", "eins \"1\"", "zw\xc3\xb6lf"};

/* A network of 6-40-3, or 6-1, with all that a training has of it. */
typedef struct training {
    mlp_config config;
    mlp_model model;
    mlp_progress progress;
    float *velocities;
} training;

static void training_init(training *t, mlp_output output)
{
    static const char text[] = "{\"data\": {\"dir\": \"d\"}, \"model\": {\"hidden\": [40]},"
                               " \"run\": {\"dir\": \"elsewhere\", \"threads\": 3}}";
    static const size_t hidden[] = {40};
    bool is_softmax = output == MLP_OUTPUT_SOFTMAX;
    mlp_error err;
    assert_int_equal(mlp_config_parse(&t->config, text, "c.json", "/base", NULL, 0, &err), MLP_OK);
    assert_int_equal(mlp_model_init(&t->model, FEATURES, is_softmax ? 1 : 0, hidden, output,
                                    is_softmax ? CLASSES : 2, &err),
                     MLP_OK);
    mlp_model_randomize(&t->model, 5);
    t->velocities = mlp_alloc(t->model.n_params, sizeof *t->velocities);
    assert_non_null(t->velocities);
    for (size_t i = 0; i < t->model.n_params; i++)
        t->velocities[i] = 0.3f * t->model.params[i]; /* the padding stays 0 */
    assert_int_equal(mlp_progress_init(&t->progress, t->model.n_layers, &err), MLP_OK);
    double *sums = t->progress.layer_norm_sums;
    t->progress = (mlp_progress){.epoch = 3,
                                 .step = UINT64_MAX,
                                 .step_in_epoch = 17,
                                 .loss_sum = 0.1 + 0.2,
                                 .correct = 1234,
                                 .norm_sum = 1e-300,
                                 .n_layers = t->model.n_layers,
                                 .layer_norm_sums = sums,
                                 .best_epoch = 2,
                                 .best_value = -1.0 / 3.0};
    for (size_t l = 0; l < t->model.n_layers; l++)
        sums[l] = 1.0 / (double)(l + 7);
}

static void training_free(training *t)
{
    mlp_config_free(&t->config);
    mlp_model_free(&t->model);
    mlp_progress_free(&t->progress);
    free(t->velocities);
}

static void write_best(const training *t, const char *path)
{
    mlp_error err;
    if (mlp_checkpoint_write(path, &t->model, &t->config, NAMES, 2, DIMS, NULL, NULL, &err) !=
        MLP_OK)
        fail_msg("%s", err.message);
}

static void write_last(const training *t, const char *path)
{
    mlp_error err;
    if (mlp_checkpoint_write(path, &t->model, &t->config, NAMES, 2, DIMS, t->velocities,
                             &t->progress, &err) != MLP_OK)
        fail_msg("%s", err.message);
}

static void load(mlp_checkpoint *c, const char *path)
{
    mlp_error err;
    if (mlp_checkpoint_load(c, path, &err) != MLP_OK)
        fail_msg("%s", err.message);
}

static size_t slurp(const char *path, char *bytes)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t n = fread(bytes, 1, ROOM, file);
    assert_true(n < ROOM);
    fclose(file);
    return n;
}

static void assert_same_bytes(const char *path, const char *other)
{
    static char bytes[ROOM], other_bytes[ROOM];
    size_t n = slurp(path, bytes);
    assert_int_equal(slurp(other, other_bytes), n);
    assert_memory_equal(bytes, other_bytes, n);
}

static void assert_refused(const char *path, const char *says)
{
    static const mlp_checkpoint zero;
    mlp_checkpoint c;
    mlp_error err = {""};
    mlp_status status = mlp_checkpoint_load(&c, path, &err);
    if (status == MLP_OK)
        fail_msg("not refused; wanted \"%s\"", says);
    assert_says(&err, path, says, NULL);
    assert_int_equal(status, MLP_ERR_CHECKPOINT);
    assert_memory_equal(&c, &zero, sizeof zero);
}

/* A safetensors file of this header and n bytes of data. */
static void craft(const char *path, const char *header, size_t length, const void *data, size_t n)
{
    static char bytes[2 * ROOM];
    for (size_t i = 0; i < 8; i++)
        bytes[i] = (char)(uint8_t)((uint64_t)length >> 8 * i);
    memcpy(bytes + 8, header, length);
    if (n > 0)
        memcpy(bytes + 8 + length, data, n);
    write_file(path, bytes, 8 + length + n);
}

/* Copies `from` to "edited" with the first `old` of its header replaced. */
static void edit(const char *from, const char *old, const char *new)
{
    static char bytes[ROOM], header[ROOM];
    size_t n = slurp(from, bytes), length = (uint8_t)bytes[0] + 256u * (uint8_t)bytes[1];
    char *place = memmem(bytes + 8, length, old, strlen(old));
    assert_non_null(place);
    size_t before = (size_t)(place - bytes) - 8, after = length - before - strlen(old);
    memcpy(header, bytes + 8, before);
    memcpy(header + before, new, strlen(new));
    memcpy(header + before + strlen(new), place + strlen(old), after);
    craft("edited", header, before + strlen(new) + after, bytes + 8 + length, n - 8 - length);
}

/* ---- what is right ---- */

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

/* ---- what is not ---- */

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

static void finds_every_flipped_byte_of_data(void **state)
{
    (void)state;
    static char bytes[ROOM];
    training t;
    training_init(&t, MLP_OUTPUT_SIGMOID);
    write_best(&t, "best");
    size_t n = slurp("best", bytes), data = (FEATURES + 1) * sizeof(float);
    for (size_t i = n - data; i < n; i++) {
        bytes[i] ^= 0x10;
        write_file("flipped", bytes, n);
        assert_refused("flipped", "damaged: found data with CRC-32");
        bytes[i] ^= 0x10;
    }
    training_free(&t);
}

static void refuses_a_file_cut_anywhere(void **state)
{
    (void)state;
    static char bytes[ROOM];
    training t;
    training_init(&t, MLP_OUTPUT_SIGMOID);
    write_last(&t, "last");
    size_t n = slurp("last", bytes);
    for (size_t i = 0; i < n; i++) {
        write_file("cut", bytes, i);
        assert_refused("cut", NULL);
    }
    training_free(&t);
}

/* No byte of a header makes it crash, whatever becomes of it. */
static void survives_every_flipped_byte_of_the_header(void **state)
{
    (void)state;
    static char bytes[ROOM];
    training t;
    training_init(&t, MLP_OUTPUT_SIGMOID);
    write_last(&t, "last");
    size_t n = slurp("last", bytes), data = 2 * sizeof(float) * (FEATURES + 1);
    for (size_t i = 0; i < n - data; i++) {
        mlp_checkpoint c;
        mlp_error err;
        bytes[i] ^= 0x02;
        write_file("flipped", bytes, n);
        mlp_status status = mlp_checkpoint_load(&c, "flipped", &err);
        assert_true(status == MLP_OK || status == MLP_ERR_CHECKPOINT);
        mlp_checkpoint_free(&c);
        bytes[i] ^= 0x02;
    }
    training_free(&t);
}

static void refuses_metadata_that_does_not_hold(void **state)
{
    (void)state;
    static const struct {
        const char *old, *new, *says;
    } edits[] = {
        {"\"mlp.version\"", "\"version\"", "no metadata \"mlp.version\""},
        {"\"mlp.config\"", "\"config\"", "no metadata \"mlp.config\""},
        {"\"mlp.class_names\"", "\"names\"", "no metadata \"mlp.class_names\""},
        {"\"mlp.preprocess\"", "\"p\"", "no metadata \"mlp.preprocess\""},
        {"\"mlp.input_shape\"", "\"p\"", "no metadata \"mlp.input_shape\""},
        {"\"mlp.output\"", "\"p\"", "no metadata \"mlp.output\""},
        {"\"mlp.crc32\": \"", "\"p\": \"", "wanted \"\" as in mlp.crc32"},
        {"\"mlp.crc32\": \"", "\"mlp.crc32\": \"0", "damaged: found data with CRC-32"},
        {"[\\\"null\\\", ", "[", "mlp.class_names: found 2 names, wanted 3"},
        {"[\\\"null\\\", ", "[1, ", "mlp.class_names: found 1, wanted a name of 1 to 255 bytes"},
        {"[\\\"null\\\", ", "[\\\"\\\", ", "mlp.class_names: found \"\", wanted a name"},
        {"[\\\"null\\\", ", "[\\\"\\\\u001b[2J\\\", ", /* clears a terminal */
         "mlp.class_names: found \"\\u001b[2J\", wanted a name"},
        {"[\\\"null\\\", ", "{\\\"null\\\", ", "mlp.class_names:1:8: syntax error"},
        {"\"mlp.preprocess\": \"none\"", "\"mlp.preprocess\": \"blur\"",
         "mlp.preprocess: found blur, wanted none, digit or resize"},
        {"\"[2, 3]\"", "\"[2, 4]\"",
         "mlp.input_shape: found [2, 4], wanted sizes whose product is 6"},
        {"\"[2, 3]\"", "\"[-2, -3]\"", "mlp.input_shape: found [-2, -3]"},
        {"\"[2, 3]\"", "\"6\"", "mlp.input_shape: found 6, wanted a JSON array"},
        {"\"[2, 3]\"", "\"[1,1,1,1,1,1,1,1,6]\"", "mlp.input_shape: found [1,1,"},
        /* beyond a dim; a product that is 0 modulo 2^64 */
        {"\"[2, 3]\"", "\"[4294967296, 6]\"", "mlp.input_shape: found [4294967296, 6]"},
        {"\"[2, 3]\"", "\"[2147483648, 2147483648, 4, 6]\"", "mlp.input_shape: found"},
        {"\"softmax\"", "\"sigmoid\"", "mlp.output: found sigmoid, wanted softmax"},
        {"\"mlp.epoch\"", "\"mlp.other\"", "found tensor \"velocity.linear1.weight\""},
        {"\"mlp.epoch\": \"3\"", "\"mlp.epoch\": \"-3\"", "\"mlp.epoch\": found \"-3\", wanted a"},
        {"\"mlp.epoch\": \"3\"", "\"mlp.epoch\": \"\"", "\"mlp.epoch\": found \"\""},
        {"\"mlp.epoch\": \"3\"", "\"mlp.epoch\": \"3 \"", "\"mlp.epoch\": found \"3 \""},
        {"\"18446744073709551615\"", "\"18446744073709551616\"",
         "\"mlp.step\": found \"1844674407"},
        {"\"mlp.step_in_epoch\"", "\"s\"", "no metadata \"mlp.step_in_epoch\", wanted a whole"},
        {"\"mlp.loss_sum\": \"0x", "\"mlp.loss_sum\": \"x", "\"mlp.loss_sum\": found \"x"},
        {"\"mlp.norm_sum\": \"0x", "\"mlp.norm_sum\": \"nan", "\"mlp.norm_sum\": found \"nan"},
        {"\"-0x1.5555555555555p-2\"", "\"1e999\"", "wanted a finite number"},
        {"\"mlp.layer_norm_sums\": \"", "\"mlp.layer_norm_sums\": \"0x1p+0 ",
         "wanted a finite number for each layer"},
        {"\"mlp.layer_norm_sums\"", "\"s\"", "no metadata \"mlp.layer_norm_sums\""},
    };
    training t;
    training_init(&t, MLP_OUTPUT_SOFTMAX);
    write_last(&t, "last");
    edit("last", "\"none\"", "\"digit\""); /* an edit alone is no reason */
    mlp_checkpoint c;
    load(&c, "edited");
    assert_string_equal(c.preprocess, "digit");
    mlp_checkpoint_free(&c);
    for (size_t i = 0; i < sizeof edits / sizeof *edits; i++) {
        edit("last", edits[i].old, edits[i].new);
        assert_refused("edited", edits[i].says);
    }
    training_free(&t);
}

static void refuses_tensors_that_do_not_fit(void **state)
{
    (void)state;
    static const struct {
        const char *old, *new, *says;
    } edits[] = {
        {"\"linear1.weight\"", "\"fc1.weight\"",
         "no tensor \"linear1.weight\"; the first of 8 is \"fc1.weight\""},
        {"\"linear1.bias\"", "\"linear1.b\"", "no tensor \"linear1.bias\""},
        {"\"linear2.weight\"", "\"linear3.weight\"", "found tensor \"linear3.weight\""},
        {"\"velocity.linear2.bias\"", "\"velocity.linear2.b\"",
         "no tensor \"velocity.linear2.bias\", wanted one of (3)"},
        {"[40, 6]", "[6, 40]", "\"linear1.bias\": found shape (40), wanted (6)"},
        {"[40, 6]", "[240]", "\"linear1.weight\": found shape (240), wanted two sizes"},
        {"[40, 6]", "[40, 6, 1]", "\"linear1.weight\": found shape (40, 6, 1), wanted two sizes"},
        {"\"shape\": [40]", "\"shape\": [40, 1]",
         "\"linear1.bias\": found shape (40, 1), wanted (40)"},
        {"[3, 40]", "[4, 30]", "\"linear2.weight\": found shape (4, 30), wanted (4, 40)"},
        {"\"velocity.linear1.weight\": {\"dtype\": \"F32\", \"shape\": [40, 6]",
         "\"velocity.linear1.weight\": {\"dtype\": \"F32\", \"shape\": [6, 40]",
         "\"velocity.linear1.weight\": found shape (6, 40), wanted (40, 6)"},
    };
    training t;
    training_init(&t, MLP_OUTPUT_SOFTMAX);
    write_last(&t, "last");
    for (size_t i = 0; i < sizeof edits / sizeof *edits; i++) {
        edit("last", edits[i].old, edits[i].new);
        assert_refused("edited", edits[i].says);
    }
    training_free(&t);
}

/* ---- files of others ---- */

#define TENSOR(name, shape, begin, end)                                                            \
    "\"" name "\":{\"dtype\":\"F32\",\"shape\":" shape ",\"data_offsets\":[" begin "," end "]}"

static void craft_text(const char *header, const void *data, size_t n)
{
    craft("foreign", header, strlen(header), data, n);
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

static void refuses_foreign_values_and_sizes(void **state)
{
    (void)state;
    static float data[2 * 257];
    static const char two_outputs[] = "{" TENSOR("linear1.weight", "[2,2]", "0", "16") "," TENSOR(
        "linear1.bias", "[2]", "16", "24") "}";
    data[3] = NAN;
    craft_text(two_outputs, data, 24);
    assert_refused("foreign", "tensor \"linear1.weight\": found nan at index 3");
    data[3] = 0;
    data[4] = -INFINITY;
    craft_text(two_outputs, data, 24);
    assert_refused("foreign", "tensor \"linear1.bias\": found -inf at index 0");
    data[4] = 0;
    craft_text("{" TENSOR("linear1.weight", "[257,1]", "0",
                          "1028") "," TENSOR("linear1.bias", "[257]", "1028", "2056") "}",
               data, 2056);
    assert_refused("foreign", "found 257 outputs of the last layer, wanted 1 to 256");
    craft_text("{" TENSOR("linear1.weight", "[2,0]", "0", "0") "," TENSOR("linear1.bias", "[2]",
                                                                          "0", "8") "}",
               data, 8);
    assert_refused("foreign", "found shape (2, 0), wanted two sizes from 1");
    craft_text("{}", NULL, 0);
    assert_refused("foreign", "no tensor \"linear1.weight\"");
}

static void refuses_more_tensors_than_layers_can_have(void **state)
{
    (void)state;
    static char header[ROOM * 8];
    size_t n = 1;
    strcpy(header, "{");
    for (int i = 0; i <= 4 * MLP_CHECKPOINT_MAX_LAYERS; i++)
        n += (size_t)snprintf(header + n, sizeof header - n, "%s" TENSOR("t%d", "[0]", "0", "0"),
                              i == 0 ? "" : ",", i);
    header[n++] = '}';
    uint8_t length[8] = {(uint8_t)n, (uint8_t)(n >> 8), (uint8_t)(n >> 16)};
    FILE *file = fopen("foreign", "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(length, 1, 8, file), 8);
    assert_int_equal(fwrite(header, 1, n, file), n);
    fclose(file);
    assert_refused("foreign", "found 4097 tensors, wanted at most 4096");
}

static void refuses_a_missing_file(void **state)
{
    (void)state;
    assert_refused("missing", "cannot open: No such file");
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
        cmocka_unit_test(finds_every_flipped_byte_of_data),
        cmocka_unit_test(refuses_a_file_cut_anywhere),
        cmocka_unit_test(survives_every_flipped_byte_of_the_header),
        cmocka_unit_test(refuses_metadata_that_does_not_hold),
        cmocka_unit_test(refuses_tensors_that_do_not_fit),
        cmocka_unit_test(reads_a_foreign_softmax),
        cmocka_unit_test(reads_a_foreign_sigmoid_of_mnist_images),
        cmocka_unit_test(refuses_foreign_values_and_sizes),
        cmocka_unit_test(refuses_more_tensors_than_layers_can_have),
        cmocka_unit_test(refuses_a_missing_file),
        cmocka_unit_test(reports_a_folder_that_is_not_there),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
