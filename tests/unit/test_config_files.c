/* Configs: the file read, its name, its paths. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config_fixture.h"

/* A file of `size` bytes, all spaces after `start`. */
static void load_padded(const char *start, size_t length, size_t size, mlp_config *c,
                        mlp_status *status, mlp_error *err)
{
    char path[] = "/tmp/mlp-test-config-XXXXXX";
    int descriptor = mkstemp(path);
    assert_true(descriptor >= 0);
    FILE *f = fdopen(descriptor, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(start, 1, length, f), length);
    for (size_t i = length; i < size; i++)
        putc(' ', f);
    assert_int_equal(fclose(f), 0);
    err->message[0] = '\0';
    *status = mlp_config_load(c, path, NULL, 0, err);
    unlink(path);
}

/* Of a config below its folder, of an override below the working directory; ".." is
 * the file system's (the link leads elsewhere), and stays where nothing exists. */
static void test_paths(void **state)
{
    char folder[] = "/tmp/mlp-test-config-XXXXXX", file[64], real[64], *here = getcwd(NULL, 0);
    static const mlp_override relative[] = {"data.test_images=nowhere/./t", "run.dir=r"};
    mlp_config c;
    mlp_error err;
    char wanted[4096];
    (void)state;
    assert_non_null(here);
    assert_non_null(mkdtemp(folder));
    snprintf(file, sizeof file, "%s/real", folder);
    assert_int_equal(symlink("/usr/bin", file), 0);
    snprintf(file, sizeof file, "%s/cfg.json", folder);
    snprintf(real, sizeof real, "%s/x", folder);
    FILE *f = fopen(file, "w");
    assert_non_null(f);
    fputs("{\"data\":{\"dir\":\"real/..//./bin\",\"train_images\":\"./x\","
          "\"train_labels\":\"no/../such\"}}",
          f);
    assert_int_equal(fclose(f), 0);
    mlp_status status = mlp_config_load(&c, file, relative, 2, &err);
    char *real_bin = realpath("/usr/bin", NULL), *real_folder = realpath(folder, NULL);
    assert_int_equal(status, MLP_OK);
    assert_string_equal(c.name, "cfg");
    assert_string_equal(c.data.dir, real_bin);
    snprintf(wanted, sizeof wanted, "%s/x", real_folder);
    assert_string_equal(c.data.train_images, wanted);
    snprintf(wanted, sizeof wanted, "%s/no/../such", real_folder);
    assert_string_equal(c.data.train_labels, wanted);
    snprintf(wanted, sizeof wanted, "%s/nowhere/t", here);
    assert_string_equal(c.data.test_images, wanted);
    snprintf(wanted, sizeof wanted, "%s/r", here);
    assert_string_equal(c.run.dir, wanted);
    mlp_config_free(&c);
    free(real_bin);
    free(real_folder);
    free(here);
    unlink(file);
    snprintf(file, sizeof file, "%s/real", folder);
    unlink(file);
    rmdir(folder);
}

static void test_names_from_origins(void **state)
{
    static const struct {
        const char *origin, *name;
    } cases[] = {{"a/b.c.json", "b.c"},
                 {"plain", "plain"},
                 {"<checkpoint>", "mlp"},
                 {"", "mlp"},
                 {"a/", "mlp"}};
    mlp_config c;
    mlp_error err;
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_int_equal(mlp_config_parse(&c, data_only, cases[i].origin, NULL, NULL, 0, &err),
                         MLP_OK);
        assert_string_equal(c.name, cases[i].name);
        mlp_config_free(&c);
    }
    assert_int_equal(mlp_config_parse(&c, data_only, ".json", NULL, NULL, 0, &err), MLP_ERR_CONFIG);
    assert_string_equal(err.message,
                        ".json: name: found \"\", taken from the file's name, wanted " A_NAME);
}

static void test_unreadable_files(void **state)
{
    mlp_config c;
    mlp_error err;
    (void)state;
    mlp_status status = mlp_config_load(&c, "no/such.json", NULL, 0, &err);
    assert_failed(status, &c, &err, "no/such.json: cannot open: No such file or directory");
    status = mlp_config_load(&c, "/", NULL, 0, &err);
    assert_failed(status, &c, &err, "/: cannot read: Is a directory");
}

static void test_file_bounds(void **state)
{
    const size_t limit = (size_t)16 << 20;
    mlp_config c;
    mlp_status status;
    mlp_error err;
    (void)state;
    load_padded(data_only, sizeof data_only - 1, limit, &c, &status, &err);
    assert_string_equal(err.message, "");
    assert_int_equal(status, MLP_OK);
    mlp_config_free(&c);
    load_padded(data_only, sizeof data_only - 1, limit + 1, &c, &status, &err);
    assert_int_equal(status, MLP_ERR_CONFIG);
    assert_non_null(strstr(err.message, ": found more than 16 MB, wanted a config"));
    load_padded(data_only, sizeof data_only, sizeof data_only, &c, &status,
                &err); /* with its NUL */
    assert_int_equal(status, MLP_ERR_CONFIG);
    assert_non_null(strstr(err.message, ":1:21: syntax error: found byte 0x00, wanted the end"));
}

static void test_stdin(void **state)
{
    int ends[2], saved = dup(STDIN_FILENO);
    static const char text[] = "{\"data\":{\"dir\":\"d\"},\"sed\":1}";
    mlp_config c;
    mlp_error err;
    (void)state;
    assert_true(saved >= 0);
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], text, sizeof text - 1), sizeof text - 1);
    close(ends[1]);
    assert_true(dup2(ends[0], STDIN_FILENO) >= 0);
    mlp_status status = mlp_config_load(&c, "-", NULL, 0, &err);
    dup2(saved, STDIN_FILENO);
    close(ends[0]);
    close(saved);
    assert_failed(status, &c, &err, "<stdin>: sed: unknown key (did you mean \"seed\"?)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_names_from_origins),
        cmocka_unit_test(test_unreadable_files),
        cmocka_unit_test(test_file_bounds),
        cmocka_unit_test(test_stdin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
