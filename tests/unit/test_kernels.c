/* The products of every supported table by their definition, equal bytes, whatever
 * the lengths, the columns and the numbers; and the choice of a table. */
#include "kernel_fixture.h"

enum {
    MAX_STEPS = MLP_BLOCK_STEPS, /* rows of b */
    TILES = 2 + MLP_MOST_LISTS,  /* of c: one on either side in which nothing may be written */
    LEVELS = 256,                /* of pixels */
};

/* The operands of a product, c's first tile being its second. */
typedef struct operands {
    size_t n_lists, columns;
    mlp_list lists[MLP_MOST_LISTS];
    uint16_t steps[MLP_MOST_LISTS][MAX_STEPS];
    float *values[MLP_MOST_LISTS]; /* (n, 2) */
    uint32_t words[MLP_MOST_LISTS][MAX_STEPS];
    float levels[LEVELS];
    float *b, *rows, *c;
    const float *start; /* the first of the rows, or NULL: each list has a row of its own */
} operands;

typedef enum start_kind { START_C, START_ROW } start_kind;

/* Any length, often a very short one. */
static size_t roll_length(dice *d)
{
    return roll(d) % 4 == 0 ? roll(d) % 4 : roll(d) % (MAX_STEPS + 1);
}

/* n ascending steps below `below`, each subset as likely as another. */
static void roll_list(dice *d, operands *o, size_t list, size_t n, size_t below, numbers kind)
{
    size_t chosen = 0;
    for (size_t k = 0; k < below; k++)
        if (roll(d) % (below - k) < n - chosen)
            o->steps[list][chosen++] = (uint16_t)k;
    o->values[list] = roll_floats(d, n * MLP_TILE, kind);
    o->lists[list] = (mlp_list){.n = n, .steps = o->steps[list], .values = o->values[list]};
}

static void set_starts(operands *o, start_kind start)
{
    o->start = start == START_ROW ? o->rows : NULL;
    for (size_t i = 0; i < o->n_lists; i++)
        o->lists[i].start = start == START_ROW ? o->rows + i * MLP_PANEL : NULL;
}

/* The lists become lists of pixels, of any levels. */
static void roll_levels(dice *d, operands *o)
{
    for (size_t i = 0; i < o->n_lists; i++) {
        for (size_t s = 0; s < o->lists[i].n; s++) {
            uint32_t levels[MLP_TILE] = {roll(d) % LEVELS, roll(d) % LEVELS};
            o->words[i][s] = levels[0] | (uint32_t)o->steps[i][s] << 8 | levels[1] << 24;
            for (size_t r = 0; r < MLP_TILE; r++)
                o->values[i][s * MLP_TILE + r] = o->levels[levels[r]];
        }
        o->lists[i] = (mlp_list){.start = o->lists[i].start,
                                 .n = o->lists[i].n,
                                 .words = o->words[i],
                                 .values = o->levels};
    }
}

/* What a product's lists have in common: all leave none out, of the same steps, or up to a common
 * end, or from step 0 on; or all are as long; or nothing. */
typedef enum list_shape {
    SAME_RUN,
    RUNS_TO_AN_END,
    RUNS_FROM_0,
    SAME_LENGTH,
    ANY_SHAPE
} list_shape;

static void roll_lists(dice *d, operands *o, numbers kind)
{
    list_shape shape = (list_shape)(roll(d) % (2 * ANY_SHAPE));
    size_t end = roll_length(d);
    for (size_t i = 0; i < o->n_lists; i++) {
        bool any_length = shape != SAME_RUN && shape != SAME_LENGTH;
        size_t n = any_length ? roll_length(d) : end;
        if (shape == RUNS_TO_AN_END && n > end)
            n = end;
        roll_list(d, o, i, n, shape <= RUNS_FROM_0 ? n : MAX_STEPS, kind);
        for (size_t s = 0; shape == RUNS_TO_AN_END && s < n; s++)
            o->steps[i][s] = (uint16_t)(end - n + s);
    }
}

static void roll_operands(dice *d, operands *o, start_kind start, numbers kind)
{
    roll_lists(d, o, kind);
    for (size_t level = 0; level < LEVELS; level++)
        o->levels[level] = (float)((double)level / 255.0);
    if (roll(d) % 2 == 0)
        roll_levels(d, o);
    o->b = roll_floats(d, MAX_STEPS * MLP_PANEL, kind);
    o->rows = roll_floats(d, MLP_MOST_LISTS * MLP_PANEL, kind);
    o->c = roll_floats(d, TILES * MLP_TILE_FLOATS, kind);
    set_starts(o, start);
}

static void free_operands(operands *o)
{
    for (size_t i = 0; i < o->n_lists; i++)
        free(o->values[i]);
    free(o->b);
    free(o->rows);
    free(o->c);
}

/* By the definition in kernels.h, the C library's fmaf one after another. */
static void multiply_plainly(const operands *o, float *c)
{
    for (size_t r = 0; r < o->n_lists * MLP_TILE; r++) {
        size_t list = r / MLP_TILE;
        for (size_t j = 0; j < o->columns; j++) {
            const float *start = o->lists[list].start;
            float sum = start != NULL ? start[j] : c[r * MLP_PANEL + j];
            for (size_t s = 0; s < o->lists[list].n; s++)
                sum = fmaf(o->values[list][s * MLP_TILE + r % MLP_TILE],
                           o->b[o->steps[list][s] * MLP_PANEL + j], sum);
            c[r * MLP_PANEL + j] = sum;
        }
    }
}

/* Every table's c, and what lies beside it, is the wanted one. */
static void check_lists(const operands *o)
{
    size_t n = TILES * MLP_TILE_FLOATS;
    float *wanted = copy_floats(o->c, n);
    multiply_plainly(o, wanted + MLP_TILE_FLOATS);
    for (size_t t = 0; supported_kernels(t) != NULL; t++) {
        float *found = copy_floats(o->c, n);
        supported_kernels(t)->multiply(o->n_lists, o->lists, o->b, o->columns,
                                       found + MLP_TILE_FLOATS);
        assert_same(supported_kernels(t)->name, found, wanted, n);
        free(found);
    }
    free(wanted);
}

static void products_of_lists_are_chains_of_fma(void **state)
{
    (void)state;
    dice d = {1, 0};
    operands o = {0};
    for (o.n_lists = 1; o.n_lists <= MLP_MOST_LISTS; o.n_lists++)
        for (o.columns = MLP_COLUMNS; o.columns <= MLP_PANEL; o.columns += MLP_COLUMNS)
            for (size_t start = START_C; start <= START_ROW; start++)
                for (size_t round = 0; round < quick_or(4, 60); round++) {
                    roll_operands(&d, &o, (start_kind)start, round % 2 == 0 ? FINITE : WILD);
                    check_lists(&o);
                    free_operands(&o);
                }
}

/* Also by one that is no number: c is then written and not read. */
static void a_start_replaces_what_was_there(void **state)
{
    (void)state;
    dice d = {2, 0};
    operands o = {.n_lists = MLP_MOST_LISTS, .columns = MLP_PANEL};
    roll_operands(&d, &o, START_ROW, FINITE);
    for (size_t i = 0; i < TILES * MLP_TILE_FLOATS; i++)
        o.c[i] = NAN;
    check_lists(&o);
    free_operands(&o);
}

/* They are no signed numbers. */
static void steps_reach_the_last_of_16_bits(void **state)
{
    (void)state;
    enum { ROWS = UINT16_MAX + 1 };
    const uint16_t steps[] = {0, 1, 0x7fff, 0x8000, UINT16_MAX};
    enum { N = sizeof steps / sizeof *steps };
    dice d = {3, 0};
    operands o = {.n_lists = MLP_MOST_LISTS, .columns = MLP_PANEL};
    roll_operands(&d, &o, START_ROW, FINITE);
    float *row = roll_floats(&d, MLP_PANEL, FINITE);
    free(o.b);
    o.b = must_alloc((size_t)ROWS * MLP_PANEL, sizeof *o.b);
    for (size_t s = 0; s < N; s++)
        for (size_t j = 0; j < MLP_PANEL; j++)
            o.b[steps[s] * MLP_PANEL + j] = (float)(s + 1) * row[j];
    for (size_t i = 0; i < o.n_lists; i++) {
        free(o.values[i]);
        o.values[i] = roll_floats(&d, N * MLP_TILE, FINITE);
        memcpy(o.steps[i], steps, sizeof steps);
        o.lists[i] = (mlp_list){.n = N, .steps = o.steps[i], .values = o.values[i]};
    }
    set_starts(&o, START_ROW);
    for (size_t pixels = 0; pixels < 2; pixels++) {
        for (o.columns = MLP_COLUMNS; o.columns <= MLP_PANEL; o.columns += MLP_COLUMNS)
            check_lists(&o);
        roll_levels(&d, &o);
    }
    free(row);
    free_operands(&o);
}

/* Parameters with a tile too many, and the sum that their step returned. */
typedef struct stepped {
    float *velocity, *weight, squares;
} stepped;

static void assert_same_step(const char *name, const stepped *found, const stepped *wanted)
{
    assert_same(name, found->velocity, wanted->velocity, MLP_STACK_FLOATS + MLP_TILE_FLOATS);
    assert_same(name, found->weight, wanted->weight, MLP_STACK_FLOATS + MLP_TILE_FLOATS);
    assert_same(name, &found->squares, &wanted->squares, 1);
}

/* A product and then a step, as one, in every table. */
static void check_step(dice *d, const operands *o, const mlp_sgd_step *step, numbers kind)
{
    size_t floats = MLP_STACK_FLOATS + MLP_TILE_FLOATS;
    float *gradient = copy_floats(o->c, TILES * MLP_TILE_FLOATS);
    float *velocity = roll_floats(d, floats, kind), *weight = roll_floats(d, floats, kind);
    stepped wanted = {copy_floats(velocity, floats), copy_floats(weight, floats), 0.0f};
    multiply_plainly(o, gradient);
    wanted.squares = mlp_kernels_portable.sgd(o->n_lists * MLP_TILE, MLP_PANEL, step, gradient,
                                              wanted.velocity, wanted.weight);
    for (size_t t = 0; supported_kernels(t) != NULL; t++) {
        float *c = copy_floats(o->c, TILES * MLP_TILE_FLOATS);
        stepped found = {copy_floats(velocity, floats), copy_floats(weight, floats), 0.0f};
        found.squares = supported_kernels(t)->multiply_sgd(o->n_lists, o->lists, o->b, c, step,
                                                           found.velocity, found.weight);
        assert_same_step(supported_kernels(t)->name, &found, &wanted);
        free(c);
        free(found.velocity);
        free(found.weight);
    }
    free(gradient);
    free(velocity);
    free(weight);
    free(wanted.velocity);
    free(wanted.weight);
}

static void a_product_goes_into_the_step_that_it_is_the_gradient_of(void **state)
{
    (void)state;
    const mlp_sgd_step steps[] = {
        {.lr = 0.1f, .momentum = 0.9f},
        {.lr = 0.3f, .momentum = 0.5f, .weight_decay = 0.01f, .nesterov = 1}};
    dice d = {5, 0};
    operands o = {.columns = MLP_PANEL};
    for (o.n_lists = 1; o.n_lists <= MLP_LISTS; o.n_lists++)
        for (size_t start = START_C; start <= START_ROW; start++)
            for (size_t round = 0; round < quick_or(4, 60); round++) {
                numbers kind = round % 4 < 2 ? FINITE : WILD;
                roll_operands(&d, &o, (start_kind)start, kind);
                check_step(&d, &o, &steps[round % 2], kind);
                free_operands(&o);
            }
}

/* The left operand of a stack. */
typedef struct stack {
    size_t n, depth, stride;
    const float *rows[MLP_STACK]; /* n of them */
} stack;

/* By the definition: no step is left out. */
static void multiply_stack_plainly(const operands *o, const stack *a, float *c)
{
    for (size_t i = 0; i < a->n; i++)
        for (size_t j = 0; j < o->columns; j++) {
            float sum = o->start != NULL ? o->start[j] : c[i * MLP_PANEL + j];
            for (size_t k = 0; k < a->depth; k++)
                sum = fmaf(a->rows[i][k * a->stride], o->b[k * MLP_PANEL + j], sum);
            c[i * MLP_PANEL + j] = sum;
        }
}

/* Rows that begin anywhere in memory, the last of them ending where it does. */
static void check_stack(dice *d, operands *o, size_t depth, size_t stride, start_kind start,
                        numbers kind)
{
    enum { MAX_GAP = 3 };
    stack a = {.depth = depth, .stride = stride};
    size_t row_floats = depth > 0 ? (depth - 1) * stride + 1 : 0, at = 0;
    a.n = roll(d) % 2 == 0 ? MLP_STACK : 1 + roll(d) % MLP_STACK;
    size_t n = TILES * MLP_TILE_FLOATS, floats = MLP_STACK * (row_floats + MAX_GAP);
    float *memory = roll_floats(d, floats, kind);
    for (size_t i = MLP_STACK; i-- > 0; at += row_floats + roll(d) % (MAX_GAP + 1))
        a.rows[i] = memory + floats - row_floats - at;
    roll_operands(d, o, start, kind);
    float *wanted = copy_floats(o->c, n);
    multiply_stack_plainly(o, &a, wanted + MLP_TILE_FLOATS);
    for (size_t t = 0; supported_kernels(t) != NULL; t++) {
        float *found = copy_floats(o->c, n);
        supported_kernels(t)->multiply_dense(a.n, depth, a.rows, stride, o->b, o->columns, o->start,
                                             found + MLP_TILE_FLOATS);
        assert_same(supported_kernels(t)->name, found, wanted, n);
        free(found);
    }
    free(wanted);
    free(memory);
    free_operands(o);
}

/* From rows of a panel, lists of two rows, and columns of a panel. */
static void products_of_stacks_are_chains_of_fma(void **state)
{
    (void)state;
    const size_t strides[] = {1, MLP_TILE, MLP_PANEL};
    dice d = {4, 0};
    operands o = {0};
    for (o.columns = MLP_COLUMNS; o.columns <= MLP_PANEL; o.columns += MLP_COLUMNS)
        for (size_t start = START_C; start <= START_ROW; start++)
            for (size_t depth = 0; depth <= MAX_STEPS;
                 depth += depth < quick_or(3, 20) ? 1 : quick_or(49, 11))
                for (size_t i = 0; i < 2 * sizeof strides / sizeof *strides; i++)
                    check_stack(&d, &o, depth, strides[i / 2], (start_kind)start,
                                i % 2 == 0 ? FINITE : WILD);
}

static void a_table_is_selected_by_name_or_speed(void **state)
{
    (void)state;
    const mlp_kernels *chosen, *fastest = NULL;
    mlp_error err = {""};
    for (size_t t = 0; supported_kernels(t) != NULL; t++) {
        fastest = supported_kernels(t);
        must_succeed(mlp_kernels_select(&chosen, fastest->name, &err), &err);
        assert_ptr_equal(chosen, fastest);
    }
    must_succeed(mlp_kernels_select(&chosen, NULL, &err), &err);
    assert_ptr_equal(chosen, fastest);
    assert_ptr_equal(supported_kernels(0), &mlp_kernels_portable);
}

static void another_name_is_refused(void **state)
{
    (void)state;
    const mlp_kernels *chosen;
    mlp_error err = {""};
    assert_int_equal(mlp_kernels_select(&chosen, "abacus", &err), MLP_ERR_USAGE);
    assert_non_null(strstr(err.message, "\"abacus\" is unknown; this machine runs: portable"));
    for (size_t i = 0; mlp_kernels_list(i) != NULL; i++) {
        const mlp_kernels *k = mlp_kernels_list(i);
        if (mlp_kernels_supported(k))
            continue;
        assert_int_equal(mlp_kernels_select(&chosen, k->name, &err), MLP_ERR_USAGE);
        assert_non_null(strstr(err.message, "is not supported by this CPU"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_of_lists_are_chains_of_fma),
        cmocka_unit_test(a_start_replaces_what_was_there),
        cmocka_unit_test(steps_reach_the_last_of_16_bits),
        cmocka_unit_test(a_product_goes_into_the_step_that_it_is_the_gradient_of),
        cmocka_unit_test(products_of_stacks_are_chains_of_fma),
        cmocka_unit_test(a_table_is_selected_by_name_or_speed),
        cmocka_unit_test(another_name_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
