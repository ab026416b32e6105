/* config_table.h: every key of a config, in one table. Private to this room and
 * its tests.
 *
 * Parsing, --set, "did you mean", printing and the test of configs/schema.json
 * walk the table: a new key is a new row (and the code of its type, where the
 * type is new too).
 */
#ifndef MLP_CONFIG_TABLE_H
#define MLP_CONFIG_TABLE_H

#include <stdbool.h>
#include <stddef.h>

enum { MLP_KEY_PATH_SIZE = 64 }; /* holds any key's path, with its NUL */

/* How a value looks in JSON; where mlp_config keeps it. */
typedef enum mlp_key_type {
    MLP_KEY_BOOL,          /* true, false; bool */
    MLP_KEY_UINT64,        /* integer; uint64_t */
    MLP_KEY_SIZE,          /* integer; size_t */
    MLP_KEY_LABEL,         /* integer, null; uint8_t */
    MLP_KEY_NUMBER,        /* number; double */
    MLP_KEY_CHOICE,        /* one of `choices`; an enum that counts them from 0 */
    MLP_KEY_NAME,          /* string fit for a folder's name; char * */
    MLP_KEY_PATH,          /* string, null; char *, absolute */
    MLP_KEY_LABELS,        /* distinct integers, null; data.labels and n_labels */
    MLP_KEY_CLASS_NAMES,   /* distinct strings, null; data.class_names and n_class_names */
    MLP_KEY_WIDTHS,        /* integers; model.hidden and n_hidden */
    MLP_KEY_CLASS_WEIGHTS, /* one of `choices`, or numbers; not kept yet */
} mlp_key_type;

typedef struct mlp_config_range {
    double minimum, maximum;                 /* maximum INFINITY: none */
    bool excludes_minimum, excludes_maximum; /* the bound itself is refused */
} mlp_config_range;

typedef struct mlp_config_key {
    const char *path; /* "train.sgd.lr" */
    mlp_key_type type;
    const char *fallback;          /* the default, as JSON; NULL: comes from elsewhere (name) */
    const mlp_config_range *range; /* of a number, or of each number of an array */
    const char *const *choices;    /* up to NULL */
    size_t n_supported;            /* the first so many choices; the rest is not supported yet */
    size_t offset;                 /* in mlp_config */
    /* No value but the default is supported yet, so that mlp_config has no field for it. */
    bool is_fixed;
} mlp_config_key;

enum { MLP_CONFIG_N_KEYS = 46 };
extern const mlp_config_key mlp_config_keys[MLP_CONFIG_N_KEYS];

/* The key of that path; NULL when there is none. */
const mlp_config_key *mlp_config_find_key(const char *path);

/* Whether keys stand below that path ("train.sgd"). */
bool mlp_config_is_section(const char *path);

bool mlp_config_is_nullable(const mlp_config_key *key);

/* The known path that an unknown one probably meant: of the same last name, or
 * nearly, in the same section or in another. False: nothing is near. */
bool mlp_config_suggest(const char *unknown, char out[MLP_KEY_PATH_SIZE]);

#endif
