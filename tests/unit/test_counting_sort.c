/* Numbers sorted by few keys. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "base/counting_sort.h"

enum { N_KEYS = 4 };

static const uint32_t KEY[] = {3, 0, 3, 2, 0};

static void numbers_of_one_key_stay_in_order(void **state)
{
    const uint32_t from[] = {4, 2, 1, 0, 3}, wanted[] = {4, 1, 3, 2, 0};
    uint32_t next[N_KEYS], to[5];
    (void)state;
    mlp_counting_sort(5, from, KEY, N_KEYS, next, to);
    assert_memory_equal(to, wanted, sizeof to);
}

static void without_a_list_all_numbers_are_sorted(void **state)
{
    const uint32_t wanted[] = {1, 4, 3, 0, 2};
    uint32_t next[N_KEYS], to[5];
    (void)state;
    mlp_counting_sort(5, NULL, KEY, N_KEYS, next, to);
    assert_memory_equal(to, wanted, sizeof to);
}

static void some_of_the_numbers_are_sorted(void **state)
{
    const uint32_t from[] = {2, 1}, wanted[] = {1, 2};
    uint32_t next[N_KEYS], to[3] = {7, 7, 7};
    (void)state;
    mlp_counting_sort(2, from, KEY, N_KEYS, next, to);
    assert_memory_equal(to, wanted, sizeof wanted);
    assert_int_equal(to[2], 7);
    mlp_counting_sort(0, NULL, KEY, N_KEYS, next, to);
    assert_int_equal(to[0], 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_of_one_key_stay_in_order),
        cmocka_unit_test(without_a_list_all_numbers_are_sorted),
        cmocka_unit_test(some_of_the_numbers_are_sorted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
