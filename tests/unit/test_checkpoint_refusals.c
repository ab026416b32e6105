/* Checkpoints: whatever does not hold is refused. */
#include "checkpoint_fixture.h"

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
        assert_refused("cut", "");
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_every_flipped_byte_of_data),
        cmocka_unit_test(refuses_a_file_cut_anywhere),
        cmocka_unit_test(survives_every_flipped_byte_of_the_header),
        cmocka_unit_test(refuses_metadata_that_does_not_hold),
        cmocka_unit_test(refuses_tensors_that_do_not_fit),
        cmocka_unit_test(refuses_foreign_values_and_sizes),
        cmocka_unit_test(refuses_more_tensors_than_layers_can_have),
        cmocka_unit_test(refuses_a_missing_file),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
