/* The team: every item has one owner, barriers order what is written on either
 * side of them (the sanitizer build watches), run returns when all are done, and
 * signals are the caller's. */
#include "nn_fixture.h"

#include <signal.h>

#include "base/team.h"

enum { MAX_THREADS = 8 };

static void shares_cover_everything_once(void **state)
{
    (void)state;
    for (size_t threads = 1; threads <= 17; threads++) {
        const mlp_team team = {.n_threads = threads};
        for (size_t count = 0; count < 120; count++) {
            size_t next = 0;
            for (size_t t = 0; t < threads; t++) {
                size_t first, end;
                mlp_team_share(&team, t, count, &first, &end);
                assert_int_equal(first, next);
                assert_true(end >= first);
                assert_in_range(end - first, count / threads, (count + threads - 1) / threads);
                next = end;
            }
            assert_int_equal(next, count);
        }
    }
}

/* Plain memory: only the barriers keep its readers and writers apart. */
typedef struct phase_job {
    size_t rounds;
    size_t written[MAX_THREADS]; /* by each member: the round it is in */
    size_t ended[MAX_THREADS];
    size_t mistakes[MAX_THREADS];
} phase_job;

static void count_phases(mlp_team *team, size_t thread, void *argument)
{
    phase_job *job = argument;
    for (size_t round = 1; round <= job->rounds; round++) {
        job->written[thread]++;
        mlp_team_barrier(team);
        for (size_t t = 0; t < team->n_threads; t++)
            job->mistakes[thread] += job->written[t] != round;
        mlp_team_barrier(team);
    }
    job->ended[thread]++;
}

static void barriers_order_writes(void **state)
{
    (void)state;
    for (size_t threads = 1; threads <= MAX_THREADS; threads++) {
        phase_job job = {.rounds = quick_or(30, 200)};
        mlp_team team;
        mlp_error err = {""};
        must_succeed(mlp_team_init(&team, threads, &err), &err);
        assert_int_equal(team.n_threads, threads);
        mlp_team_run(&team, count_phases, &job);
        for (size_t t = 0; t < MAX_THREADS; t++) {
            assert_int_equal(job.ended[t], t < threads);
            assert_int_equal(job.mistakes[t], 0);
        }
        mlp_team_free(&team);
    }
}

/* Each item goes from member to member, in their order, as a term of a sum does. */
enum { ITEMS = 100 };

typedef struct chain_job {
    atomic_uint done[MAX_THREADS]; /* items, by each member */
    size_t digits[ITEMS];          /* the members that it has seen: plain memory */
} chain_job;

static void add_digits(mlp_team *team, size_t thread, void *argument)
{
    chain_job *job = argument;
    for (unsigned i = 0; i < ITEMS; i++) {
        if (thread > 0)
            mlp_team_await(team, &job->done[thread - 1], i + 1);
        job->digits[i] = job->digits[i] * 10 + thread + 1;
        mlp_team_advance(team, &job->done[thread], i + 1);
    }
}

static void a_counter_orders_writes(void **state)
{
    (void)state;
    for (size_t threads = 1; threads <= MAX_THREADS; threads++)
        for (size_t round = 0; round < quick_or(3, 30); round++) {
            chain_job job = {.digits = {0}};
            mlp_team team;
            mlp_error err = {""};
            size_t wanted = 0;
            for (size_t t = 1; t <= threads; t++)
                wanted = wanted * 10 + t;
            must_succeed(mlp_team_init(&team, threads, &err), &err);
            mlp_team_run(&team, add_digits, &job);
            for (size_t i = 0; i < ITEMS; i++)
                assert_int_equal(job.digits[i], wanted);
            mlp_team_free(&team);
        }
}

typedef struct count_job {
    const mlp_team *team;
    size_t runs[MAX_THREADS];
    bool foreign;
} count_job;

static void count_runs(mlp_team *team, size_t thread, void *argument)
{
    count_job *job = argument;
    if (thread == 0)
        job->foreign |= team != job->team;
    job->runs[thread]++;
}

static void run_returns_after_all(void **state)
{
    (void)state;
    for (size_t threads = 1; threads <= MAX_THREADS; threads++) {
        mlp_team team;
        mlp_error err = {""};
        must_succeed(mlp_team_init(&team, threads, &err), &err);
        count_job jobs[2] = {{.team = &team}, {.team = &team}};
        for (size_t run = 1; run <= quick_or(30, 200); run++)
            for (size_t j = 0; j < 2; j++) {
                mlp_team_run(&team, count_runs, &jobs[j]);
                for (size_t t = 0; t < MAX_THREADS; t++)
                    assert_int_equal(jobs[j].runs[t], t < threads ? run : 0);
            }
        assert_false(jobs[0].foreign || jobs[1].foreign);
        mlp_team_free(&team);
    }
}

typedef struct mask_job {
    sigset_t masks[MAX_THREADS];
} mask_job;

static void read_mask(mlp_team *team, size_t thread, void *argument)
{
    (void)team;
    mask_job *job = argument;
    pthread_sigmask(SIG_BLOCK, NULL, &job->masks[thread]);
}

/* What is sent to the process is the caller's; a fault stays with who made it. */
static void members_take_no_signals(void **state)
{
    (void)state;
    const int sent[] = {SIGINT, SIGTERM, SIGHUP, SIGALRM, SIGPIPE, SIGCHLD};
    const int faults[] = {SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV};
    mask_job job;
    mlp_team team;
    mlp_error err = {""};
    must_succeed(mlp_team_init(&team, 3, &err), &err);
    mlp_team_run(&team, read_mask, &job);
    mlp_team_free(&team);
    for (size_t t = 0; t < 3; t++) {
        for (size_t i = 0; i < sizeof sent / sizeof *sent; i++)
            assert_int_equal(sigismember(&job.masks[t], sent[i]), t > 0);
        for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
            assert_int_equal(sigismember(&job.masks[t], faults[i]), 0);
    }
}

static void a_team_may_end_without_a_job(void **state)
{
    (void)state;
    mlp_team team;
    mlp_error err = {""};
    must_succeed(mlp_team_init(&team, 5, &err), &err);
    mlp_team_free(&team);
    mlp_team_free(&team);
    const mlp_team zeroed = {0};
    team = zeroed;
    mlp_team_free(&team);
}

static void a_refused_team_is_zeroed(void **state)
{
    (void)state;
    mlp_team team;
    const mlp_team zeroed = {0};
    mlp_error err = {""};
    memset(&team, 0xff, sizeof team);
    assert_int_equal(mlp_team_init(&team, SIZE_MAX, &err), MLP_ERR_RUNTIME);
    assert_string_equal(err.message, "out of memory for the threads");
    assert_memory_equal(&team, &zeroed, sizeof team);
    mlp_team_free(&team);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shares_cover_everything_once),
        cmocka_unit_test(barriers_order_writes),
        cmocka_unit_test(a_counter_orders_writes),
        cmocka_unit_test(run_returns_after_all),
        cmocka_unit_test(members_take_no_signals),
        cmocka_unit_test(a_team_may_end_without_a_job),
        cmocka_unit_test(a_refused_team_is_zeroed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
