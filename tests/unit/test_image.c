#include "data_fixture.h"

#include "data/image.h"

enum { ROOM = 1 << 19, ROWS = 2, COLS = 3, F = 6, MANY = 100 };

static uint8_t file[ROOM], packed[ROOM], images[ROOM];
static size_t at_once = 1; /* images that a reader is asked for */

/* All images of a file, for a model of `features` inputs; *n says how many came. */
static mlp_status read_sized(const char *path, size_t features, size_t rows, size_t cols, size_t *n,
                             mlp_image_format *format, mlp_error *err)
{
    mlp_image_reader reader;
    mlp_status status = mlp_image_open(&reader, path, features, rows, cols, err);
    size_t got = status == MLP_OK;
    *n = 0;
    *format = reader.format;
    while (status == MLP_OK && got > 0) {
        assert_true((*n + at_once) * features <= sizeof images);
        status = mlp_image_read(&reader, at_once, images + *n * features, &got, err);
        assert_true(got <= at_once);
        *n += got;
    }
    mlp_image_close(&reader);
    mlp_image_close(&reader);
    return status;
}

static void assert_reads(const char *path, mlp_image_format format, const void *pixels, size_t n)
{
    mlp_error err = {""};
    mlp_image_format found;
    size_t n_found;
    memset(images, 0xEE, sizeof images);
    if (read_sized(path, F, ROWS, COLS, &n_found, &found, &err) != MLP_OK)
        fail_msg("%s", err.message);
    assert_int_equal(found, format);
    assert_int_equal(n_found, n);
    assert_memory_equal(images, pixels, n * F);
}

/* As a plain file, gzipped, and from a slow pipe. */
static void assert_reads_bytes(const void *bytes, size_t n, mlp_image_format format,
                               const void *pixels, size_t n_images)
{
    write_file("plain", bytes, n);
    assert_reads("plain", format, pixels, n_images);
    size_t length = gzip(bytes, n, 6, packed, sizeof packed);
    write_file("zipped", packed, length);
    assert_reads("zipped", format, pixels, n_images);
    piped_stdin p = pipe_to_stdin(bytes, n, 5);
    assert_reads("-", format, pixels, n_images);
    restore_stdin(p);
}

static mlp_error assert_refuses(const void *bytes, size_t n, size_t images_before)
{
    mlp_error err = {""};
    mlp_image_format format;
    size_t n_found;
    write_file("bad", bytes, n);
    assert_int_equal(read_sized("bad", F, ROWS, COLS, &n_found, &format, &err), MLP_ERR_DATA);
    assert_int_equal(n_found, images_before);
    assert_says(&err, "bad", "found", "wanted", NULL);
    return err;
}

static void reads_raw_images(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof file; i++)
        file[i] = (uint8_t)(i * 7 + 1);
    assert_reads_bytes(file, F, MLP_IMAGE_RAW, file, 1);
    assert_reads_bytes(file, (size_t)2 * F, MLP_IMAGE_RAW, file, 2);
    assert_reads_bytes(file, (size_t)MANY * F, MLP_IMAGE_RAW, file, MANY);
    assert_reads_bytes("P5abcdefghij", (size_t)2 * F, MLP_IMAGE_RAW, "P5abcdefghij", 2);
}

/* Exactly the model's size is raw, whatever it starts with. */
static void one_raw_image_may_start_like_anything(void **state)
{
    (void)state;
    static const char *const starts[] = {"\0\0\x08\x01\0\0", "P5 abc", "P2\n1 1", "P6\nabc",
                                         "\xff\xd8\xff\xe0\0\0"};
    for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++)
        assert_reads_bytes(starts[i], F, MLP_IMAGE_RAW, starts[i], 1);
    mlp_error err = {""};
    mlp_image_format format;
    size_t n;
    write_file("large", "P5 4 3 255 ab", 13); /* more than any signature is long */
    assert_int_equal(read_sized("large", 13, 0, 0, &n, &format, &err), MLP_OK);
    assert_int_equal(n, 1);
    assert_int_equal(format, MLP_IMAGE_RAW);
}

static void refuses_raw_data_of_a_wrong_size(void **state)
{
    (void)state;
    char found[32];
    memset(file, 9, 100);
    for (size_t n = 0; n < 20; n++) {
        if (n > 0 && n % F == 0)
            continue;
        mlp_error err = assert_refuses(file, n, 0); /* known before the first image */
        snprintf(found, sizeof found, "bad: found %zu bytes", n);
        assert_says(&err, found, "a multiple of the model's 6 bytes (2 x 3)", NULL);

        mlp_image_format format;
        size_t n_found;
        piped_stdin p = pipe_to_stdin(file, n, 4);
        assert_int_equal(read_sized("-", F, ROWS, COLS, &n_found, &format, &err), MLP_ERR_DATA);
        restore_stdin(p);
        assert_int_equal(n_found, n / F);
        snprintf(found, sizeof found, "standard input: found %zu bytes", n);
        assert_says(&err, found, "a multiple of the model's 6 bytes (2 x 3)", NULL);
    }
}

static void reads_idx_images(void **state)
{
    (void)state;
    static const uint32_t dims[] = {MANY, ROWS, COLS}, flat[] = {3, F};
    size_t n = make_idx(file, 3, dims, 251);
    assert_reads_bytes(file, n, MLP_IMAGE_IDX, file + 16, MANY);
    n = make_idx(file, 2, flat, 251);
    assert_reads_bytes(file, n, MLP_IMAGE_IDX, file + 12, 3);
}

static void refuses_idx_that_does_not_fit(void **state)
{
    (void)state;
    static const uint32_t dims[] = {4, 2, 4}, right[] = {4, 2, 3};
    size_t n = make_idx(file, 3, dims, 251);
    mlp_error err = assert_refuses(file, n, 0);
    assert_says(&err, "at byte 4 found images of 8 bytes", "wanted the model's 6 bytes (2 x 3)",
                NULL);
    n = make_idx(file, 3, right, 251);
    err = assert_refuses(file, n - 1, 0);
    assert_says(&err, "truncated: at byte 16 found 23 bytes", NULL);
    err = assert_refuses(packed, gzip(file, n - 1, 6, packed, sizeof packed), 3);
    assert_says(&err, "truncated: found the end of the data at byte 39", NULL);
    err = assert_refuses(packed, gzip(file, n + 1, 6, packed, sizeof packed), 4);
    assert_says(&err, "trailing bytes: at byte 40", NULL);
    file[2] = 0x0D;
    err = assert_refuses(file, n, 0);
    assert_says(&err, "found type 0x0D (float)", NULL);
}

static void reads_pgm_bytes_and_text(void **state)
{
    (void)state;
    static const char binary[] = "P5\n3 2\n255\n\0\1\2\n\xfe\xff";
    static const char text[] = "P2 3 2 255 0 1 2 10\t254\r\n255";
    static const char glued[] = "P2\n# made by hand 9 9\n3#no\n";
    static const char comments[] =
        "P5\n# made by hand 9 9\n#\n 3 # columns\n2\n#\n255\n\0\1\2\n\xfe\xff";
    static const char text_comments[] = "P2\n#7\r3 2\n255 # 8\n0 1 #2\n 2 10 254 255 \n\n";
    static const uint8_t pixels[] = {0, 1, 2, 10, 254, 255};
    assert_reads_bytes(binary, sizeof binary - 1, MLP_IMAGE_PGM, pixels, 1);
    assert_reads_bytes(text, sizeof text - 1, MLP_IMAGE_PGM, pixels, 1);
    assert_reads_bytes(comments, sizeof comments - 1, MLP_IMAGE_PGM, pixels, 1);
    assert_reads_bytes(text_comments, sizeof text_comments - 1, MLP_IMAGE_PGM, pixels, 1);
    mlp_error err = assert_refuses(glued, sizeof glued - 1, 0);
    assert_says(&err, "at byte 23 found 0x23, wanted white space after the width", NULL);
}

static void reads_pgm_images_that_follow_each_other(void **state)
{
    (void)state;
    static const char data[] = "P5 3 2 255 abcdef"
                               "P2 3 2 255 1 2 3 4 5 6\n"
                               "P5 3 2 255 ghijkl\n";
    assert_reads_bytes(data, sizeof data - 1, MLP_IMAGE_PGM, "abcdef\1\2\3\4\5\6ghijkl", 3);
    static const char trailing[] = "P5 3 2 255 abcdef.";
    mlp_error err = assert_refuses(trailing, sizeof trailing - 1, 1);
    assert_says(&err, "trailing bytes: at byte 17 found 0x2E", "wanted the end of the data", NULL);
}

/* round(sample * 255 / maxval), for every maxval and sample, in text and bytes: a
 * file holds the images of one maxval. */
static void scales_to_255(void **state)
{
    (void)state;
    mlp_error err = {""};
    mlp_image_reader reader;
    for (unsigned maxval = 1; maxval <= 255; maxval++) {
        FILE *scaled = fopen("scaled", "wb");
        assert_non_null(scaled);
        for (unsigned sample = 0; sample <= maxval; sample++)
            fprintf(scaled, "P2 1 1 %u %u P5 1 1 %u %c", maxval, sample, maxval, (int)sample);
        assert_int_equal(fclose(scaled), 0);
        assert_int_equal(mlp_image_open(&reader, "scaled", 1, 1, 1, &err), MLP_OK);
        for (unsigned i = 0; i < 2 * (maxval + 1); i++) {
            uint8_t pixel = 0;
            size_t got;
            assert_int_equal(mlp_image_read(&reader, 1, &pixel, &got, &err), MLP_OK);
            assert_int_equal(got, 1);
            unsigned sample = i / 2;
            assert_int_equal(pixel, (unsigned)(255.0 * sample / maxval + 0.5));
        }
        mlp_image_close(&reader);
    }
}

static void refuses_broken_pgm(void **state)
{
    (void)state;
    static const struct {
        const char *bytes, *place, *found, *wanted;
    } cases[] = {
        {"P5 3 2 65535 ab", "at byte 13", "found maxval 65535 (a 16-bit PGM)", "wanted 1 to 255"},
        {"P5 3 2 256 abcd", "at byte 11", "found maxval 256 (a 16-bit PGM)", "wanted 1 to 255"},
        {"P2 3 2 0 1 2 3 ", "at byte 9", "found maxval 0", "wanted 1 to 255"},
        {"P5 2 3 255 abcdef", "at byte 7", "found a PGM of 3 rows x 2 columns",
         "wanted the model's 6 bytes (2 x 3)"},
        {"P5 0 0 255 abcdef", "at byte 7", "found a PGM of 0 rows x 0 columns", "6 bytes"},
        {"P5 9999999999999 2", "at byte 9", "found the width above 1000000", "wanted a smaller"},
        {"P5 3 4294967298 255 abcdef", "at byte 11", "found the height above 1000000", "smaller"},
        {"P5 three 2 255 abc", "at byte 3", "found 0x74", "wanted the width of the PGM"},
        {"P5 3 -2 255 abcdef", "at byte 5", "found 0x2D", "wanted the height of the PGM"},
        {"P2 3 2 25.5 1 2 3 4", "at byte 9", "found 0x2E", "wanted white space after the maxval"},
        {"P5 3 2 ", "at byte 7", "found the end of the data", "wanted the maxval"},
        {"P5 3 2 # only", "at byte 13", "found the end of the data", "wanted the maxval"},
        {"P5 3 2 255 abcde", "at byte 16", "truncated PGM: found the end", "wanted 1 more samples"},
        {"P2 3 2 255 1 2 3 4 5", "at byte 20", "truncated PGM: found the end", "wanted a sample"},
        {"P2 3 2 15 1 2 3 16 5 6", "at byte 19", "found sample 16", "wanted 0 to 15 (the maxval)"},
        {"P5 3 2 15 \1\2\3\x10\5\6", "at byte 13", "found sample 16", "wanted 0 to 15"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        mlp_error err = assert_refuses(cases[i].bytes, strlen(cases[i].bytes), 0);
        assert_says(&err, cases[i].place, cases[i].found, cases[i].wanted, NULL);
    }
}

/* Where the model's input has no rows and columns, only the product counts. */
static void pgm_of_a_model_without_rows_and_columns(void **state)
{
    (void)state;
    mlp_error err = {""};
    mlp_image_format format;
    size_t n;
    write_file("pgm", "P5 2 3 255 abcdef", 17);
    assert_int_equal(read_sized("pgm", F, 0, 0, &n, &format, &err), MLP_OK);
    assert_int_equal(n, 1);
    assert_memory_equal(images, "abcdef", F);
    /* 65537 x 65536 must not wrap to 65536. */
    write_file("pgm", "P5 65536 65537 255 abcdef", 25);
    assert_int_equal(read_sized("pgm", 65536, 0, 0, &n, &format, &err), MLP_ERR_DATA);
    assert_says(&err, "found a PGM of 65537 rows x 65536 columns, wanted the model's 65536 bytes",
                NULL);
    write_file("pgm", "P5 7 1 255 abcdefg", 18);
    assert_int_equal(read_sized("pgm", F, 0, 0, &n, &format, &err), MLP_ERR_DATA);
    assert_says(&err, "found a PGM of 1 rows x 7 columns, wanted the model's 6 bytes", NULL);
}

static void refuses_other_formats_by_name(void **state)
{
    (void)state;
    enum { PADDED = 3 * F }; /* as raw bytes they would pass */
    static const struct {
        const char bytes[PADDED + 1], *refusal;
    } cases[] = {
        {"\x89PNG\r\n\x1a\n", "bad: PNG is not supported yet"},
        {"\xff\xd8\xff\xe0", "bad: JPEG is not supported"},
        {"P6\n1 1\n255\nabc", "bad: colour images (PPM) are not supported"},
        {"P3\n1 1\n255\n1 2 3", "bad: colour images (PPM) are not supported"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        mlp_error err = assert_refuses(cases[i].bytes, PADDED, 0);
        assert_says(&err, cases[i].refusal, "at byte 0", "wanted raw bytes, PGM or IDX", NULL);
    }
}

static void passes_the_sources_refusals_on(void **state)
{
    (void)state;
    mlp_error err = {""};
    mlp_image_format format;
    size_t n;
    assert_int_equal(read_sized("absent", F, ROWS, COLS, &n, &format, &err), MLP_ERR_DATA);
    assert_string_equal(err.message, "absent: cannot open: No such file or directory");
    size_t length = gzip("abcdef", F, 6, packed, sizeof packed);
    packed[length - 8] ^= 1;
    err = assert_refuses(packed, length, 0); /* before the one image is handed out */
    assert_says(&err, "gzip checksum failed", NULL);
}

static void reads_real_mnist_in_batches(void **state)
{
    char path[PATH_MAX];
    enum { AT_ONCE = 999 };
    static uint8_t pixels[AT_ONCE * 784];
    mlp_image_reader reader;
    mlp_error err = {""};
    uLong crc = crc32(0, NULL, 0);
    size_t n = 0, got = AT_ONCE;
    mnist_path(state, "t10k-images-idx3-ubyte.gz", path);
    assert_int_equal(mlp_image_open(&reader, path, 784, 28, 28, &err), MLP_OK);
    while (got == AT_ONCE) {
        assert_int_equal(mlp_image_read(&reader, AT_ONCE, pixels, &got, &err), MLP_OK);
        crc = crc32(crc, pixels, (uInt)(got * 784));
        n += got;
    }
    mlp_image_close(&reader);
    assert_int_equal(n, 10000);
    assert_int_equal(crc, 0xe4ca5f57);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_raw_images),
        cmocka_unit_test(one_raw_image_may_start_like_anything),
        cmocka_unit_test(refuses_raw_data_of_a_wrong_size),
        cmocka_unit_test(reads_idx_images),
        cmocka_unit_test(refuses_idx_that_does_not_fit),
        cmocka_unit_test(reads_pgm_bytes_and_text),
        cmocka_unit_test(reads_pgm_images_that_follow_each_other),
        cmocka_unit_test(scales_to_255),
        cmocka_unit_test(refuses_broken_pgm),
        cmocka_unit_test(pgm_of_a_model_without_rows_and_columns),
        cmocka_unit_test(refuses_other_formats_by_name),
        cmocka_unit_test(passes_the_sources_refusals_on),
        cmocka_unit_test(reads_real_mnist_in_batches),
    };
    int failed = cmocka_run_group_tests(tests, enter_folder, leave_folder);
    at_once = 7;
    return failed + cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
