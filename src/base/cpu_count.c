#include "base/cpu_count.h"

#include <limits.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static size_t count_cpus(void)
{
#ifdef __linux__
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0)
        return (size_t)CPU_COUNT(&set);
#endif
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 ? (size_t)online : 1;
}

/* The first line of a file that begins with `start`, without that and its end; false: there is
 * none, or it has no room. */
static bool read_line(const char *path, const char *start, char *line, size_t size)
{
    FILE *file = fopen(path, "r");
    char text[PATH_MAX];
    bool found = false;
    while (file != NULL && !found && fgets(text, sizeof text, file) != NULL) {
        size_t end = strcspn(text, "\n"), skipped = strlen(start);
        found = text[end] == '\n' && strncmp(text, start, skipped) == 0 && end - skipped < size;
        if (found) {
            text[end] = '\0';
            memcpy(line, text + skipped, end - skipped + 1);
        }
    }
    if (file != NULL)
        fclose(file);
    return found;
}

/* Of one group; 0: none. */
static size_t group_quota(const char *group)
{
    char path[PATH_MAX + sizeof "/cpu.max"], line[64];
    unsigned long quota, period;
    snprintf(path, sizeof path, "%s/cpu.max", group);
    if (!read_line(path, "", line, sizeof line) || sscanf(line, "%lu %lu", &quota, &period) != 2 ||
        quota == 0 || period == 0)
        return 0;
    return (size_t)((quota - 1) / period + 1);
}

size_t mlp_cpu_quota(const char *membership, const char *mount)
{
    char group[PATH_MAX];
    size_t root = strlen(mount), least = 0;
    if (root >= sizeof group)
        return 0;
    memcpy(group, mount, root + 1);
    if (!read_line(membership, "0::", group + root, sizeof group - root))
        return 0;
    for (char *end = group + strlen(group); end != NULL; end = strrchr(group + root, '/')) {
        *end = '\0';
        size_t quota = group_quota(group);
        if (quota > 0 && (least == 0 || quota < least))
            least = quota;
    }
    return least;
}

size_t mlp_cpu_count(void)
{
    size_t cpus = count_cpus(), quota = mlp_cpu_quota("/proc/self/cgroup", "/sys/fs/cgroup");
    return quota > 0 && quota < cpus ? quota : cpus;
}
