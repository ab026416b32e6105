/* metrics.jsonl: appended a line at a time, rewound when a run goes on. */
#include "data_fixture.h"

#include <signal.h>
#include <sys/resource.h>

#include "io/metrics.h"

static const char *contents(const char *path)
{
    static char text[1 << 16];
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t n = fread(text, 1, sizeof text - 1, file);
    text[n] = '\0';
    fclose(file);
    return text;
}

static void append(const char *path, const char *line)
{
    mlp_metrics metrics;
    mlp_error err;
    assert_int_equal(mlp_metrics_open(&metrics, path, &err), MLP_OK);
    assert_int_equal(mlp_metrics_append(&metrics, line, &err), MLP_OK);
    mlp_metrics_close(&metrics);
}

static void appends_lines_to_what_is_there(void **state)
{
    (void)state;
    append("m", "{\"event\": \"start\"}");
    append("m", "{}");
    assert_string_equal(contents("m"), "{\"event\": \"start\"}\n{}\n");
}

static void closes_what_was_never_opened(void **state)
{
    (void)state;
    mlp_metrics metrics = {0};
    mlp_error err;
    mlp_metrics_close(&metrics);
    assert_true(fcntl(STDIN_FILENO, F_GETFD) >= 0); /* descriptor 0 was not meant */
    assert_int_equal(mlp_metrics_open(&metrics, "no/such", &err), MLP_ERR_RUNTIME);
    assert_says(&err, "no/such: cannot open: No such file", NULL);
    mlp_metrics_close(&metrics);
    mlp_metrics_close(&metrics);
}

/* The disk is full, as far as this process can tell. */
static void reports_a_full_disk(void **state)
{
    (void)state;
    mlp_metrics metrics;
    mlp_error err;
    struct rlimit saved, small;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &saved), 0);
    small = saved;
    small.rlim_cur = 8;
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(mlp_metrics_open(&metrics, "full", &err), MLP_OK);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    mlp_status status = mlp_metrics_append(&metrics, "{\"event\": \"epoch\"}", &err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &saved), 0);
    signal(SIGXFSZ, handler);
    assert_int_equal(status, MLP_ERR_RUNTIME);
    assert_says(&err, "full: cannot write", NULL);
    mlp_metrics_close(&metrics);
}

static void assert_rewinds(const char *before, uint64_t epochs, const char *after)
{
    mlp_error err;
    write_file("m", before, strlen(before));
    if (mlp_metrics_rewind("m", epochs, &err) != MLP_OK)
        fail_msg("%s", err.message);
    assert_string_equal(contents("m"), after);
    assert_int_equal(mlp_metrics_rewind("m", epochs, &err), MLP_OK);
    assert_string_equal(contents("m"), after);
}

#define START "{\"event\": \"start\", \"epoch\": 0}\n"
#define EPOCH(n) "{ \"event\":\"epoch\", \"epoch\": " #n ", \"loss\": 0.10 }\n"
#define INTERRUPTED "{\"event\": \"interrupted\", \"epoch\": 2}\n"
#define END "{\"event\": \"end\", \"epoch\": 2}\n"

static void rewinds_to_the_completed_epochs(void **state)
{
    (void)state;
    assert_rewinds(START EPOCH(1) EPOCH(2) EPOCH(3), 2, START EPOCH(1) EPOCH(2));
    assert_rewinds(START EPOCH(1) EPOCH(2), 0, START);
    assert_rewinds(START EPOCH(1) EPOCH(2), 9, START EPOCH(1) EPOCH(2));
    assert_rewinds(START EPOCH(1) EPOCH(2) END, 2, START EPOCH(1) EPOCH(2));
    assert_rewinds(START EPOCH(1) INTERRUPTED START EPOCH(2), 1, START EPOCH(1) INTERRUPTED START);
    assert_rewinds("", 1, "");
}

static void drops_torn_lines(void **state)
{
    (void)state;
    assert_rewinds(START EPOCH(1) "{\"event\": \"ep", 5, START EPOCH(1));
    assert_rewinds(START "{\"event\": \"epoch\", \"epoch\": 1}", 5, START); /* whole, but no \n */
    assert_rewinds(START "{\"event\": \"ep\n", 5, START);
    assert_rewinds("{\"event\": \"ep" START EPOCH(1), 5, EPOCH(1));
    assert_rewinds(START "7\n\n[]\n", 5, START);
}

static void rewinds_nothing_without_a_file(void **state)
{
    (void)state;
    mlp_error err;
    assert_int_equal(mlp_metrics_rewind("none", 3, &err), MLP_OK);
    assert_int_equal(access("none", F_OK), -1);
    assert_int_equal(mlp_metrics_rewind(".", 3, &err), MLP_ERR_RUNTIME);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(appends_lines_to_what_is_there),
        cmocka_unit_test(closes_what_was_never_opened),
        cmocka_unit_test(reports_a_full_disk),
        cmocka_unit_test(rewinds_to_the_completed_epochs),
        cmocka_unit_test(drops_torn_lines),
        cmocka_unit_test(rewinds_nothing_without_a_file),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
