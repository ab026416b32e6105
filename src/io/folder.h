/* folder.h: folders that files are to be written to. */
#ifndef MLP_IO_FOLDER_H
#define MLP_IO_FOLDER_H

#include "base/status.h"

/* Makes the folder and its parents, those that are not there. MLP_ERR_RUNTIME
 * names the part of the path that cannot be made. */
mlp_status mlp_folder_make(const char *path, mlp_error *err);

#endif
