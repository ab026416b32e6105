/* run_folder.h: where a training keeps its results.
 *
 *     runs/<name>/          runs/<name>-2, ... when it exists: never overwritten
 *     runs/latest -> <name>
 *
 * A folder belongs to one training at a time. The lock is an advisory one (flock) on
 * the open folder: close(lock) gives it back, and so does the end of the program,
 * whatever ended it.
 */
#ifndef MLP_IO_RUN_FOLDER_H
#define MLP_IO_RUN_FOLDER_H

#include "base/status.h"

/* Makes and locks dir/name, or the first free of dir/name-2, dir/name-3, ..., with
 * dir's parents. Two calls at once get two folders. *path is released with free(). */
mlp_status mlp_run_folder_create(char **path, int *lock, const char *dir, const char *name,
                                 mlp_error *err);

/* Makes and locks exactly this folder, with its parents; an existing one must be
 * empty: MLP_ERR_USAGE otherwise. */
mlp_status mlp_run_folder_create_at(const char *path, int *lock, mlp_error *err);

/* Locks a run that is there. MLP_ERR_RUNTIME when another training has it,
 * MLP_ERR_CONFIG when there is no such folder. */
mlp_status mlp_run_folder_lock(int *lock, const char *path, mlp_error *err);

/* Points the link `latest` beside the run at it. MLP_ERR_RUNTIME when something
 * other than a link has that name. */
mlp_status mlp_run_folder_set_latest(const char *path, mlp_error *err);

/* folder/file on the heap; NULL when out of memory. */
char *mlp_run_folder_file(const char *folder, const char *file);

#endif
