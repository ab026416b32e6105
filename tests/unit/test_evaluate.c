/* Evaluation: every image is counted, and what is said of the counts. */
#include "train_fixture.h"

#include <math.h>

#include "train/evaluate.h"

static void wilson_interval(void **state)
{
    (void)state;
    /* The roots of (p - correct / n)^2 = z^2 p (1 - p) / n, solved by hand. */
    mlp_interval i = mlp_wilson_interval(98, 100);
    assert_true(fabs(i.low - 0.92999) < 1e-5 && fabs(i.high - 0.99450) < 1e-5);
    i = mlp_wilson_interval(0, 10);
    assert_true(i.low == 0.0 && fabs(i.high - 0.27753) < 1e-5);
    i = mlp_wilson_interval(10, 10);
    assert_true(fabs(i.low - 0.72247) < 1e-5 && i.high == 1.0);
}

static void class_reports(void **state)
{
    (void)state;
    uint64_t confusion[] = {5, 1, 0, /**/ 2, 6, 0, /**/ 0, 0, 0}; /* class 2 never occurs */
    mlp_evaluation e = {.count = 14, .correct = 11, .classes = 3, .confusion = confusion};
    mlp_class_report zero = mlp_evaluation_class(&e, 0), two = mlp_evaluation_class(&e, 2);
    assert_int_equal(zero.support, 6);
    assert_true(fabs(zero.precision - 5.0 / 7.0) < 1e-15);
    assert_true(fabs(zero.recall - 5.0 / 6.0) < 1e-15);
    assert_true(fabs(zero.f1 - 10.0 / 13.0) < 1e-15);
    assert_int_equal(two.support, 0);
    assert_true(two.precision == 0.0 && two.recall == 0.0 && two.f1 == 0.0);
}

static void evaluation_counts_every_image(void **state)
{
    (void)state;
    fixture f;
    watcher w = {0};
    mlp_evaluation all, some;
    mlp_error err;
    open_fixture(&f, 3, &mlp_kernels_portable, NULL, 0);
    train_steps(&f, SIZE_MAX, &w);
    const mlp_model *model = &f.trainer.model;
    assert_int_equal(
        mlp_evaluate(&all, model, &f.data, NULL, 0, &mlp_kernels_portable, &f.team, &err), MLP_OK);
    uint64_t total = 0, diagonal = 0;
    for (size_t i = 0; i < 100; i++)
        total += all.confusion[i];
    for (size_t c = 0; c < 10; c++)
        diagonal += all.confusion[c * 11];
    assert_int_equal(total, N_IMAGES);
    assert_int_equal(diagonal, all.correct);
    assert_int_equal(mlp_evaluate(&some, model, &f.data, f.trainer.split.validation,
                                  f.trainer.split.n_validation, &mlp_kernels_portable, &f.team,
                                  &err),
                     MLP_OK);
    assert_int_equal(some.count, f.trainer.split.n_validation);
    assert_true(some.loss == w.report.validation_loss);
    mlp_evaluation_free(&all);
    mlp_evaluation_free(&some);
    close_fixture(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wilson_interval),
        cmocka_unit_test(class_reports),
        cmocka_unit_test(evaluation_counts_every_image),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
