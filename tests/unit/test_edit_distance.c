#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "base/edit_distance.h"

static void assert_distance(const char *a, const char *b, size_t distance)
{
    if (mlp_edit_distance(a, b) != distance || mlp_edit_distance(b, a) != distance)
        fail_msg("\"%s\" and \"%s\": found %zu and %zu, wanted %zu", a, b, mlp_edit_distance(a, b),
                 mlp_edit_distance(b, a), distance);
}

static void counts_edits(void **state)
{
    (void)state;
    assert_distance("", "", 0);
    assert_distance("train", "train", 0);
    assert_distance("", "abc", 3);
    assert_distance("train", "trains", 1); /* insertion, deletion */
    assert_distance("train", "brain", 1);  /* substitution */
    assert_distance("train", "trian", 1);  /* swap of neighbours */
    assert_distance("kitten", "sitting", 3);
    assert_distance("ca", "abc", 3); /* no part is edited twice: not ca -> ac -> abc */
}

static void has_an_end(void **state)
{
    (void)state;
    char longest[MLP_EDIT_WORD_SIZE], too_long[MLP_EDIT_WORD_SIZE + 1];
    memset(longest, 'a', sizeof longest);
    memset(too_long, 'a', sizeof too_long);
    longest[sizeof longest - 1] = '\0';
    too_long[sizeof too_long - 1] = '\0';
    assert_distance(longest, "", MLP_EDIT_WORD_SIZE - 1);
    assert_distance(longest, "b", MLP_EDIT_WORD_SIZE - 1);
    assert_distance(too_long, "a", SIZE_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_edits),
        cmocka_unit_test(has_an_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
