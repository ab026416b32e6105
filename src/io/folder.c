#include "io/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"

static mlp_status make_one(const char *path, mlp_error *err)
{
    struct stat info;
    if (mkdir(path, 0777) == 0)
        return MLP_OK;
    if (errno == EEXIST && stat(path, &info) == 0 && !S_ISDIR(info.st_mode))
        errno = ENOTDIR;
    return errno == EEXIST ? MLP_OK : mlp_fail_errno(err, MLP_ERR_RUNTIME, path, "make the folder");
}

int mlp_folder_open(const char *path)
{
    int fd;
    do {
        fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    } while (fd < 0 && errno == EINTR);
    return fd;
}

mlp_status mlp_folder_make(const char *path, mlp_error *err)
{
    char *part = mlp_strdup(path);
    if (part == NULL)
        return mlp_fail_memory(err, "a path");
    mlp_status status = MLP_OK;
    for (size_t end = strspn(path, "/"); status == MLP_OK && path[end] != '\0';) {
        end += strcspn(path + end, "/");
        part[end] = '\0';
        status = make_one(part, err);
        part[end] = path[end];
        end += strspn(path + end, "/");
    }
    free(part);
    return status;
}
