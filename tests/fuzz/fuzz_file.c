#include <sys/stat.h>
#include <unistd.h>

#include "fuzz.h"

/* libFuzzer calls a target without a context, so that the path has to be static. */
static char path[64];

static void remove_file(void)
{
    unlink(path);
}

static void choose_path(void)
{
    struct stat info;
    int is_there = stat("/dev/shm", &info) == 0 && access("/dev/shm", W_OK) == 0;
    snprintf(path, sizeof path, "%s/mlp-fuzz-%ld", is_there ? "/dev/shm" : "/tmp", (long)getpid());
    atexit(remove_file);
}

const char *fuzz_file(const uint8_t *data, size_t size)
{
    if (path[0] == '\0')
        choose_path();
    unlink(path); /* a reader may have the one before mapped */
    FILE *file = fopen(path, "wb");
    FUZZ_ASSERT(file != NULL);
    FUZZ_ASSERT(fwrite(data, 1, size, file) == size);
    FUZZ_ASSERT(fclose(file) == 0);
    return path;
}
