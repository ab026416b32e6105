/* fuzz_metrics.c: the metrics of a run that is resumed. The first byte is the number
 * of epochs it had completed. Whole lines of its own stay; doing it twice changes
 * nothing more. */
#include <string.h>

#include "fuzz.h"
#include "io/metrics.h"

static size_t read_file(const char *path, uint8_t *bytes, size_t room)
{
    FILE *file = fopen(path, "rb");
    FUZZ_ASSERT(file != NULL);
    size_t n = fread(bytes, 1, room, file);
    fclose(file);
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mlp_error err;
    if (size == 0)
        return 0;
    uint8_t *once = malloc(size), *twice = malloc(size);
    FUZZ_ASSERT(once != NULL && twice != NULL);
    const char *path = fuzz_file(data + 1, size - 1);
    FUZZ_ASSERT(mlp_metrics_rewind(path, data[0], &err) == MLP_OK);
    size_t n = read_file(path, once, size);
    FUZZ_ASSERT(n <= size - 1 && (n == 0 || once[n - 1] == '\n'));
    FUZZ_ASSERT(mlp_metrics_rewind(path, data[0], &err) == MLP_OK);
    FUZZ_ASSERT(read_file(path, twice, size) == n && memcmp(once, twice, n) == 0);
    free(twice);
    free(once);
    return 0;
}
