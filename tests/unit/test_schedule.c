/* The learning rate of each step. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>

#include "train/schedule.h"

static void schedules(void **state)
{
    (void)state;
    mlp_train_config t = {.epochs = 4, .sgd = {.lr = 0.5}};
    for (uint64_t step = 0; step < 40; step++)
        assert_true(mlp_schedule_lr(&t, step, 10) == 0.5);

    t.schedule.type = MLP_SCHEDULE_COSINE;
    for (uint64_t step = 0; step < 40; step++) {
        double expected = 0.25 * (1.0 + cos(acos(-1.0) * (double)step / 40.0));
        assert_true(fabs(mlp_schedule_lr(&t, step, 10) - expected) < 1e-12);
    }

    t.schedule.warmup_epochs = 0.5;
    for (uint64_t step = 0; step < 5; step++)
        assert_true(fabs(mlp_schedule_lr(&t, step, 10) - 0.1 * (double)(step + 1)) < 1e-15);
    double expected = 0.25 * (1.0 + cos(acos(-1.0) * 20.0 / 35.0));
    assert_true(fabs(mlp_schedule_lr(&t, 25, 10) - expected) < 1e-12);
}

/* tests/golden/one_cycle.txt, whose head describes its format: PyTorch's rates. */
static void one_cycle_is_pytorchs(void **state)
{
    (void)state;
    FILE *f = fopen(MLP_SOURCE_DIR "/tests/golden/one_cycle.txt", "r");
    mlp_train_config t = {.schedule.type = MLP_SCHEDULE_ONE_CYCLE};
    unsigned long long steps;
    size_t cycles = 0;
    assert_non_null(f);
    while (fscanf(f, " #%*[^\n]") == 0) {
        if (fscanf(f, "%zu %llu %lf %lf", &t.epochs, &steps, &t.schedule.warmup_epochs,
                   &t.sgd.lr) != 4)
            continue;
        for (uint64_t step = 0; step < t.epochs * steps; step++) {
            double expected;
            assert_int_equal(fscanf(f, "%lf", &expected), 1);
            assert_true(fabs(mlp_schedule_lr(&t, step, steps) - expected) < 1e-12);
        }
        cycles++;
    }
    fclose(f);
    assert_int_equal(cycles, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(schedules),
        cmocka_unit_test(one_cycle_is_pytorchs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
