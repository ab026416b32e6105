#include "base/peak_memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

/* As Linux knows it; 0 where that cannot be read. */
static uint64_t read_status(void)
{
    static const char name[] = "VmHWM:"; /* the resident set's high water mark */
    const size_t length = sizeof name - 1;
    char line[128];
    uint64_t kib = 0;
    FILE *file = fopen("/proc/self/status", "r");
    if (file == NULL)
        return 0;
    while (kib == 0 && fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, name, length) == 0)
            kib = strtoull(line + length, NULL, 10);
    fclose(file);
    return kib * 1024;
}

/* Linux carries this figure over an exec: it is at least what the parent held. */
static uint64_t ask_for_usage(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
#ifdef __APPLE__
    return (uint64_t)usage.ru_maxrss;
#else
    return (uint64_t)usage.ru_maxrss * 1024;
#endif
}

uint64_t mlp_peak_memory_bytes(void)
{
    uint64_t bytes = read_status();
    return bytes > 0 ? bytes : ask_for_usage();
}
