#include "base/region.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"

bool mlp_region_map(mlp_region *region, int fd, size_t n)
{
    void *start = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    if (start == MAP_FAILED)
        return false;
    *region = (mlp_region){start, n};
    return true;
}

static void unmap_end(mlp_region *region, size_t n)
{
    size_t kept = mlp_round_up(n, (size_t)sysconf(_SC_PAGESIZE));
    if (kept >= region->mapped)
        return;
    munmap((char *)region->start + kept, region->mapped - kept);
    region->mapped = kept;
}

bool mlp_region_resize(mlp_region *region, size_t n)
{
    if (region->mapped > 0) {
        unmap_end(region, n);
        return true;
    }
    void *start = realloc(region->start, n);
    if (start == NULL)
        return false;
    region->start = start;
    mlp_advise_huge_pages(start, n); /* fewer page faults, each dearer than filling a page */
    return true;
}

void mlp_region_free(mlp_region *region)
{
    if (region->mapped > 0)
        munmap(region->start, region->mapped);
    else
        free(region->start);
    *region = (mlp_region){0};
}

void mlp_region_populate(void *start, size_t n)
{
#ifdef MADV_POPULATE_WRITE
    size_t skipped = mlp_round_up((uintptr_t)start, MLP_HUGE_PAGE) - (uintptr_t)start;
    size_t pages = n > skipped ? (n - skipped) / MLP_HUGE_PAGE : 0;
    char *first = (char *)start + skipped;
    while (pages-- > 0)
        if (madvise(first + pages * MLP_HUGE_PAGE, MLP_HUGE_PAGE, MADV_POPULATE_WRITE) != 0)
            return;
#else
    (void)start;
    (void)n;
#endif
}
