/* Lists in blocks: their bounds, what is unpacked of pixels, and that a product over
 * blocks is one chain, also where full lists are multiplied as a stack. */
#include "kernel_fixture.h"

#include "kernels/packed.h"

/* LISTS: those that are multiplied, up to three stacks and a part of one, and one on either side.
 */
enum { N = 3 * MLP_LISTS + 3, FIRST = 1, LISTS = FIRST + N + 1 };
static const size_t MAX_STEPS[] = {1, 15, 16, 17, 63, 64, 65, 192, 193, 194, 300, 784, 1030};
enum { N_SIZES = sizeof MAX_STEPS / sizeof *MAX_STEPS };

static const mlp_packed_kind KINDS[] = {MLP_PACKED_FLOATS, MLP_PACKED_PIXELS};

static void blocks_cover_all_steps(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_SIZES; i++)
        for (size_t kind = 0; kind < 2; kind++) {
            mlp_packed packed;
            assert_true(mlp_packed_init(&packed, LISTS, MAX_STEPS[i], KINDS[kind]));
            bool pixels = KINDS[kind] == MLP_PACKED_PIXELS;
            assert_int_equal(packed.max_steps, MAX_STEPS[i]);
            assert_int_equal(packed.capacity, mlp_round_up(MAX_STEPS[i], MLP_COLUMNS));
            assert_int_equal(packed.block_steps % (pixels ? MLP_COLUMNS : MLP_PANEL), 0);
            assert_true(packed.block_steps <= MLP_BLOCK_STEPS);
            assert_true(packed.n_blocks * packed.block_steps >= MAX_STEPS[i]);
            assert_true((packed.n_blocks - 1) * packed.block_steps < MAX_STEPS[i]);
            assert_true((packed.steps == NULL) == pixels);
            assert_true((packed.values == NULL) == pixels);
            assert_true((packed.words == NULL) != pixels);
            mlp_packed_free(&packed);
            assert_null(packed.starts);
        }
}

/* Chances of a step to be in a list, in quarters: of lists that are full, and of others. */
enum { FULL = 4 };

static void roll_step(dice *d, const mlp_packed *packed, size_t list, size_t at, size_t k)
{
    if (packed->words != NULL) {
        mlp_packed_words(packed, list)[at] = (uint32_t)k | roll(d) << 16;
        return;
    }
    mlp_packed_steps(packed, list)[at] = (uint16_t)k;
    for (size_t i = 0; i < MLP_TILE; i++)
        mlp_packed_values(packed, list)[at * MLP_TILE + i] = roll_float(d);
}

/* A list of random steps, but for one that is left out. */
static void roll_list(dice *d, const mlp_packed *packed, size_t list, uint32_t density,
                      size_t left_out)
{
    uint32_t *starts = mlp_packed_starts(packed, list), count = 0;
    for (size_t k = 0; k < packed->max_steps; k++) {
        if (k % packed->block_steps == 0)
            starts[k / packed->block_steps] = count;
        if (roll(d) % FULL < density && k != left_out)
            roll_step(d, packed, list, count++, k % packed->block_steps);
    }
    starts[packed->n_blocks] = count;
}

/* From FIRST on a stack of full lists, one whose third list lacks a step, and then any, which are
 * empty, full or between. */
static void roll_lists(dice *d, const mlp_packed *packed)
{
    for (size_t list = 0; list < LISTS; list++) {
        bool is_full = list >= FIRST && list < FIRST + 2 * MLP_LISTS;
        size_t left_out = list == FIRST + MLP_LISTS + 2 ? roll(d) % packed->max_steps : SIZE_MAX;
        roll_list(d, packed, list, is_full ? FULL : roll(d) % (FULL + 1), left_out);
    }
}

/* Step s of list i of those from FIRST on, as it was stored. */
static void check_step(const mlp_packed *packed, size_t i, size_t s, const mlp_list *block,
                       size_t at)
{
    const float *values = block->values + at * MLP_TILE;
    if (packed->words == NULL) {
        assert_int_equal(block->steps[at], mlp_packed_steps(packed, FIRST + i)[s]);
        assert_memory_equal(values, mlp_packed_values(packed, FIRST + i) + s * MLP_TILE,
                            MLP_TILE * sizeof *values);
        return;
    }
    uint32_t word = mlp_packed_words(packed, FIRST + i)[s];
    assert_int_equal(block->steps[at], word & UINT16_MAX);
    for (size_t j = 0; j < MLP_TILE; j++)
        assert_true(values[j] == (float)(uint8_t)(word >> (16 + 8 * j)) / 255.0f);
}

/* The lists are N of packed, from FIRST on. */
static void check_lists(const mlp_lists *lists, const mlp_packed *packed)
{
    assert_true(lists->packed == packed && lists->first == FIRST && lists->n == N);
    for (size_t i = 0; i < N; i++)
        for (size_t block = 0; block < packed->n_blocks; block++) {
            const uint32_t *starts = mlp_packed_starts(packed, FIRST + i) + block;
            mlp_list list = mlp_lists_block(lists, i, block);
            assert_int_equal(list.n, starts[1] - starts[0]);
            for (size_t s = 0; s < list.n; s++)
                check_step(packed, i, starts[0] + s, &list, s);
        }
}

/* c (2, 64) = start + one list times b, by the C library's fmaf, as if there were no blocks. */
static void multiply_plainly(const mlp_lists *lists, size_t i, const float *b, size_t columns,
                             const float *start, float *c)
{
    for (size_t r = 0; r < MLP_TILE; r++)
        for (size_t j = 0; j < columns; j++) {
            float sum = start[j];
            for (size_t block = 0; block < lists->packed->n_blocks; block++) {
                mlp_list list = mlp_lists_block(lists, i, block);
                for (size_t s = 0; s < list.n; s++) {
                    size_t k = block * lists->packed->block_steps + list.steps[s];
                    sum = fmaf(list.values[s * MLP_TILE + r], b[k * MLP_PANEL + j], sum);
                }
            }
            c[r * MLP_PANEL + j] = sum;
        }
}

/* The product of n lists, the lists' own from `at` on, by every table; c has a tile too many. */
static void check_product(dice *d, const mlp_lists *lists, size_t at, size_t n, size_t columns)
{
    size_t floats = (n + 1) * MLP_TILE_FLOATS;
    float *b = roll_floats(d, lists->packed->max_steps * MLP_PANEL, roll(d) % 4 ? FINITE : WILD);
    float *start = roll_floats(d, MLP_PANEL, FINITE), *c = roll_floats(d, floats, WILD);
    float *wanted = copy_floats(c, floats);
    for (size_t i = 0; i < n; i++)
        multiply_plainly(lists, at + i, b, columns, start, wanted + i * MLP_TILE_FLOATS);
    for (size_t t = 0; supported_kernels(t) != NULL; t++) {
        float *found = copy_floats(c, floats);
        mlp_lists_multiply(lists, supported_kernels(t), lists->packed->n_blocks, at, n, b, columns,
                           start, found);
        assert_same(supported_kernels(t)->name, found, wanted, floats);
        free(found);
    }
    free(b);
    free(start);
    free(c);
    free(wanted);
}

/* All of the lists, and some from within. */
static void check_products(dice *d, const mlp_lists *lists)
{
    for (size_t columns = MLP_COLUMNS; columns <= MLP_PANEL; columns += MLP_COLUMNS)
        check_product(d, lists, 0, N, columns);
    for (size_t n = 0; n <= MLP_LISTS + 1; n++)
        check_product(d, lists, roll(d) % (N - n + 1), n, MLP_PANEL);
}

static void a_product_over_blocks_is_one_chain(void **state)
{
    (void)state;
    dice d = {1, 0};
    for (size_t i = 0; i < N_SIZES; i += quick_or(3, 1)) {
        mlp_packed packed;
        assert_true(mlp_packed_init(&packed, LISTS, MAX_STEPS[i], MLP_PACKED_FLOATS));
        roll_lists(&d, &packed);
        mlp_lists lists = mlp_packed_lists(&packed, FIRST, N);
        check_lists(&lists, &packed);
        check_products(&d, &lists);
        mlp_packed_free(&packed);
    }
}

/* The blocks of n lists, one block of all lists after another, leave no gap. */
static void check_order(const mlp_lists *lists, mlp_unpacked to)
{
    size_t at = 0;
    for (size_t block = 0; block < lists->packed->n_blocks; block++)
        for (size_t i = 0; i < lists->n; i++) {
            mlp_list list = mlp_lists_block(lists, i, block);
            assert_ptr_equal(list.steps, to.steps + at);
            assert_ptr_equal(list.values, to.values + at * MLP_TILE);
            at += list.n;
        }
}

static mlp_unpacked alloc_unpacked(const mlp_packed *packed, size_t room)
{
    return (mlp_unpacked){must_alloc(room + 1, sizeof(uint16_t)),
                          must_alloc((room + 1) * MLP_TILE, sizeof(float)),
                          must_alloc(packed->n_blocks * N + 2, sizeof(uint32_t))};
}

static void pixels_become_floats_on_reading(void **state)
{
    (void)state;
    const uint16_t mark = 0xbeef;
    dice d = {2, 0};
    for (size_t i = 0; i < N_SIZES; i += quick_or(3, 1)) {
        mlp_packed packed;
        assert_true(mlp_packed_init(&packed, LISTS, MAX_STEPS[i], MLP_PACKED_PIXELS));
        roll_lists(&d, &packed);
        size_t room = mlp_packed_room(&packed, N), starts = packed.n_blocks * N + 1;
        mlp_unpacked to = alloc_unpacked(&packed, room);
        mlp_lists lists = {0};
        for (size_t t = 0; supported_kernels(t) != NULL; t++) {
            memset(to.steps, 0, room * sizeof *to.steps);
            memset(to.values, 0, room * MLP_TILE * sizeof *to.values);
            to.steps[room] = mark;
            to.values[room * MLP_TILE] = SENTINEL;
            to.starts[starts] = mark;
            lists = mlp_packed_unpack(&packed, supported_kernels(t), FIRST, N, to);
            check_lists(&lists, &packed);
            check_order(&lists, to);
            assert_int_equal(to.steps[room], mark);
            assert_true(to.values[room * MLP_TILE] == SENTINEL);
            assert_int_equal(to.starts[starts], mark);
        }
        check_products(&d, &lists);
        free(to.steps);
        free(to.values);
        free(to.starts);
        mlp_packed_free(&packed);
    }
}

static size_t steps_of(const mlp_packed *packed, size_t first, size_t n)
{
    size_t steps = 0;
    for (size_t i = first; i < first + n; i++)
        steps += mlp_packed_starts(packed, i)[packed->n_blocks];
    return steps;
}

/* A first chunk of `stacks` of n lists ends at an equal part of all steps, or where the next stack
 * has no room, or with the last list; not before, and lists without steps are no reason to end. */
static void check_chunk(const mlp_packed *packed, size_t first, size_t n, size_t room)
{
    size_t stacks = mlp_packed_chunk(packed, first, n, room);
    size_t lists = mlp_min_size(stacks * MLP_LISTS, n), rest = n - lists;
    size_t total = steps_of(packed, first, n), steps = steps_of(packed, first, lists);
    size_t chunks = (total + room - 1) / room, one_less = lists;
    assert_true(steps <= room && (lists - 1) / MLP_LISTS + 1 == stacks);
    if (rest > 0) {
        size_t next = steps_of(packed, first + lists, mlp_min_size(rest, MLP_LISTS));
        assert_true(next > 0 && (steps * chunks >= total || steps + next > room));
    }
    while (one_less > 0 && steps_of(packed, first, one_less) == steps)
        one_less -= one_less % MLP_LISTS == 0 ? MLP_LISTS : one_less % MLP_LISTS;
    assert_true(steps == 0 || steps_of(packed, first, one_less) * chunks < total);
}

static void chunks_are_even(void **state)
{
    (void)state;
    dice d = {4, 0};
    for (size_t i = 0; i < N_SIZES; i++) {
        mlp_packed packed;
        assert_true(mlp_packed_init(&packed, LISTS, MAX_STEPS[i], MLP_PACKED_PIXELS));
        for (size_t blank = 0; blank <= LISTS; blank++) {
            roll_lists(&d, &packed);
            for (size_t list = LISTS - blank; list < LISTS; list++)
                roll_list(&d, &packed, list, 0, SIZE_MAX);
            for (size_t n = 1; n <= N; n++)
                check_chunk(&packed, FIRST, n,
                            MLP_LISTS * packed.capacity + roll(&d) % (N * packed.capacity));
        }
        size_t all = (N + MLP_LISTS - 1) / MLP_LISTS;
        assert_int_equal(mlp_packed_chunk(&packed, FIRST, N, N * packed.capacity), all);
        mlp_packed_free(&packed);
    }
}

/* Products by the portable table, and how often its two were asked for. */
static size_t n_lists_calls, n_dense_calls;

static void count_multiply(size_t n_lists, const mlp_list *lists, const float *b, size_t columns,
                           const float *start, float *c)
{
    n_lists_calls++;
    mlp_kernels_portable.multiply(n_lists, lists, b, columns, start, c);
}

static void count_multiply_dense(size_t rows, size_t depth, const float *const *a, size_t stride,
                                 const float *b, size_t columns, const float *start, float *c)
{
    n_dense_calls++;
    mlp_kernels_portable.multiply_dense(rows, depth, a, stride, b, columns, start, c);
}

/* A stack's block takes the dense way if no list lacks a step of it. */
static void full_stacks_are_dense_products(void **state)
{
    (void)state;
    enum { STACKS = 2 };
    const mlp_kernels counting = {.multiply = count_multiply,
                                  .multiply_dense = count_multiply_dense};
    dice d = {3, 0};
    for (size_t i = 0; i < N_SIZES; i++) {
        mlp_packed packed;
        assert_true(mlp_packed_init(&packed, LISTS, MAX_STEPS[i], MLP_PACKED_FLOATS));
        roll_lists(&d, &packed);
        float *b = roll_floats(&d, MAX_STEPS[i] * MLP_PANEL, FINITE), start[MLP_PANEL] = {0};
        float c[STACKS * MLP_STACK_FLOATS];
        mlp_lists lists = mlp_packed_lists(&packed, FIRST, N);
        n_lists_calls = n_dense_calls = 0;
        mlp_lists_multiply(&lists, &counting, packed.n_blocks, 0, STACKS * MLP_LISTS, b,
                           MLP_COLUMNS, start, c);
        assert_int_equal(n_lists_calls, 1);
        assert_int_equal(n_dense_calls, STACKS * packed.n_blocks - 1);
        mlp_lists_multiply(&lists, &counting, packed.n_blocks, 0, MLP_LISTS - 1, b, MLP_COLUMNS,
                           start, c);
        assert_int_equal(n_lists_calls, 1 + packed.n_blocks);
        free(b);
        mlp_packed_free(&packed);
    }
}

static void too_much_is_refused(void **state)
{
    (void)state;
    const mlp_packed zeroed = {0};
    for (size_t kind = 0; kind < 2; kind++) {
        mlp_packed packed;
        assert_false(mlp_packed_init(&packed, SIZE_MAX, 784, KINDS[kind]));
        assert_memory_equal(&packed, &zeroed, sizeof zeroed);
        mlp_packed_free(&packed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_cover_all_steps),
        cmocka_unit_test(a_product_over_blocks_is_one_chain),
        cmocka_unit_test(pixels_become_floats_on_reading),
        cmocka_unit_test(chunks_are_even),
        cmocka_unit_test(full_stacks_are_dense_products),
        cmocka_unit_test(too_much_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
