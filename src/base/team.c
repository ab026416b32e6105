#include "base/team.h"

#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu_count.h"
#include "base/mem.h"

/* Some tens of microseconds: longer than the gaps inside a training step. */
enum { SPINS_BEFORE_SLEEP = 1000 };

static void cpu_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* A counter may wrap: by its distance. */
static bool has_reached(unsigned count, unsigned value)
{
    return (int)(count - value) >= 0;
}

static void sleep_until(mlp_team *team, const atomic_uint *counter, unsigned value)
{
    pthread_mutex_lock(&team->mutex);
    atomic_fetch_add(&team->sleepers, 1);
    while (!has_reached(atomic_load(counter), value))
        pthread_cond_wait(&team->advanced, &team->mutex);
    atomic_fetch_sub(&team->sleepers, 1);
    pthread_mutex_unlock(&team->mutex);
}

void mlp_team_await(mlp_team *team, const atomic_uint *counter, unsigned value)
{
    for (int spin = 0; spin <= team->spins; spin++) {
        if (has_reached(atomic_load_explicit(counter, memory_order_acquire), value))
            return;
        cpu_relax();
    }
    sleep_until(team, counter, value);
}

/* Either it is seen here who sleeps, or a sleeper sees the new value: the order of these accesses
 * is sequentially consistent, and between the two looks of a sleeper it holds the mutex. */
void mlp_team_advance(mlp_team *team, atomic_uint *counter, unsigned value)
{
    atomic_store(counter, value);
    if (atomic_load(&team->sleepers) == 0)
        return;
    pthread_mutex_lock(&team->mutex);
    pthread_cond_broadcast(&team->advanced);
    pthread_mutex_unlock(&team->mutex);
}

void mlp_team_barrier(mlp_team *team)
{
    unsigned phase = atomic_load_explicit(&team->phase, memory_order_relaxed);
    unsigned arrived = atomic_fetch_add_explicit(&team->arrived, 1, memory_order_acq_rel) + 1;
    if (arrived < team->n_threads) {
        mlp_team_await(team, &team->phase, phase + 1);
        return;
    }
    atomic_store_explicit(&team->arrived, 0, memory_order_relaxed);
    mlp_team_advance(team, &team->phase, phase + 1);
}

/* A job lies between two barriers: one publishes it, one reports it done. */
static void *member_main(void *argument)
{
    mlp_team *team = argument;
    pthread_mutex_lock(&team->mutex); /* held until the team is complete */
    size_t thread = ++team->n_joined;
    pthread_mutex_unlock(&team->mutex);
    for (;;) {
        mlp_team_barrier(team);
        if (team->function == NULL)
            return NULL;
        team->function(team, thread, team->argument);
        mlp_team_barrier(team);
    }
}

/* The signals that someone sends, as against those of a fault in the thread itself. */
static void fill_with_sent_signals(sigset_t *set)
{
    const int faults[] = {SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSYS, SIGTRAP};
    sigfillset(set);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
        sigdelset(set, faults[i]);
}

/* Starts members until there are n_threads; returns 0 or errno's value of the first that
 * the system refused. They inherit a mask with which every signal is the caller's: two
 * signals on two threads would run two handlers at once. */
static int start_members(mlp_team *team, size_t n_threads)
{
    int error = 0;
    sigset_t sent, callers;
    fill_with_sent_signals(&sent);
    pthread_sigmask(SIG_BLOCK, &sent, &callers);
    pthread_mutex_lock(&team->mutex);
    while (team->n_threads < n_threads && error == 0) {
        error = pthread_create(&team->threads[team->n_threads - 1], NULL, member_main, team);
        team->n_threads += error == 0;
    }
    pthread_mutex_unlock(&team->mutex);
    pthread_sigmask(SIG_SETMASK, &callers, NULL);
    return error;
}

mlp_status mlp_team_init(mlp_team *team, size_t n_threads, mlp_error *err)
{
    memset(team, 0, sizeof *team);
    pthread_mutex_init(&team->mutex, NULL);
    pthread_cond_init(&team->advanced, NULL);
    team->n_threads = 1;
    team->spins = n_threads > 1 && n_threads <= mlp_cpu_count() ? SPINS_BEFORE_SLEEP : 0;
    team->threads = mlp_alloc(n_threads, sizeof *team->threads);
    if (team->threads == NULL) {
        mlp_team_free(team);
        return mlp_fail_memory(err, "the threads");
    }
    int error = start_members(team, n_threads);
    if (error != 0) {
        size_t started = team->n_threads;
        mlp_team_free(team);
        return mlp_fail(err, MLP_ERR_RUNTIME, "cannot start thread %zu of %zu: %s", started + 1,
                        n_threads, strerror(error));
    }
    return MLP_OK;
}

void mlp_team_free(mlp_team *team)
{
    if (team->n_threads == 0)
        return;
    team->function = NULL;
    if (team->n_threads > 1)
        mlp_team_barrier(team);
    for (size_t i = 0; i + 1 < team->n_threads; i++)
        pthread_join(team->threads[i], NULL);
    free(team->threads);
    pthread_cond_destroy(&team->advanced);
    pthread_mutex_destroy(&team->mutex);
    memset(team, 0, sizeof *team);
}

void mlp_team_run(mlp_team *team, mlp_team_function function, void *argument)
{
    team->function = function;
    team->argument = argument;
    if (team->n_threads > 1)
        mlp_team_barrier(team);
    function(team, 0, argument);
    if (team->n_threads > 1)
        mlp_team_barrier(team);
}

void mlp_team_share(const mlp_team *team, size_t thread, size_t count, size_t *first, size_t *end)
{
    *first = count * thread / team->n_threads;
    *end = count * (thread + 1) / team->n_threads;
}
