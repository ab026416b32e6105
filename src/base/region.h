/* region.h: memory that is either a mapped file or came from malloc().
 *
 * Megabytes of pixels are worth mapping: a plain file that the system has cached
 * costs nothing to read then. A mapping is private, so writing to it changes the
 * memory and never the file; a file that another program cuts short while it is
 * mapped ends this one with SIGBUS, as it does any program that maps files.
 */
#ifndef MLP_BASE_REGION_H
#define MLP_BASE_REGION_H

#include <stdbool.h>
#include <stddef.h>

typedef struct mlp_region {
    void *start;   /* NULL: there is none */
    size_t mapped; /* bytes of the mapping; 0: it came from malloc() */
} mlp_region;

/* The first n > 0 bytes of an open file; false where it cannot be mapped. */
bool mlp_region_map(mlp_region *region, int fd, size_t n);

/* As realloc(), n > 0: from nothing, to more, or to less, which is all that a mapping can. In huge
 * pages where the system grants them. False, and nothing changed, without memory. */
bool mlp_region_resize(mlp_region *region, size_t n);

void mlp_region_free(mlp_region *region);

/* Asks the system for the pages of n bytes, from the last to the first, while another thread fills
 * them from the first on: a new page can take longer than what is written to it, above all on a
 * virtual machine whose host has taken idle memory back. Nothing in them changes. */
void mlp_region_populate(void *start, size_t n);

#endif
