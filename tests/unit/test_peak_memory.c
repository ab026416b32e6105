#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/peak_memory.h"

enum { HELD = 256 << 20, MUCH = HELD / 2, PAGE = 4096 };

static const char CHILD[] = "child"; /* the argument that makes this program the child below */
static const char *program;

/* Has so many bytes resident for a moment. */
static bool hold(size_t bytes)
{
    volatile char *memory = malloc(bytes);
    if (memory == NULL)
        return false;
    for (size_t i = 0; i < bytes; i += PAGE)
        memory[i] = 1;
    free((void *)memory);
    return true;
}

static void a_parents_memory_is_not_counted(void **state)
{
    (void)state;
    int status;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (hold(HELD))
            execl(program, program, CHILD, (char *)NULL);
        _exit(127);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void memory_that_was_given_back_is_counted(void **state)
{
    (void)state;
    assert_in_range(mlp_peak_memory_bytes(), 1, MUCH);
    assert_true(hold(HELD));
    assert_true(mlp_peak_memory_bytes() >= HELD);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_parents_memory_is_not_counted),
        cmocka_unit_test(memory_that_was_given_back_is_counted),
    };
    program = argv[0];
    if (argc == 2 && strcmp(argv[1], CHILD) == 0)
        return mlp_peak_memory_bytes() < MUCH ? 0 : 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
