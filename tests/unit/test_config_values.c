/* Configs: which values of a key are refused, and in which words. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "config_fixture.h"

static void test_wrong_values(void **state)
{
    static const refusal cases[] = {
        {"{\"train\":{\"epochs\":\"ten\"}}",
         "dir/x.json: train.epochs: found \"ten\", wanted an integer from 1 to 1000000"},
        {"{\"train\":{\"epochs\":0}}",
         "dir/x.json: train.epochs: found 0, wanted an integer from 1 to 1000000"},
        {"{\"train\":{\"epochs\":1000001}}",
         "dir/x.json: train.epochs: found 1000001, wanted an integer from 1 to 1000000"},
        {"{\"train\":{\"epochs\":1.5}}",
         "dir/x.json: train.epochs: found 1.5, wanted an integer from 1 to 1000000"},
        {"{\"train\":{\"batch_size\":null}}",
         "dir/x.json: train.batch_size: found null, wanted an integer from 1 to 1000000"},
        {"{\"seed\":-1}",
         "dir/x.json: seed: found -1, wanted an integer from 0 to 9007199254740992"},
        {"{\"train\":{\"sgd\":{\"lr\":0}}}",
         "dir/x.json: train.sgd.lr: found 0, wanted a number above 0"},
        {"{\"train\":{\"sgd\":{\"momentum\":1}}}",
         "dir/x.json: train.sgd.momentum: found 1, wanted a number from 0 to below 1"},
        {"{\"train\":{\"sgd\":{\"nesterov\":1}}}",
         "dir/x.json: train.sgd.nesterov: found 1, wanted true or false"},
        {"{\"train\":{\"sgd\":{\"weight_decay\":-0.1}}}",
         "dir/x.json: train.sgd.weight_decay: found -0.1, wanted a number from 0 up"},
        {"{\"train\":{\"schedule\":{\"warmup_epochs\":-1}}}",
         "dir/x.json: train.schedule.warmup_epochs: found -1, wanted a number from 0 up"},
        {"{\"train\":{\"checkpoint\":{\"every_epochs\":0}}}",
         "dir/x.json: train.checkpoint.every_epochs: found 0, wanted an integer from 1 to 1000000"},
        {"{\"run\":{\"threads\":1025}}",
         "dir/x.json: run.threads: found 1025, wanted an integer from 0 to 1024"},
        {"{\"data\":{\"validation_fraction\":1}}",
         "dir/x.json: data.validation_fraction: found 1, wanted a number from 0 to below 1"},
        {"{\"data\":{\"dir\":\"\"}}",
         "dir/x.json: data.dir: found \"\", wanted a path of 1 to 4095 bytes, or null"},
        {"{\"data\":{\"dir\":5}}",
         "dir/x.json: data.dir: found 5, wanted a path of 1 to 4095 bytes, or null"},
        {"{\"model\":{\"output\":\"linear\"}}",
         "dir/x.json: model.output: found \"linear\", wanted \"softmax\" or \"sigmoid\""},
        {"{\"model\":{\"output\":0}}",
         "dir/x.json: model.output: found 0, wanted \"softmax\" or \"sigmoid\""},
        {"{\"model\":{\"positive_label\":256}}",
         "dir/x.json: model.positive_label: found 256, wanted " A_LABEL ", or null"},
        {"{\"model\":{\"hidden\":128}}", "dir/x.json: model.hidden: found 128, wanted an array of "
                                         "up to 1023, each entry an integer "
                                         "from 1 to 1000000"},
        {"{\"model\":{\"hidden\":[1,0]}}",
         "dir/x.json: model.hidden[1]: found 0, wanted an integer from 1 to 1000000"},
        {"{\"model\":{\"hidden\":[1000001]}}",
         "dir/x.json: model.hidden[0]: found 1000001, wanted an integer from 1 to 1000000"},
        {"{\"name\":null}", "dir/x.json: name: found null, wanted " A_NAME},
        {"{\"name\":\"\"}", "dir/x.json: name: found \"\", wanted " A_NAME},
        {"{\"name\":\".x\"}", "dir/x.json: name: found \".x\", wanted " A_NAME},
        {"{\"name\":\"a/b\"}", "dir/x.json: name: found \"a/b\", wanted " A_NAME},
        {"{\"name\":\"a\\tb\"}", "dir/x.json: name: found \"a\\u0009b\", wanted " A_NAME},
        {"{\"name\":\"latest\"}", "dir/x.json: name: found \"latest\", wanted " A_NAME},
    };
    (void)state;
    assert_refused(cases, COUNT(cases));
}

static void test_wrong_arrays(void **state)
{
    static const refusal cases[] = {
        {"{\"data\":{\"labels\":[1]}}", "dir/x.json: data.labels: found an array of 1, wanted an "
                                        "array of 2 to 256, each entry " A_LABEL ", or null"},
        {"{\"data\":{\"labels\":[]}}", "dir/x.json: data.labels: found an array of 0, wanted an "
                                       "array of 2 to 256, each entry " A_LABEL ", or null"},
        {"{\"data\":{\"labels\":\"all\"}}", "dir/x.json: data.labels: found \"all\", wanted an "
                                            "array of 2 to 256, each entry " A_LABEL ", or null"},
        {"{\"data\":{\"labels\":[0,256]}}",
         "dir/x.json: data.labels[1]: found 256, wanted " A_LABEL},
        {"{\"data\":{\"labels\":[3,1,3]}}",
         "dir/x.json: data.labels[2]: found 3, wanted each entry once"},
        {"{\"data\":{\"class_names\":[\"a\",\"\"]}}",
         "dir/x.json: data.class_names[1]: found \"\", wanted a name of 1 to 255 bytes, no "
         "control character"},
        {"{\"data\":{\"class_names\":[\"a\\n\",\"b\"]}}",
         "dir/x.json: data.class_names[0]: found \"a\\u000a\", wanted a name of 1 to 255 "
         "bytes, no control character"},
        {"{\"data\":{\"class_names\":[\"a\xC2\x9B\",\"b\"]}}", /* a terminal's CSI */
         "dir/x.json: data.class_names[0]: found \"a\\u009b\", wanted a name of 1 to 255 "
         "bytes, no control character"},
        {"{\"data\":{\"class_names\":[\"a\",1]}}",
         "dir/x.json: data.class_names[1]: found 1, wanted a name of 1 to 255 bytes, no control "
         "character"},
        {"{\"data\":{\"class_names\":[\"a\",\"a\"]}}",
         "dir/x.json: data.class_names[1]: found \"a\", wanted each entry once"},
        {"{\"data\":{\"class_names\":[\"a\"]}}",
         "dir/x.json: data.class_names: found an array of 1, wanted an array of 2 to 256, each "
         "entry a name of 1 to 255 bytes, no control character, or null"},
        {"{\"train\":{\"class_weights\":[1,-1]}}",
         "dir/x.json: train.class_weights[1]: found -1, wanted a number from 0 up"},
        {"{\"train\":{\"class_weights\":\"nonne\"}}",
         "dir/x.json: train.class_weights: found \"nonne\", wanted \"none\""},
    };
    (void)state;
    assert_refused(cases, COUNT(cases));
}

static void test_array_bounds(void **state)
{
    char text[2048] = "{\"data\":{\"dir\":\"d\",\"labels\":[0";
    mlp_config config;
    mlp_error err;
    (void)state;
    for (int i = 1; i < 256; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), ",%d", i);
    size_t used = strlen(text);
    memcpy(text + used, "]}}", 4);
    parse(&config, text);
    assert_int_equal(config.data.n_labels, 256);
    assert_int_equal(config.data.labels[255], 255);
    mlp_config_free(&config);

    memcpy(text + used, ",0]}}", 6);
    assert_int_equal(parse_with(&config, text, NULL, 0, &err), MLP_ERR_CONFIG);
    assert_non_null(strstr(err.message, "data.labels: found an array of 257, wanted"));
}

static void test_depth_bound(void **state)
{
    char text[4096] = "{\"data\":{\"dir\":\"d\"},\"model\":{\"hidden\":[1";
    mlp_config config;
    mlp_error err;
    (void)state;
    for (int i = 1; i < 1023; i++)
        strcat(text, ",1");
    size_t used = strlen(text);
    memcpy(text + used, "]}}", 4);
    parse(&config, text);
    assert_int_equal(config.model.n_hidden, 1023);
    mlp_config_free(&config);

    memcpy(text + used, ",1]}}", 6);
    assert_int_equal(parse_with(&config, text, NULL, 0, &err), MLP_ERR_CONFIG);
    assert_non_null(strstr(err.message, "model.hidden: found an array of 1024, wanted an array of "
                                        "up to 1023"));
}

static void assert_override_too_long(const char *override, const char *message)
{
    mlp_config config;
    mlp_error err;
    assert_int_equal(parse_with(&config, data_only, &override, 1, &err), MLP_ERR_CONFIG);
    assert_non_null(strstr(err.message, message));
}

static void test_string_bounds(void **state)
{
    static const size_t name_at = 5, path_at = 9; /* what follows "name=", "data.dir=" */
    char name[300], path[4200];
    const mlp_override one_name[] = {name}, one_path[] = {path};
    mlp_config config;
    (void)state;
    memset(name, 'n', sizeof name);
    memcpy(name, "name=", name_at);
    name[name_at + 256] = '\0';
    assert_override_too_long(name, "nnn...\", wanted " A_NAME);
    name[name_at + 255] = '\0';
    override(&config, one_name, 1);
    assert_int_equal(strlen(config.name), 255);
    mlp_config_free(&config);

    memset(path, '/', sizeof path);
    memcpy(path, "data.dir=", path_at);
    path[path_at + 4096] = '\0';
    assert_override_too_long(path, "///...\", wanted a path of 1 to 4095 bytes, or null");
    path[path_at + 4095] = '\0';
    override(&config, one_path, 1);
    assert_string_equal(config.data.dir, "/");
    mlp_config_free(&config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wrong_values),  cmocka_unit_test(test_wrong_arrays),
        cmocka_unit_test(test_array_bounds),  cmocka_unit_test(test_depth_bound),
        cmocka_unit_test(test_string_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
