/* step.c: the functions of pass.h by turns, as the training loop calls them, with the clock read
 * on the first member after the barrier that ends each. Packing stands alone here; in training
 * the next batch is packed at the end of a step. */
#include "step.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "nn/pass.h"

enum { CLASSES = 10, LEAST_STEPS = 20, MOST_IMAGES = 1024 };
static const double LEAST_SECONDS = 0.3; /* of steps, for each shape */

typedef enum phase { PHASE_PACK, PHASE_FORWARD, PHASE_BACKWARD, N_PHASES } phase;

static const char *const PHASE_NAMES[N_PHASES] = {"pack", "forward, loss", "backward, sgd"};

/* A network in training; all of it may be freed when zeroed. */
typedef struct net {
    mlp_model model;
    mlp_sgd sgd;
    mlp_pass pass;
    double last[N_PHASES], fastest[N_PHASES]; /* seconds: of the last step, of the fastest */
    double last_step, fastest_step;
} net;

static void free_net(net *n)
{
    mlp_pass_free(&n->pass);
    mlp_sgd_free(&n->sgd);
    mlp_model_free(&n->model);
}

static mlp_status init_net(net *n, size_t hidden, size_t batch, const mlp_dataset *data,
                           const mlp_kernels *kernels, const mlp_team *team, mlp_error *err)
{
    memset(n, 0, sizeof *n);
    mlp_status status =
        mlp_model_init(&n->model, data->features, 1, &hidden, MLP_OUTPUT_SOFTMAX, CLASSES, err);
    if (status == MLP_OK) {
        mlp_model_randomize(&n->model, 1);
        status = mlp_sgd_init(&n->sgd, &n->model, err);
    }
    if (status == MLP_OK)
        status = mlp_pass_init(&n->pass, &n->model, kernels, batch, team->n_threads,
                               MLP_PASS_TRAINING, err);
    if (status != MLP_OK)
        free_net(n);
    return status;
}

/* The phase took from *since until now; the first member's word counts. */
static void end_phase(net *n, phase p, size_t thread, double *since)
{
    double now = mlp_clock_seconds();
    if (thread == 0)
        n->last[p] = now - *since;
    *since = now;
}

static void run_step(mlp_team *team, size_t thread, void *argument)
{
    net *n = argument;
    const mlp_sgd_step step = {.lr = 0.001f, .momentum = 0.9f};
    double since = mlp_clock_seconds();
    mlp_batch_pack(&n->pass.batch, n->pass.kernels, team, thread);
    mlp_team_barrier(team);
    end_phase(n, PHASE_PACK, thread, &since);
    mlp_pass_forward(&n->pass, team, thread);
    end_phase(n, PHASE_FORWARD, thread, &since);
    mlp_pass_backward(&n->pass, &n->sgd, &step, team, thread);
    end_phase(n, PHASE_BACKWARD, thread, &since);
}

static void keep_faster(double *fastest, double seconds)
{
    if (*fastest == 0.0 || seconds < *fastest)
        *fastest = seconds;
}

/* Steps over the images in their order. The fastest counts, as for kernels (machine.h). */
static void run_steps(net *n, size_t batch, const mlp_dataset *data, mlp_team *team)
{
    double start = mlp_clock_seconds();
    size_t first = 0;
    for (size_t s = 0; s < LEAST_STEPS || mlp_clock_seconds() - start < LEAST_SECONDS; s++) {
        mlp_batch_fill(&n->pass.batch, data, NULL, first, batch);
        double before = mlp_clock_seconds();
        mlp_team_run(team, run_step, n);
        keep_faster(&n->fastest_step, mlp_clock_seconds() - before);
        for (size_t p = 0; p < N_PHASES; p++)
            keep_faster(&n->fastest[p], n->last[p]);
        first = first + 2 * batch <= data->count ? first + batch : 0;
    }
}

static void print_line(const net *n, size_t batch, const char *name, double seconds, double flops,
                       double peak)
{
    char shape[64];
    snprintf(shape, sizeof shape, "%zu-%zu-%zu, %zu", n->model.features, n->model.layers[0].outputs,
             n->model.classes, batch);
    printf("%-10s %-18s %-14s %10.3f", n->pass.kernels->name, shape, name, seconds * 1e3);
    if (flops > 0.0)
        printf(" %9.1f %7.0f %%", flops / seconds / 1e9, 100.0 * flops / seconds / peak);
    printf("\n");
}

/* Operations as docs/performance.md counts them, zeros included. */
static void print_net(const net *n, size_t batch, double peak)
{
    double images = (double)batch, hidden = (double)n->model.layers[0].outputs;
    double first = 2.0 * images * (double)n->model.features * hidden;
    double last = 2.0 * images * hidden * (double)n->model.classes;
    /* Forwards also goes back to the hidden layer (pass.h). */
    const double flops[N_PHASES] = {0.0, first + 2.0 * last, first + last};
    for (size_t p = 0; p < N_PHASES; p++)
        print_line(n, batch, PHASE_NAMES[p], n->fastest[p], flops[p], peak);
    print_line(n, batch, "step", n->fastest_step, 2.0 * first + 3.0 * last, peak);
}

static const size_t SHAPES[][2] = {{128, 128}, {1024, 128}, {1024, MOST_IMAGES}}; /* H, batch */

mlp_status bench_check_images(const mlp_dataset *data, mlp_error *err)
{
    if (data->count < MOST_IMAGES)
        return mlp_fail(err, MLP_ERR_DATA, "%zu images, wanted at least %d", data->count,
                        MOST_IMAGES);
    for (size_t i = 0; i < data->count; i++)
        if (data->labels[i] >= CLASSES)
            return mlp_fail(err, MLP_ERR_DATA, "label %u of image %zu, wanted less than %d",
                            data->labels[i], i, CLASSES);
    return MLP_OK;
}

mlp_status bench_print_steps(const mlp_dataset *data, const mlp_kernels *kernels, mlp_team *team,
                             double peak, mlp_error *err)
{
    mlp_status status = MLP_OK;
    for (size_t i = 0; status == MLP_OK && i < sizeof SHAPES / sizeof *SHAPES; i++) {
        size_t hidden = SHAPES[i][0], batch = SHAPES[i][1];
        net n;
        status = init_net(&n, hidden, batch, data, kernels, team, err);
        if (status != MLP_OK)
            break;
        run_steps(&n, batch, data, team);
        print_net(&n, batch, peak);
        free_net(&n);
    }
    return status;
}
