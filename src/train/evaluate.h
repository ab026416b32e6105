/* evaluate.h: how good a model is on a set of images. */
#ifndef MLP_TRAIN_EVALUATE_H
#define MLP_TRAIN_EVALUATE_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "base/team.h"
#include "data/dataset.h"
#include "kernels/kernels.h"
#include "nn/model.h"

typedef struct mlp_evaluation {
    size_t count, correct; /* images */
    double loss;           /* mean cross-entropy over images, nats */
    size_t classes;
    uint64_t *confusion; /* (classes, classes): row = label, column = prediction */
} mlp_evaluation;

typedef struct mlp_interval {
    double low, high;
} mlp_interval;

/* index (n) picks images of data; NULL: all, and n is not used. */
mlp_status mlp_evaluate(mlp_evaluation *evaluation, const mlp_model *model, const mlp_dataset *data,
                        const uint32_t *index, size_t n, const mlp_kernels *kernels, mlp_team *team,
                        mlp_error *err);
void mlp_evaluation_free(mlp_evaluation *evaluation);

double mlp_evaluation_accuracy(const mlp_evaluation *evaluation);

/* The 95 % interval of a proportion: Wilson, "Probable inference, the law of
 * succession, and statistical inference", J. Am. Stat. Assoc. 22, 1927. */
mlp_interval mlp_wilson_interval(size_t correct, size_t count);

/* Of one class; 0 where nothing was predicted or nothing was there. */
typedef struct mlp_class_report {
    size_t support; /* images with this label */
    double precision, recall, f1;
} mlp_class_report;

mlp_class_report mlp_evaluation_class(const mlp_evaluation *evaluation, size_t class_index);

#endif
