/* "Did you mean": candidates are all known keys and sections whose last name is
 * near the unknown one's, in whatever section they stand; the nearest whole path
 * is taken. Near is a small edit distance (optimal string alignment: insertion,
 * deletion, substitution and swap of neighbours cost 1 each; Damerau 1964). */
#include <stdint.h>
#include <string.h>

#include "config/config_table.h"

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Both are shorter than MLP_KEY_PATH_SIZE. Three rows of the classic table are
 * enough: the current one, the one before, and for swaps the one before that. */
static size_t edit_distance(const char *a, const char *b)
{
    size_t rows[3][MLP_KEY_PATH_SIZE];
    size_t *before = rows[0], *above = rows[1], *row = rows[2];
    size_t a_length = strlen(a), b_length = strlen(b);
    for (size_t j = 0; j <= b_length; j++)
        row[j] = j;
    for (size_t i = 1; i <= a_length; i++) {
        size_t *oldest = before;
        before = above;
        above = row;
        row = oldest;
        row[0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            size_t best = above[j - 1] + (a[i - 1] != b[j - 1]);
            best = smaller(best, smaller(above[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                best = smaller(best, before[j - 2] + 1);
            row[j] = best;
        }
    }
    return row[b_length];
}

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
    size_t distance = edit_distance(unknown + section, candidate + other);
    size_t length = strlen(unknown + section);
    if (distance > (length < 6 ? 1 : length / 3))
        return SIZE_MAX;
    return edit_distance(unknown, candidate);
}

bool mlp_config_suggest(const char *unknown, char out[MLP_KEY_PATH_SIZE])
{
    size_t best = SIZE_MAX;
    if (strlen(unknown) >= MLP_KEY_PATH_SIZE)
        return false;
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
