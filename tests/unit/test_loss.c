/* Both heads on the code path of a training: known values, stability for logits
 * of any finite size, and what a head must do when a logit rises. */
#include "nn_fixture.h"

static void assert_near(double found, double wanted, double tolerance)
{
    if (!(fabs(found - wanted) <= tolerance))
        fail_msg("%.9g, wanted %.9g", found, wanted);
}

/* A pass over `images` images without hidden layers, for logits put in by hand. */
static void head_init(net *n, mlp_output output, size_t classes, size_t images)
{
    const net_shape shape = {.features = 1, .output = output, .classes = classes, .batch = images};
    net_init(n, &shape, supported_kernels(0), 1);
}

/* One image alone among the sixteen of the kernel; its loss, and p (classes). */
static float softmax(const mlp_kernels *kernels, size_t classes, size_t label, const float *logits,
                     float *p)
{
    enum { MAX_CLASSES = 5, LANE = 11 };
    float z[MAX_CLASSES * MLP_LANES] = {0}, largest[MLP_LANES], log_sum[MLP_LANES];
    for (size_t c = 0; c < classes; c++)
        z[c * MLP_LANES + LANE] = logits[c];
    kernels->softmax(classes, z, largest, log_sum);
    for (size_t c = 0; c < classes; c++)
        p[c] = z[c * MLP_LANES + LANE];
    return log_sum[LANE] - (logits[label] - largest[LANE]);
}

static void softmax_of_known_logits(void **state)
{
    (void)state;
    const float logits[] = {2.0f, 1.0f, 0.1f};
    const double wanted[] = {0.65900114, 0.24243297, 0.09856589};
    for (size_t t = 0; supported_kernels(t) != NULL; t++) {
        float found[3];
        float loss = softmax(supported_kernels(t), 3, 0, logits, found);
        for (size_t c = 0; c < 3; c++)
            assert_near((double)found[c], wanted[c], 1e-7);
        assert_near((double)loss, -log(wanted[0]), 2e-7);
    }
}

/* Logits that are logarithms of probabilities: softmax gives them back. */
static void cross_entropy_of_known_probabilities(void **state)
{
    (void)state;
    const float p[2][3] = {{0.7f, 0.2f, 0.1f}, {0.1f, 0.3f, 0.6f}};
    const double wanted[] = {0.3567, 2.3026};
    for (size_t i = 0; i < 2; i++) {
        float logits[3], found[3];
        for (size_t c = 0; c < 3; c++)
            logits[c] = logf(p[i][c]);
        float loss = softmax(&mlp_kernels_portable, 3, 0, logits, found);
        assert_near((double)loss, wanted[i], 5e-5);
        for (size_t c = 0; c < 3; c++)
            assert_near((double)found[c], (double)p[i][c], 1e-7);
    }
}

static void means_and_predictions_of_known_logits(void **state)
{
    (void)state;
    const float good[] = {0.1f, 1.0f, 2.1f, 2.0f, 1.0f, 0.1f, 0.1f, 3.0f, 0.1f};
    const float bad[] = {2.1f, 1.0f, 0.1f, 0.1f, 1.0f, 2.1f, 0.1f, 3.0f, 0.1f};
    const uint8_t targets[] = {2, 0, 1}, good_predictions[] = {2, 0, 1},
                  bad_predictions[] = {0, 2, 1};
    net n;
    head_init(&n, MLP_OUTPUT_SOFTMAX, 3, 3);
    memcpy(n.pass.batch.labels, targets, sizeof targets);
    net_loss_of_logits(&n, good);
    assert_near(net_mean_loss(&n), 0.3018, 5e-5);
    assert_memory_equal(n.pass.predictions, good_predictions, 3);
    net_loss_of_logits(&n, bad);
    assert_near(net_mean_loss(&n), 1.6242, 5e-5);
    assert_memory_equal(n.pass.predictions, bad_predictions, 3);
    net_free(&n);
}

/* The largest logit wins, the lowest class on a tie. A sigmoid's 0 is class 0. */
static void ties_go_to_the_lowest_class(void **state)
{
    (void)state;
    const float logits[] = {1.0f, 3.0f, 3.0f, 0.0f, 0.0f, 0.0f, -2.0f, -1.0f, -1.0f};
    const uint8_t classes[] = {1, 0, 1}, binary_classes[] = {0, 1, 0, 0};
    const float binary[] = {0.0f, 1e-30f, -1e-30f, -0.0f};
    net n;
    head_init(&n, MLP_OUTPUT_SOFTMAX, 3, 3);
    net_loss_of_logits(&n, logits);
    assert_memory_equal(n.pass.predictions, classes, sizeof classes);
    net_free(&n);
    head_init(&n, MLP_OUTPUT_SIGMOID, 2, 4);
    net_loss_of_logits(&n, binary);
    assert_memory_equal(n.pass.predictions, binary_classes, sizeof binary_classes);
    net_free(&n);
}

/* Finite losses and gradients, and probabilities that sum to 1, of one image's logits. */
static void assert_stable(mlp_output output, size_t classes, const float *logits, size_t label,
                          double wanted_loss)
{
    net n;
    head_init(&n, output, classes, 1);
    n.pass.batch.labels[0] = (uint8_t)label;
    net_loss_of_logits(&n, logits);
    double sum = 0.0;
    for (size_t c = 0; c < classes; c++) {
        assert_true(n.pass.probabilities[c] >= 0.0f && n.pass.probabilities[c] <= 1.0f);
        sum += (double)n.pass.probabilities[c];
    }
    assert_near(sum, 1.0, 1e-6);
    assert_near((double)n.pass.losses[0], wanted_loss, 1e-6 * (1.0 + wanted_loss));
    for (size_t c = 0; c < n.model.layers[0].outputs; c++)
        assert_true(fabsf(n.pass.output_gradients[0][c]) <= 1.0f);
    net_free(&n);
}

static void both_heads_are_stable(void **state)
{
    (void)state;
    const float logits[] = {1e4f, -1e4f, 0.0f}, high[] = {1e4f, 1e4f, 1e4f},
                low[] = {-1e4f, -1e4f, -1e4f}, huge[] = {1e38f, -1e38f, 0.0f};
    assert_stable(MLP_OUTPUT_SOFTMAX, 3, logits, 0, 0.0);
    assert_stable(MLP_OUTPUT_SOFTMAX, 3, logits, 1, 2e4);
    assert_stable(MLP_OUTPUT_SOFTMAX, 3, logits, 2, 1e4);
    assert_stable(MLP_OUTPUT_SOFTMAX, 3, high, 1, log(3.0));
    assert_stable(MLP_OUTPUT_SOFTMAX, 3, low, 2, log(3.0));
    assert_stable(MLP_OUTPUT_SOFTMAX, 3, huge, 1, 2e38);
    assert_stable(MLP_OUTPUT_SIGMOID, 2, &logits[0], 1, 0.0);
    assert_stable(MLP_OUTPUT_SIGMOID, 2, &logits[0], 0, 1e4);
    assert_stable(MLP_OUTPUT_SIGMOID, 2, &logits[1], 1, 1e4);
    assert_stable(MLP_OUTPUT_SIGMOID, 2, &logits[1], 0, 0.0);
    assert_stable(MLP_OUTPUT_SIGMOID, 2, &huge[1], 1, 1e38);
}

/* Relatively exact over the whole range: a probability of 1e-30 has its digits too. */
static void sigmoid_is_that_of_double(void **state)
{
    (void)state;
    for (int i = -2300; i <= 2300; i++)
        for (size_t label = 0; label < 2; label++) {
            float z = 0.0371f * (float)i;
            float found, loss = mlp_kernels_portable.sigmoid(z, label, &found);
            double signed_z = label != 0 ? -(double)z : (double)z;
            double wanted_loss = (signed_z > 0.0 ? signed_z : 0.0) + log1p(exp(-fabs(signed_z)));
            double wanted = 1.0 / (1.0 + exp(-(double)z));
            assert_near((double)found, wanted, 3e-7 * wanted);
            assert_near((double)loss, wanted_loss, 3e-7 * wanted_loss);
        }
}

static void raising_a_logit_lowers_the_others(void **state)
{
    (void)state;
    enum { C = 5 };
    const float logits[C] = {0.3f, -1.2f, 2.0f, 0.0f, 0.9f};
    float before[C], after[C];
    softmax(&mlp_kernels_portable, C, 0, logits, before);
    for (size_t raised = 0; raised < C; raised++) {
        float more[C];
        memcpy(more, logits, sizeof more);
        more[raised] += 0.5f;
        softmax(&mlp_kernels_portable, C, 0, more, after);
        for (size_t c = 0; c < C; c++)
            assert_true(c == raised ? after[c] > before[c] : after[c] < before[c]);
    }
}

static void the_sigmoid_of_the_positive_class(void **state)
{
    (void)state;
    const float logits[] = {-3.0f, -0.5f, 0.0f, 0.5f, 3.0f};
    net n;
    head_init(&n, MLP_OUTPUT_SIGMOID, 2, 5);
    net_loss_of_logits(&n, logits);
    for (size_t i = 0; i < 5; i++) {
        const float *p = n.pass.probabilities + 2 * i;
        assert_near((double)p[1], 1.0 / (1.0 + exp(-(double)logits[i])), 1e-7);
        assert_near((double)p[0] + (double)p[1], 1.0, 1e-7);
        assert_true(i == 0 || p[1] > p[-1]);
    }
    net_free(&n);
}

/* Image i of labels[i] for logits (images, outputs), beside what PyTorch makes of them in double:
 * cross_entropy(label_smoothing=0.3), and binary_cross_entropy_with_logits of 0.85 and 0.15. */
static void assert_smoothed_losses(mlp_output output, size_t classes, const float *logits,
                                   const uint8_t labels[4], const double wanted[4])
{
    net n;
    head_init(&n, output, classes, 4);
    n.pass.label_smoothing = 0.3f;
    memcpy(n.pass.batch.labels, labels, 4);
    net_loss_of_logits(&n, logits);
    for (size_t i = 0; i < 4; i++)
        assert_near((double)n.pass.losses[i], wanted[i], 2e-7 * (1.0 + wanted[i]));
    net_free(&n);
}

static void smoothed_losses_of_known_logits(void **state)
{
    (void)state;
    const float logits[] = {2.0f, 1.0f,  0.1f, 1e4f,   -1e4f, 0.0f,
                            1e4f, -1e4f, 0.0f, -1e30f, 0.0f,  -1e30f};
    const float binary_logits[] = {1.5f, -1.5f, 1e4f, -1e4f};
    const uint8_t labels[] = {0, 0, 1, 1}, binary_labels[] = {1, 1, 0, 0};
    const double wanted[] = {0.7070300162778336, 3000.0, 17000.0, 2e29};
    const double binary_wanted[] = {0.4264132779827525, 1.4764132779827523, 8500.0, 1500.0};
    assert_smoothed_losses(MLP_OUTPUT_SOFTMAX, 3, logits, labels, wanted);
    assert_smoothed_losses(MLP_OUTPUT_SIGMOID, 2, binary_logits, binary_labels, binary_wanted);
}

/* dloss / dz = (P - target) / B, of the padded logits 0. */
static void assert_gradients(mlp_output output, size_t classes, float smoothing)
{
    enum { B = 3 };
    const float logits[B * 4] = {1.0f, 2.0f, -1.0f, 0.0f, 0.5f, 0.5f, 3.0f, 1.0f};
    size_t first = output == MLP_OUTPUT_SIGMOID ? 1 : 0; /* the one logit is class 1's */
    net n;
    head_init(&n, output, classes, B);
    n.pass.label_smoothing = smoothing;
    net_loss_of_logits(&n, logits);
    for (size_t i = 0; i < B; i++)
        for (size_t c = first; c < first + MLP_PANEL; c++) {
            double p = c < classes ? (double)n.pass.probabilities[i * classes + c] : 0.0;
            double share = (double)smoothing / (double)classes;
            double target = c < classes ? share : 0.0;
            if (c == n.pass.batch.labels[i])
                target += 1.0 - (double)smoothing;
            assert_near((double)n.pass.output_gradients[0][i * MLP_PANEL + c - first],
                        (p - target) / B, 1e-7);
        }
    net_free(&n);
}

static void gradients_are_probability_minus_target(void **state)
{
    (void)state;
    const float smoothings[] = {0.0f, 0.1f, 0.75f};
    for (size_t i = 0; i < 3; i++) {
        assert_gradients(MLP_OUTPUT_SOFTMAX, 4, smoothings[i]);
        assert_gradients(MLP_OUTPUT_SIGMOID, 2, smoothings[i]);
    }
}

/* A logit that is no number must not pass for a loss, whichever class it belongs to. */
static void a_nan_reaches_the_loss(void **state)
{
    (void)state;
    for (size_t t = 0; supported_kernels(t) != NULL; t++)
        for (size_t bad = 0; bad < 3; bad++)
            for (size_t label = 0; label < 3; label++) {
                float logits[] = {0.1f, 0.2f, 0.3f}, p[3];
                logits[bad] = NAN;
                assert_true(isnan(softmax(supported_kernels(t), 3, label, logits, p)));
                assert_true(isnan(supported_kernels(t)->sigmoid(NAN, label % 2, p)));
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(softmax_of_known_logits),
        cmocka_unit_test(cross_entropy_of_known_probabilities),
        cmocka_unit_test(means_and_predictions_of_known_logits),
        cmocka_unit_test(ties_go_to_the_lowest_class),
        cmocka_unit_test(both_heads_are_stable),
        cmocka_unit_test(sigmoid_is_that_of_double),
        cmocka_unit_test(raising_a_logit_lowers_the_others),
        cmocka_unit_test(the_sigmoid_of_the_positive_class),
        cmocka_unit_test(smoothed_losses_of_known_logits),
        cmocka_unit_test(gradients_are_probability_minus_target),
        cmocka_unit_test(a_nan_reaches_the_loss),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
