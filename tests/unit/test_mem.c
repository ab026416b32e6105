#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static const size_t SIZES[] = {0, 1, 64, 1000, MLP_HUGE_PAGE / 2, MLP_HUGE_PAGE + 1};
enum { N_SIZES = sizeof SIZES / sizeof SIZES[0] };

/* Twice: the second time it may be memory that has been used. */
static void memory_is_zeroed_and_aligned(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2 * N_SIZES; i++) {
        size_t n = SIZES[i / 2];
        unsigned char *memory = mlp_alloc(n, 1);
        assert_non_null(memory);
        assert_int_equal((uintptr_t)memory % MLP_ALIGNMENT, 0);
        for (size_t at = 0; at < n; at++)
            assert_int_equal(memory[at], 0);
        memset(memory, 0xff, n);
        free(memory);
    }
}

static void much_memory_begins_a_huge_page(void **state)
{
    (void)state;
    void *memory = mlp_alloc(MLP_HUGE_PAGE / 8, 4);
    assert_non_null(memory);
    assert_int_equal((uintptr_t)memory % MLP_HUGE_PAGE, 0);
    free(memory);
}

static void sizes_that_overflow_get_no_memory(void **state)
{
    (void)state;
    const size_t overflows[][2] = {
        {SIZE_MAX, 2}, {2, SIZE_MAX}, {SIZE_MAX, 1}, {SIZE_MAX - MLP_HUGE_PAGE + 1, 1}};
    for (size_t i = 0; i < sizeof overflows / sizeof overflows[0]; i++)
        assert_null(mlp_alloc(overflows[i][0], overflows[i][1]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_zeroed_and_aligned),
        cmocka_unit_test(much_memory_begins_a_huge_page),
        cmocka_unit_test(sizes_that_overflow_get_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
