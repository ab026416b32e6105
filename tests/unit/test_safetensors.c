/* The safetensors format: what is written can be read, every lie is refused. */
#include "data_fixture.h"

#include "io/safetensors.h"

static const float VALUES[] = {1.5f, -2.0f, 0.25f, 3.0f, -0.0f, 1e-40f};

/* A file with this header as it stands and n bytes of data, VALUES over and over. */
static void craft(const char *header, size_t n)
{
    uint8_t bytes[4096] = {0};
    size_t length = strlen(header);
    assert_true(8 + length + n <= sizeof bytes);
    bytes[0] = (uint8_t)length;
    bytes[1] = (uint8_t)(length >> 8);
    memcpy(bytes + 8, header, length);
    for (size_t i = 0; i < n; i++)
        bytes[8 + length + i] = ((const uint8_t *)VALUES)[i % sizeof VALUES];
    write_file("crafted", bytes, 8 + length + n);
}

static void read_crafted(mlp_safetensors *file)
{
    mlp_error err;
    if (mlp_safetensors_read(file, "crafted", &err) != MLP_OK)
        fail_msg("%s", err.message);
}

static mlp_error assert_refused(const char *path)
{
    static const mlp_safetensors zero;
    mlp_safetensors file;
    mlp_error err = {""};
    assert_int_equal(mlp_safetensors_read(&file, path, &err), MLP_ERR_CHECKPOINT);
    assert_memory_equal(&file, &zero, sizeof zero);
    assert_says(&err, path, NULL);
    return err;
}

static void reads_tensors_in_any_order(void **state)
{
    (void)state;
    mlp_safetensors file;
    craft("{\"b\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[8,20]},"
          "\"__metadata__\":{\"format\":\"pt\",\"k\":\"\\u00e9\"},"
          "\"none\":{\"dtype\":\"F32\",\"shape\":[2,0],\"data_offsets\":[8,8]},"
          "\"a\":{\"dtype\":\"F32\",\"shape\":[1,2],\"data_offsets\":[0,8]},"
          "\"scalar\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[20,24]}}   ",
          24);
    read_crafted(&file);
    assert_int_equal(file.n_tensors, 4);
    assert_int_equal(file.data_bytes, 24);
    assert_string_equal(file.tensors[0].name, "a");
    const mlp_safetensors_tensor *b = mlp_safetensors_find(&file, "b");
    assert_int_equal(b->rank, 1);
    assert_int_equal(b->shape[0], 3);
    assert_int_equal(b->count, 3);
    assert_memory_equal(b->values, VALUES + 2, 12);
    assert_int_equal(mlp_safetensors_find(&file, "none")->count, 0);
    assert_int_equal(mlp_safetensors_find(&file, "scalar")->count, 1);
    assert_memory_equal(mlp_safetensors_find(&file, "scalar")->values, VALUES + 5, 4);
    assert_null(mlp_safetensors_find(&file, "c"));
    assert_null(mlp_safetensors_find(&file, "__metadata__"));
    assert_string_equal(mlp_safetensors_metadata(&file, "format"), "pt");
    assert_string_equal(mlp_safetensors_metadata(&file, "k"), "\xc3\xa9");
    assert_null(mlp_safetensors_metadata(&file, "none"));
    mlp_safetensors_free(&file);
    mlp_safetensors_free(&file);
}

static void reads_an_empty_file_of_tensors(void **state)
{
    (void)state;
    mlp_safetensors file;
    craft("{}", 0);
    read_crafted(&file);
    assert_int_equal(file.n_tensors, 0);
    assert_null(file.metadata);
    assert_null(mlp_safetensors_metadata(&file, "k"));
    mlp_safetensors_free(&file);
}

#define T(dtype, shape, begin, end)                                                                \
    "{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":[" begin "," end "]}"

static void refuses_every_lie_of_a_header(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        size_t data_bytes;
        const char *says[2];
    } lies[] = {
        {"{\"w\":" T("F16", "[2]", "0", "4") "}", 4, {"\"w\"", "found \"F16\", wanted \"F32\""}},
        {"{\"w\":{\"dtype\":3,\"shape\":[],\"data_offsets\":[0,4]}}", 4, {"\"w\"", "found 3"}},
        {"{\"w\":{\"shape\":[],\"data_offsets\":[0,4]}}", 4, {"\"w\"", "found nothing"}},
        {"{\"w\":" T("F32", "[2]", "0", "4") "}", 4, {"found 4 bytes", "shape (2)"}},
        {"{\"w\":" T("F32", "[1]", "0", "8") "}", 8, {"found 8 bytes", "shape (1)"}},
        {"{\"w\":" T("F32", "[]", "0", "0") "}", 0, {"found 0 bytes", "shape ()"}},
        {"{\"w\":" T("F32", "[0]", "0", "4") "}", 4, {"found 4 bytes", "shape (0)"}},
        /* 2^32 * 2^32 is 0 modulo 2^64 */
        {"{\"w\":" T("F32", "[4294967296,4294967296]", "0", "0") "}",
         0,
         {"\"w\"", "shape (4294967296, 4294967296)"}},
        {"{\"w\":" T("F32", "[4611686018427387904]", "0", "0") "}",
         0,
         {"found \"4611686018427387904\"", NULL}},
        {"{\"w\":" T("F32", "[-1]", "0", "4") "}", 4, {"shape: found -1", "whole number"}},
        {"{\"w\":" T("F32", "[1.5]", "0", "6") "}", 6, {"shape: found 1.5", "whole number"}},
        {"{\"w\":" T("F32", "[\"1\"]", "0", "4") "}", 4, {"shape: found \"1\"", NULL}},
        {"{\"w\":" T("F32", "1", "0", "4") "}", 4, {"no shape", "array"}},
        {"{\"w\":" T("F32", "[1,1,1,1,1,1,1,1,1]", "0", "4") "}", 4, {"found 9 numbers", "8"}},
        {"{\"w\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4, {"no data_offsets", NULL}},
        {"{\"w\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0]}}",
         4,
         {"data_offsets: found 1 numbers", "wanted 2"}},
        {"{\"w\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4,4]}}",
         4,
         {"data_offsets: found 3 numbers", "at most 2"}},
        {"{\"w\":" T("F32", "[1]", "4", "0") "}", 4, {"bytes 4 to 0", NULL}},
        {"{\"w\":" T("F32", "[2]", "0", "8") "}", 4, {"bytes 0 to 8", "data's 4"}},
        {"{\"w\":" T("F32", "[1]", "4", "8") "}", 8, {"begins at byte 4", "wanted 0"}},
        {"{\"v\":" T("F32", "[1]", "0", "4") ",\"w\":" T("F32", "[1]", "8", "12") "}",
         12,
         {"\"w\"", "begins at byte 8 of the data, wanted 4"}},
        {"{\"v\":" T("F32", "[2]", "0", "8") ",\"w\":" T("F32", "[1]", "4", "8") "}",
         8,
         {"\"w\"", "begins at byte 4 of the data, wanted 8"}},
        {"{\"v\":" T("F32", "[1]", "0", "4") ",\"w\":" T("F32", "[1]", "0", "4") "}",
         4,
         {"begins at byte 0 of the data, wanted 4", NULL}},
        {"{\"w\":" T("F32", "[1]", "0", "4") "}", 8, {"found 8 bytes of data, wanted 4", NULL}},
        {"{}", 4, {"found 4 bytes of data, wanted 0", NULL}},
        {"{\"w\":" T("F32", "[1]", "0", "4") ",\"w\":" T("F32", "[1]", "4", "8") "}",
         8,
         {"w", "duplicate key"}},
        {"{\"w\":7}", 0, {"\"w\": found 7", "an object"}},
        {"[]", 0, {"wanted an object", NULL}},
        {"{\"w\":", 0, {"syntax error", NULL}},
        {"{} {}", 0, {"syntax error", NULL}},
        {"{\"__metadata__\":[]}", 0, {"__metadata__: found an array", "an object"}},
        {"{\"__metadata__\":{\"k\":1}}", 0, {"\"k\": found 1", "a string"}},
        {"{\"a\\nb\":null}", 0, {"\"a\\u000ab\"", "found null"}},
    };
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        craft(lies[i].header, lies[i].data_bytes);
        mlp_error err = assert_refused("crafted");
        assert_says(&err, lies[i].says[0], lies[i].says[1], NULL);
        assert_null(strchr(err.message, '\n'));
    }
}

static void refuses_what_is_no_file(void **state)
{
    (void)state;
    mlp_error err = assert_refused("missing");
    assert_says(&err, "cannot open: No such file", NULL);
    err = assert_refused(".");
    assert_says(&err, "found a folder", NULL);
    err = assert_refused("/dev/null");
    assert_says(&err, "found a device", NULL);
}

static void refuses_lengths_beyond_the_file(void **state)
{
    (void)state;
    static const struct {
        uint8_t length[8];
        const char *found;
    } cases[] = {{{0}, "found a header of 0 bytes, wanted at least 2: no safetensors file"},
                 {{1}, "found a header of 1 bytes, wanted at least 2"},
                 {{3}, "found a header of 3 bytes, wanted at most 2"},
                 {{0, 0, 0, 0, 1}, "found a header of 4294967296 bytes"},
                 {{255, 255, 255, 255, 255, 255, 255, 255}, "of 18446744073709551615 bytes"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t bytes[10] = {[8] = '{', [9] = '}'};
        memcpy(bytes, cases[i].length, 8);
        write_file("crafted", bytes, sizeof bytes);
        mlp_error err = assert_refused("crafted");
        assert_says(&err, cases[i].found, NULL);
    }
    write_file("crafted", "1234567", 7);
    mlp_error err = assert_refused("crafted");
    assert_says(&err, "found 7 bytes, wanted 8", NULL);
}

/* A sparse file: its size would allow the header, the format does not. */
static void refuses_a_header_above_the_limit(void **state)
{
    (void)state;
    static const uint8_t length[8] = {0x01, 0xe1, 0xf5, 0x05}; /* 100000001 */
    write_file("crafted", length, sizeof length);
    assert_int_equal(truncate("crafted", 200000000), 0);
    mlp_error err = assert_refused("crafted");
    assert_says(&err, "found a header of 100000001 bytes, wanted at most 100000000", NULL);
}

static void write_sample(const char *path)
{
    static const size_t a[] = {2, 2}, b[] = {2};
    mlp_safetensors_writer w;
    mlp_atomic_file file;
    mlp_error err;
    mlp_safetensors_begin(&w);
    mlp_safetensors_add_metadata(&w, "k", "a \"quoted\" \xc3\xa9");
    mlp_safetensors_add_tensor(&w, "a", 2, a);
    mlp_safetensors_add_tensor(&w, "b", 1, b);
    assert_int_equal(w.data_bytes, sizeof VALUES);
    assert_int_equal(mlp_atomic_file_open(&file, path, &err), MLP_OK);
    assert_int_equal(mlp_safetensors_write_header(&w, &file, &err), MLP_OK);
    assert_int_equal(mlp_atomic_file_append(&file, VALUES, sizeof VALUES, &err), MLP_OK);
    assert_int_equal(mlp_atomic_file_commit(&file, &err), MLP_OK);
}

static size_t slurp(const char *path, uint8_t *bytes, size_t room)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t n = fread(bytes, 1, room, file);
    assert_true(n < room);
    fclose(file);
    return n;
}

static void writes_the_format_to_the_byte(void **state)
{
    (void)state;
    static const char header[] =
        "{\"__metadata__\": {\"k\": \"a \\\"quoted\\\" \xc3\xa9\"}, "
        "\"a\": {\"dtype\": \"F32\", \"shape\": [2, 2], \"data_offsets\": [0, 16]}, "
        "\"b\": {\"dtype\": \"F32\", \"shape\": [2], \"data_offsets\": [16, 24]}}";
    uint8_t bytes[1024];
    size_t length = sizeof header - 1, padded = (length + 7) / 8 * 8;
    write_sample("sample");
    assert_int_equal(slurp("sample", bytes, sizeof bytes), 8 + padded + sizeof VALUES);
    assert_int_equal(bytes[0], padded);
    for (size_t i = 1; i < 8; i++)
        assert_int_equal(bytes[i], 0);
    assert_memory_equal(bytes + 8, header, length);
    for (size_t i = length; i < padded; i++)
        assert_int_equal(bytes[8 + i], ' ');
    assert_memory_equal(bytes + 8 + padded, VALUES, sizeof VALUES);
}

static void refuses_a_file_cut_anywhere(void **state)
{
    (void)state;
    uint8_t bytes[1024];
    write_sample("sample");
    size_t n = slurp("sample", bytes, sizeof bytes);
    for (size_t i = 0; i < n; i++) {
        write_file("cut", bytes, i);
        assert_refused("cut");
    }
    bytes[n] = 0;
    write_file("cut", bytes, n + 1);
    assert_refused("cut");
}

static void shows_shapes(void **state)
{
    (void)state;
    char text[MLP_SHAPE_TEXT];
    static const size_t large[] = {SIZE_MAX, SIZE_MAX, SIZE_MAX, SIZE_MAX,
                                   SIZE_MAX, SIZE_MAX, SIZE_MAX, SIZE_MAX};
    mlp_shape_show(2, (const size_t[]){128, 784}, text);
    assert_string_equal(text, "(128, 784)");
    mlp_shape_show(0, NULL, text);
    assert_string_equal(text, "()");
    mlp_shape_show(8, large, text);
    assert_int_equal(strlen(text), 8 * 20 + 7 * 2 + 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_tensors_in_any_order),
        cmocka_unit_test(reads_an_empty_file_of_tensors),
        cmocka_unit_test(refuses_every_lie_of_a_header),
        cmocka_unit_test(refuses_what_is_no_file),
        cmocka_unit_test(refuses_lengths_beyond_the_file),
        cmocka_unit_test(refuses_a_header_above_the_limit),
        cmocka_unit_test(writes_the_format_to_the_byte),
        cmocka_unit_test(refuses_a_file_cut_anywhere),
        cmocka_unit_test(shows_shapes),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
