/* mutants.c: altered files, shown to the whole program.
 *
 *     mutants SEED COUNT EXITS MUTANT FILE... -- COMMAND...
 *
 * COUNT times: one of the FILEs, in turn, altered a few times by the target's mutator,
 * is written to MUTANT, and COMMAND is run. It has to end by itself, with one of
 * EXITS ("0,5"), within MAX_SECONDS of CPU time and MAX_MEGABYTES of memory. Where
 * it does not, the mutant is kept as MUTANT.<number>. The same SEED and FILEs give
 * the same mutants on any machine. Closes with the line "N passed, N failed".
 */
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/rng.h"
#include "fuzz.h"

enum {
    MAX_SECONDS = 5,
    MAX_MEGABYTES = 64,
    FILE_MAX = 1 << 20,
    MOST_ROUNDS = 3,
    MOST_EXITS = 256,
};

/* How the command ended, over all mutants. */
typedef struct tally {
    int exits[MOST_EXITS];
    double peak; /* MB */
} tally;

/* libFuzzer's interface has no context, so that the place in the sequence of random
 * numbers has to be static. */
static uint64_t random_seed, random_index;

static uint32_t draw(uint32_t below)
{
    return mlp_rng_u32(random_seed, 0, random_index++) % below;
}

/* One simple alteration: what libFuzzer's own does, less the dictionaries. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t room)
{
    static const uint8_t hard_bytes[] = {0, 1, 0x7F, 0x80, 0xFF, '"', '{', '[', '\\', '0', '-'};
    if (size == 0)
        return size;
    size_t at = draw((uint32_t)size), n = 1 + draw(16);
    if (n > size - at)
        n = size - at;
    switch (draw(6)) {
    case 0:
        data[at] ^= (uint8_t)(1u << draw(8));
        return size;
    case 1:
        data[at] = hard_bytes[draw(sizeof hard_bytes)];
        return size;
    case 2: /* erase */
        memmove(data + at, data + at + n, size - at - n);
        return size - n;
    case 3: /* repeat */
        if (n > room - size)
            return size;
        memmove(data + at + n, data + at, size - at);
        return size + n;
    case 4: /* copy over */
        memmove(data + draw((uint32_t)(size - n + 1)), data + at, n);
        return size;
    default: /* cut */
        return draw(4) == 0 ? at : size;
    }
}

static void write_mutant(const char *path, const uint8_t *data, size_t size)
{
    FILE *file = fopen(path, "wb");
    FUZZ_ASSERT(file != NULL && fwrite(data, 1, size, file) == size && fclose(file) == 0);
}

static size_t make_mutant(const char *original, const char *mutant, uint8_t *data)
{
    FILE *file = fopen(original, "rb");
    FUZZ_ASSERT(file != NULL);
    size_t size = fread(data, 1, FILE_MAX, file);
    fclose(file);
    FUZZ_ASSERT(size < FILE_MAX);
    for (uint32_t round = draw(MOST_ROUNDS) + 1; round > 0; round--)
        size = LLVMFuzzerCustomMutator(data, size, FILE_MAX, draw(UINT32_MAX));
    write_mutant(mutant, data, size);
    return size;
}

static int run(char **command, struct rusage *usage)
{
    const struct rlimit cpu = {MAX_SECONDS, MAX_SECONDS};
    int status = -1;
    pid_t child = fork();
    FUZZ_ASSERT(child >= 0);
    if (child == 0) {
        int null = open("/dev/null", O_RDWR);
        dup2(null, 0), dup2(null, 1), dup2(null, 2);
        setrlimit(RLIMIT_CPU, &cpu);
        execv(command[0], command);
        _exit(127);
    }
    FUZZ_ASSERT(wait4(child, &status, 0, usage) == child);
    return status;
}

static double peak_megabytes(const struct rusage *usage)
{
#ifdef __APPLE__
    return (double)usage->ru_maxrss / (1 << 20);
#else
    return (double)usage->ru_maxrss / (1 << 10);
#endif
}

/* Whether the exit code is one of a list such as "0,5". */
static int is_among(int code, const char *exits)
{
    for (char *end; *exits != '\0'; exits = *end == ',' ? end + 1 : end)
        if (strtol(exits, &end, 10) == code)
            return 1;
    return 0;
}

/* Runs the command on what was written; says what is wrong. */
static int is_borne(char **command, const char *exits, int number, tally *t)
{
    struct rusage usage;
    int status = run(command, &usage);
    double megabytes = peak_megabytes(&usage);
    t->peak = megabytes > t->peak ? megabytes : t->peak;
    if (WIFEXITED(status))
        t->exits[WEXITSTATUS(status)]++;
    if (WIFSIGNALED(status))
        printf("FAILED %d: signal %d\n", number, WTERMSIG(status));
    else if (!is_among(WEXITSTATUS(status), exits))
        printf("FAILED %d: exit code %d\n", number, WEXITSTATUS(status));
    else if (megabytes > MAX_MEGABYTES)
        printf("FAILED %d: %.1f MB\n", number, megabytes);
    else
        return 1;
    return 0;
}

static void report(const tally *t, int count, int failed)
{
    printf("peak of memory %.1f MB; exit codes", t->peak);
    for (int code = 0; code < MOST_EXITS; code++)
        if (t->exits[code] > 0)
            printf(" %d: %d", code, t->exits[code]);
    printf("\n%d passed, %d failed\n", count - failed, failed);
}

int main(int argc, char **argv)
{
    int n_files = 0, failed = 0;
    char kept[4096];
    tally t = {0};
    while (argc > 5 + n_files && strcmp(argv[5 + n_files], "--") != 0)
        n_files++;
    if (n_files == 0 || argc <= 6 + n_files) {
        fprintf(stderr, "usage: mutants SEED COUNT EXITS MUTANT FILE... -- COMMAND...\n");
        return 2;
    }
    random_seed = strtoull(argv[1], NULL, 10);
    int count = (int)strtol(argv[2], NULL, 10);
    uint8_t *data = malloc(FILE_MAX);
    FUZZ_ASSERT(data != NULL);
    for (int i = 0; i < count; i++) {
        random_index = (uint64_t)i << 32;
        size_t size = make_mutant(argv[5 + i % n_files], argv[4], data);
        if (is_borne(argv + 6 + n_files, argv[3], i, &t))
            continue;
        failed++;
        snprintf(kept, sizeof kept, "%s.%d", argv[4], i);
        write_mutant(kept, data, size);
    }
    free(data);
    report(&t, count, failed);
    return failed != 0;
}
