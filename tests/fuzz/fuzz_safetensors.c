/* fuzz_safetensors.c: a checkpoint, our own or a foreign one. Whatever is accepted
 * has finite weights and says all that a checkpoint says of itself.
 */
#include <math.h>

#include "fuzz.h"
#include "io/checkpoint.h"

static void check(const mlp_checkpoint *c)
{
    size_t features = 1;
    for (size_t i = 0; i < c->model.n_params; i++)
        FUZZ_ASSERT(isfinite(c->model.params[i]));
    for (size_t i = 0; i < c->model.classes; i++)
        FUZZ_ASSERT(c->class_names[i] != NULL);
    for (size_t i = 0; i < c->rank; i++)
        features *= c->dims[i];
    FUZZ_ASSERT(c->rank <= MLP_IDX_MAX_RANK && features == c->model.features);
    FUZZ_ASSERT(c->preprocess != NULL && (c->config_json == NULL) == (c->version == NULL));
    FUZZ_ASSERT(c->has_progress == (c->velocities != NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mlp_checkpoint c;
    mlp_error err;
    mlp_status status = mlp_checkpoint_load(&c, fuzz_file(data, size), &err);
    FUZZ_ASSERT(status == MLP_OK || status == MLP_ERR_CHECKPOINT);
    if (status == MLP_OK)
        check(&c);
    mlp_checkpoint_free(&c);
    return 0;
}
