/* quick.h: how many cases a test takes. */
#ifndef MLP_TESTS_QUICK_H
#define MLP_TESTS_QUICK_H

#include <stddef.h>
#include <stdlib.h>

/* MLP_TEST_QUICK is set where a run is slow, under valgrind say: fewer cases. */
static inline size_t quick_or(size_t quick, size_t full)
{
    const char *set = getenv("MLP_TEST_QUICK");
    return set != NULL && set[0] != '\0' ? quick : full;
}

#endif
