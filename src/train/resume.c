#include "train/resume.h"

#include <inttypes.h>

static mlp_status check_labels(const mlp_trainer *trainer, const char *path, mlp_error *err)
{
    uint64_t found = mlp_dataset_labels_crc(trainer->data), wanted = trainer->progress.labels_crc;
    if (wanted > UINT32_MAX)
        return mlp_fail(err, MLP_ERR_CHECKPOINT,
                        "%s: found %" PRIu64 " as the labels' CRC-32, wanted at most %" PRIu32,
                        path, wanted, UINT32_MAX);
    if (found != wanted)
        return mlp_fail(err, MLP_ERR_DATA,
                        "%s: found labels with CRC-32 %08" PRIx64 ", wanted %08" PRIx64
                        ", those that %s was trained on",
                        trainer->data->labels_path, found, wanted, path);
    return MLP_OK;
}

static mlp_status check_position(const mlp_trainer *trainer, const char *path, mlp_error *err)
{
    const mlp_progress *p = &trainer->progress;
    uint64_t steps = mlp_trainer_steps_per_epoch(trainer);
    bool fits = p->step_in_epoch <= steps && p->epoch < UINT64_MAX / steps &&
                p->step == p->epoch * steps + p->step_in_epoch &&
                p->correct <= mlp_trainer_images_done(trainer);
    if (fits)
        return MLP_OK;
    return mlp_fail(
        err, MLP_ERR_CHECKPOINT,
        "%s: found step %" PRIu64 ", epoch %" PRIu64 ", step_in_epoch %" PRIu64
        " and correct %" PRIu64 ", wanted those of epochs of %" PRIu64 " steps and %zu images",
        path, p->step, p->epoch, p->step_in_epoch, p->correct, steps, trainer->split.n_train);
}

mlp_status mlp_trainer_check_progress(const mlp_trainer *trainer, const char *path, mlp_error *err)
{
    const mlp_progress *p = &trainer->progress;
    mlp_status status = check_labels(trainer, path, err);
    if (status == MLP_OK)
        status = check_position(trainer, path, err);
    if (status != MLP_OK)
        return status;
    uint64_t begun = p->epoch + (p->step_in_epoch > 0);
    if (trainer->config->train.epochs < begun)
        return mlp_fail(err, MLP_ERR_CONFIG,
                        "train.epochs: found %zu, wanted at least %" PRIu64
                        ", as many as %s has begun",
                        trainer->config->train.epochs, begun, path);
    return MLP_OK;
}
