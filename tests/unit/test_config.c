/* Configs: defaults, every key, overrides, the printed form and its way back. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_fixture.h"

static void test_defaults(void **state)
{
    mlp_config c;
    (void)state;
    parse(&c, data_only);
    assert_string_equal(c.name, "x");
    assert_int_equal(c.seed, 1);
    assert_string_equal(c.data.dir, "/base/d");
    assert_null(c.data.train_images);
    assert_null(c.data.test_labels);
    assert_int_equal(c.data.n_labels, 0);
    assert_int_equal(c.data.n_class_names, 0);
    assert_true(c.data.validation_fraction == 0);
    assert_true(c.data.shuffle);
    assert_int_equal(c.model.n_hidden, 1);
    assert_int_equal(c.model.hidden[0], 128);
    assert_int_equal(c.model.output, MLP_OUTPUT_SOFTMAX);
    assert_null(c.model.init_from);
    assert_int_equal(c.train.epochs, 10);
    assert_int_equal(c.train.batch_size, 128);
    assert_true(c.train.sgd.lr == 0.1);
    assert_true(c.train.sgd.momentum == 0.9);
    assert_true(c.train.sgd.weight_decay == 0);
    assert_false(c.train.sgd.nesterov);
    assert_int_equal(c.train.precision, MLP_PRECISION_FP32);
    assert_int_equal(c.train.schedule.type, MLP_SCHEDULE_CONSTANT);
    assert_true(c.train.schedule.warmup_epochs == 0);
    assert_int_equal(c.train.metric, MLP_METRIC_VALIDATION_LOSS);
    assert_int_equal(c.train.checkpoint_every_epochs, 1);
    assert_true(c.train.checkpoint_every_seconds == 0);
    assert_string_equal(c.run.dir, "runs");
    assert_int_equal(c.run.threads, 0);
    mlp_config_free(&c);
    mlp_config_free(&c);
}

static void test_every_key(void **state)
{
    mlp_config c;
    (void)state;
    parse_full(&c);
    assert_string_equal(c.name, "full run");
    assert_true(c.seed == UINT64_C(1) << 53);
    assert_null(c.data.dir);
    assert_string_equal(c.data.train_images, "/base/ti");
    assert_string_equal(c.data.train_labels, "/abs/tl");
    assert_int_equal(c.data.n_labels, 3);
    assert_memory_equal(c.data.labels, "\x08\x00\xFF", 3);
    assert_int_equal(c.data.n_class_names, 2);
    assert_string_equal(c.data.class_names[1], "zero");
    assert_true(c.data.validation_fraction == 0.1);
    assert_false(c.data.shuffle);
    assert_int_equal(c.model.n_hidden, 3);
    assert_int_equal(c.model.hidden[1], 1000000);
    assert_int_equal(c.model.output, MLP_OUTPUT_SIGMOID);
    assert_int_equal(c.model.positive_label, 0);
    assert_string_equal(c.model.init_from, "/base/w.safetensors");
    assert_int_equal(c.train.epochs, 1000000);
    assert_int_equal(c.train.batch_size, 7);
    assert_int_equal(c.train.precision, MLP_PRECISION_BF16);
    assert_true(c.train.sgd.lr == 1e-7);
    assert_true(c.train.sgd.momentum == 0.3);
    assert_true(c.train.sgd.nesterov);
    assert_true(c.train.sgd.weight_decay == 5e-4);
    assert_int_equal(c.train.schedule.type, MLP_SCHEDULE_COSINE);
    assert_true(c.train.schedule.warmup_epochs == 0.5);
    assert_int_equal(c.train.metric, MLP_METRIC_VALIDATION_ACCURACY);
    assert_int_equal(c.train.checkpoint_every_epochs, 3);
    assert_true(c.train.checkpoint_every_seconds == 0.5);
    assert_string_equal(c.run.dir, "/base/out");
    assert_int_equal(c.run.threads, 1024);
    mlp_config_free(&c);
}

static void test_overrides(void **state)
{
    static const mlp_override overrides[] = {
        "train.epochs=3",    "train.sgd.lr=0.05",  "model.hidden=[64, 32]",
        "name=foo",          "data.shuffle=false", "train.epochs=4",
        "data.labels=[2,1]", "data.dir=/x=y/z",    "run.dir=\"/q\"",
    };
    static const mlp_override cleared[] = {"data.labels=[1,2]", "data.class_names=[\"a\",\"b\"]",
                                           "model.hidden=[]", "data.labels=null",
                                           "data.class_names=null"};
    mlp_config c;
    (void)state;
    override(&c, overrides, COUNT(overrides));
    assert_int_equal(c.train.epochs, 4);
    assert_true(c.train.sgd.lr == 0.05);
    assert_int_equal(c.model.n_hidden, 2);
    assert_int_equal(c.model.hidden[0], 64);
    assert_int_equal(c.model.hidden[1], 32);
    assert_string_equal(c.name, "foo");
    assert_false(c.data.shuffle);
    assert_int_equal(c.data.n_labels, 2);
    assert_int_equal(c.data.labels[0], 2);
    assert_string_equal(c.data.dir, "/x=y/z");
    assert_string_equal(c.run.dir, "/q");
    mlp_config_free(&c);

    override(&c, cleared, COUNT(cleared));
    assert_int_equal(c.data.n_labels, 0);
    assert_int_equal(c.data.n_class_names, 0);
    assert_int_equal(c.model.n_hidden, 0);
    mlp_config_free(&c);
}

static void assert_same(const mlp_config *a, const mlp_config *b)
{
    for (mlp_config_part part = MLP_CONFIG_WHOLE; part <= MLP_CONFIG_WITHOUT_RUN; part++) {
        char *of_a = mlp_config_to_json(a, part, 2), *of_b = mlp_config_to_json(b, part, 2);
        assert_non_null(of_a);
        assert_non_null(of_b);
        assert_string_equal(of_a, of_b);
        free(of_a);
        free(of_b);
    }
    assert_true(a->train.sgd.lr == b->train.sgd.lr);
    assert_true(a->seed == b->seed);
    assert_string_equal(a->run.dir, b->run.dir);
}

static void assert_round_trip(const mlp_config *config)
{
    for (int indent = 0; indent <= 4; indent += 4) {
        mlp_config again;
        mlp_error err = {""};
        char *text = mlp_config_to_json(config, MLP_CONFIG_WHOLE, indent);
        assert_non_null(text);
        mlp_status status =
            mlp_config_parse(&again, text, "other.json", "/elsewhere", NULL, 0, &err);
        assert_string_equal(err.message, "");
        assert_int_equal(status, MLP_OK);
        assert_same(config, &again);
        free(text);
        mlp_config_free(&again);
    }
}

static void test_round_trip(void **state)
{
    static const mlp_override odd[] = {"train.sgd.lr=1e-7", "model.hidden=[]",
                                       "train.sgd.momentum=0.30000000000000004",
                                       "train.sgd.weight_decay=1.7976931348623157e308"};
    mlp_config c;
    (void)state;
    parse(&c, "{\"data\":{\"dir\":\"d\"}}");
    assert_round_trip(&c);
    mlp_config_free(&c);
    parse_full(&c);
    assert_round_trip(&c);
    mlp_config_free(&c);
    override(&c, odd, COUNT(odd));
    assert_true(c.train.sgd.lr == 1e-7);
    assert_round_trip(&c);
    mlp_config_free(&c);
}

static const char printed_head[] =
    "{\"name\": \"full run\", \"seed\": 9007199254740992, "
    "\"data\": {\"dir\": null, \"train_images\": \"/base/ti\", \"train_labels\": \"/abs/tl\", "
    "\"test_images\": \"/si\", \"test_labels\": \"/base/sl\", \"labels\": [8, 0, 255], "
    "\"class_names\": [\"rest\", \"zero\"], \"validation_fraction\": 0.1, \"shuffle\": false, "
    "\"preprocess\": \"none\", \"augment\": {\"shift\": 0, \"rotate\": 0, \"scale\": 0, "
    "\"shear\": 0, \"elastic\": {\"alpha\": 0, \"sigma\": 4}}}, "
    "\"model\": {\"hidden\": [3, 1000000, 1], \"activation\": \"relu\", \"output\": \"sigmoid\", "
    "\"positive_label\": 0, \"init\": \"kaiming_uniform\", "
    "\"init_from\": \"/base/w.safetensors\", \"dropout\": {\"input\": 0, \"hidden\": 0}}, "
    "\"train\": {\"epochs\": 1000000, \"batch_size\": 7, \"precision\": \"bf16\", "
    "\"sgd\": {\"lr\": 1e-7, \"momentum\": 0.3, \"nesterov\": true, \"weight_decay\": 0.0005, "
    "\"max_norm\": 0, \"clip_norm\": 0}, "
    "\"schedule\": {\"type\": \"cosine\", \"warmup_epochs\": 0.5}, \"label_smoothing\": 0.25, "
    "\"class_weights\": \"none\", "
    "\"early_stopping\": {\"metric\": \"validation_accuracy\", \"patience\": 0}, "
    "\"checkpoint\": {\"every_epochs\": 3, \"every_seconds\": 0.5}}";

static void test_printed_form(void **state)
{
    char wanted[sizeof printed_head + 100];
    mlp_config c;
    (void)state;
    parse_full(&c);
    free(c.data.test_images); /* "../si" depends on whether /base exists */
    c.data.test_images = strdup("/si");
    char *whole = mlp_config_to_json(&c, MLP_CONFIG_WHOLE, 0);
    char *part = mlp_config_to_json(&c, MLP_CONFIG_WITHOUT_RUN, 0);
    snprintf(wanted, sizeof wanted,
             "%s, \"run\": {\"dir\": \"/base/out\", \"threads\": 1024, "
             "\"tensorboard\": false}}",
             printed_head);
    assert_string_equal(whole, wanted);
    snprintf(wanted, sizeof wanted, "%s}", printed_head);
    assert_string_equal(part, wanted);
    free(whole);
    free(part);
    mlp_config_free(&c);
}

static void test_shipped_configs(void **state)
{
    static const char *const names[] = {"mnist", "digits", "seed-notes", "binary", "speedrun"};
    char path[4096], wanted[4096];
    mlp_config c;
    mlp_error err = {""};
    char *root = realpath(MLP_SOURCE_DIR, NULL);
    (void)state;
    assert_non_null(root);
    for (size_t i = 0; i < COUNT(names); i++) {
        snprintf(path, sizeof path, "%s/configs/%s.json", MLP_SOURCE_DIR, names[i]);
        mlp_status status = mlp_config_load(&c, path, NULL, 0, &err);
        assert_string_equal(err.message, "");
        assert_int_equal(status, MLP_OK);
        assert_string_equal(c.name, names[i]);
        assert_string_equal(c.run.dir, "runs");
        /* data/ may not exist yet */
        snprintf(wanted, sizeof wanted, "%s/data/", root);
        assert_memory_equal(c.data.dir, wanted, strlen(wanted));
        assert_round_trip(&c);
        mlp_config_free(&c);
    }
    free(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),     cmocka_unit_test(test_every_key),
        cmocka_unit_test(test_overrides),    cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_printed_form), cmocka_unit_test(test_shipped_configs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
