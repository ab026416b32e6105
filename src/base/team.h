/* team.h: a persistent team of threads that runs one function at a time.
 *
 * The caller is thread 0. Members meet at barriers that spin for a moment, which
 * is enough when each has a core of its own, and then sleep, so that shared
 * cores are not wasted; members that are more than the cores sleep at once. How
 * work is divided never decides a result here: each output has one owner, whoever
 * it is.
 */
#ifndef MLP_BASE_TEAM_H
#define MLP_BASE_TEAM_H

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>

#include "base/status.h"

typedef struct mlp_team mlp_team;

/* What each member runs: thread is 0 .. team->n_threads - 1. */
typedef void (*mlp_team_function)(mlp_team *team, size_t thread, void *argument);

struct mlp_team {
    size_t n_threads;
    pthread_t *threads;         /* (n_threads - 1): members 1, 2, ... */
    mlp_team_function function; /* the running job; NULL tells the members to leave */
    void *argument;
    size_t n_joined; /* members that have their number; under the mutex */
    int spins;       /* further looks at a counter, before a member that waits for it sleeps */
    atomic_uint arrived, phase;
    atomic_uint sleepers; /* members that stopped spinning; for them: */
    pthread_mutex_t mutex;
    pthread_cond_t advanced;
};

/* Starts n_threads - 1 threads, which leave every signal that is sent to the process to
 * the others, the caller among them. MLP_ERR_RUNTIME when the system refuses one;
 * the team is zeroed then. */
mlp_status mlp_team_init(mlp_team *team, size_t n_threads, mlp_error *err);
void mlp_team_free(mlp_team *team);

/* All members run function(team, thread, argument); returns when all are done. */
void mlp_team_run(mlp_team *team, mlp_team_function function, void *argument);

/* Called by every member of a running job: none goes on before all are there. */
void mlp_team_barrier(mlp_team *team);

/* advance takes a counter, of whatever the members agree on, on to a greater value; await returns
 * once it has come to one, and all that was written before is seen. */
void mlp_team_advance(mlp_team *team, atomic_uint *counter, unsigned value);
void mlp_team_await(mlp_team *team, const atomic_uint *counter, unsigned value);

/* Items [*first, *end) of `count` are this thread's: contiguous, as even as can be. */
void mlp_team_share(const mlp_team *team, size_t thread, size_t count, size_t *first, size_t *end);

#endif
