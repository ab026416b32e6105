/* fuzz_config.c: a config file. One that is accepted can be printed, and what was
 * printed is accepted and prints the same. */
#include <string.h>

#include "config/config.h"
#include "fuzz.h"

/* The bytes as a file's text, and as what --set is given. */
static mlp_status load(mlp_config *config, const uint8_t *data, size_t size, mlp_error *err)
{
    static const char set[] = "--set=";
    if (size < sizeof set - 1 || memcmp(data, set, sizeof set - 1) != 0)
        return mlp_config_load(config, fuzz_file(data, size), NULL, 0, err);
    char *override = calloc(size + 1, 1);
    FUZZ_ASSERT(override != NULL);
    memcpy(override, data + sizeof set - 1, size - (sizeof set - 1));
    const mlp_override overrides[] = {override};
    mlp_status status = mlp_config_parse(config, "{}", "<fuzz>", NULL, overrides, 1, err);
    free(override);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mlp_config config, again;
    mlp_error err;
    mlp_status status = load(&config, data, size, &err);
    FUZZ_ASSERT(status == MLP_OK || status == MLP_ERR_CONFIG);
    if (status == MLP_OK) {
        char *text = mlp_config_to_json(&config, MLP_CONFIG_WHOLE, 4);
        FUZZ_ASSERT(text != NULL);
        FUZZ_ASSERT(mlp_config_parse(&again, text, "<again>", NULL, NULL, 0, &err) == MLP_OK);
        char *text_again = mlp_config_to_json(&again, MLP_CONFIG_WHOLE, 4);
        FUZZ_ASSERT(text_again != NULL && strcmp(text, text_again) == 0);
        free(text_again);
        free(text);
        mlp_config_free(&again);
    }
    mlp_config_free(&config);
    return 0;
}
