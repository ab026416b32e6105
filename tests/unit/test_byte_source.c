#include "data_fixture.h"

#include <signal.h>
#include <sys/time.h>

#include "data/byte_source.h"

enum { ROOM = 1 << 20 };

static uint8_t plain[ROOM], packed[ROOM], out[ROOM];

/* Bytes that do not compress, from a small linear congruential generator. */
static void fill_noise(uint8_t *bytes, size_t n)
{
    uint32_t x = 12345;
    for (size_t i = 0; i < n; i++) {
        x = x * 1664525 + 1013904223;
        bytes[i] = (uint8_t)(x >> 24);
    }
}

/* Reads all of a file in steps; *n is its length. */
static mlp_status slurp(const char *path, size_t step, size_t *n, mlp_error *err)
{
    mlp_byte_source source;
    mlp_status status = mlp_byte_source_open(&source, path, err);
    size_t got = step;
    *n = 0;
    while (status == MLP_OK && got == step) {
        assert_true(*n + step <= ROOM);
        status = mlp_byte_source_read(&source, out + *n, step, &got, err);
        *n += got;
        assert_true(status != MLP_OK || source.offset == *n);
    }
    mlp_byte_source_close(&source);
    return status;
}

static void assert_reads(const char *path, const uint8_t *bytes, size_t n, size_t step)
{
    mlp_error err = {""};
    size_t got;
    memset(out, 0xEE, sizeof out);
    if (slurp(path, step, &got, &err) != MLP_OK)
        fail_msg("%s", err.message);
    assert_int_equal(got, n);
    assert_memory_equal(out, bytes, n);
}

static mlp_error assert_refuses(const char *path)
{
    mlp_error err = {""};
    size_t n;
    assert_int_equal(slurp(path, 4096, &n, &err), MLP_ERR_DATA);
    assert_says(&err, path, "found", "wanted", NULL);
    return err;
}

static void reads_plain_and_gzip_in_any_steps(void **state)
{
    (void)state;
    static const size_t lengths[] = {0, 1, 2, 1000, 65535, 65536, 65537, 300000};
    static const size_t steps[] = {7, 784, 65536, 500000};
    fill_noise(plain, sizeof plain);
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        write_file("plain.gz", plain, lengths[i]); /* the name decides nothing */
        write_file("packed", packed, gzip(plain, lengths[i], 6, packed, sizeof packed));
        for (size_t j = 0; j < sizeof steps / sizeof steps[0]; j++) {
            assert_reads("plain.gz", plain, lengths[i], steps[j]);
            assert_reads("packed", plain, lengths[i], steps[j]);
        }
    }
}

static void peek_leaves_the_bytes_to_read(void **state)
{
    (void)state;
    static const char *const names[] = {"plain", "packed"};
    mlp_byte_source source;
    mlp_error err = {""};
    const uint8_t *seen;
    size_t got;
    fill_noise(plain, 1000);
    write_file("plain", plain, 1000);
    write_file("packed", packed, gzip(plain, 1000, 6, packed, sizeof packed));
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(mlp_byte_source_open(&source, names[i], &err), MLP_OK);
        assert_int_equal(source.gzip, i == 1);
        assert_int_equal(mlp_byte_source_peek(&source, 4, &seen, &got, &err), MLP_OK);
        assert_int_equal(got, 4);
        assert_memory_equal(seen, plain, 4);
        assert_int_equal(mlp_byte_source_read(&source, out, 2, &got, &err), MLP_OK);
        assert_int_equal(source.offset, 2);
        assert_int_equal(mlp_byte_source_peek(&source, 500, &seen, &got, &err), MLP_OK);
        assert_int_equal(got, 500);
        assert_memory_equal(seen, plain + 2, 500);
        assert_int_equal(mlp_byte_source_peek(&source, 3, &seen, &got, &err), MLP_OK);
        assert_int_equal(got, 3);
        assert_memory_equal(seen, plain + 2, 3);
        assert_int_equal(mlp_byte_source_read(&source, out + 2, 990, &got, &err), MLP_OK);
        assert_int_equal(got, 990);
        assert_memory_equal(out, plain, 992);
        assert_int_equal(mlp_byte_source_peek(&source, 100, &seen, &got, &err), MLP_OK);
        assert_int_equal(got, 8);
        assert_int_equal(mlp_byte_source_read(&source, out, 100, &got, &err), MLP_OK);
        assert_int_equal(got, 8);
        assert_memory_equal(out, plain + 992, 8);
        assert_int_equal(mlp_byte_source_peek(&source, 1, &seen, &got, &err), MLP_OK);
        assert_int_equal(got, 0);
        mlp_byte_source_close(&source);
    }
}

static void joins_gzip_members(void **state)
{
    (void)state;
    size_t n = 0;
    fill_noise(plain, 150000);
    n += gzip(plain, 70000, 6, packed + n, sizeof packed - n);
    n += gzip(plain, 0, 6, packed + n, sizeof packed - n);
    n += gzip(plain + 70000, 1, 6, packed + n, sizeof packed - n);
    n += gzip(plain + 70001, 79999, 6, packed + n, sizeof packed - n);
    n += gzip(plain, 0, 6, packed + n, sizeof packed - n);
    write_file("members", packed, n);
    assert_reads("members", plain, 150000, 100);
    assert_reads("members", plain, 150000, 150000);
    assert_reads("members", plain, 150000, 150001);
}

static void refuses_every_truncation(void **state)
{
    (void)state;
    static const uint8_t text[] = "a b c a b c a b c";
    char place[64];
    size_t first = gzip(text, sizeof text, 6, packed, sizeof packed);
    size_t n = first + gzip(text, sizeof text, 6, packed + first, sizeof packed - first);
    for (size_t cut = 2; cut < n; cut++) {
        if (cut == first)
            continue;
        write_file("cut.gz", packed, cut);
        mlp_error err = assert_refuses("cut.gz");
        snprintf(place, sizeof place, "compressed byte %zu", cut == first + 1 ? first : cut);
        assert_says(&err, cut == first + 1 ? "trailing bytes" : "truncated gzip data", place, NULL);
    }
}

static void refuses_every_damaged_bit(void **state)
{
    (void)state;
    uint8_t text[300], damaged[1000];
    size_t accepted = 0, got;
    mlp_error err = {""};
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (uint8_t)(i * i % 251);
    size_t n = gzip(text, sizeof text, 6, packed, sizeof packed);
    for (size_t i = 10; i < n; i++) { /* after the header, whose time and system say nothing */
        for (int bit = 0; bit < 8; bit++) {
            memcpy(damaged, packed, n);
            damaged[i] ^= (uint8_t)(1 << bit);
            write_file("damaged.gz", damaged, n);
            if (slurp("damaged.gz", 4096, &got, &err) == MLP_ERR_DATA) {
                assert_says(&err, "damaged.gz", "found", "wanted", NULL);
                continue;
            }
            /* Only the padding between the last block and the checksum may pass. */
            assert_int_equal(i, n - 9);
            assert_memory_equal(out, text, sizeof text);
            accepted++;
        }
    }
    assert_true(accepted <= 7);
    packed[2] = 9;
    write_file("damaged.gz", packed, n);
    err = assert_refuses("damaged.gz");
    assert_says(&err, "corrupt gzip data", "unknown compression method", NULL);
}

/* Found and wanted are the computed and the stored value, also where the stored
 * one lies across two reads of the file (64 KiB each). */
static void names_failed_checksums(void **state)
{
    (void)state;
    char found[64], wanted[64], place[64];
    fill_noise(plain, 70000);
    for (size_t length = 65490; length < 65540; length++) {
        size_t n = gzip(plain, length, 0, packed, sizeof packed);
        uint8_t *crc = packed + n - 8, *size = packed + n - 4;
        memcpy(crc, "\x78\x56\x34\x12", 4);
        write_file("crc.gz", packed, n);
        mlp_error err = assert_refuses("crc.gz");
        snprintf(found, sizeof found, "found data with CRC-32 %08lx",
                 crc32(0, plain, (uInt)length));
        snprintf(place, sizeof place, "compressed byte %zu", n - 8);
        assert_says(&err, "gzip checksum failed", place, found, "wanted 12345678", NULL);

        n = gzip(plain, length, 0, packed, sizeof packed);
        size[3] = 1;
        write_file("length.gz", packed, n);
        err = assert_refuses("length.gz");
        snprintf(found, sizeof found, "found %zu bytes", length);
        snprintf(wanted, sizeof wanted, "wanted %zu ", length + (1 << 24));
        snprintf(place, sizeof place, "compressed byte %zu", n - 4);
        assert_says(&err, "gzip length check failed", place, found, wanted, NULL);
    }
}

static void refuses_what_follows_a_member(void **state)
{
    (void)state;
    static const char *const tails[] = {"x", "\x1f", "\x1f\x8c", "<html>"};
    char place[64];
    size_t n = gzip("abc", 3, 6, packed, sizeof packed);
    snprintf(place, sizeof place, "compressed byte %zu found 0x", n);
    for (size_t i = 0; i < sizeof tails / sizeof tails[0]; i++) {
        memcpy(packed + n, tails[i], strlen(tails[i]));
        write_file("tail.gz", packed, n + strlen(tails[i]));
        mlp_error err = assert_refuses("tail.gz");
        assert_says(&err, "trailing bytes", place, "wanted the end of the file", NULL);
    }
    packed[n] = 0; /* the padding that gzip(1) would ignore */
    write_file("tail.gz", packed, n + 1);
    mlp_error err = assert_refuses("tail.gz");
    assert_says(&err, "found 0x00", NULL);
}

static void on_alarm(int number)
{
    (void)number;
}

/* Short reads, and reads that a signal interrupts before any byte came. */
static void reads_slow_pipes_through_signals(void **state)
{
    (void)state;
    const struct sigaction action = {.sa_handler = on_alarm}; /* no SA_RESTART */
    const struct itimerval often = {{0, 1000}, {0, 1000}}, never = {0};
    sigaction(SIGALRM, &action, NULL); /* for good: the last alarm may come late */
    fill_noise(plain, 3000);
    size_t n = gzip(plain, 3000, 6, packed, sizeof packed);
    for (int zipped = 0; zipped < 2; zipped++) {
        piped_stdin p = pipe_to_stdin(zipped ? packed : plain, zipped ? n : 3000, 13);
        setitimer(ITIMER_REAL, &often, NULL);
        assert_reads("-", plain, 3000, 700);
        setitimer(ITIMER_REAL, &never, NULL);
        restore_stdin(p);
    }
}

static void reads_standard_input_from_where_it_stands(void **state)
{
    (void)state;
    mlp_byte_source source;
    mlp_error err = {""};
    size_t got;
    int saved = dup(STDIN_FILENO);
    fill_noise(plain, 100);
    write_file("file", plain, 100);
    int fd = open("file", O_RDONLY);
    assert_int_equal(lseek(fd, 30, SEEK_SET), 30);
    assert_true(dup2(fd, STDIN_FILENO) >= 0);
    assert_int_equal(mlp_byte_source_open(&source, "-", &err), MLP_OK);
    assert_string_equal(source.name, "standard input");
    assert_int_equal(source.size, 70);
    assert_int_equal(mlp_byte_source_read(&source, out, 100, &got, &err), MLP_OK);
    assert_int_equal(got, 70);
    assert_memory_equal(out, plain + 30, 70);
    mlp_byte_source_close(&source);
    assert_true(fcntl(STDIN_FILENO, F_GETFD) >= 0); /* still open */
    if (saved >= 0)
        dup2(saved, STDIN_FILENO);
    close(saved);
    close(fd);
}

static void size_is_known_of_files_only(void **state)
{
    (void)state;
    mlp_byte_source source;
    mlp_error err = {""};
    write_file("file", "12345", 5);
    assert_int_equal(mlp_byte_source_open(&source, "file", &err), MLP_OK);
    assert_int_equal(source.size, 5);
    mlp_byte_source_close(&source);
    piped_stdin p = pipe_to_stdin((const uint8_t *)"12345", 5, 5);
    assert_int_equal(mlp_byte_source_open(&source, "-", &err), MLP_OK);
    assert_int_equal(source.size, 0);
    mlp_byte_source_close(&source);
    restore_stdin(p);
}

static void refuses_what_is_no_file(void **state)
{
    (void)state;
    mlp_byte_source source;
    mlp_error err = {""};
    assert_int_equal(mlp_byte_source_open(&source, "absent", &err), MLP_ERR_DATA);
    assert_string_equal(err.message, "absent: cannot open: No such file or directory");
    mlp_byte_source_close(&source);
    assert_int_equal(mlp_byte_source_open(&source, "/", &err), MLP_ERR_DATA);
    assert_string_equal(err.message, "/: found a folder, wanted a file");
    mlp_byte_source_close(&source);
}

static void close_ends_what_was_opened_and_accepts_zero(void **state)
{
    (void)state;
    mlp_byte_source source;
    mlp_error err = {""};
    write_file("file", "12345", 5);
    assert_int_equal(mlp_byte_source_open(&source, "file", &err), MLP_OK);
    int fd = source.fd;
    mlp_byte_source_close(&source);
    assert_int_equal(fcntl(fd, F_GETFD), -1);
    source = (mlp_byte_source){0};
    int input = fcntl(STDIN_FILENO, F_GETFD);
    mlp_byte_source_close(&source);
    assert_int_equal(fcntl(STDIN_FILENO, F_GETFD), input); /* a zeroed fd is nobody's */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_plain_and_gzip_in_any_steps),
        cmocka_unit_test(peek_leaves_the_bytes_to_read),
        cmocka_unit_test(joins_gzip_members),
        cmocka_unit_test(refuses_every_truncation),
        cmocka_unit_test(refuses_every_damaged_bit),
        cmocka_unit_test(names_failed_checksums),
        cmocka_unit_test(refuses_what_follows_a_member),
        cmocka_unit_test(reads_slow_pipes_through_signals),
        cmocka_unit_test(reads_standard_input_from_where_it_stands),
        cmocka_unit_test(size_is_known_of_files_only),
        cmocka_unit_test(refuses_what_is_no_file),
        cmocka_unit_test(close_ends_what_was_opened_and_accepts_zero),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
