#include "nn/pass.h"

#include <string.h>

/* Element (image, h) of the last layer's output or its gradient. */
static float *last_layer_at(const mlp_pass *pass, float *matrix, size_t image, size_t h)
{
    return matrix + h / MLP_PANEL * pass->batch.capacity * MLP_PANEL + image * MLP_PANEL +
           h % MLP_PANEL;
}

/* What the loss wants of a class's probability. */
typedef struct target {
    float label, other; /* of the label, and of any other class */
} target;

static target smoothed_target(const mlp_pass *pass)
{
    float share = pass->label_smoothing / (float)pass->model->classes;
    return (target){.label = 1.0f - pass->label_smoothing + share, .other = share};
}

/* d(mean loss) / dz = (P(class) - target) / B, for both heads. */
static void image_gradient(const mlp_pass *pass, target wanted, size_t image)
{
    const mlp_model *model = pass->model;
    const float *probabilities = pass->probabilities + image * model->classes;
    float *gradient = pass->output_gradients[model->n_layers - 1];
    float inverse_size = 1.0f / (float)pass->batch.size;
    size_t label = pass->batch.labels[image];
    size_t first = model->output == MLP_OUTPUT_SIGMOID ? 1 : 0; /* its one logit is class 1's */
    for (size_t c = first; c < model->classes; c++)
        *last_layer_at(pass, gradient, image, c - first) =
            (probabilities[c] - (c == label ? wanted.label : wanted.other)) * inverse_size;
}

static void sigmoid_loss(mlp_pass *pass, target wanted, size_t image)
{
    float logit = *last_layer_at(pass, pass->outputs[pass->model->n_layers - 1], image, 0);
    float *probabilities = pass->probabilities + image * pass->model->classes;
    size_t label = pass->batch.labels[image];
    pass->losses[image] = pass->kernels->sigmoid(logit, label, &probabilities[1]);
    if (wanted.other > 0.0f)
        pass->losses[image] += (label != 0 ? wanted.other : -wanted.other) * logit;
    probabilities[0] = 1.0f - probabilities[1];
    pass->predictions[image] = logit > 0.0f;
}

/* Of an image's logits, (classes, MLP_LANES) in the first lane, what the log of their sum is held
 * against: the label's, or the mean of all that the target weighs. */
static float target_logit(size_t classes, target wanted, size_t label, const float *logits)
{
    float logit = logits[label * MLP_LANES];
    if (!(wanted.other > 0.0f))
        return logit;
    float sum = (wanted.label - wanted.other) * logit;
    for (size_t c = 0; c < classes; c++)
        sum += wanted.other * logits[c * MLP_LANES];
    return sum;
}

/* Images first .. first + n - 1, n <= MLP_LANES. */
static void softmax_losses(mlp_pass *pass, target wanted, size_t first, size_t n)
{
    size_t classes = pass->model->classes;
    float *logits = pass->outputs[pass->model->n_layers - 1];
    float z[MLP_MAX_CLASSES * MLP_LANES] __attribute__((aligned(64)));
    float target_logits[MLP_LANES], largest[MLP_LANES], log_sum[MLP_LANES];
    memset(z, 0, classes * MLP_LANES * sizeof *z);
    for (size_t i = 0; i < n; i++) {
        size_t prediction = 0;
        for (size_t c = 0; c < classes; c++) {
            z[c * MLP_LANES + i] = *last_layer_at(pass, logits, first + i, c);
            if (z[c * MLP_LANES + i] > z[prediction * MLP_LANES + i])
                prediction = c;
        }
        pass->predictions[first + i] = (uint8_t)prediction;
        target_logits[i] = target_logit(classes, wanted, pass->batch.labels[first + i], z + i);
    }
    pass->kernels->softmax(classes, z, largest, log_sum);
    for (size_t i = 0; i < n; i++) {
        pass->losses[first + i] = log_sum[i] - (target_logits[i] - largest[i]);
        for (size_t c = 0; c < classes; c++)
            pass->probabilities[(first + i) * classes + c] = z[c * MLP_LANES + i];
    }
}

void mlp_pass_loss(mlp_pass *pass, size_t first, size_t n)
{
    target wanted = smoothed_target(pass);
    if (pass->model->output == MLP_OUTPUT_SIGMOID)
        for (size_t image = first; image < first + n; image++)
            sigmoid_loss(pass, wanted, image);
    else
        softmax_losses(pass, wanted, first, n);
    for (size_t image = first; pass->output_gradients != NULL && image < first + n; image++)
        image_gradient(pass, wanted, image);
}
