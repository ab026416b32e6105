/* atomic_file.c: temporary file, write, fsync, rename, fsync of the folder.
 *
 * The order is what makes it hold: without the first fsync a crash could leave
 * the new name with no content, without the second one the old name
 * (Pillai et al., "All file systems are not created equal", OSDI 2014).
 */
#include "io/atomic_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/folder.h"

enum {
    WRITE_MAX = 1 << 30, /* macOS refuses a write() of 2 GiB or more */
    NAME_TRIES = 1000,   /* temporary files that cannot be swept away */
    SUFFIX_BYTES = 48,   /* ".tmp-", two numbers, NUL */
};

mlp_status mlp_write_all(int fd, const char *path, const void *bytes, size_t n, mlp_error *err)
{
    const char *next = bytes;
    while (n > 0) {
        ssize_t written = write(fd, next, n < WRITE_MAX ? n : WRITE_MAX);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return mlp_fail_errno(err, MLP_ERR_RUNTIME, path, "write");
        next += written;
        n -= (size_t)written;
    }
    return MLP_OK;
}

/* The folder that a path lies in, on the heap; NULL when out of memory. */
static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = mlp_strdup(slash == NULL ? "." : path);
    if (folder != NULL && slash != NULL)
        folder[slash == path ? 1 : slash - path] = '\0';
    return folder;
}

/* Reads digits up to the character that ends them; NULL where there is no such number. */
static const char *read_number(const char *text, char end, long *number)
{
    char *after = NULL;
    if (text[0] < '0' || text[0] > '9')
        return NULL;
    *number = strtol(text, &after, 10);
    return *after == end && *number <= INT_MAX ? after : NULL;
}

/* Whether the name is that of a temporary file of `base` whose writer is gone. One with
 * our own process number was left by an earlier process that had it. */
static bool is_left_over(const char *name, const char *base)
{
    long pid = 0, index;
    size_t length = strlen(base), mark = sizeof ".tmp-" - 1;
    if (strncmp(name, base, length) != 0 || strncmp(name + length, ".tmp-", mark) != 0)
        return false;
    const char *dash = read_number(name + length + mark, '-', &pid);
    if (dash == NULL || read_number(dash + 1, '\0', &index) == NULL || pid == 0)
        return false;
    return pid == getpid() || (kill((pid_t)pid, 0) != 0 && errno == ESRCH);
}

void mlp_atomic_file_sweep(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = folder_of(path);
    DIR *entries = folder == NULL ? NULL : opendir(folder);
    const struct dirent *entry;
    while (entries != NULL && (entry = readdir(entries)) != NULL)
        if (is_left_over(entry->d_name, slash == NULL ? path : slash + 1))
            unlinkat(dirfd(entries), entry->d_name, 0);
    if (entries != NULL)
        closedir(entries);
    free(folder);
}

/* O_EXCL makes the name ours, whoever else writes to the folder. */
static int create_temporary(mlp_atomic_file *file, size_t size)
{
    int fd = -1;
    for (int i = 0; fd < 0 && i < NAME_TRIES; i++) {
        snprintf(file->temporary, size, "%s.tmp-%ld-%d", file->path, (long)getpid(), i);
        fd = open(file->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd < 0 && errno != EEXIST && errno != EINTR)
            break;
    }
    return fd;
}

mlp_status mlp_atomic_file_open(mlp_atomic_file *file, const char *path, mlp_error *err)
{
    size_t size = strlen(path) + SUFFIX_BYTES;
    *file = (mlp_atomic_file){.path = path, .fd = -1};
    file->temporary = malloc(size);
    if (file->temporary == NULL)
        return mlp_fail_memory(err, "a path");
    mlp_atomic_file_sweep(path);
    file->fd = create_temporary(file, size);
    if (file->fd >= 0)
        return MLP_OK;
    mlp_fail_errno(err, MLP_ERR_RUNTIME, path, "write");
    free(file->temporary); /* without unlink(): there is no file of ours */
    file->temporary = NULL;
    return MLP_ERR_RUNTIME;
}

mlp_status mlp_atomic_file_append(mlp_atomic_file *file, const void *bytes, size_t n,
                                  mlp_error *err)
{
    return mlp_write_all(file->fd, file->path, bytes, n, err);
}

/* 0, or -1 and errno. A file system that cannot flush a folder says EINVAL; there
 * is nothing more to be done on it. */
static int flush(int fd)
{
    int result;
    do {
        result = fsync(fd);
    } while (result != 0 && errno == EINTR);
    return result != 0 && errno == EINVAL ? 0 : result;
}

static mlp_status flush_folder(const char *path, mlp_error *err)
{
    char *folder = folder_of(path);
    if (folder == NULL)
        return mlp_fail_memory(err, "a path");
    mlp_status status = MLP_OK;
    int fd = mlp_folder_open(folder);
    if (fd < 0 || flush(fd) != 0)
        status = mlp_fail_errno(err, MLP_ERR_RUNTIME, folder, "flush the folder");
    if (fd >= 0)
        close(fd);
    free(folder);
    return status;
}

mlp_status mlp_atomic_file_commit(mlp_atomic_file *file, mlp_error *err)
{
    if (flush(file->fd) != 0)
        return mlp_fail_errno(err, MLP_ERR_RUNTIME, file->path, "flush");
    int closed = close(file->fd);
    file->fd = -1; /* closed, whatever close() said */
    if (closed != 0 && errno != EINTR)
        return mlp_fail_errno(err, MLP_ERR_RUNTIME, file->path, "close");
    if (rename(file->temporary, file->path) != 0)
        return mlp_fail_errno(err, MLP_ERR_RUNTIME, file->path, "replace");
    free(file->temporary);
    file->temporary = NULL;
    return flush_folder(file->path, err);
}

void mlp_atomic_file_discard(mlp_atomic_file *file)
{
    if (file->temporary == NULL)
        return;
    if (file->fd >= 0)
        close(file->fd);
    unlink(file->temporary);
    free(file->temporary);
    *file = (mlp_atomic_file){.fd = -1};
}

mlp_status mlp_atomic_file_write(const char *path, const void *bytes, size_t n, mlp_error *err)
{
    mlp_atomic_file file;
    mlp_status status = mlp_atomic_file_open(&file, path, err);
    if (status == MLP_OK)
        status = mlp_atomic_file_append(&file, bytes, n, err);
    if (status == MLP_OK)
        status = mlp_atomic_file_commit(&file, err);
    mlp_atomic_file_discard(&file);
    return status;
}
