/* data_fixture.h: what the tests of the data room share: a scratch folder that is
 * the working directory while they run, small files in it, real MNIST. */
#ifndef MLP_TESTS_DATA_FIXTURE_H
#define MLP_TESTS_DATA_FIXTURE_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

#include "base/status.h"

#ifndef MLP_SOURCE_DIR
#define MLP_SOURCE_DIR "."
#endif

typedef struct fixture {
    char folder[32];
    char *data_dir; /* absolute: $MLP_DATA_DIR; NULL when there is none */
} fixture;

static inline int enter_folder(void **state)
{
    const char *set = getenv("MLP_DATA_DIR");
    const char *data = set == NULL || set[0] == '\0' ? "../shared/data" : set;
    char path[PATH_MAX];
    fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    snprintf(path, sizeof path, "%s%s%s", data[0] == '/' ? "" : MLP_SOURCE_DIR,
             data[0] == '/' ? "" : "/", data);
    f->data_dir = realpath(path, NULL);
    strcpy(f->folder, "/tmp/mlp-test-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    assert_int_equal(chdir(f->folder), 0);
    *state = f;
    return 0;
}

static inline int remove_entry(const char *path, const struct stat *info, int type, struct FTW *ftw)
{
    (void)info, (void)type, (void)ftw;
    return remove(path);
}

static inline int leave_folder(void **state)
{
    fixture *f = *state;
    assert_int_equal(chdir("/"), 0);
    assert_int_equal(nftw(f->folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS), 0);
    free(f->data_dir);
    free(f);
    return 0;
}

/* The path of a file of real MNIST; the test is skipped when it is not there. */
static inline const char *mnist_path(void **state, const char *name, char path[PATH_MAX])
{
    const fixture *f = *state;
    if (f->data_dir == NULL)
        skip();
    snprintf(path, PATH_MAX, "%s/mnist/%s", f->data_dir, name);
    if (access(path, R_OK) != 0)
        skip();
    return path;
}

static inline void write_file(const char *name, const void *bytes, size_t n)
{
    FILE *file = fopen(name, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, n, file), n);
    assert_int_equal(fclose(file), 0);
}

/* A gzip member of the bytes into out, which has room; its length. */
static inline size_t gzip(const void *bytes, size_t n, int level, uint8_t *out, size_t room)
{
    z_stream z = {.next_in = (Bytef *)(uintptr_t)bytes, .avail_in = (uInt)n};
    z.next_out = out;
    z.avail_out = (uInt)room;
    assert_int_equal(deflateInit2(&z, level, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY),
                     Z_OK);
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    assert_int_equal(deflateEnd(&z), Z_OK);
    return z.total_out;
}

/* An IDX file of unsigned bytes into out: header, then the data 0, 1, 2, ...
 * modulo `modulus`; its length. */
static inline size_t make_idx(uint8_t *out, size_t rank, const uint32_t *dims, unsigned modulus)
{
    size_t n = 0, elements = 1;
    out[n++] = 0;
    out[n++] = 0;
    out[n++] = 8;
    out[n++] = (uint8_t)rank;
    for (size_t i = 0; i < rank; i++) {
        for (int shift = 24; shift >= 0; shift -= 8)
            out[n++] = (uint8_t)(dims[i] >> shift);
        elements *= dims[i];
    }
    for (size_t i = 0; i < elements; i++)
        out[n++] = (uint8_t)(i % modulus);
    return n;
}

/* Every text that follows, up to NULL, is in the message. */
static inline void assert_says(const mlp_error *err, ...)
{
    va_list args;
    va_start(args, err);
    for (const char *text; (text = va_arg(args, const char *)) != NULL;) {
        if (strstr(err->message, text) == NULL)
            fail_msg("\"%s\" is not in \"%s\"", text, err->message);
    }
    va_end(args);
}

/* A child that writes the bytes to fd, `step` at a time with a pause in between. */
static inline pid_t feed(int fd, const uint8_t *bytes, size_t n, size_t step)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child > 0)
        return child;
    for (size_t i = 0; i < n; i += step) {
        size_t part = n - i < step ? n - i : step;
        if (write(fd, bytes + i, part) != (ssize_t)part)
            _exit(1);
        usleep(200);
    }
    _exit(0);
}

/* Standard input becomes a pipe that a child feeds; restore_stdin() ends both. */
typedef struct piped_stdin {
    int saved;
    pid_t child;
} piped_stdin;

static inline piped_stdin pipe_to_stdin(const uint8_t *bytes, size_t n, size_t step)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    piped_stdin p = {dup(STDIN_FILENO), feed(ends[1], bytes, n, step)};
    close(ends[1]);
    assert_true(dup2(ends[0], STDIN_FILENO) >= 0);
    close(ends[0]);
    return p;
}

static inline void restore_stdin(piped_stdin p)
{
    if (p.saved >= 0) {
        dup2(p.saved, STDIN_FILENO);
        close(p.saved);
    } else {
        close(STDIN_FILENO);
    }
    waitpid(p.child, NULL, 0);
}

#endif
