/* Lists in blocks: their bounds, that threads which pack neighbouring lists leave each other's
 * alone, that blocks lie without gaps, what is shared, and that a product over blocks is one chain.
 */
#include "kernel_fixture.h"

#include "kernels/packed.h"

/* LISTS: those that are multiplied, by three products and some more, and one on either side. */
enum { N = 3 * MLP_MOST_LISTS + 7, FIRST = 1, LISTS = FIRST + N + 1, LEVELS = 256 };
static const size_t MAX_STEPS[] = {1, 15, 16, 17, 63, 64, 65, 160, 161, 162, 300, 784, 1030};
enum { N_SIZES = sizeof MAX_STEPS / sizeof *MAX_STEPS, MOST_STEPS = 1030 };
static float STARTS[(1 + MOST_STEPS / MLP_SHARED_STEPS) * MLP_PANEL] __attribute__((aligned(64)));

static const mlp_packed_kind KINDS[] = {MLP_PACKED_FLOATS, MLP_PACKED_PIXELS};
enum { N_KINDS = sizeof KINDS / sizeof *KINDS };

static void blocks_cover_all_steps(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_SIZES; i++)
        for (size_t kind = 0; kind < N_KINDS; kind++) {
            mlp_packed packed;
            assert_true(mlp_packed_init(&packed, LISTS, MAX_STEPS[i], KINDS[kind]));
            bool pixels = KINDS[kind] == MLP_PACKED_PIXELS;
            size_t unit = pixels ? MLP_COLUMNS : MLP_PANEL;
            assert_int_equal(packed.block_steps % unit, 0);
            assert_true(packed.block_steps < MLP_BLOCK_STEPS + unit);
            assert_true(packed.n_blocks * packed.block_steps >= MAX_STEPS[i]);
            assert_true((packed.n_blocks - 1) * packed.block_steps < MAX_STEPS[i]);
            assert_true((packed.steps == NULL) == pixels);
            assert_true((packed.values == NULL) == pixels);
            assert_true((packed.words == NULL) != pixels);
            assert_true((packed.levels == NULL) != pixels);
            mlp_packed_free(&packed);
            assert_null(packed.spans);
        }
}

/* All 256 bytes: the correctly rounded quotient. */
static void levels_are_bytes_over_255(void **state)
{
    (void)state;
    mlp_packed packed;
    assert_true(mlp_packed_init(&packed, 1, 1, MLP_PACKED_PIXELS));
    for (size_t level = 0; level < LEVELS; level++)
        assert_true(packed.levels[level] == (float)((double)level / 255.0));
    mlp_packed_free(&packed);
}

/* What is put into the lists: of list i the steps that has[] names, and their values. */
typedef struct matrix {
    size_t depth;
    uint32_t background; /* 0, or a level with which lists begin */
    bool *has;           /* (LISTS, depth) */
    uint32_t *levels;    /* (LISTS, depth, 2) */
    float *values;       /* (LISTS, depth, 2) */
} matrix;

/* Chances of a step to be in a list, in quarters: of lists that are full, and of others. */
enum { FULL = 4 };

static void roll_list(dice *d, matrix *m, mlp_packed_kind kind, size_t list, uint32_t density)
{
    for (size_t k = 0; k < m->depth; k++) {
        size_t at = list * m->depth + k;
        m->has[at] = roll(d) % FULL < density;
        for (size_t i = at * MLP_TILE; i < (at + 1) * MLP_TILE; i++) {
            m->levels[i] = roll(d) % LEVELS;
            m->values[i] = kind == MLP_PACKED_PIXELS ? (float)m->levels[i] / 255.0f : roll_float(d);
        }
    }
}

/* The list begins with the background, for any number of steps. */
static void roll_beginning(dice *d, matrix *m, size_t list)
{
    size_t first = list * m->depth, end = first + roll(d) % (m->depth + 1);
    for (size_t at = first; at < end; at++) {
        m->has[at] = true;
        for (size_t i = at * MLP_TILE; i < (at + 1) * MLP_TILE; i++) {
            m->levels[i] = m->background;
            m->values[i] = (float)m->background / 255.0f;
        }
    }
}

/* From FIRST on a product of full lists, one whose third list lacks a step, and then any, which are
 * empty, full or between; of pixels, often with a background. */
static matrix roll_matrix(dice *d, mlp_packed_kind kind, size_t depth)
{
    matrix m = {.depth = depth,
                .has = must_alloc(LISTS * depth, sizeof *m.has),
                .levels = must_alloc(LISTS * depth * MLP_TILE, sizeof *m.levels),
                .values = must_alloc(LISTS * depth * MLP_TILE, sizeof *m.values)};
    if (kind == MLP_PACKED_PIXELS && roll(d) % 4 > 0)
        m.background = 1 + roll(d) % (LEVELS - 1);
    for (size_t list = 0; list < LISTS; list++) {
        bool is_full = list >= FIRST && list < FIRST + 2 * MLP_MOST_LISTS;
        roll_list(d, &m, kind, list, is_full ? FULL : roll(d) % (FULL + 1));
        if (m.background != 0 && roll(d) % 4 > 0)
            roll_beginning(d, &m, list);
    }
    m.has[(FIRST + MLP_MOST_LISTS + 2) * depth + roll(d) % depth] = false;
    return m;
}

static void free_matrix(matrix *m)
{
    free(m->has);
    free(m->levels);
    free(m->values);
}

static void put_step(mlp_packed *packed, size_t at, const matrix *m, size_t from, size_t step)
{
    const uint32_t *levels = m->levels + from * MLP_TILE;
    if (packed->words != NULL) {
        packed->words[at] = levels[0] | (uint32_t)step << 8 | levels[1] << 24;
        return;
    }
    packed->steps[at] = (uint16_t)step;
    memcpy(packed->values + at * MLP_TILE, m->values + from * MLP_TILE,
           MLP_TILE * sizeof *packed->values);
}

/* A block of a list, as kernels do it: they write more than they count. */
static void put_block(mlp_packed *packed, const matrix *m, size_t first, size_t list, size_t block)
{
    size_t at = mlp_packed_open(packed, first, list, block), n = 0,
           low = block * packed->block_steps;
    size_t steps = mlp_min_size(m->depth - low, packed->block_steps);
    for (size_t s = 0; s < mlp_round_up(steps, MLP_COLUMNS); s++)
        put_step(packed, at + s, m, 0, UINT16_MAX);
    for (size_t k = 0; k < steps; k++)
        if (m->has[list * m->depth + low + k])
            put_step(packed, at + n++, m, list * m->depth + low + k, k);
    mlp_packed_close(packed, list, block, n);
}

static void put_share(mlp_packed *packed, const matrix *m, size_t first, size_t end)
{
    for (size_t list = first; list < end; list++)
        for (size_t block = 0; block < packed->n_blocks; block++)
            put_block(packed, m, first, list, block);
}

/* In three shares, of which the last comes first. */
static void put_all(dice *d, mlp_packed *packed, const matrix *m, size_t shares[4])
{
    shares[0] = 0;
    shares[1] = roll(d) % LISTS;
    shares[2] = shares[1] + roll(d) % (LISTS - shares[1]);
    shares[3] = LISTS;
    packed->background = (uint8_t)m->background;
    for (size_t i = 3; i-- > 0;)
        put_share(packed, m, shares[i], shares[i + 1]);
}

/* With how many steps of the background a list begins, in whole units. */
static size_t count_shared(const matrix *m, size_t list)
{
    size_t k = 0;
    for (; m->background != 0 && k < m->depth; k++) {
        const uint32_t *levels = m->levels + (list * m->depth + k) * MLP_TILE;
        if (!m->has[list * m->depth + k] || levels[0] != m->background || levels[1] != levels[0])
            break;
    }
    return k / MLP_SHARED_STEPS;
}

/* A block of list `list` has the steps that were put there but for what is shared, and no more. */
static void check_block(const mlp_packed *packed, const matrix *m, size_t list, size_t block)
{
    const mlp_lists lists = {.packed = packed, .first = list, .n = 1, .starts = STARTS};
    mlp_list found;
    mlp_lists_block(&lists, 0, block, &found);
    size_t s = 0, low = block * packed->block_steps, shared = count_shared(m, list);
    assert_int_equal(packed->shared[list], shared);
    assert_ptr_equal(found.start, block == 0 ? STARTS + shared * MLP_PANEL : NULL);
    for (size_t k = 0; k < packed->block_steps && low + k < m->depth; k++) {
        size_t from = list * m->depth + low + k;
        if (!m->has[from] || low + k < shared * MLP_SHARED_STEPS)
            continue;
        assert_true(s < found.n);
        const uint32_t *levels = m->levels + from * MLP_TILE;
        if (packed->words != NULL)
            assert_int_equal(found.words[s], levels[0] | k << 8 | levels[1] << 24);
        else
            assert_int_equal(found.steps[s], k);
        for (size_t i = 0; i < MLP_TILE; i++)
            assert_true(found.values[packed->words != NULL ? levels[i] : s * MLP_TILE + i] ==
                        m->values[from * MLP_TILE + i]);
        s++;
    }
    assert_int_equal(found.n, s);
}

/* A share's blocks, one of all its lists after another, leave no gap. */
static void check_order(const mlp_packed *packed, size_t first, size_t end)
{
    const mlp_lists lists = {.packed = packed, .first = 0, .n = LISTS, .starts = STARTS};
    for (size_t block = 0; block < packed->n_blocks; block++)
        for (size_t list = first + 1; list < end; list++) {
            mlp_list a, b;
            mlp_lists_block(&lists, list - 1, block, &a);
            mlp_lists_block(&lists, list, block, &b);
            if (packed->words != NULL) {
                assert_ptr_equal(b.words, a.words + a.n);
            } else {
                assert_ptr_equal(b.steps, a.steps + a.n);
                assert_ptr_equal(b.values, a.values + a.n * MLP_TILE);
            }
        }
}

static void shares_keep_apart(void **state)
{
    (void)state;
    dice d = {2, 0};
    for (size_t i = 0; i < N_SIZES; i++)
        for (size_t kind = 0; kind < N_KINDS; kind++) {
            size_t shares[4];
            mlp_packed packed;
            matrix m = roll_matrix(&d, KINDS[kind], MAX_STEPS[i]);
            assert_true(mlp_packed_init(&packed, LISTS, MAX_STEPS[i], KINDS[kind]));
            put_all(&d, &packed, &m, shares);
            for (size_t list = 0; list < LISTS; list++)
                for (size_t block = 0; block < packed.n_blocks; block++)
                    check_block(&packed, &m, list, block);
            for (size_t share = 0; share < 3; share++)
                check_order(&packed, shares[share], shares[share + 1]);
            mlp_packed_free(&packed);
            free_matrix(&m);
        }
}

/* c (2, 64) = start + one list times b, by the C library's fmaf, as if there were no blocks. */
static void multiply_plainly(const matrix *m, size_t list, const float *b, size_t columns,
                             const float *start, float *c)
{
    for (size_t r = 0; r < MLP_TILE; r++)
        for (size_t j = 0; j < columns; j++) {
            float sum = start[j];
            for (size_t k = 0; k < m->depth; k++)
                if (m->has[list * m->depth + k])
                    sum = fmaf(m->values[(list * m->depth + k) * MLP_TILE + r],
                               b[k * MLP_PANEL + j], sum);
            c[r * MLP_PANEL + j] = sum;
        }
}

/* The product of n lists, the lists' own from `at` on, by every table; c has a tile too many. */
static void check_product(dice *d, const mlp_lists *lists, const matrix *m, size_t at, size_t n,
                          size_t columns)
{
    size_t floats = (n + 1) * MLP_TILE_FLOATS;
    float *b = roll_floats(d, m->depth * MLP_PANEL, roll(d) % 4 ? FINITE : WILD);
    float *start = roll_floats(d, MLP_PANEL, FINITE), *c = roll_floats(d, floats, WILD);
    float *wanted = copy_floats(c, floats);
    for (size_t i = 0; i < n; i++)
        multiply_plainly(m, lists->first + at + i, b, columns, start, wanted + i * MLP_TILE_FLOATS);
    for (size_t t = 0; supported_kernels(t) != NULL; t++) {
        float *found = copy_floats(c, floats);
        mlp_lists_begin(lists, supported_kernels(t), at, n, b, columns, start);
        mlp_lists_multiply(lists, supported_kernels(t), lists->packed->n_blocks, at, n, b, columns,
                           found);
        assert_same(supported_kernels(t)->name, found, wanted, floats);
        free(found);
    }
    free(b);
    free(start);
    free(c);
    free(wanted);
}

/* All of the lists, and some from within. */
static void check_products(dice *d, const mlp_lists *lists, const matrix *m)
{
    for (size_t columns = MLP_COLUMNS; columns <= MLP_PANEL; columns += MLP_COLUMNS)
        check_product(d, lists, m, 0, N, columns);
    for (size_t n = 0; n <= MLP_MOST_LISTS + 1; n++)
        check_product(d, lists, m, roll(d) % (N - n + 1), n, MLP_PANEL);
}

static void a_product_over_blocks_is_one_chain(void **state)
{
    (void)state;
    dice d = {1, 0};
    for (size_t i = 0; i < N_SIZES; i += quick_or(5, 1))
        for (size_t kind = 0; kind < N_KINDS; kind++) {
            size_t shares[4];
            mlp_packed packed;
            matrix m = roll_matrix(&d, KINDS[kind], MAX_STEPS[i]);
            assert_true(mlp_packed_init(&packed, LISTS, MAX_STEPS[i], KINDS[kind]));
            put_all(&d, &packed, &m, shares);
            assert_int_equal(mlp_lists_start_floats(MOST_STEPS), sizeof STARTS / sizeof *STARTS);
            check_products(
                &d, &(mlp_lists){.packed = &packed, .first = FIRST, .n = N, .starts = STARTS}, &m);
            mlp_packed_free(&packed);
            free_matrix(&m);
        }
}

static void too_much_is_refused(void **state)
{
    (void)state;
    const mlp_packed zeroed = {0};
    for (size_t kind = 0; kind < N_KINDS; kind++) {
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
        cmocka_unit_test(levels_are_bytes_over_255),
        cmocka_unit_test(shares_keep_apart),
        cmocka_unit_test(a_product_over_blocks_is_one_chain),
        cmocka_unit_test(too_much_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
