/* A batch's packed lists give its images back, two of them a list and two
 * pixels a list, whoever packs them. */
#include "nn_fixture.h"

#include "data/batch.h"

enum { N_IMAGES = 160, N_CLASSES = 10 };
static const size_t FEATURES[] = {1, 2, 3, 5, 16, 47, 63, 65, 130, 784};
static const size_t SIZES[] = {1, 2, 3, 7, 9, 33, 64, 129, 130, 151};
enum { N_FEATURES = sizeof FEATURES / sizeof *FEATURES, N_SIZES = sizeof SIZES / sizeof *SIZES };

static mlp_dataset roll_dataset(size_t features, uint8_t background)
{
    dice d = {features, 0};
    mlp_dataset data = {.count = N_IMAGES, .features = features, .classes = N_CLASSES};
    data.pixels = must_alloc(N_IMAGES, features);
    data.labels = must_alloc(N_IMAGES, 1);
    for (size_t i = 0; i < N_IMAGES; i++) {
        roll_image(&d, i, features, data.pixels + i * features);
        if (background != 0)
            set_background(i, features, background, data.pixels + i * features);
        data.labels[i] = (uint8_t)(roll(&d) % N_CLASSES);
    }
    return data;
}

/* The two rows of a list: element (i, k) of dense (2, max_steps). What is listed ascends and lies
 * in its block, and is not zero, but for less than an eighth of a list that leaves none out. */
static void unpack(const mlp_packed *packed, size_t list, size_t max_steps, uint8_t *dense)
{
    static float starts[(1 + 784 / MLP_SHARED_STEPS) * MLP_PANEL];
    const mlp_lists lists = {.packed = packed, .first = list, .n = 1, .starts = starts};
    size_t shared = (size_t)packed->shared[list] * MLP_SHARED_STEPS;
    assert_true(shared <= max_steps);
    for (size_t i = 0; i < MLP_TILE; i++) {
        memset(dense + i * max_steps, packed->background, shared);
        memset(dense + i * max_steps + shared, 0, max_steps - shared);
    }
    for (size_t block = 0; block < packed->n_blocks; block++) {
        mlp_list words;
        mlp_lists_block(&lists, 0, block, &words);
        size_t low_k = block * packed->block_steps, zeros = 0, next = 0;
        size_t skipped = mlp_min_size(shared - mlp_min_size(shared, low_k), packed->block_steps);
        for (size_t s = 0; s < words.n; s++) {
            uint32_t low = words.words[s] & UINT8_MAX, high = words.words[s] >> 24;
            size_t step = words.words[s] >> 8 & UINT16_MAX, k = low_k + step;
            assert_true(step >= next && step < packed->block_steps && k < max_steps);
            assert_true(k >= shared);
            zeros += low == 0 && high == 0;
            next = step + 1;
            dense[k] = (uint8_t)low;
            dense[max_steps + k] = (uint8_t)high;
        }
        assert_true(zeros == 0 || (zeros * 8 < next && next == words.n + skipped));
    }
}

/* Pixel k of the batch's image i as the dataset has it; blank beyond either end. */
static uint8_t pixel(const mlp_batch *batch, const mlp_dataset *data, const uint32_t *index,
                     size_t first, size_t i, size_t k)
{
    if (i >= batch->size || k >= batch->features)
        return 0;
    size_t image = index == NULL ? first + i : index[first + i];
    return data->pixels[image * data->features + k];
}

static void check_batch(const mlp_batch *batch, const mlp_dataset *data, const uint32_t *index,
                        size_t first)
{
    size_t largest = batch->features > batch->capacity ? batch->features : batch->capacity;
    uint8_t *dense = must_alloc(MLP_TILE, largest);
    for (size_t i = 0; i < batch->size; i++)
        assert_int_equal(batch->labels[i],
                         data->labels[index == NULL ? first + i : index[first + i]]);
    for (size_t tile = 0; tile < mlp_batch_tiles(batch); tile++) {
        unpack(&batch->rows, tile, batch->features, dense);
        for (size_t i = 0; i < MLP_TILE; i++)
            for (size_t k = 0; k < batch->features; k++)
                assert_int_equal(dense[i * batch->features + k],
                                 pixel(batch, data, index, first, tile * MLP_TILE + i, k));
    }
    for (size_t group = 0; group < batch->n_groups; group++) {
        unpack(&batch->columns, group, batch->capacity, dense);
        for (size_t k = 0; k < MLP_TILE; k++)
            for (size_t i = 0; i < batch->capacity; i++)
                assert_int_equal(dense[k * batch->capacity + i],
                                 pixel(batch, data, index, first, i, group * MLP_TILE + k));
    }
    free(dense);
}

typedef struct pack_job {
    mlp_batch *batch;
    const mlp_kernels *kernels;
} pack_job;

/* What is to be packed may be asked for before, in any number of parts. */
static void pack_member(mlp_team *team, size_t thread, void *argument)
{
    enum { PARTS = 3 };
    const pack_job *job = argument;
    mlp_batch_share share = mlp_batch_share_of(job->batch, team, thread);
    for (size_t part = 0; part < PARTS; part++)
        mlp_batch_prefetch(job->batch, &share, part, PARTS);
    mlp_batch_pack(job->batch, job->kernels, team, thread);
}

/* Every size from the largest down in one batch, so that each follows a longer one. */
static void pack_all_sizes(const mlp_dataset *data, uint8_t background, const mlp_kernels *kernels,
                           size_t threads)
{
    mlp_team team;
    mlp_batch batch;
    mlp_error err = {""};
    uint32_t index[N_IMAGES];
    must_succeed(mlp_team_init(&team, threads, &err), &err);
    must_succeed(mlp_batch_init(&batch, kernels, data->features, SIZES[N_SIZES - 1], true, &err),
                 &err);
    mlp_batch_set_background(&batch, background);
    for (uint32_t i = 0; i < N_IMAGES; i++)
        index[i] = (i * 37 + 11) % N_IMAGES;
    for (size_t s = N_SIZES; s-- > 0;) {
        pack_job job = {&batch, kernels};
        const uint32_t *chosen = s % 2 == 0 ? index : NULL;
        mlp_batch_fill(&batch, data, chosen, 9, SIZES[s]);
        mlp_team_run(&team, pack_member, &job);
        check_batch(&batch, data, chosen, 9);
    }
    mlp_batch_free(&batch);
    mlp_team_free(&team);
}

static void lists_give_the_images_back(void **state)
{
    (void)state;
    const size_t threads[] = {1, 2, 3, 7};
    for (size_t f = 0; f < 2 * N_FEATURES; f++) {
        uint8_t background = f % 2 == 0 ? 0 : 200;
        mlp_dataset data = roll_dataset(FEATURES[f / 2], background);
        for (size_t k = 0; supported_kernels(k) != NULL; k++)
            for (size_t t = 0; t < sizeof threads / sizeof *threads; t += quick_or(3, 1))
                pack_all_sizes(&data, background, supported_kernels(k), threads[t]);
        free(data.pixels);
        free(data.labels);
    }
}

/* SIDE images of SIDE pixels; the first list of rows and the first of columns lack so many steps,
 * the others two. */
static void check_lack(const mlp_kernels *kernels, size_t lack, size_t wanted)
{
    enum { SIDE = 64 };
    uint8_t pixels[SIDE * SIDE], labels[SIDE] = {0};
    const mlp_dataset data = {
        .count = SIDE, .features = SIDE, .classes = 1, .pixels = pixels, .labels = labels};
    mlp_team team;
    mlp_batch batch;
    mlp_error err = {""};
    for (size_t i = 0; i < SIDE; i++)
        for (size_t k = 0; k < SIDE; k++)
            pixels[i * SIDE + k] = !((i < MLP_TILE && k < lack) || (k < MLP_TILE && i < lack));
    must_succeed(mlp_team_init(&team, 1, &err), &err);
    must_succeed(mlp_batch_init(&batch, kernels, SIDE, SIDE, true, &err), &err);
    mlp_batch_fill(&batch, &data, NULL, 0, SIDE);
    mlp_batch_pack(&batch, kernels, &team, 0);
    check_batch(&batch, &data, NULL, 0);
    float starts[MLP_PANEL];
    const mlp_lists rows = {.packed = &batch.rows, .n = SIDE / MLP_TILE, .starts = starts};
    const mlp_lists columns = {.packed = &batch.columns, .n = SIDE / MLP_TILE, .starts = starts};
    for (size_t i = 0; i < SIDE / MLP_TILE; i++) {
        mlp_list row, column;
        mlp_lists_block(&rows, i, 0, &row);
        mlp_lists_block(&columns, i, 0, &column);
        assert_int_equal(row.n, i == 0 ? wanted : SIDE);
        assert_int_equal(column.n, i == 0 ? wanted : SIDE);
    }
    mlp_batch_free(&batch);
    mlp_team_free(&team);
}

static void a_nearly_full_list_keeps_all_steps(void **state)
{
    (void)state;
    for (size_t k = 0; supported_kernels(k) != NULL; k++) {
        check_lack(supported_kernels(k), 2, 64);
        check_lack(supported_kernels(k), 7, 64);
        check_lack(supported_kernels(k), 8, 56);
    }
}

/* Of 151 images of 784 pixels, all background but for pixel 100 of image 50: whole units of 16. */
static void a_background_is_left_out(void **state)
{
    (void)state;
    mlp_dataset data = roll_dataset(784, 0);
    mlp_team team;
    mlp_batch batch;
    mlp_error err = {""};
    memset(data.pixels, 7, N_IMAGES * data.features);
    data.pixels[50 * data.features + 100] = 8;
    for (size_t k = 0; supported_kernels(k) != NULL; k++) {
        must_succeed(mlp_team_init(&team, 1, &err), &err);
        must_succeed(mlp_batch_init(&batch, supported_kernels(k), 784, 151, true, &err), &err);
        mlp_batch_set_background(&batch, 7);
        mlp_batch_fill(&batch, &data, NULL, 0, 151);
        mlp_batch_pack(&batch, supported_kernels(k), &team, 0);
        check_batch(&batch, &data, NULL, 0);
        for (size_t i = 0; i < 151 / 2; i++)
            assert_int_equal(batch.rows.shared[i], i == 50 / 2 ? 100 / 16 : 784 / 16);
        for (size_t i = 0; i < 784 / 2; i++)
            assert_int_equal(batch.columns.shared[i], i == 100 / 2 ? 50 / 16 : 151 / 16);
        mlp_batch_free(&batch);
        mlp_team_free(&team);
    }
    free(data.pixels);
    free(data.labels);
}

static void an_empty_batch_packs_to_nothing(void **state)
{
    (void)state;
    mlp_dataset data = roll_dataset(47, 0);
    mlp_team team;
    mlp_batch batch;
    mlp_error err = {""};
    must_succeed(mlp_team_init(&team, 1, &err), &err);
    must_succeed(mlp_batch_init(&batch, &mlp_kernels_portable, data.features, 8, true, &err), &err);
    for (size_t end = 2; end > 0; end--) { /* eight images, then none */
        mlp_batch_fill(&batch, &data, NULL, 0, (end - 1) * 8);
        mlp_batch_pack(&batch, &mlp_kernels_portable, &team, 0);
        check_batch(&batch, &data, NULL, 0);
    }
    assert_int_equal(mlp_batch_tiles(&batch), 0);
    mlp_batch_free(&batch);
    mlp_team_free(&team);
    free(data.pixels);
    free(data.labels);
}

static void a_batch_to_look_at_has_no_columns(void **state)
{
    (void)state;
    mlp_dataset data = roll_dataset(47, 0);
    mlp_team team;
    mlp_batch batch;
    mlp_error err = {""};
    must_succeed(mlp_team_init(&team, 1, &err), &err);
    must_succeed(mlp_batch_init(&batch, &mlp_kernels_portable, data.features, 5, false, &err),
                 &err);
    assert_int_equal(batch.capacity, 8);
    assert_null(batch.columns.words);
    mlp_batch_fill(&batch, &data, NULL, 0, 5);
    mlp_batch_pack(&batch, &mlp_kernels_portable, &team, 0);
    batch.n_groups = 0; /* leaves the rows to check */
    check_batch(&batch, &data, NULL, 0);
    mlp_batch_free(&batch);
    mlp_team_free(&team);
    free(data.pixels);
    free(data.labels);
}

static void free_accepts_a_zeroed_one(void **state)
{
    (void)state;
    mlp_batch batch = {0};
    mlp_batch_free(&batch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_give_the_images_back),
        cmocka_unit_test(a_nearly_full_list_keeps_all_steps),
        cmocka_unit_test(a_background_is_left_out),
        cmocka_unit_test(an_empty_batch_packs_to_nothing),
        cmocka_unit_test(a_batch_to_look_at_has_no_columns),
        cmocka_unit_test(free_accepts_a_zeroed_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
