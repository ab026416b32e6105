/* replay.c: the main of a target without libFuzzer: reads each file that is named, or
 * that is in a folder that is named. A broken promise ends it before its last line. */
#include <dirent.h>
#include <string.h>

#include "fuzz.h"

static int replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    long size = -1;
    if (file != NULL && fseek(file, 0, SEEK_END) == 0)
        size = ftell(file);
    uint8_t *data = size < 0 ? NULL : malloc((size_t)size + 1);
    if (data != NULL)
        rewind(file);
    int is_read = data != NULL && fread(data, 1, (size_t)size, file) == (size_t)size;
    if (is_read)
        LLVMFuzzerTestOneInput(data, (size_t)size);
    else
        perror(path);
    free(data);
    if (file != NULL)
        fclose(file);
    return is_read ? 0 : -1;
}

/* Counts what was read and what could not be. */
static void replay_folder(const char *folder, int counts[2])
{
    char path[4096];
    DIR *entries = opendir(folder);
    const struct dirent *entry;
    if (entries == NULL) {
        counts[replay_file(folder) == 0 ? 0 : 1]++;
        return;
    }
    while ((entry = readdir(entries)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        counts[replay_file(path) == 0 ? 0 : 1]++;
    }
    closedir(entries);
}

int main(int argc, char **argv)
{
    int counts[2] = {0, 0};
    for (int i = 1; i < argc; i++)
        replay_folder(argv[i], counts);
    printf("%d passed, %d failed\n", counts[0], counts[1]);
    return counts[1] != 0;
}
