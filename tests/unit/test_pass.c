/* Steps of training: neither team, kernel table nor the batch before or after moves
 * a bit. What the bits should be, test_gradients.c knows. */
#include "nn_fixture.h"

static const mlp_sgd_step STEP = {0.1f, 0.9f, 1e-3f, 1};

enum { STEPS = 4 };

/* Batches of changing size, so that a short one follows a long one. */
static net_shape shape_of_step(const net_shape *shape, size_t step)
{
    net_shape now = *shape;
    now.batch = step % 2 == 0 ? shape->batch : (shape->batch + 1) / 2;
    return now;
}

static void train_a_little(net *n, const net_shape *shape)
{
    for (size_t step = 0; step < STEPS; step++) {
        net_shape now = shape_of_step(shape, step);
        net_roll_batch(n, &now, 10 + step);
        net_step(n, &STEP);
    }
}

/* The same, each batch packed during the step before it. */
static void train_ahead(net *n, const net_shape *shape)
{
    uint8_t *images[2] = {n->images, must_alloc(shape->batch, shape->features)};
    net_job job = {n, &STEP, false};
    net_roll_batch(n, shape, 10);
    for (size_t step = 0; step < STEPS; step++) {
        net_shape next = shape_of_step(shape, step + 1);
        next.batch = step + 1 < STEPS ? next.batch : 0;
        roll_batch(&n->pass.next, &next, 11 + step, images[(step + 1) % 2]);
        mlp_team_run(&n->team, net_step_member, &job);
        if (step + 1 < STEPS)
            mlp_pass_advance(&n->pass);
        job.is_packed = true;
    }
    free(images[1]);
}

static void padding_stays_zero(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_NET_SHAPES; i += quick_or(5, 1)) {
        net_shape shape = net_shape_at(i);
        net n;
        net_init(&n, &shape, supported_kernels(0), 1);
        train_a_little(&n, &shape);
        net_assert_padding_is_zero(&n);
        net_free(&n);
    }
}

/* Rows of a batch that was larger before are not part of this one. */
static void a_short_batch_forgets_the_long_one(void **state)
{
    (void)state;
    net_shape shape = net_shape_at(LARGEST_NET), small = shape;
    small.batch = 9;
    net used, fresh;
    net_init(&used, &shape, supported_kernels(0), 1);
    net_init(&fresh, &shape, supported_kernels(0), 1);
    net_step(&used, &GRADIENTS_ONLY);
    net_roll_batch(&used, &small, 5);
    net_roll_batch(&fresh, &small, 5);
    net_step(&used, &GRADIENTS_ONLY);
    net_step(&fresh, &GRADIENTS_ONLY);
    net_assert_equal_losses(&used, &fresh);
    net_assert_equal_states(&used, &fresh);
    net_free(&used);
    net_free(&fresh);
}

static void team_table_and_next_batch_move_no_bit(void **state)
{
    (void)state;
    const size_t threads[] = {1, 2, 3, 7};
    for (size_t i = 0; i < N_NET_SHAPES; i += quick_or(5, 1)) {
        net_shape shape = net_shape_at(i);
        net wanted;
        net_init(&wanted, &shape, supported_kernels(0), 1);
        train_a_little(&wanted, &shape);
        for (size_t k = 0; supported_kernels(k) != NULL; k++)
            for (size_t t = k == 0 ? 1 : 0; t < 2 * sizeof threads / sizeof *threads;
                 t += k == 0 ? quick_or(3, 1) : 1) { /* the definition is slow */
                net n;
                net_init(&n, &shape, supported_kernels(k), threads[t / 2]);
                (t % 2 == 0 ? train_a_little : train_ahead)(&n, &shape);
                net_assert_equal_losses(&n, &wanted);
                net_assert_equal_states(&n, &wanted);
                net_free(&n);
            }
        net_free(&wanted);
    }
}

static void know_background(net *n, uint8_t background)
{
    mlp_batch_set_background(&n->pass.batch, background);
    mlp_batch_set_background(&n->pass.next, background);
}

/* Whether it is known or not: batches of one block and of several. */
static void a_shared_background_moves_no_bit(void **state)
{
    (void)state;
    const size_t batches[] = {1, 150, 405};
    for (size_t i = 0; i < N_NET_LAYERS * sizeof batches / sizeof *batches; i += quick_or(5, 1))
        for (size_t k = 0; supported_kernels(k) != NULL; k += quick_or(2, 1)) {
            net_shape shape = NET_LAYERS[i % N_NET_LAYERS];
            net wanted, found;
            shape.batch = batches[i / N_NET_LAYERS];
            shape.background = 200;
            net_init(&wanted, &shape, supported_kernels(k), 1);
            net_init(&found, &shape, supported_kernels(k), 1 + k);
            know_background(&found, shape.background);
            train_a_little(&wanted, &shape);
            (k % 2 == 0 ? train_ahead : train_a_little)(&found, &shape);
            net_assert_equal_losses(&found, &wanted);
            net_assert_equal_states(&found, &wanted);
            net_free(&wanted);
            net_free(&found);
        }
}

/* A layer's gradients, which that step leaves in the velocities, have the norm that was kept. */
static void norms_are_those_of_the_gradients(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_NET_SHAPES; i += quick_or(5, 1)) {
        net_shape shape = net_shape_at(i);
        net n;
        net_init(&n, &shape, supported_kernels(0), 1 + i % 3);
        train_a_little(&n, &shape);
        net_step(&n, &GRADIENTS_ONLY);
        for (size_t l = 0; l < n.model.n_layers; l++) {
            const mlp_layer *layer = &n.model.layers[l];
            double sum = 0.0, found = mlp_sgd_layer_norm(&n.sgd, l);
            for (size_t at = layer->weight; at < layer->end; at++)
                sum += (double)n.sgd.velocities[at] * (double)n.sgd.velocities[at];
            if (!(fabs(found - sqrt(sum)) <= 1e-6 * sqrt(sum)))
                fail_msg("shape %zu, layer %zu: %.9g, wanted %.9g", i, l, found, sqrt(sum));
        }
        net_free(&n);
    }
}

static void inference_member(mlp_team *team, size_t thread, void *argument)
{
    mlp_pass *pass = argument;
    mlp_batch_pack(&pass->batch, pass->kernels, team, thread);
    mlp_team_barrier(team);
    mlp_pass_forward(pass, team, thread);
}

/* A pass that only looks has the same logits and needs no gradients. */
static void an_inference_pass_gives_the_same_losses(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_NET_SHAPES; i += quick_or(5, 1)) {
        net_shape shape = net_shape_at(i);
        shape.background = i % 2 == 0 ? 0 : 200;
        net n, looking;
        mlp_error err = {""};
        net_init(&n, &shape, supported_kernels(0), 1);
        net_init(&looking, &shape, supported_kernels(0), 2);
        mlp_pass_free(&looking.pass);
        must_succeed(mlp_pass_init(&looking.pass, &looking.model, supported_kernels(0), shape.batch,
                                   2, MLP_PASS_INFERENCE, &err),
                     &err);
        net_roll_batch(&looking, &shape, 2);
        know_background(&looking, shape.background);
        net_step(&n, &STEP);
        mlp_team_run(&looking.team, inference_member, &looking.pass);
        assert_null(looking.pass.output_gradients);
        net_assert_equal_losses(&looking, &n);
        net_free(&n);
        net_free(&looking);
    }
}

/* Rows for a hidden layer behind another, if either is wider than a panel; columns for the update
 * of a layer wider than that, the last one too, but not for the first, whose lists are pixels. */
static void lists_are_kept_only_where_they_are_made(void **state)
{
    (void)state;
    static const struct {
        net_shape shape;
        bool rows, columns;
    } cases[] = {
        {{.features = 9, .n_hidden = 0, .classes = 100, .batch = 8}, false, false},
        {{.features = 9, .n_hidden = 1, .hidden = {130}, .classes = 64, .batch = 8}, false, false},
        {{.features = 9, .n_hidden = 1, .hidden = {130}, .classes = 65, .batch = 8}, false, true},
        {{.features = 9, .n_hidden = 2, .hidden = {64, 64}, .classes = 10, .batch = 8},
         false,
         false},
        {{.features = 9, .n_hidden = 2, .hidden = {130, 64}, .classes = 10, .batch = 8},
         true,
         false},
        {{.features = 9, .n_hidden = 2, .hidden = {64, 130}, .classes = 10, .batch = 8},
         true,
         true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        net n;
        net_init(&n, &cases[i].shape, supported_kernels(0), 2);
        assert_int_equal(n.pass.fp32.rows.steps != NULL, cases[i].rows);
        assert_int_equal(n.pass.fp32.columns.steps != NULL, cases[i].columns);
        net_step(&n, &STEP);
        net_free(&n);
    }
}

static void free_accepts_a_zeroed_one(void **state)
{
    (void)state;
    mlp_pass pass = {0};
    mlp_pass_free(&pass);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(padding_stays_zero),
        cmocka_unit_test(a_short_batch_forgets_the_long_one),
        cmocka_unit_test(team_table_and_next_batch_move_no_bit),
        cmocka_unit_test(a_shared_background_moves_no_bit),
        cmocka_unit_test(norms_are_those_of_the_gradients),
        cmocka_unit_test(an_inference_pass_gives_the_same_losses),
        cmocka_unit_test(lists_are_kept_only_where_they_are_made),
        cmocka_unit_test(free_accepts_a_zeroed_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
