/* atomic_file.h: a file that is replaced as a whole or not at all.
 *
 * The bytes go to a temporary file in the same folder, which is flushed to the
 * disk and then renamed over the path; the folder is flushed last. Whoever reads
 * the path, after a crash too, finds the old file or the new one, never a part.
 * Should the program be killed on the way, NAME.tmp-PID-N is left behind, until
 * the same file is written again.
 *
 * All errors are MLP_ERR_RUNTIME and name the path and what the system said.
 */
#ifndef MLP_IO_ATOMIC_FILE_H
#define MLP_IO_ATOMIC_FILE_H

#include <stddef.h>

#include "base/status.h"

/* open, append as often as needed, commit; discard in any case. */
typedef struct mlp_atomic_file {
    const char *path; /* borrowed: where the file will be */
    char *temporary;  /* where it is now; NULL: nothing is open */
    int fd;
} mlp_atomic_file;

/* The new file gets the mode that any new file gets: 0666 less the umask. Sweeps first.
 * A process writes a path once at a time. */
mlp_status mlp_atomic_file_open(mlp_atomic_file *file, const char *path, mlp_error *err);

mlp_status mlp_atomic_file_append(mlp_atomic_file *file, const void *bytes, size_t n,
                                  mlp_error *err);

/* Puts the file in its place. When only the last step failed, the flush of the
 * folder, it is there all the same; otherwise the path is as it was. */
mlp_status mlp_atomic_file_commit(mlp_atomic_file *file, mlp_error *err);

/* Removes what was not committed; accepts a zeroed, a failed or a committed file. */
void mlp_atomic_file_discard(mlp_atomic_file *file);

/* Removes the temporary files of `path` whose writers are gone. What it cannot remove
 * stays: it is in nobody's way. */
void mlp_atomic_file_sweep(const char *path);

/* All of it at once. */
mlp_status mlp_atomic_file_write(const char *path, const void *bytes, size_t n, mlp_error *err);

/* write() until all n bytes are out: goes on after a signal and after a short
 * write. `path` is for the message. */
mlp_status mlp_write_all(int fd, const char *path, const void *bytes, size_t n, mlp_error *err);

#endif
