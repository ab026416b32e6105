#include "data/gunzip.h"

#ifdef MLP_HAVE_LIBDEFLATE

#include <libdeflate.h>

#include "base/cpu_count.h"
#include "base/region.h"
#include "base/team.h"

enum { WORTH_A_THREAD = 4 << 20 }; /* bytes whose memory another thread makes ready */

typedef struct gunzip_job {
    const uint8_t *packed;
    size_t n_packed;
    uint8_t *bytes;
    size_t n;
    bool done;
} gunzip_job;

bool mlp_gunzip_is_built_in(void)
{
    return true;
}

static bool inflate(const gunzip_job *job)
{
    struct libdeflate_decompressor *inflater = libdeflate_alloc_decompressor();
    size_t used = 0;
    /* Without a place for the actual size, anything but n bytes is an error. */
    bool done = inflater != NULL &&
                libdeflate_gzip_decompress_ex(inflater, job->packed, job->n_packed, job->bytes,
                                              job->n, &used, NULL) == LIBDEFLATE_SUCCESS &&
                used == job->n_packed;
    libdeflate_free_decompressor(inflater);
    return done;
}

static void run_member(mlp_team *team, size_t thread, void *argument)
{
    gunzip_job *job = argument;
    (void)team;
    if (thread == 0)
        job->done = inflate(job);
    else
        mlp_region_populate(job->bytes, job->n);
}

bool mlp_gunzip(const uint8_t *packed, size_t n_packed, uint8_t *bytes, size_t n)
{
    gunzip_job job = {.packed = packed, .n_packed = n_packed, .bytes = bytes, .n = n};
    mlp_team team;
    mlp_error err;
    size_t threads = n >= WORTH_A_THREAD && mlp_cpu_count() > 1 ? 2 : 1;
    if (mlp_team_init(&team, threads, &err) != MLP_OK)
        return inflate(&job);
    mlp_team_run(&team, run_member, &job);
    mlp_team_free(&team);
    return job.done;
}

#else

bool mlp_gunzip_is_built_in(void)
{
    return false;
}

bool mlp_gunzip(const uint8_t *packed, size_t n_packed, uint8_t *bytes, size_t n)
{
    (void)packed;
    (void)n_packed;
    (void)bytes;
    (void)n;
    return false;
}

#endif
