/* Steps with bf16 products: the same bytes on any team and table, with batches that fill no strip.
 * What the bytes should be, test_bf16_step.c knows. */
#include "bf16_net_fixture.h"

/* Three steps: a whole batch, one that ends inside the strips, and a whole one again. */
static void take_steps(net *n, size_t batch)
{
    bf16_net_step(n, batch);
    bf16_net_step(n, batch - batch / 3);
    bf16_net_step(n, batch);
}

static void assert_same_net(const net *a, const net *b)
{
    net_assert_equal_states(a, b);
    net_assert_equal_losses(a, b);
}

static void same_bytes_on_any_team_and_table(void **state)
{
    (void)state;
    static const size_t teams[] = {1, 2, 3, 7};
    for (size_t i = 0; i < N_BF16_SHAPES; i += quick_or(2, 1)) {
        const net_shape *shape = &BF16_SHAPES[i];
        mlp_kernels table;
        net reference;
        bf16_net_init(&reference, &table, shape, "portable", 1);
        take_steps(&reference, shape->batch);
        for (size_t k = 0; mlp_bf16_kernels_list(k) != NULL; k++)
            for (size_t t = 0; t < sizeof teams / sizeof *teams; t += quick_or(3, 1)) {
                const mlp_bf16_kernels *kernels = mlp_bf16_kernels_list(k);
                bool is_reference = strcmp(kernels->name, "portable") == 0 && teams[t] == 1;
                if (is_reference || !mlp_bf16_kernels_supported(kernels))
                    continue;
                mlp_kernels others;
                net n;
                bf16_net_init(&n, &others, shape, kernels->name, teams[t]);
                n.pass.bf16.streams = t % 2 == 1; /* as a larger net would */
                take_steps(&n, shape->batch);
                assert_same_net(&reference, &n);
                net_free(&n);
            }
        net_free(&reference);
    }
}

/* Marks are where they should be, and whoever reads a blank block from here on reads ink. */
static void spoil_blank_blocks(mlp_batch *batch)
{
    for (size_t strip = 0; strip < mlp_strips_count(batch->size); strip++)
        for (size_t block = 0; block < mlp_strips_count(batch->features); block++) {
            bool blank = is_blank(strip, block);
            assert_int_equal(*mlp_pixel_block_blank(&batch->blocks, strip, block), blank);
            if (blank)
                memset(mlp_pixel_block(&batch->blocks, strip, block), 0xff, MLP_PIXEL_BLOCK);
        }
}

static void spoiled_step_member(mlp_team *team, size_t thread, void *argument)
{
    net *n = argument;
    mlp_batch_pack(&n->pass.batch, n->pass.kernels, team, thread);
    spoil_blank_blocks(&n->pass.batch);
    mlp_pass_forward(&n->pass, team, thread);
    mlp_pass_backward(&n->pass, &n->sgd, &BF16_STEP, team, thread);
}

static void blank_blocks_are_passed_over(void **state)
{
    (void)state;
    const net_shape *shape = &BF16_SHAPES[N_BF16_SHAPES - 1];
    mlp_kernels table;
    net whole, spoiled;
    bf16_net_init(&whole, &table, shape, NULL, 1);
    bf16_net_init(&spoiled, &table, shape, NULL, 1);
    bf16_net_step(&whole, shape->batch);
    mlp_team_run(&spoiled.team, spoiled_step_member, &spoiled);
    assert_same_net(&whole, &spoiled);
    net_free(&whole);
    net_free(&spoiled);
}

/* What a checkpoint never shows, but a layout of panels has: it must stay 0. */
static void padding_stays_zero(void **state)
{
    (void)state;
    mlp_kernels table;
    net n;
    bf16_net_init(&n, &table, &BF16_SHAPES[0], NULL, 2);
    take_steps(&n, BF16_SHAPES[0].batch);
    net_assert_padding_is_zero(&n);
    net_free(&n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_bytes_on_any_team_and_table),
        cmocka_unit_test(blank_blocks_are_passed_over),
        cmocka_unit_test(padding_stays_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
