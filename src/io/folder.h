/* folder.h: folders that files are to be written to. */
#ifndef MLP_IO_FOLDER_H
#define MLP_IO_FOLDER_H

#include "base/status.h"

/* Makes the folder and its parents, those that are not there. MLP_ERR_RUNTIME
 * names the part of the path that cannot be made. */
mlp_status mlp_folder_make(const char *path, mlp_error *err);

/* The folder itself, to flush or to lock it: a descriptor for close(), or -1 and errno. */
int mlp_folder_open(const char *path);

#endif
