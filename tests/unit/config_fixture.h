/* config_fixture.h: configs from texts, for the tests of the config room. */
#ifndef MLP_TESTS_CONFIG_FIXTURE_H
#define MLP_TESTS_CONFIG_FIXTURE_H

#include <string.h>

#include "config/config.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* What messages say of a label and of a run's name. */
#define A_LABEL "an integer from 0 to 255"
#define A_NAME                                                                                     \
    "a folder's name: 1 to 255 bytes, no \"/\", no control character, no \".\" at the start, not " \
    "\"latest\""

/* The smallest config. */
static const char data_only[] = "{\"data\":{\"dir\":\"d\"}}";

static inline mlp_status parse_with(mlp_config *config, const char *text,
                                    const mlp_override *overrides, size_t n_overrides,
                                    mlp_error *err)
{
    err->message[0] = '\0';
    return mlp_config_parse(config, text, "dir/x.json", "/base", overrides, n_overrides, err);
}

/* The config of a text that must be right. */
static inline void parse(mlp_config *config, const char *text)
{
    mlp_error err;
    mlp_status status = parse_with(config, text, NULL, 0, &err);
    assert_string_equal(err.message, "");
    assert_int_equal(status, MLP_OK);
}

/* The same with overrides, on top of data_only. */
static inline void override(mlp_config *config, const mlp_override *overrides, size_t n)
{
    mlp_error err;
    mlp_status status = parse_with(config, data_only, overrides, n, &err);
    assert_string_equal(err.message, "");
    assert_int_equal(status, MLP_OK);
}

static inline void assert_failed(mlp_status status, const mlp_config *config, const mlp_error *err,
                                 const char *message)
{
    static const mlp_config zero;
    assert_string_equal(err->message, message);
    assert_int_equal(status, MLP_ERR_CONFIG);
    assert_memory_equal(config, &zero, sizeof zero);
}

typedef struct refusal {
    const char *text; /* a config, or an override */
    const char *message;
} refusal;

static inline void assert_refused(const refusal *cases, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        mlp_config config;
        mlp_error err;
        mlp_status status = parse_with(&config, cases[i].text, NULL, 0, &err);
        assert_failed(status, &config, &err, cases[i].message);
    }
}

/* Every key, none at its default where another value is supported. */
static const char full_config[] =
    "{\"$schema\": \"schema.json\", \"name\": \"full run\", \"seed\": 9007199254740992,"
    " \"data\": {\"dir\": null, \"train_images\": \"ti\", \"train_labels\": \"/abs/tl\","
    "  \"test_images\": \"../si\", \"test_labels\": \"./sl\", \"labels\": [8, 0, 255],"
    "  \"class_names\": [\"oito\", \"z\\u00e9ro\", \"\\\"q\\\"\"], \"validation_fraction\": 0.1,"
    "  \"shuffle\": false, \"preprocess\": \"none\", \"augment\": {\"shift\": 0, \"rotate\": 0,"
    "  \"scale\": 0, \"shear\": 0, \"elastic\": {\"alpha\": 0, \"sigma\": 4}}},"
    " \"model\": {\"hidden\": [3, 1000000, 1], \"activation\": \"relu\", \"output\": \"sigmoid\","
    "  \"positive_label\": 0, \"init\": \"kaiming_uniform\", \"init_from\": \"w.safetensors\","
    "  \"dropout\": {\"input\": 0.0, \"hidden\": 0}},"
    " \"train\": {\"epochs\": 1000000, \"batch_size\": 7, \"precision\": \"bf16\","
    "  \"sgd\": {\"lr\": 1e-7, \"momentum\": 0.3, \"nesterov\": true, \"weight_decay\": 5e-4,"
    "   \"max_norm\": 0, \"clip_norm\": 0},"
    "  \"schedule\": {\"type\": \"cosine\", \"warmup_epochs\": 0.5},"
    "  \"label_smoothing\": 0.25, \"class_weights\": \"none\","
    "  \"early_stopping\": {\"metric\": \"validation_accuracy\", \"patience\": 0},"
    "  \"checkpoint\": {\"every_epochs\": 3, \"every_seconds\": 0.5}},"
    " \"run\": {\"dir\": \"out\", \"threads\": 1024, \"tensorboard\": false}}";

static const mlp_override two_names[] = {"data.class_names=[\"rest\", \"zero\"]"};

static inline void parse_full(mlp_config *c)
{
    mlp_error err;
    assert_int_equal(parse_with(c, full_config, two_names, 1, &err), MLP_OK);
}

#endif
