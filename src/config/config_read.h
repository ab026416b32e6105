/* config_read.h: names in a config's text, or on the command line, led to their
 * keys. Private to this room. */
#ifndef MLP_CONFIG_READ_H
#define MLP_CONFIG_READ_H

#include <stdbool.h>

#include "config/config_value.h"

typedef struct mlp_config_reader {
    mlp_config *config;
    mlp_config_source source; /* of what is being read */
    bool has_positive_label;
    mlp_error *err;
} mlp_config_reader;

mlp_status mlp_config_read_defaults(mlp_config_reader *r);

/* The root of a config's document, from r->source. */
mlp_status mlp_config_read_document(mlp_config_reader *r, const mlp_json *document);

/* "train.sgd.lr=0.05" */
mlp_status mlp_config_read_override(mlp_config_reader *r, const char *override);

#endif
