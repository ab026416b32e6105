/* The loop: the same bytes on any team and kernel table, and after any stop; what an epoch
 * reports; what ends a training. */
#include "train_fixture.h"

#include <math.h>
#include <string.h>

static void assert_same_state(const fixture *a, const fixture *b)
{
    const mlp_progress *p = &a->trainer.progress, *q = &b->trainer.progress;
    size_t bytes = a->trainer.model.n_params * sizeof(float);
    assert_memory_equal(a->trainer.model.params, b->trainer.model.params, bytes);
    assert_memory_equal(a->trainer.sgd.velocities, b->trainer.sgd.velocities, bytes);
    assert_int_equal(p->epoch, q->epoch);
    assert_int_equal(p->step, q->step);
    assert_int_equal(p->best_epoch, q->best_epoch);
    assert_memory_equal(&p->best_value, &q->best_value, sizeof p->best_value);
}

static void assert_same_report(const mlp_epoch_report *a, const mlp_epoch_report *b)
{
    assert_memory_equal(&a->train_loss, &b->train_loss, sizeof a->train_loss);
    assert_memory_equal(&a->train_accuracy, &b->train_accuracy, sizeof a->train_accuracy);
    assert_memory_equal(&a->validation_loss, &b->validation_loss, sizeof a->validation_loss);
    assert_memory_equal(&a->lr, &b->lr, sizeof a->lr);
    assert_memory_equal(&a->grad_norm, &b->grad_norm, sizeof a->grad_norm);
}

static void same_bytes_on_any_team_and_table(void **state)
{
    (void)state;
    static const size_t teams[] = {1, 2, 3, 7};
    fixture reference;
    watcher reference_watcher = {0};
    open_fixture(&reference, 1, &mlp_kernels_portable, NULL, 0);
    assert_false(train_steps(&reference, SIZE_MAX, &reference_watcher));
    assert_int_equal(reference_watcher.n_epochs, 3);
    for (size_t k = 0; mlp_kernels_list(k) != NULL; k++)
        for (size_t t = 0; t < sizeof teams / sizeof *teams; t += quick_or(3, 1)) {
            if (!mlp_kernels_supported(mlp_kernels_list(k)))
                continue;
            fixture f;
            watcher w = {0};
            open_fixture(&f, teams[t], mlp_kernels_list(k), NULL, 0);
            train_steps(&f, SIZE_MAX, &w);
            assert_same_state(&reference, &f);
            assert_same_report(&reference_watcher.report, &w.report);
            close_fixture(&f);
        }
    close_fixture(&reference);
}

/* Copies what a checkpoint holds, and nothing else. */
static void hand_over(const fixture *from, fixture *to)
{
    size_t n = from->trainer.model.n_params;
    double *sums = to->trainer.progress.layer_norm_sums;
    memcpy(to->trainer.model.params, from->trainer.model.params, n * sizeof(float));
    memcpy(to->trainer.sgd.velocities, from->trainer.sgd.velocities, n * sizeof(float));
    memcpy(sums, from->trainer.progress.layer_norm_sums,
           from->trainer.progress.n_layers * sizeof *sums);
    to->trainer.progress = from->trainer.progress;
    to->trainer.progress.layer_norm_sums = sums;
}

static void same_bytes_after_a_stop_at_any_step(void **state)
{
    (void)state;
    const mlp_kernels *kernels = fastest_kernels();
    fixture reference;
    watcher reference_watcher = {0};
    open_fixture(&reference, 1, kernels, NULL, 0);
    train_steps(&reference, SIZE_MAX, &reference_watcher);
    size_t total = (size_t)reference.trainer.progress.step;
    assert_int_equal(total, 3 * mlp_trainer_steps_per_epoch(&reference.trainer));
    for (size_t stop = 1; stop < total; stop += quick_or(4, 1)) {
        fixture first, second;
        watcher w = {0};
        open_fixture(&first, 2, kernels, NULL, 0);
        open_fixture(&second, 1, kernels, NULL, 0);
        assert_true(train_steps(&first, stop, &w));
        assert_int_equal(first.trainer.progress.step, stop);
        hand_over(&first, &second);
        assert_false(train_steps(&second, SIZE_MAX, &w));
        assert_same_state(&reference, &second);
        assert_same_report(&reference_watcher.report, &w.report);
        assert_int_equal(w.n_epochs, 3);
        close_fixture(&first);
        close_fixture(&second);
    }
    close_fixture(&reference);
}

/* A batch that the trainer has packed ahead belongs to the progress before, and so do weights that
 * it has packed. */
static void check_that_it_can_be_restored(const mlp_kernels *kernels)
{
    fixture reference, early, used;
    watcher w = {0};
    open_fixture(&reference, 1, kernels, NULL, 0);
    open_fixture(&early, 1, kernels, NULL, 0);
    open_fixture(&used, 1, kernels, NULL, 0);
    train_steps(&reference, SIZE_MAX, &w);
    assert_true(train_steps(&early, 2, &w));
    assert_true(train_steps(&used, 4, &w));
    assert_true(used.trainer.pass.next.size > 0);
    hand_over(&early, &used);
    assert_false(train_steps(&used, SIZE_MAX, &w));
    assert_same_state(&reference, &used);
    close_fixture(&reference);
    close_fixture(&early);
    close_fixture(&used);
}

static void a_used_trainer_can_be_restored(void **state)
{
    (void)state;
    mlp_kernels bf16;
    mlp_error err;
    assert_int_equal(mlp_bf16_kernels_select(&bf16, NULL, &err), MLP_OK);
    check_that_it_can_be_restored(fastest_kernels());
    check_that_it_can_be_restored(&bf16);
}

static void learns_the_drawn_digits(void **state)
{
    (void)state;
    const mlp_override overrides[] = {"train.epochs=30", "train.sgd.momentum=0.9",
                                      "train.sgd.lr=0.02", "data.validation_fraction=0"};
    fixture f;
    watcher w = {0};
    open_fixture(&f, 2, fastest_kernels(), overrides, 4);
    train_steps(&f, SIZE_MAX, &w);
    assert_true(w.report.train_accuracy > 0.9);
    assert_false(w.report.has_validation);
    assert_true(w.report.is_best);
    close_fixture(&f);
}

static void the_seed_and_the_shuffle_matter(void **state)
{
    (void)state;
    const mlp_override seed[] = {"seed=2"}, still[] = {"data.shuffle=false"};
    fixture a, b, c;
    watcher w = {0};
    open_fixture(&a, 1, fastest_kernels(), NULL, 0);
    open_fixture(&b, 1, fastest_kernels(), seed, 1);
    open_fixture(&c, 1, fastest_kernels(), still, 1);
    train_steps(&a, 1, &w);
    train_steps(&b, 1, &w);
    train_steps(&c, 1, &w);
    size_t bytes = a.trainer.model.n_params * sizeof(float);
    assert_memory_not_equal(a.trainer.model.params, b.trainer.model.params, bytes);
    assert_memory_not_equal(a.trainer.model.params, c.trainer.model.params, bytes);
    close_fixture(&a);
    close_fixture(&b);
    close_fixture(&c);
}

/* At a rate that leaves the weights alone: the training's loss is with smoothing, the
 * validation's without. */
static void labels_are_smoothed_in_training_only(void **state)
{
    (void)state;
    const mlp_override overrides[] = {"train.epochs=1", "train.sgd.lr=1e-30",
                                      "train.label_smoothing=0.2"};
    fixture plain, smoothed;
    watcher a = {0}, b = {0};
    open_fixture(&plain, 1, fastest_kernels(), overrides, 2);
    open_fixture(&smoothed, 1, fastest_kernels(), overrides, 3);
    train_steps(&plain, SIZE_MAX, &a);
    train_steps(&smoothed, SIZE_MAX, &b);
    assert_true(fabs(a.report.train_loss - b.report.train_loss) > 1e-4);
    assert_true(a.report.validation_loss == b.report.validation_loss);
    close_fixture(&plain);
    close_fixture(&smoothed);
}

/* Trains with this rate and batch size until it diverges, as the message says. */
static void assert_diverges(const char *lr, const char *batch_size, const char *says)
{
    const mlp_override overrides[] = {lr, batch_size, "train.schedule.type=constant"};
    mlp_error err;
    fixture f;
    bool stopped;
    watcher w = {0};
    open_fixture(&f, 1, fastest_kernels(), overrides, 3);
    mlp_train_observer observer = observe(&w);
    assert_int_equal(mlp_trainer_run(&f.trainer, &observer, &stopped, &err), MLP_ERR_DIVERGED);
    if (strstr(err.message, says) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", says, err.message);
    assert_non_null(strstr(err.message, "try a smaller train.sgd.lr"));
    assert_int_equal(w.n_epochs, 0);
    assert_int_equal(f.trainer.progress.best_epoch, 0);
    close_fixture(&f);
}

static void divergence_names_step_layer_and_lr(void **state)
{
    (void)state;
    assert_diverges("train.sgd.lr=1e30", "train.batch_size=16",
                    "at step 2 (epoch 1): the gradient of layer linear1 is not finite, lr 1e+30");
    assert_diverges("train.sgd.lr=1e39", "train.batch_size=16",
                    "at step 1 (epoch 1): the weight of layer linear1 is not finite, lr 1e+39");
    /* One step an epoch: its weights are finite, what they make of an image is not. */
    assert_diverges("train.sgd.lr=1e30", "train.batch_size=90",
                    "at step 1 (epoch 1): the validation loss of layer linear3 is not finite");
}

static mlp_status check_bounds(void *context, const mlp_trainer *trainer, size_t images,
                               size_t total_images, mlp_error *err)
{
    (void)context, (void)images, (void)total_images, (void)err;
    for (size_t i = 0; i < trainer->model.n_params; i++) {
        assert_true(fabs((double)trainer->model.params[i]) <= trainer->overflow.weight);
        assert_true(fabs((double)trainer->sgd.velocities[i]) <= trainer->overflow.velocity);
    }
    return MLP_OK;
}

static void no_weight_is_larger_than_its_bound(void **state)
{
    (void)state;
    const mlp_override overrides[] = {"train.sgd.nesterov=true", "train.sgd.weight_decay=0.1",
                                      "train.sgd.lr=0.5"};
    fixture f;
    mlp_error err;
    bool stopped;
    open_fixture(&f, 1, fastest_kernels(), overrides, 3);
    mlp_train_observer observer = {.on_step = check_bounds};
    assert_int_equal(mlp_trainer_run(&f.trainer, &observer, &stopped, &err), MLP_OK);
    assert_true(f.trainer.overflow.weight < 1e6);
    close_fixture(&f);
}

static void weights_are_looked_at_where_they_may_overflow(void **state)
{
    (void)state;
    fixture f;
    mlp_overflow_watch watch = {1.0, 1.0};
    mlp_sgd_config config = {.momentum = 0.5, .weight_decay = 0.25};
    open_fixture(&f, 1, fastest_kernels(), NULL, 0);
    size_t n_layers = f.trainer.model.n_layers;
    assert_int_equal(mlp_overflow_find(&watch, &f.trainer.sgd, &config, 0.5, 2.0), n_layers);
    assert_true(fabs(watch.velocity - 2.75) < 1e-5 && fabs(watch.weight - 3.75) < 1e-5);

    /* The bound is near the largest float, the weights are not: it is measured anew. */
    f.trainer.model.params[f.trainer.model.layers[1].weight] = -3.0f;
    f.trainer.sgd.velocities[f.trainer.model.layers[1].bias] = 5.0f;
    assert_int_equal(mlp_overflow_find(&watch, &f.trainer.sgd, &config, 1e38, 2.0), n_layers);
    assert_true(watch.weight == 3.0 && watch.velocity == 5.0);

    f.trainer.sgd.velocities[f.trainer.model.layers[2].end - 1] = -INFINITY;
    assert_int_equal(mlp_overflow_find(&watch, &f.trainer.sgd, &config, 1.0, 1e38), 2);
    f.trainer.model.params[f.trainer.model.layers[1].weight] = NAN;
    assert_int_equal(mlp_overflow_find(&watch, &f.trainer.sgd, &config, 1e39, 0.0), 1);
    close_fixture(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_bytes_on_any_team_and_table),
        cmocka_unit_test(same_bytes_after_a_stop_at_any_step),
        cmocka_unit_test(a_used_trainer_can_be_restored),
        cmocka_unit_test(learns_the_drawn_digits),
        cmocka_unit_test(the_seed_and_the_shuffle_matter),
        cmocka_unit_test(labels_are_smoothed_in_training_only),
        cmocka_unit_test(divergence_names_step_layer_and_lr),
        cmocka_unit_test(no_weight_is_larger_than_its_bound),
        cmocka_unit_test(weights_are_looked_at_where_they_may_overflow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
