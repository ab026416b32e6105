#include "config/config_path.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

/* "folder/name", or "name" alone where it is absolute. */
static char *join(const char *folder, const char *name)
{
    if (name[0] == '/')
        return mlp_strdup(name);
    size_t size = strlen(folder) + 1 + strlen(name) + 1;
    char *joined = malloc(size);
    if (joined != NULL)
        snprintf(joined, size, "%s/%s", folder, name);
    return joined;
}

/* Appends to `clean` the names of `rest` that mean something. */
static char *append_rest(const char *clean, const char *rest)
{
    size_t used = strlen(clean), size = used + strlen(rest) + 2;
    char *path = malloc(size);
    if (path == NULL)
        return NULL;
    memcpy(path, clean, used + 1);
    if (used == 1) /* the root folder: the slash comes with the next name */
        used = 0;
    while (*rest != '\0') {
        size_t length = strcspn(rest, "/");
        if (length > 0 && !(length == 1 && rest[0] == '.'))
            used += (size_t)snprintf(path + used, size - used, "/%.*s", (int)length, rest);
        rest += length + (rest[length] == '/');
    }
    return path;
}

/* The longest existing beginning goes through realpath(), the rest follows as it is. */
static char *clean(char *absolute)
{
    for (size_t end = strlen(absolute);; end--) {
        char at_end = absolute[end];
        if (end > 1 && at_end != '/' && at_end != '\0')
            continue;
        absolute[end] = '\0';
        char *existing = realpath(absolute, NULL);
        absolute[end] = at_end;
        if (existing != NULL) {
            char *path = append_rest(existing, absolute + end);
            free(existing);
            return path;
        }
        if (errno == ENOMEM || end <= 1)
            return NULL;
    }
}

char *mlp_config_resolve_path(const char *base_dir, const char *path)
{
    char *absolute = join(base_dir == NULL ? "." : base_dir, path), *resolved = NULL;
    if (absolute != NULL && absolute[0] != '/') {
        char *here = getcwd(NULL, 0), *relative = absolute;
        absolute = here == NULL ? NULL : join(here, relative);
        free(relative);
        free(here);
    }
    if (absolute != NULL)
        resolved = clean(absolute);
    free(absolute);
    return resolved;
}

char *mlp_config_folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL)
        return mlp_strdup(".");
    size_t length = slash == path ? 1 : (size_t)(slash - path);
    char *folder = malloc(length + 1);
    if (folder == NULL)
        return NULL;
    memcpy(folder, path, length);
    folder[length] = '\0';
    return folder;
}
