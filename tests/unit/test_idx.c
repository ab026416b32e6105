#include "data_fixture.h"

#include "data/idx.h"

enum { ROOM = 1 << 16 };

static uint8_t file[ROOM], packed[ROOM], big[12 + 5000000];
static const uint32_t DIMS[] = {5, 3, 4};
enum { HEADER = 16, DATA = 60 };

/* The file, plain and gzipped: both must be refused, naming the file and texts. */
static mlp_error assert_refuses_file(const char *name)
{
    mlp_idx idx;
    mlp_error err = {""};
    assert_int_equal(mlp_idx_read(&idx, name, &err), MLP_ERR_DATA);
    assert_null(idx.data);
    assert_int_equal(idx.shape.rank, 0);
    assert_says(&err, name, "found", "wanted", NULL);
    return err;
}

static void assert_refuses(size_t n, const char *place, const char *found, const char *wanted)
{
    write_file("plain", file, n);
    mlp_error err = assert_refuses_file("plain");
    assert_says(&err, place, found, wanted, NULL);
    write_file("zipped.gz", packed, gzip(file, n, 6, packed, sizeof packed));
    err = assert_refuses_file("zipped.gz");
    assert_says(&err, place, found, wanted, NULL);
}

static void assert_reads(const char *name, size_t rank, const uint32_t *dims, const uint8_t *data)
{
    mlp_idx idx;
    mlp_error err = {""};
    if (mlp_idx_read(&idx, name, &err) != MLP_OK)
        fail_msg("%s", err.message);
    size_t item_bytes = 1;
    for (size_t i = 1; i < rank; i++)
        item_bytes *= dims[i];
    assert_int_equal(idx.shape.rank, rank);
    assert_memory_equal(idx.shape.dims, dims, rank * sizeof *dims);
    assert_int_equal(idx.shape.count, dims[0]);
    assert_int_equal(idx.shape.item_bytes, item_bytes);
    assert_memory_equal(idx.data, data, idx.shape.count * item_bytes);
    mlp_idx_free(&idx);
    assert_null(idx.data);
    mlp_idx_free(&idx);
}

static void reads_every_rank_plain_and_gzipped(void **state)
{
    (void)state;
    static const uint32_t dims[MLP_IDX_MAX_RANK] = {3, 2, 5, 1, 2, 4, 2, 3};
    for (size_t rank = 1; rank <= MLP_IDX_MAX_RANK; rank++) {
        size_t n = make_idx(file, rank, dims, 251);
        write_file("plain", file, n);
        write_file("zipped", packed, gzip(file, n, 6, packed, sizeof packed));
        assert_reads("plain", rank, dims, file + 4 + 4 * rank);
        assert_reads("zipped", rank, dims, file + 4 + 4 * rank);
    }
}

static void streams_items_from_a_source_that_was_peeked(void **state)
{
    (void)state;
    mlp_byte_source source;
    mlp_idx_reader reader;
    mlp_error err = {""};
    const uint8_t *first;
    uint8_t items[DATA];
    size_t got, n = make_idx(file, 3, DIMS, 251);
    write_file("zipped", packed, gzip(file, n, 6, packed, sizeof packed));
    assert_int_equal(mlp_byte_source_open(&source, "zipped", &err), MLP_OK);
    assert_int_equal(mlp_byte_source_peek(&source, 4, &first, &got, &err), MLP_OK);
    assert_true(mlp_idx_is_magic(first));
    assert_int_equal(mlp_idx_open(&reader, &source, &err), MLP_OK);
    assert_int_equal(reader.items_left, 5);
    assert_int_equal(mlp_idx_read_items(&reader, 2, items, &err), MLP_OK);
    assert_int_equal(reader.items_left, 3);
    assert_int_equal(mlp_idx_read_items(&reader, 0, items, &err), MLP_OK);
    assert_int_equal(mlp_idx_read_items(&reader, 3, items + 24, &err), MLP_OK);
    assert_int_equal(reader.items_left, 0);
    assert_int_equal(mlp_idx_check_end(&reader, &err), MLP_OK);
    assert_memory_equal(items, file + HEADER, DATA);
    mlp_byte_source_close(&source);
}

static void reads_pipes_in_growing_steps(void **state)
{
    (void)state;
    static const uint32_t dims[] = {5000, 1000}; /* 5 MB: more than two steps of memory */
    size_t n = make_idx(big, 2, dims, 251);
    piped_stdin p = pipe_to_stdin(big, n, 50000);
    assert_reads("-", 2, dims, big + 12);
    restore_stdin(p);

    p = pipe_to_stdin(big, n - 1, 50000);
    mlp_idx idx;
    mlp_error err = {""};
    assert_int_equal(mlp_idx_read(&idx, "-", &err), MLP_ERR_DATA);
    assert_says(&err, "standard input: truncated", "byte 5000011", "wanted 1 more", NULL);
    restore_stdin(p);
}

/* A header may claim anything; from a pipe only what arrives costs memory. */
static void does_not_believe_a_pipe(void **state)
{
    (void)state;
    static const uint8_t claims_4_gb[] = {0, 0, 8, 2, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff, 7};
    static const uint8_t claims_more[] = {0, 0, 8, 2, 0, 0, 0, 2, 0xff, 0xff, 0xff, 0xff, 7};
    mlp_idx idx;
    mlp_error err = {""};
    piped_stdin p = pipe_to_stdin(claims_4_gb, sizeof claims_4_gb, 5);
    assert_int_equal(mlp_idx_read(&idx, "-", &err), MLP_ERR_DATA);
    assert_says(&err, "truncated: found the end of the data at byte 13", "(1 x 4294967295)", NULL);
    restore_stdin(p);
    p = pipe_to_stdin(claims_more, sizeof claims_more, 5);
    assert_int_equal(mlp_idx_read(&idx, "-", &err), MLP_ERR_DATA);
    assert_says(&err, "found sizes 2 x 4294967295", "wanted a product of at most 4294967296", NULL);
    restore_stdin(p);
}

static void refuses_a_wrong_magic(void **state)
{
    (void)state;
    size_t n = make_idx(file, 3, DIMS, 251);
    file[0] = 0x25;
    assert_refuses(n, "at byte 0", "found 25 00 08 03", "wanted 00 00 08");
    file[0] = 0;
    file[1] = 1;
    assert_refuses(n, "at byte 0", "found 00 01 08 03", "wanted 00 00 08");
}

static void refuses_other_types_by_name(void **state)
{
    (void)state;
    static const struct {
        uint8_t type;
        const char *found;
    } cases[] = {
        {0x09, "found type 0x09 (signed byte)"}, {0x0B, "found type 0x0B (short)"},
        {0x0C, "found type 0x0C (int)"},         {0x0D, "found type 0x0D (float)"},
        {0x0E, "found type 0x0E (double)"},      {0x07, "found type 0x07 (unknown)"},
    };
    size_t n = make_idx(file, 3, DIMS, 251);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        file[2] = cases[i].type;
        assert_refuses(n, "at byte 2", cases[i].found, "wanted 0x08 (unsigned byte)");
        assert_int_equal(mlp_idx_is_magic(file), cases[i].type != 7);
    }
}

static void refuses_a_wrong_rank(void **state)
{
    (void)state;
    size_t n = make_idx(file, 3, DIMS, 251);
    file[3] = 0;
    assert_refuses(n, "at byte 3", "found rank 0", "wanted 1 to 8");
    assert_false(mlp_idx_is_magic(file));
    file[3] = 9;
    assert_refuses(n, "at byte 3", "found rank 9", "wanted 1 to 8");
    assert_false(mlp_idx_is_magic(file));
}

static void refuses_truncation_and_trailing_bytes(void **state)
{
    (void)state;
    char place[64], wanted[64], found[64];
    size_t n = make_idx(file, 3, DIMS, 251);
    file[n] = 0xAB;
    assert_refuses(0, "empty", "found 0 bytes", "wanted IDX data");
    for (size_t cut = 1; cut < HEADER; cut++) {
        snprintf(place, sizeof place, "at byte %zu", cut);
        snprintf(wanted, sizeof wanted, "wanted %zu more bytes", (cut < 4 ? 4 : HEADER) - cut);
        assert_refuses(cut, place, "truncated header: found the end of the data", wanted);
    }
    for (size_t cut = HEADER; cut < n; cut++) {
        write_file("plain", file, cut);
        mlp_error err = assert_refuses_file("plain");
        snprintf(found, sizeof found, "found %zu bytes", cut - HEADER);
        assert_says(&err, "truncated: at byte 16", found, "wanted 60 (5 x 3 x 4)", NULL);
        write_file("zipped", packed, gzip(file, cut, 6, packed, sizeof packed));
        err = assert_refuses_file("zipped");
        snprintf(place, sizeof place, "at byte %zu", cut);
        snprintf(wanted, sizeof wanted, "wanted %zu more bytes (5 x 3 x 4)", n - cut);
        assert_says(&err, "truncated: found the end of the data", place, wanted, NULL);
    }
    write_file("plain", file, n + 1);
    mlp_error err = assert_refuses_file("plain");
    assert_says(&err, "trailing bytes: at byte 16 found 61 bytes", "wanted 60 (5 x 3 x 4)", NULL);
    write_file("zipped", packed, gzip(file, n + 1, 6, packed, sizeof packed));
    err = assert_refuses_file("zipped");
    assert_says(&err, "trailing bytes: at byte 76 found 0xAB", "(5 x 3 x 4)", NULL);
}

static void refuses_sizes_of_zero(void **state)
{
    (void)state;
    static const uint32_t no_images[] = {0, 3, 4}, no_rows[] = {5, 0, 4}, no_columns[] = {5, 3, 0};
    assert_refuses(make_idx(file, 3, no_images, 251), "at byte 4", "found a number of items of 0",
                   "wanted 1 or more");
    assert_refuses(make_idx(file, 3, no_rows, 251), "at byte 8", "found a size of 0",
                   "wanted 1 or more");
    assert_refuses(make_idx(file, 3, no_columns, 251), "at byte 12", "found a size of 0",
                   "wanted 1 or more");
}

static void refuses_products_that_overflow(void **state)
{
    (void)state;
    static const uint8_t large[HEADER] = {0,    0,    8,    3,    0xff, 0xff, 0xff, 0xff,
                                          0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    /* 2^64 wraps to nothing, and must not pass for it. */
    static const uint8_t wraps[24] = {0, 0, 8, 5, 0, 1, 0, 0, 0, 1, 0, 0,
                                      0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1};
    static const uint8_t item_wraps[28] = {0, 0, 8, 6, 0, 0, 0, 1, 0, 1, 0, 0, 0, 1,
                                           0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1};
    memcpy(file, large, sizeof large);
    assert_refuses(sizeof large, "at byte 4", "found sizes 4294967295 x 4294967295 x 4294967295",
                   "wanted a product of at most 18446744073709551615");
    memcpy(file, wraps, sizeof wraps);
    assert_refuses(sizeof wraps, "at byte 4", "found sizes 65536 x 65536 x 65536 x 65536 x 1",
                   "wanted a product");
    memcpy(file, item_wraps, sizeof item_wraps);
    assert_refuses(sizeof item_wraps, "at byte 4",
                   "found sizes 1 x 65536 x 65536 x 65536 x 65536 x 1", "wanted a product");
}

/* Before anything is allocated: 2^40 bytes would fail in another way. */
static void refuses_more_than_the_file_can_hold(void **state)
{
    (void)state;
    static const uint8_t claim[] = {0, 0, 8, 2, 0, 1, 0, 0, 1, 0, 0, 0, 9};
    char found[64];
    write_file("plain", claim, sizeof claim);
    mlp_error err = assert_refuses_file("plain");
    assert_says(&err, "truncated: at byte 12 found 1 bytes", "wanted 1099511627776 (65536 x 1677",
                NULL);
    size_t n = gzip(claim, sizeof claim, 6, packed, sizeof packed);
    write_file("zipped", packed, n);
    err = assert_refuses_file("zipped");
    snprintf(found, sizeof found, "found a gzip file of %zu bytes", n);
    assert_says(&err, "at byte 12", found, "wanted 1099511627776 bytes", NULL);
}

/* The bound must not refuse what deflate can do at its best. */
static void accepts_the_densest_gzip(void **state)
{
    (void)state;
    static const uint32_t dims[] = {20000, 1000};
    uint8_t *zeros = malloc(12 + 20000000);
    assert_non_null(zeros);
    size_t n = make_idx(zeros, 2, dims, 1);
    size_t length = gzip(zeros, n, 9, packed, sizeof packed);
    assert_true(n / length > 1000);
    write_file("dense", packed, length);
    assert_reads("dense", 2, dims, zeros + 12);
    free(zeros);
}

static void refuses_web_pages(void **state)
{
    (void)state;
    static const char *const pages[] = {"<!DOCTYPE html><html>moved</html>", "\r\n <html></html>",
                                        "\xEF\xBB\xBF<html></html>"};
    for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++) {
        write_file("train-images-idx3-ubyte.gz", pages[i], strlen(pages[i]));
        mlp_error err = assert_refuses_file("train-images-idx3-ubyte.gz");
        assert_says(&err, "looks like a web page (HTML), not IDX", "wanted 00 00 08", NULL);
        memcpy(file, pages[i], strlen(pages[i]));
        assert_refuses(strlen(pages[i]), "web page", "at byte 0 found", "wanted 00 00 08");
    }
}

static void passes_the_sources_refusals_on(void **state)
{
    (void)state;
    mlp_idx idx;
    mlp_error err = {""};
    size_t n = make_idx(file, 3, DIMS, 251);
    size_t length = gzip(file, n, 6, packed, sizeof packed);
    packed[length - 8] ^= 1;
    write_file("crc.gz", packed, length);
    err = assert_refuses_file("crc.gz"); /* only seen after the last item */
    assert_says(&err, "gzip checksum failed", NULL);
    write_file("cut.gz", packed, length - 3);
    err = assert_refuses_file("cut.gz");
    assert_says(&err, "gzip", NULL);
    packed[length - 8] ^= 1;
    packed[length] = '\n';
    write_file("tail.gz", packed, length + 1);
    err = assert_refuses_file("tail.gz");
    assert_says(&err, "trailing bytes after the gzip data", "found 0x0A", NULL);
    assert_int_equal(mlp_idx_read(&idx, "absent", &err), MLP_ERR_DATA);
    assert_string_equal(err.message, "absent: cannot open: No such file or directory");
}

static void encodes_what_it_reads(void **state)
{
    (void)state;
    uint8_t *bytes, *again;
    size_t n, n_again;
    mlp_error err = {""};
    make_idx(file, 3, DIMS, 251);
    assert_int_equal(mlp_idx_encode_gzip(3, DIMS, file + HEADER, &bytes, &n, &err), MLP_OK);
    write_file("encoded", bytes, n);
    assert_reads("encoded", 3, DIMS, file + HEADER);
    /* RFC 1952: 1f 8b, deflate, no flags, no time, no extra flags, system unknown. */
    assert_memory_equal(bytes, "\x1f\x8b\x08\0\0\0\0\0\0\xff", 10);
    assert_int_equal(mlp_idx_encode_gzip(3, DIMS, file + HEADER, &again, &n_again, &err), MLP_OK);
    assert_int_equal(n, n_again);
    assert_memory_equal(bytes, again, n);
    free(bytes);
    free(again);
}

static void refuses_to_encode_what_is_too_large(void **state)
{
    (void)state;
    static const uint32_t large[] = {1 << 16, 1 << 15}, overflowing[] = {1u << 31, 1u << 31, 4};
    uint8_t *bytes;
    size_t n;
    mlp_error err = {""};
    assert_int_equal(mlp_idx_encode_gzip(2, large, file, &bytes, &n, &err), MLP_ERR_RUNTIME);
    assert_null(bytes);
    assert_int_equal(mlp_idx_encode_gzip(3, overflowing, file, &bytes, &n, &err), MLP_ERR_RUNTIME);
    assert_null(bytes);
}

/* The CRC-32 of the published files' data, after the header. */
static void reads_real_mnist(void **state)
{
    static const struct {
        const char *name;
        uint32_t dims[3];
        size_t rank;
        uLong crc;
    } files[] = {
        {"train-images-idx3-ubyte.gz", {60000, 28, 28}, 3, 0xf3639b56},
        {"train-labels-idx1-ubyte.gz", {60000}, 1, 0xba07e8ef},
        {"t10k-images-idx3-ubyte.gz", {10000, 28, 28}, 3, 0xe4ca5f57},
        {"t10k-labels-idx1-ubyte.gz", {10000}, 1, 0xee8604d9},
    };
    char path[PATH_MAX];
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        mlp_idx idx;
        mlp_error err = {""};
        mnist_path(state, files[i].name, path);
        if (mlp_idx_read(&idx, path, &err) != MLP_OK)
            fail_msg("%s", err.message);
        assert_int_equal(idx.shape.rank, files[i].rank);
        assert_memory_equal(idx.shape.dims, files[i].dims, files[i].rank * sizeof(uint32_t));
        size_t n = idx.shape.count * idx.shape.item_bytes;
        assert_int_equal(crc32(0, idx.data, (uInt)n), files[i].crc);
        mlp_idx_free(&idx);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_rank_plain_and_gzipped),
        cmocka_unit_test(streams_items_from_a_source_that_was_peeked),
        cmocka_unit_test(reads_pipes_in_growing_steps),
        cmocka_unit_test(does_not_believe_a_pipe),
        cmocka_unit_test(refuses_a_wrong_magic),
        cmocka_unit_test(refuses_other_types_by_name),
        cmocka_unit_test(refuses_a_wrong_rank),
        cmocka_unit_test(refuses_truncation_and_trailing_bytes),
        cmocka_unit_test(refuses_sizes_of_zero),
        cmocka_unit_test(refuses_products_that_overflow),
        cmocka_unit_test(refuses_more_than_the_file_can_hold),
        cmocka_unit_test(accepts_the_densest_gzip),
        cmocka_unit_test(refuses_web_pages),
        cmocka_unit_test(passes_the_sources_refusals_on),
        cmocka_unit_test(encodes_what_it_reads),
        cmocka_unit_test(refuses_to_encode_what_is_too_large),
        cmocka_unit_test(reads_real_mnist),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
