/* Configs: which keys and overrides are refused, and in which words. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "config/config_table.h"
#include "config/config_value.h"
#include "config_fixture.h"

#define NOT_YET(value, wanted) value " is not supported yet (found " value ", wanted " wanted ")"

static void test_unknown_keys(void **state)
{
    static const refusal cases[] = {
        {"{\"train\":{\"sgd\":{\"lrr\":1}}}",
         "dir/x.json: train.sgd.lrr: unknown key (did you mean \"lr\"?)"},
        {"{\"lr\":1}", "dir/x.json: lr: unknown key (did you mean \"train.sgd.lr\"?)"},
        {"{\"train\":{\"lr\":1}}",
         "dir/x.json: train.lr: unknown key (did you mean \"train.sgd.lr\"?)"},
        {"{\"tarin\":{}}", "dir/x.json: tarin: unknown key (did you mean \"train\"?)"},
        {"{\"sgd\":{}}", "dir/x.json: sgd: unknown key (did you mean \"train.sgd\"?)"},
        {"{\"hidden\":[]}", "dir/x.json: hidden: unknown key (did you mean \"model.hidden\"?)"},
        {"{\"train\":{\"batchsize\":1}}",
         "dir/x.json: train.batchsize: unknown key (did you mean \"batch_size\"?)"},
        {"{\"Seed\":1}", "dir/x.json: Seed: unknown key (did you mean \"seed\"?)"},
        {"{\"learning_rate\":1}", "dir/x.json: learning_rate: unknown key"},
        {"{\"train.epochs\":1}",
         "dir/x.json: train.epochs: unknown key (a section is an object of its own here)"},
        {"{\"data\":{\"\":1}}", "dir/x.json: data.\"\": unknown key"},
        {"{\"a\\nb\":1}", "dir/x.json: a\\u000ab: unknown key"},
        {"{\"data\":{\"$schema\":\"s\"}}", "dir/x.json: data.$schema: unknown key"},
        {"{\"train\":3}", "dir/x.json: train: found 3, wanted an object"},
        {"{\"data\":{\"augment\":{\"elastic\":[]}}}",
         "dir/x.json: data.augment.elastic: found an array, wanted an object"},
        {"[1]", "dir/x.json: found an array, wanted an object"},
        {"{\"$schema\":3}", "dir/x.json: $schema: found 3, wanted a string"},
        {"{\"seed\":1,\"seed\":1}", "dir/x.json: seed: duplicate key"},
        {"{\n \"seed\": 01}", "dir/x.json:2:10: syntax error: found \"01\", wanted a JSON number"},
    };
    (void)state;
    assert_refused(cases, COUNT(cases));
}

static void test_long_unknown_key(void **state)
{
    char text[400] = "{\"", *end = text + 2;
    mlp_config config;
    mlp_error err;
    (void)state;
    memset(end, 'k', 300);
    memcpy(end + 300, "\":1}", 5);
    assert_int_equal(parse_with(&config, text, NULL, 0, &err), MLP_ERR_CONFIG);
    assert_non_null(strstr(err.message, "kkk...: unknown key"));
}

static void test_not_supported_yet(void **state)
{
    static const refusal cases[] = {
        {"{\"model\":{\"activation\":\"gelu\"}}",
         "dir/x.json: model.activation: " NOT_YET("\"gelu\"", "\"relu\"")},
        {"{\"data\":{\"preprocess\":\"digit\"}}",
         "dir/x.json: data.preprocess: " NOT_YET("\"digit\"", "\"none\"")},
        {"{\"data\":{\"augment\":{\"shift\":2}}}",
         "dir/x.json: data.augment.shift: " NOT_YET("2", "0")},
        {"{\"data\":{\"augment\":{\"rotate\":10}}}",
         "dir/x.json: data.augment.rotate: " NOT_YET("10", "0")},
        {"{\"data\":{\"augment\":{\"scale\":0.1}}}",
         "dir/x.json: data.augment.scale: " NOT_YET("0.1", "0")},
        {"{\"data\":{\"augment\":{\"shear\":0.1}}}",
         "dir/x.json: data.augment.shear: " NOT_YET("0.1", "0")},
        {"{\"data\":{\"augment\":{\"elastic\":{\"alpha\":30}}}}",
         "dir/x.json: data.augment.elastic.alpha: " NOT_YET("30", "0")},
        {"{\"data\":{\"augment\":{\"elastic\":{\"sigma\":5}}}}",
         "dir/x.json: data.augment.elastic.sigma: " NOT_YET("5", "4")},
        {"{\"model\":{\"dropout\":{\"input\":1e-9}}}",
         "dir/x.json: model.dropout.input: " NOT_YET("1e-9", "0")},
        {"{\"model\":{\"dropout\":{\"hidden\":0.5}}}",
         "dir/x.json: model.dropout.hidden: " NOT_YET("0.5", "0")},
        {"{\"train\":{\"sgd\":{\"max_norm\":3}}}",
         "dir/x.json: train.sgd.max_norm: " NOT_YET("3", "0")},
        {"{\"train\":{\"sgd\":{\"clip_norm\":1}}}",
         "dir/x.json: train.sgd.clip_norm: " NOT_YET("1", "0")},
        {"{\"train\":{\"schedule\":{\"type\":\"step\"}}}",
         "dir/x.json: train.schedule.type: " NOT_YET(
             "\"step\"", "\"constant\" or \"cosine\" or \"one_cycle\"")},
        {"{\"train\":{\"schedule\":{\"type\":\"exponential\"}}}",
         "dir/x.json: train.schedule.type: " NOT_YET(
             "\"exponential\"", "\"constant\" or \"cosine\" or \"one_cycle\"")},
        {"{\"train\":{\"class_weights\":\"balanced\"}}",
         "dir/x.json: train.class_weights: " NOT_YET("\"balanced\"", "\"none\"")},
        {"{\"train\":{\"class_weights\":[1,2]}}",
         "dir/x.json: train.class_weights: " NOT_YET("an array", "\"none\"")},
        {"{\"train\":{\"early_stopping\":{\"patience\":5}}}",
         "dir/x.json: train.early_stopping.patience: " NOT_YET("5", "0")},
        {"{\"run\":{\"tensorboard\":true}}",
         "dir/x.json: run.tensorboard: " NOT_YET("true", "false")},
    };
    /* Wrong in itself comes first. */
    static const refusal wrong[] = {
        {"{\"model\":{\"activation\":\"rleu\"}}",
         "dir/x.json: model.activation: found \"rleu\", wanted \"relu\""},
        {"{\"model\":{\"init\":\"zeros\"}}",
         "dir/x.json: model.init: found \"zeros\", wanted \"kaiming_uniform\""},
        {"{\"model\":{\"dropout\":{\"hidden\":1}}}",
         "dir/x.json: model.dropout.hidden: found 1, wanted a number from 0 to below 1"},
        {"{\"train\":{\"schedule\":{\"type\":\"cosin\"}}}",
         "dir/x.json: train.schedule.type: found \"cosin\", wanted \"constant\" or \"cosine\" or "
         "\"one_cycle\""},
        {"{\"train\":{\"label_smoothing\":1}}",
         "dir/x.json: train.label_smoothing: found 1, wanted a number from 0 to below 1"},
        {"{\"train\":{\"early_stopping\":{\"patience\":0.5}}}",
         "dir/x.json: train.early_stopping.patience: found 0.5, wanted an integer from 0 to "
         "1000000"},
        {"{\"run\":{\"tensorboard\":\"yes\"}}",
         "dir/x.json: run.tensorboard: found \"yes\", wanted true or false"},
        {"{\"data\":{\"augment\":{\"elastic\":{\"sigma\":0}}}}",
         "dir/x.json: data.augment.elastic.sigma: found 0, wanted a number above 0"},
    };
    (void)state;
    assert_refused(cases, COUNT(cases));
    assert_refused(wrong, COUNT(wrong));
}

/* "not supported yet" reaches all that has no field, whatever the table says next. */
static void test_every_fixed_key_refuses(void **state)
{
    (void)state;
    for (size_t i = 0; i < MLP_CONFIG_N_KEYS; i++) {
        const mlp_config_key *key = &mlp_config_keys[i];
        const mlp_config_source source = {.origin = "o"};
        mlp_error err;
        mlp_json *other;
        const char *text = key->type == MLP_KEY_CHOICE || key->type == MLP_KEY_CLASS_WEIGHTS
                               ? "[1,1]"
                           : key->type == MLP_KEY_BOOL ? "true"
                                                       : "0.5";
        if (!key->is_fixed)
            continue;
        assert_int_equal(mlp_json_parse(&other, text, strlen(text), "o", MLP_ERR_CONFIG, &err),
                         MLP_OK);
        assert_int_equal(mlp_config_check(key, other, &source, &err), MLP_ERR_CONFIG);
        mlp_json_free(other);
    }
}

static void test_keys_together(void **state)
{
    static const refusal cases[] = {
        {"{}", "dir/x.json: data.dir: found none, wanted the folder of the data set, or both "
               "data.train_images and data.train_labels"},
        {"{\"data\":{\"train_images\":\"a\",\"test_labels\":\"b\"}}",
         "dir/x.json: data.dir: found none, wanted the folder of the data set, or both "
         "data.train_images and data.train_labels"},
        {"{\"data\":{\"dir\":\"d\"},\"train\":{\"sgd\":{\"momentum\":0,\"nesterov\":true}}}",
         "dir/x.json: train.sgd.momentum: found 0, wanted a number above 0 to below 1, since "
         "train.sgd.nesterov is true"},
        {"{\"data\":{\"dir\":\"d\"},\"model\":{\"output\":\"sigmoid\"}}",
         "dir/x.json: model.positive_label: found none, wanted the label that counts as positive, "
         "since model.output is \"sigmoid\""},
        {"{\"data\":{\"dir\":\"d\"},\"model\":{\"positive_label\":0}}",
         "dir/x.json: model.positive_label: found 0, wanted null, since model.output is "
         "\"softmax\" (a positive label goes with \"sigmoid\")"},
        {"{\"data\":{\"dir\":\"d\",\"labels\":[1,2]},"
         "\"model\":{\"output\":\"sigmoid\",\"positive_label\":0}}",
         "dir/x.json: model.positive_label: found 0, wanted one of data.labels"},
        {"{\"data\":{\"dir\":\"d\",\"class_names\":[\"a\",\"b\",\"c\"]},"
         "\"model\":{\"output\":\"sigmoid\",\"positive_label\":0}}",
         "dir/x.json: data.class_names: found 3 names, wanted 2 with model.output \"sigmoid\": "
         "the rest's, then the positive label's"},
        {"{\"data\":{\"dir\":\"d\",\"labels\":[1,2,3],\"class_names\":[\"a\",\"b\"]}}",
         "dir/x.json: data.class_names: found 2 names, wanted 3, one for each of data.labels"},
    };
    static const char *const right[] = {
        "{\"data\":{\"train_images\":\"a\",\"train_labels\":\"b\"}}",
        "{\"data\":{\"dir\":\"d\",\"class_names\":[\"a\",\"b\",\"c\"]}}",
        ("{\"data\":{\"dir\":\"d\",\"labels\":[1,2,3],\"class_names\":[\"a\",\"b\"]},"
         "\"model\":{\"output\":\"sigmoid\",\"positive_label\":3}}"),
        "{\"data\":{\"dir\":\"d\"},\"model\":{\"positive_label\":null}}",
    };
    (void)state;
    assert_refused(cases, COUNT(cases));
    for (size_t i = 0; i < COUNT(right); i++) {
        mlp_config config;
        parse(&config, right[i]);
        mlp_config_free(&config);
    }
}

static void assert_overrides_refused(const refusal *cases, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        mlp_config config;
        mlp_error err;
        mlp_status status = parse_with(&config, data_only, &cases[i].text, 1, &err);
        assert_failed(status, &config, &err, cases[i].message);
    }
}

static void test_wrong_overrides(void **state)
{
    static const refusal cases[] = {
        {"train.lr=1", "--set train.lr=1: unknown key (did you mean \"train.sgd.lr\"?)"},
        {"lr=1", "--set lr=1: unknown key (did you mean \"train.sgd.lr\"?)"},
        {"train.sgd.lrr=1", "--set train.sgd.lrr=1: unknown key (did you mean \"train.sgd.lr\"?)"},
        {"train.epochs =1", "--set train.epochs =1: unknown key (did you mean \"train.epochs\"?)"},
        {"modle.dropout.hidden=0",
         "--set modle.dropout.hidden=0: unknown key (did you mean \"model.dropout.hidden\"?)"},
        {"train.dri=x", "--set train.dri=x: unknown key (did you mean \"run.dir\"?)"},
        {"wibble=1", "--set wibble=1: unknown key"},
        {"$schema=x", "--set $schema=x: unknown key"},
        {"train.sgd={}",
         "--set train.sgd={}: found a section, \"train.sgd\", wanted one of the keys in it"},
        {"train.epochs", "--set train.epochs: found no \"=\", wanted KEY=VALUE"},
        {"=3", "--set =3: found no key, wanted KEY=VALUE"},
        {"", "--set : found no \"=\", wanted KEY=VALUE"},
        {"train.epochs=ten",
         "--set train.epochs=ten: found \"ten\", wanted an integer from 1 to 1000000"},
        {"train.epochs=", "--set train.epochs=: found \"\", wanted an integer from 1 to 1000000"},
        {"train.epochs=007",
         "--set train.epochs=007: found \"007\", wanted an integer from 1 to 1000000"},
        {"seed=9007199254740993", "--set seed=9007199254740993: found \"9007199254740993\", wanted "
                                  "an integer from 0 to 9007199254740992"},
        {"data.labels=[1,300]",
         "--set data.labels=[1,300]: data.labels[1]: found 300, wanted " A_LABEL},
        {"model.activation=gelu", "--set model.activation=gelu: " NOT_YET("\"gelu\"", "\"relu\"")},
        {"name=\xFF", "--set name=\\xff: found bytes that are not UTF-8"},
        {"name=a\nb", "--set name=a\\u000ab: found \"a\\u000ab\", wanted " A_NAME},
    };
    (void)state;
    assert_overrides_refused(cases, COUNT(cases));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unknown_keys),      cmocka_unit_test(test_long_unknown_key),
        cmocka_unit_test(test_not_supported_yet), cmocka_unit_test(test_every_fixed_key_refuses),
        cmocka_unit_test(test_keys_together),     cmocka_unit_test(test_wrong_overrides),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
