/* config_value.h: one JSON value, checked against its key and put into the
 * config. Private to this room. */
#ifndef MLP_CONFIG_VALUE_H
#define MLP_CONFIG_VALUE_H

#include <stdbool.h>

#include "base/status.h"
#include "config/config.h"
#include "config/config_table.h"
#include "config/json_reader.h"

/* Where a value comes from. */
typedef struct mlp_config_source {
    const char *origin;   /* a file's name, or "--set K=V" */
    const char *base_dir; /* what relative paths are taken from; NULL: the working directory */
    bool is_override;     /* the origin names the key already */
} mlp_config_source;

/* Whether the value is right for the key by itself, and supported. If not,
 * MLP_ERR_CONFIG: "ORIGIN: PATH: found ..., wanted ..." or "... is not supported yet". */
mlp_status mlp_config_check(const mlp_config_key *key, const mlp_json *value,
                            const mlp_config_source *source, mlp_error *err);

/* Checks, then replaces what the config holds for the key. On failure the config
 * is as it was, or without that value; it can be freed. */
mlp_status mlp_config_set(mlp_config *config, const mlp_config_key *key, const mlp_json *value,
                          const mlp_config_source *source, mlp_error *err);

/* What keys ask of each other, once all are set. The config does not tell a
 * positive_label of 0 from none, hence the flag. */
mlp_status mlp_config_check_together(const mlp_config *config, bool has_positive_label,
                                     const char *origin, mlp_error *err);

/* The number of the choice in key->choices; false: it is none of them. */
bool mlp_config_find_choice(const mlp_config_key *key, const mlp_json *value, size_t *index);

/* Whether a run's folder may have that name, and the rule in words. */
bool mlp_config_is_name(const char *name);
extern const char mlp_config_name_rule[];

#endif
