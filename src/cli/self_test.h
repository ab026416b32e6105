/* self_test.h: whether this machine computes what every other one does. */
#ifndef MLP_CLI_SELF_TEST_H
#define MLP_CLI_SELF_TEST_H

#include <stddef.h>

#include "base/status.h"

/* Trains small networks on drawn digits with every kernel table that this CPU
 * supports, on 1, 2 and 3 threads; *trainings counts them. MLP_ERR_RUNTIME names the
 * first whose weights are not those of the table in self_test.c, to the bit. */
mlp_status mlp_self_test_run(size_t *trainings, mlp_error *err);

#endif
