/* fuzz_image.c: what `predict` is given. The first byte chooses the model's input and
 * how many images are read at once, the rest is the file: raw pixels, IDX or PGM,
 * plain or gzipped. */
#include "data/image.h"
#include "fuzz.h"

static const struct {
    size_t rows, cols, features;
} INPUTS[] = {{2, 3, 6}, {0, 0, 6}, {1, 1, 1}, {28, 28, 784}};

enum {
    N_INPUTS = sizeof INPUTS / sizeof *INPUTS,
    MAX_FEATURES = 784,
    MAX_BATCH = 3,
    MAX_BATCHES = 1000
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t pixels[MAX_BATCH * MAX_FEATURES];
    mlp_image_reader reader;
    mlp_error err;
    if (size == 0)
        return 0;
    size_t i = data[0] % N_INPUTS, batch = 1 + data[0] / N_INPUTS % MAX_BATCH, got = batch;
    mlp_status status = mlp_image_open(&reader, fuzz_file(data + 1, size - 1), INPUTS[i].features,
                                       INPUTS[i].rows, INPUTS[i].cols, &err);
    for (int n = 0; status == MLP_OK && got == batch && n < MAX_BATCHES; n++) {
        status = mlp_image_read(&reader, batch, pixels, &got, &err);
        FUZZ_ASSERT(got <= batch);
    }
    FUZZ_ASSERT(status == MLP_OK || status == MLP_ERR_DATA);
    mlp_image_close(&reader);
    return 0;
}
