#include "io/run_folder.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/atomic_file.h"
#include "io/folder.h"

char *mlp_run_folder_file(const char *folder, const char *file)
{
    size_t bytes = strlen(folder) + strlen(file) + 2;
    char *path = malloc(bytes);
    if (path != NULL)
        snprintf(path, bytes, "%s/%s", folder, file);
    return path;
}

mlp_status mlp_run_folder_lock(int *lock, const char *path, mlp_error *err)
{
    mlp_status status = MLP_OK;
    int fd = mlp_folder_open(path);
    if (fd < 0)
        return mlp_fail_errno(err, MLP_ERR_CONFIG, path, "open the run's folder");
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        *lock = fd;
    else if (errno == EWOULDBLOCK)
        status = mlp_fail(err, MLP_ERR_RUNTIME,
                          "%s: another training is still at work in this folder", path);
    else
        status = mlp_fail_errno(err, MLP_ERR_RUNTIME, path, "lock the run's folder");
    if (status != MLP_OK)
        close(fd);
    return status;
}

mlp_status mlp_run_folder_create(char **path, int *lock, const char *dir, const char *name,
                                 mlp_error *err)
{
    size_t bytes = strlen(dir) + strlen(name) + 32;
    *path = malloc(bytes);
    if (*path == NULL)
        return mlp_fail_memory(err, "a path");
    mlp_status status = mlp_folder_make(dir, err);
    for (unsigned i = 1; status == MLP_OK; i++) {
        snprintf(*path, bytes, i == 1 ? "%s/%s" : "%s/%s-%u", dir, name, i);
        if (mkdir(*path, 0777) == 0) {
            status = mlp_run_folder_lock(lock, *path, err);
            if (status == MLP_OK)
                return MLP_OK;
        } else if (errno != EEXIST) {
            status = mlp_fail_errno(err, MLP_ERR_RUNTIME, *path, "make the folder");
        }
    }
    free(*path);
    *path = NULL;
    return status;
}

static mlp_status check_empty(const char *path, mlp_error *err)
{
    DIR *dir = opendir(path);
    size_t entries = 0;
    if (dir == NULL)
        return mlp_fail_errno(err, MLP_ERR_RUNTIME, path, "open the folder");
    while (readdir(dir) != NULL)
        entries++;
    closedir(dir);
    if (entries <= 2) /* . and .. */
        return MLP_OK;
    return mlp_fail(err, MLP_ERR_USAGE,
                    "%s: is not an empty folder, and a run is never overwritten", path);
}

/* Whether it is empty can be told only with the lock in hand. */
mlp_status mlp_run_folder_create_at(const char *path, int *lock, mlp_error *err)
{
    mlp_status status = mlp_folder_make(path, err);
    if (status == MLP_OK)
        status = mlp_run_folder_lock(lock, path, err);
    if (status != MLP_OK)
        return status;
    status = check_empty(path, err);
    if (status != MLP_OK) {
        close(*lock);
        *lock = -1;
    }
    return status;
}

/* Makes the link under a name of its own and renames it over the old one. */
static mlp_status replace_link(const char *target, const char *link, mlp_error *err)
{
    size_t bytes = strlen(link) + 32;
    char *temporary = malloc(bytes);
    struct stat info;
    mlp_status status = MLP_OK;
    if (temporary == NULL)
        return mlp_fail_memory(err, "a path");
    snprintf(temporary, bytes, "%s.tmp-%ld-0", link, (long)getpid());
    mlp_atomic_file_sweep(link);
    if (lstat(link, &info) == 0 && !S_ISLNK(info.st_mode))
        status =
            mlp_fail(err, MLP_ERR_RUNTIME, "%s: is in the way of the link to the latest run", link);
    else if (symlink(target, temporary) != 0 || rename(temporary, link) != 0) {
        status = mlp_fail_errno(err, MLP_ERR_RUNTIME, link, "make the link");
        unlink(temporary);
    }
    free(temporary);
    return status;
}

/* Of the real path: a run that is named by the link itself may not become its target. */
mlp_status mlp_run_folder_set_latest(const char *path, mlp_error *err)
{
    char *run = realpath(path, NULL);
    if (run == NULL)
        return mlp_fail_errno(err, MLP_ERR_RUNTIME, path, "find the folder");
    char *slash = strrchr(run, '/');
    *slash = '\0';
    char *link = mlp_run_folder_file(run, "latest");
    mlp_status status =
        link == NULL ? mlp_fail_memory(err, "a path") : replace_link(slash + 1, link, err);
    free(link);
    free(run);
    return status;
}
