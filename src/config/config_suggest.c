/* "Did you mean": candidates are all known keys and sections whose last name is
 * near the unknown one's, in whatever section they stand; the nearest whole path
 * is taken. */
#include <stdint.h>
#include <string.h>

#include "base/edit_distance.h"
#include "config/config_table.h"

/* Length of the section in front of the last name, with its dot. */
static size_t section_length(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot == NULL ? 0 : (size_t)(dot - path) + 1;
}

/* How far apart, smaller is nearer; SIZE_MAX: not near at all. */
static size_t cost_of(const char *unknown, const char *candidate)
{
    size_t section = section_length(unknown), other = section_length(candidate);
    size_t distance = mlp_edit_distance(unknown + section, candidate + other);
    size_t length = strlen(unknown + section);
    if (distance > (length < 6 ? 1 : length / 3))
        return SIZE_MAX;
    return mlp_edit_distance(unknown, candidate);
}

bool mlp_config_suggest(const char *unknown, char out[MLP_KEY_PATH_SIZE])
{
    size_t best = SIZE_MAX;
    for (size_t i = 0; i < MLP_CONFIG_N_KEYS; i++) {
        const char *path = mlp_config_keys[i].path;
        for (size_t end = 1; end <= strlen(path); end++) {
            if (path[end] != '.' && path[end] != '\0')
                continue;
            char candidate[MLP_KEY_PATH_SIZE];
            memcpy(candidate, path, end);
            candidate[end] = '\0';
            size_t cost = cost_of(unknown, candidate);
            if (cost < best) {
                best = cost;
                memcpy(out, candidate, end + 1);
            }
        }
    }
    return best != SIZE_MAX;
}
