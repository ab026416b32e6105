#include "train/schedule.h"

/* cos(pi t) for t in [0, 1] by its Taylor series around 1/2: libm's cos may
 * differ in the last bit between machines, and the rate reaches every weight.
 * cos(pi t) = -sin(x), x = pi (t - 1/2), |x| <= pi / 2; 1e-13 exact there. */
static double cos_pi(double t)
{
    const double pi = 3.14159265358979323846;
    double x = pi * (t - 0.5), square = x * x, term = x, sum = 0.0;
    for (int n = 1; n <= 19; n += 2) {
        sum += term;
        term *= -square / ((n + 1) * (n + 2));
    }
    return -sum;
}

/* Half a cosine from `start` at t = 0 to `end` at t = 1. */
static double anneal(double start, double end, double t)
{
    return end + (start - end) * 0.5 * (1.0 + cos_pi(t));
}

static double one_cycle(double lr, double step, double rise, double total)
{
    const double initial = lr / 25.0, final = initial / 1e4; /* div_factor, final_div_factor */
    double peak = rise - 1.0, last = total - 1.0;            /* steps */
    if (step <= peak)
        return anneal(initial, lr, peak > 0 ? step / peak : 1.0);
    return anneal(lr, final, (step - peak) / (last - peak));
}

double mlp_schedule_lr(const mlp_train_config *train, uint64_t step, uint64_t steps_per_epoch)
{
    double warmup = train->schedule.warmup_epochs * (double)steps_per_epoch;
    double total = (double)train->epochs * (double)steps_per_epoch;
    double done = (double)step;
    if (train->schedule.type == MLP_SCHEDULE_ONE_CYCLE)
        return one_cycle(train->sgd.lr, done, warmup > 0 ? warmup : 0.3 * total, total);
    if (done + 1.0 < warmup)
        return train->sgd.lr * (done + 1.0) / warmup;
    if (train->schedule.type == MLP_SCHEDULE_CONSTANT || total <= warmup)
        return train->sgd.lr;
    return anneal(train->sgd.lr, 0.0, done > warmup ? (done - warmup) / (total - warmup) : 0.0);
}
