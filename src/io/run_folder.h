/* run_folder.h: where a training keeps its results.
 *
 *     runs/<name>/          runs/<name>-2, ... when it exists: never overwritten
 *     runs/latest -> <name>
 */
#ifndef MLP_IO_RUN_FOLDER_H
#define MLP_IO_RUN_FOLDER_H

#include "base/status.h"

/* Makes dir/name, or the first free of dir/name-2, dir/name-3, ..., with dir's
 * parents. Two calls at once get two folders. *path is released with free(). */
mlp_status mlp_run_folder_create(char **path, const char *dir, const char *name, mlp_error *err);

/* Makes exactly this folder, with its parents; an existing one must be empty:
 * MLP_ERR_USAGE otherwise. */
mlp_status mlp_run_folder_create_at(const char *path, mlp_error *err);

/* Points the link `latest` beside the run at it. MLP_ERR_RUNTIME when something
 * other than a link has that name. */
mlp_status mlp_run_folder_set_latest(const char *path, mlp_error *err);

/* folder/file on the heap; NULL when out of memory. */
char *mlp_run_folder_file(const char *folder, const char *file);

#endif
