#include "train/evaluate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "nn/pass.h"

enum { EVALUATION_BATCH = 256 };

static void evaluate_batch(mlp_team *team, size_t thread, void *argument)
{
    mlp_pass *pass = argument;
    mlp_batch_pack(&pass->batch, pass->kernels, team, thread);
    mlp_team_barrier(team);
    mlp_pass_forward(pass, team, thread);
}

static void count_batch(mlp_evaluation *evaluation, const mlp_pass *pass)
{
    for (size_t i = 0; i < pass->batch.size; i++) {
        size_t label = pass->batch.labels[i], prediction = pass->predictions[i];
        evaluation->loss += (double)pass->losses[i];
        evaluation->correct += label == prediction;
        evaluation->confusion[label * evaluation->classes + prediction]++;
    }
}

mlp_status mlp_evaluate(mlp_evaluation *evaluation, const mlp_model *model, const mlp_dataset *data,
                        const uint32_t *index, size_t n, const mlp_kernels *kernels, mlp_team *team,
                        mlp_error *err)
{
    mlp_pass pass;
    memset(evaluation, 0, sizeof *evaluation);
    evaluation->count = index == NULL ? data->count : n;
    evaluation->classes = model->classes;
    evaluation->confusion = mlp_alloc(model->classes * model->classes, sizeof(uint64_t));
    if (evaluation->confusion == NULL)
        return mlp_fail_memory(err, "the confusion matrix");
    mlp_status status = mlp_pass_init(&pass, model, kernels, EVALUATION_BATCH, team->n_threads,
                                      MLP_PASS_INFERENCE, err);
    if (status != MLP_OK) {
        mlp_evaluation_free(evaluation);
        return status;
    }
    mlp_batch_set_background(&pass.batch,
                             mlp_background(data->pixels, data->count, data->features));
    for (size_t first = 0; first < evaluation->count; first += EVALUATION_BATCH) {
        size_t left = evaluation->count - first;
        mlp_batch_fill(&pass.batch, data, index, first,
                       left < EVALUATION_BATCH ? left : EVALUATION_BATCH);
        mlp_team_run(team, evaluate_batch, &pass);
        count_batch(evaluation, &pass);
    }
    evaluation->loss /= (double)evaluation->count;
    mlp_pass_free(&pass);
    return MLP_OK;
}

void mlp_evaluation_free(mlp_evaluation *evaluation)
{
    free(evaluation->confusion);
    memset(evaluation, 0, sizeof *evaluation);
}

double mlp_evaluation_accuracy(const mlp_evaluation *evaluation)
{
    return (double)evaluation->correct / (double)evaluation->count;
}

mlp_interval mlp_wilson_interval(size_t correct, size_t count)
{
    const double z = 1.959963984540054; /* the normal distribution's 97.5 % point */
    double n = (double)count, p = (double)correct / n;
    double denominator = 1.0 + z * z / n;
    double centre = (p + z * z / (2.0 * n)) / denominator;
    double half = z * sqrt(p * (1.0 - p) / n + z * z / (4.0 * n * n)) / denominator;
    /* At the ends the bound is 0 or 1 exactly; the formula misses it by rounding. */
    return (mlp_interval){.low = correct == 0 ? 0.0 : centre - half,
                          .high = correct == count ? 1.0 : centre + half};
}

static double ratio(uint64_t part, uint64_t whole)
{
    return whole == 0 ? 0.0 : (double)part / (double)whole;
}

mlp_class_report mlp_evaluation_class(const mlp_evaluation *evaluation, size_t class_index)
{
    size_t classes = evaluation->classes;
    uint64_t hits = evaluation->confusion[class_index * classes + class_index];
    uint64_t labelled = 0, predicted = 0;
    for (size_t c = 0; c < classes; c++) {
        labelled += evaluation->confusion[class_index * classes + c];
        predicted += evaluation->confusion[c * classes + class_index];
    }
    return (mlp_class_report){.support = (size_t)labelled,
                              .precision = ratio(hits, predicted),
                              .recall = ratio(hits, labelled),
                              .f1 = ratio(2 * hits, labelled + predicted)};
}
