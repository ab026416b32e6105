#include "io/run_folder.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/folder.h"

char *mlp_run_folder_file(const char *folder, const char *file)
{
    size_t bytes = strlen(folder) + strlen(file) + 2;
    char *path = malloc(bytes);
    if (path != NULL)
        snprintf(path, bytes, "%s/%s", folder, file);
    return path;
}

mlp_status mlp_run_folder_create(char **path, const char *dir, const char *name, mlp_error *err)
{
    size_t bytes = strlen(dir) + strlen(name) + 32;
    *path = malloc(bytes);
    if (*path == NULL)
        return mlp_fail_memory(err, "a path");
    mlp_status status = mlp_folder_make(dir, err);
    for (unsigned i = 1; status == MLP_OK; i++) {
        snprintf(*path, bytes, i == 1 ? "%s/%s" : "%s/%s-%u", dir, name, i);
        if (mkdir(*path, 0777) == 0)
            return MLP_OK;
        if (errno != EEXIST)
            status = mlp_fail_errno(err, MLP_ERR_RUNTIME, *path, "make the folder");
    }
    free(*path);
    *path = NULL;
    return status;
}

static bool is_empty_folder(const char *path)
{
    DIR *dir = opendir(path);
    size_t entries = 0;
    if (dir == NULL)
        return false;
    while (readdir(dir) != NULL)
        entries++;
    closedir(dir);
    return entries <= 2; /* . and .. */
}

mlp_status mlp_run_folder_create_at(const char *path, mlp_error *err)
{
    mlp_status status = mlp_folder_make(path, err);
    if (status == MLP_OK && !is_empty_folder(path))
        status = mlp_fail(err, MLP_ERR_USAGE,
                          "%s: is not an empty folder, and a run is never overwritten", path);
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
    snprintf(temporary, bytes, "%s.%ld", link, (long)getpid());
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

mlp_status mlp_run_folder_set_latest(const char *path, mlp_error *err)
{
    char *dir = mlp_strdup(path), *link = NULL;
    mlp_status status = MLP_OK;
    if (dir != NULL) {
        size_t length = strlen(dir);
        while (length > 1 && dir[length - 1] == '/')
            dir[--length] = '\0';
        char *slash = strrchr(dir, '/');
        const char *name = slash == NULL ? dir : slash + 1;
        if (slash != NULL)
            *slash = '\0';
        link = mlp_run_folder_file(slash == NULL ? "." : dir, "latest");
        if (link != NULL)
            status = replace_link(name, link, err);
    }
    if (dir == NULL || link == NULL)
        status = mlp_fail_memory(err, "a path");
    free(dir);
    free(link);
    return status;
}
