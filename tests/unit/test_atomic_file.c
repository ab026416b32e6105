/* A file that is replaced as a whole or not at all, whatever fails on the way.
 * write, fsync and rename are replaced in this program by ones that can fail. */
#include "data_fixture.h"

#include <dirent.h>
#include <errno.h>
#include <sys/uio.h>

#include "io/atomic_file.h"

/* What goes wrong: the n-th call from now fails with the error; 0: none does. */
static struct fault {
    int at, error;
} write_fault, fsync_fault, rename_fault;
static size_t longest_write = SIZE_MAX; /* what one write() takes */

static int strikes(struct fault *fault)
{
    if (fault->at == 0 || --fault->at > 0)
        return 0;
    errno = fault->error;
    return 1;
}

ssize_t write(int fd, const void *bytes, size_t n)
{
    struct iovec part = {(void *)(uintptr_t)bytes, n < longest_write ? n : longest_write};
    return strikes(&write_fault) ? -1 : writev(fd, &part, 1);
}

int fsync(int fd)
{
    (void)fd; /* a test need not wait for the disk */
    return strikes(&fsync_fault) ? -1 : 0;
}

int rename(const char *from, const char *to)
{
    return strikes(&rename_fault) ? -1 : renameat(AT_FDCWD, from, AT_FDCWD, to);
}

static size_t count_files(const char *folder)
{
    size_t n = 0;
    DIR *entries = opendir(folder);
    assert_non_null(entries);
    while (readdir(entries) != NULL)
        n++;
    closedir(entries);
    return n - 2; /* . and .. */
}

static void assert_contents(const char *path, const char *wanted)
{
    char text[256];
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t n = fread(text, 1, sizeof text, file);
    fclose(file);
    assert_int_equal(n, strlen(wanted));
    assert_memory_equal(text, wanted, n);
}

static void put(const char *path, const char *text)
{
    mlp_error err;
    if (mlp_atomic_file_write(path, text, strlen(text), &err) != MLP_OK)
        fail_msg("%s", err.message);
}

static int make_folder(void **state)
{
    (void)state;
    write_fault = fsync_fault = rename_fault = (struct fault){0};
    longest_write = SIZE_MAX;
    return mkdir("d", 0777);
}

static int remove_folder(void **state)
{
    (void)state;
    return nftw("d", remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static void writes_and_replaces(void **state)
{
    (void)state;
    put("d/f", "first, and longer");
    assert_contents("d/f", "first, and longer");
    put("d/f", "second");
    assert_contents("d/f", "second");
    put("d/f", "");
    assert_contents("d/f", "");
    assert_int_equal(count_files("d"), 1);
    put("plain", "in the working directory");
    assert_contents("plain", "in the working directory");
}

static void gives_the_mode_of_a_new_file(void **state)
{
    (void)state;
    struct stat info;
    mode_t saved = umask(027);
    put("d/f", "x");
    umask(saved);
    assert_int_equal(stat("d/f", &info), 0);
    assert_int_equal(info.st_mode & 0777, 0640);
}

static void goes_on_after_signals_and_short_writes(void **state)
{
    (void)state;
    longest_write = 3;
    write_fault = (struct fault){2, EINTR};
    fsync_fault = (struct fault){1, EINTR};
    put("d/f", "0123456789");
    assert_contents("d/f", "0123456789");
    assert_int_equal(write_fault.at, 0);
    assert_int_equal(fsync_fault.at, 0);
}

static void assert_fails(const char *says)
{
    mlp_error err;
    assert_int_equal(mlp_atomic_file_write("d/f", "new", 3, &err), MLP_ERR_RUNTIME);
    assert_says(&err, says, NULL);
}

static void keeps_the_old_file_when_anything_fails(void **state)
{
    (void)state;
    put("d/f", "old");
    write_fault = (struct fault){1, ENOSPC};
    assert_fails("d/f: cannot write: No space left on device");
    longest_write = 2;
    write_fault = (struct fault){2, EIO};
    assert_fails("d/f: cannot write: Input/output error");
    fsync_fault = (struct fault){1, EIO};
    assert_fails("d/f: cannot flush: Input/output error");
    rename_fault = (struct fault){1, EACCES};
    assert_fails("d/f: cannot replace: Permission denied");
    assert_contents("d/f", "old");
    assert_int_equal(count_files("d"), 1);
}

static void reports_a_folder_that_cannot_be_flushed(void **state)
{
    (void)state;
    fsync_fault = (struct fault){2, EIO};
    assert_fails("d: cannot flush the folder: Input/output error");
    assert_contents("d/f", "new");
    fsync_fault = (struct fault){2, EINVAL}; /* a file system that knows no such thing */
    put("d/f", "newer");
    assert_contents("d/f", "newer");
    assert_int_equal(count_files("d"), 1);
}

static void names_a_missing_folder(void **state)
{
    (void)state;
    mlp_error err;
    assert_int_equal(mlp_atomic_file_write("d/none/f", "x", 1, &err), MLP_ERR_RUNTIME);
    assert_string_equal(err.message, "d/none/f: cannot write: No such file or directory");
}

static void leave(const char *format, pid_t pid)
{
    char name[64];
    snprintf(name, sizeof name, format, (long)pid);
    write_file(name, "half", 4);
}

static void sweeps_away_what_killed_programs_left(void **state)
{
    (void)state;
    pid_t gone = fork();
    if (gone == 0)
        _exit(0);
    assert_int_equal(waitpid(gone, NULL, 0), gone);
    leave("d/f.tmp-%ld-0", gone);
    leave("d/f.tmp-%ld-12", gone);
    leave("d/f.tmp-%ld-0", getpid());
    put("d/f", "whole");
    assert_contents("d/f", "whole");
    assert_int_equal(count_files("d"), 1);

    static const char *const others[] = {"d/g.tmp-%ld-0",  "d/f.tmp-%ld-0.old", "d/f.tmp-%ld-",
                                         "d/f.tmp-%ldx-0", "d/f.tmp-0%ld99999", "d/f.tmp--%ld-0",
                                         "d/ff.tmp-%ld-0"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        leave(others[i], gone);
    leave("d/f.tmp-%ld-0", getppid()); /* its writer lives */
    put("d/f", "whole");
    assert_int_equal(count_files("d"), 2 + sizeof others / sizeof *others);
}

static void discards_what_was_not_committed(void **state)
{
    (void)state;
    mlp_atomic_file file = {0};
    mlp_error err;
    mlp_atomic_file_discard(&file);
    assert_int_equal(mlp_atomic_file_open(&file, "d/f", &err), MLP_OK);
    assert_int_equal(mlp_atomic_file_append(&file, "x", 1, &err), MLP_OK);
    assert_int_equal(count_files("d"), 1);
    mlp_atomic_file_discard(&file);
    mlp_atomic_file_discard(&file);
    assert_int_equal(count_files("d"), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(writes_and_replaces),
        TEST(gives_the_mode_of_a_new_file),
        TEST(goes_on_after_signals_and_short_writes),
        TEST(keeps_the_old_file_when_anything_fails),
        TEST(reports_a_folder_that_cannot_be_flushed),
        TEST(names_a_missing_folder),
        TEST(sweeps_away_what_killed_programs_left),
        TEST(discards_what_was_not_committed),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
