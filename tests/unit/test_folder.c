#include "data_fixture.h"

#include "io/folder.h"

static void assert_folder(const char *path)
{
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    assert_true(S_ISDIR(info.st_mode));
}

static void makes_parents(void **state)
{
    (void)state;
    static const char *const PATHS[] = {"a", "a/b/c", "a//d///e", "f/g/", "./h", "a/../i", "."};
    mlp_error err = {""};
    for (size_t i = 0; i < sizeof PATHS / sizeof *PATHS; i++) {
        for (int again = 0; again < 2; again++)
            assert_int_equal(mlp_folder_make(PATHS[i], &err), MLP_OK);
        assert_folder(PATHS[i]);
    }
    char absolute[64];
    snprintf(absolute, sizeof absolute, "%s/absolute/path", ((const fixture *)*state)->folder);
    assert_int_equal(mlp_folder_make(absolute, &err), MLP_OK);
    assert_folder(absolute);
    assert_int_equal(mlp_folder_make("/", &err), MLP_OK);
}

static void names_what_is_in_the_way(void **state)
{
    (void)state;
    mlp_error err = {""};
    write_file("file", "x", 1);
    assert_int_equal(mlp_folder_make("file", &err), MLP_ERR_RUNTIME);
    assert_string_equal(err.message, "file: cannot make the folder: Not a directory");
    assert_int_equal(mlp_folder_make("file/below", &err), MLP_ERR_RUNTIME);
    assert_string_equal(err.message, "file: cannot make the folder: Not a directory");
    assert_int_equal(symlink("nowhere", "dangling"), 0);
    assert_int_equal(mlp_folder_make("dangling/below", &err), MLP_ERR_RUNTIME);
    assert_says(&err, "dangling", "cannot make the folder", NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(makes_parents),
        cmocka_unit_test(names_what_is_in_the_way),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
