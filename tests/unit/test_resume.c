/* Which progress is refused, and what an epoch reports that is resumed behind its last step. */
#include "train_fixture.h"

#include <string.h>

#include "train/resume.h"
#include "train/schedule.h"

static void assert_checked(fixture *f, mlp_status wanted, const char *message)
{
    mlp_error err = {""};
    f->data.labels_path = strdup("labels");
    assert_int_equal(mlp_trainer_check_progress(&f->trainer, "last", &err), wanted);
    assert_string_equal(err.message, message);
}

static void any_step_of_the_training_is_accepted(void **state)
{
    (void)state;
    fixture f;
    watcher w = {0};
    open_fixture(&f, 1, fastest_kernels(), NULL, 0);
    assert_checked(&f, MLP_OK, "");
    while (train_steps(&f, 1, &w)) {
        mlp_error err = {""};
        assert_int_equal(mlp_trainer_check_progress(&f.trainer, "last", &err), MLP_OK);
    }
    close_fixture(&f);
}

/* Five steps an epoch, of 70 images; ten steps are done. */
static void refuse(void (*spoil)(fixture *f), mlp_status wanted, const char *message)
{
    fixture f;
    watcher w = {0};
    open_fixture(&f, 1, fastest_kernels(), NULL, 0);
    train_steps(&f, 10, &w);
    spoil(&f);
    assert_checked(&f, wanted, message);
    close_fixture(&f);
}

static void change_a_label(fixture *f)
{
    f->data.labels[N_IMAGES - 1] ^= 1;
}

static void skip_a_step(fixture *f)
{
    f->trainer.progress.step++;
}

static void end_past_the_epoch(fixture *f)
{
    f->trainer.progress = (mlp_progress){.epoch = 1,
                                         .step = 11,
                                         .step_in_epoch = 6,
                                         .labels_crc = f->trainer.progress.labels_crc,
                                         .n_layers = f->trainer.progress.n_layers,
                                         .layer_norm_sums = f->trainer.progress.layer_norm_sums};
}

/* One step has 16 images; the last one of an epoch 6. */
static void find_too_much_correct(fixture *f)
{
    watcher w = {0};
    train_steps(f, 1, &w);
    f->trainer.progress.correct = 17;
}

static void find_too_much_correct_of_all(fixture *f)
{
    f->trainer.progress.epoch = 1;
    f->trainer.progress.step_in_epoch = 5;
    f->trainer.progress.correct = 71;
}

/* What wraps around fits. */
static void come_round(fixture *f)
{
    f->trainer.progress.epoch = UINT64_MAX;
    f->trainer.progress.step_in_epoch = 5;
    f->trainer.progress.step = 0;
}

static void spoil_the_sum(fixture *f)
{
    f->trainer.progress.labels_crc |= UINT64_C(1) << 32;
}

static void shorten(fixture *f)
{
    f->config.train.epochs = 1;
}

static void shorten_within_an_epoch(fixture *f)
{
    watcher w = {0};
    train_steps(f, 1, &w);
    f->config.train.epochs = 2;
}

static void what_no_step_leaves_is_refused(void **state)
{
    (void)state;
    refuse(change_a_label, MLP_ERR_DATA,
           "labels: found labels with CRC-32 ab42aaae, wanted dc459a38, those that last was "
           "trained on");
    refuse(skip_a_step, MLP_ERR_CHECKPOINT,
           "last: found step 11, epoch 2, step_in_epoch 0 and correct 0, "
           "wanted those of epochs of 5 steps and 70 images");
    refuse(end_past_the_epoch, MLP_ERR_CHECKPOINT,
           "last: found step 11, epoch 1, step_in_epoch 6 and correct 0, "
           "wanted those of epochs of 5 steps and 70 images");
    refuse(find_too_much_correct, MLP_ERR_CHECKPOINT,
           "last: found step 11, epoch 2, step_in_epoch 1 and correct 17, "
           "wanted those of epochs of 5 steps and 70 images");
    refuse(find_too_much_correct_of_all, MLP_ERR_CHECKPOINT,
           "last: found step 10, epoch 1, step_in_epoch 5 and correct 71, "
           "wanted those of epochs of 5 steps and 70 images");
    refuse(come_round, MLP_ERR_CHECKPOINT,
           "last: found step 0, epoch 18446744073709551615, step_in_epoch 5 and correct 0, "
           "wanted those of epochs of 5 steps and 70 images");
    refuse(spoil_the_sum, MLP_ERR_CHECKPOINT,
           "last: found 7990516280 as the labels' CRC-32, wanted at most 4294967295");
    refuse(shorten, MLP_ERR_CONFIG,
           "train.epochs: found 1, wanted at least 2, as many as last has begun");
    refuse(shorten_within_an_epoch, MLP_ERR_CONFIG,
           "train.epochs: found 2, wanted at least 3, as many as last has begun");
}

/* What a checkpoint holds that is written after an epoch's last step, and before its end. */
typedef struct copy {
    mlp_progress progress;
    double sums[4];
} copy;

static mlp_status copy_progress(void *context, const mlp_trainer *trainer, size_t images,
                                size_t total_images, mlp_error *err)
{
    copy *c = context;
    (void)images;
    (void)total_images;
    (void)err;
    c->progress = trainer->progress;
    memcpy(c->sums, trainer->progress.layer_norm_sums,
           trainer->progress.n_layers * sizeof *c->sums);
    return MLP_OK;
}

static void an_epoch_without_a_step_left_is_reported_whole(void **state)
{
    (void)state;
    const mlp_override one_epoch[] = {"train.epochs=1"};
    fixture f;
    mlp_error err;
    bool stopped;
    copy c;
    watcher whole = {0}, resumed = {0};
    open_fixture(&f, 1, fastest_kernels(), one_epoch, 1);
    mlp_train_observer copying = {.context = &c, .on_step = copy_progress};
    assert_int_equal(mlp_trainer_run(&f.trainer, &copying, &stopped, &err), MLP_OK);
    close_fixture(&f);

    open_fixture(&f, 1, fastest_kernels(), one_epoch, 1);
    train_steps(&f, SIZE_MAX, &whole);
    memcpy(f.trainer.progress.layer_norm_sums, c.sums, c.progress.n_layers * sizeof *c.sums);
    c.progress.layer_norm_sums = f.trainer.progress.layer_norm_sums;
    f.trainer.progress = c.progress;
    train_steps(&f, SIZE_MAX, &resumed);
    assert_int_equal(resumed.n_epochs, 1);
    assert_true(resumed.report.lr == mlp_schedule_lr(&f.config.train, 4, 5)); /* of the last step */
    assert_true(resumed.report.train_loss == whole.report.train_loss);
    assert_true(resumed.report.grad_norm == whole.report.grad_norm);
    assert_true(resumed.report.images_per_second == 0.0);
    close_fixture(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_step_of_the_training_is_accepted),
        cmocka_unit_test(what_no_step_leaves_is_refused),
        cmocka_unit_test(an_epoch_without_a_step_left_is_reported_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
