/* fuzz.h: what the fuzz targets have in common.
 *
 * A target, fuzz_<name>.c, has libFuzzer's entry point (LLVM, "libFuzzer - a library
 * for coverage-guided fuzz testing"). It is linked with libFuzzer, which looks for
 * inputs, and with replay.c, which runs the committed ones. A mutate_<name>.c alters
 * inputs for libFuzzer, and for mutants.c, which shows them to the whole program.
 */
#ifndef MLP_TESTS_FUZZ_FUZZ_H
#define MLP_TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* Reads data (size) as a file of the target's format; returns 0. A promise that is
 * broken ends the process. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Alters data (size) in place, to at most `room` bytes, knowing the format; returns
 * the new size. Decisions follow from the seed alone. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t room, unsigned seed);

/* The same knowing nothing of the format: libFuzzer's, or that of mutants.c. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t room);

/* The path of a file that holds data (size): always the same one of this process,
 * in memory where the system has a folder for that. Removed at exit. */
const char *fuzz_file(const uint8_t *data, size_t size);

/* A promise of the code under test. */
#define FUZZ_ASSERT(promise)                                                                       \
    do {                                                                                           \
        if (!(promise)) {                                                                          \
            fprintf(stderr, "%s:%d: broken: %s\n", __FILE__, __LINE__, #promise);                  \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

#endif
