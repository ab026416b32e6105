/* config_path.h: a path of a config made absolute. */
#ifndef MLP_CONFIG_PATH_H
#define MLP_CONFIG_PATH_H

/* `path`, taken from the folder base_dir where it is relative (NULL: the working
 * directory, which a relative base_dir is taken from too), as an absolute path on
 * the heap: links followed, "." and ".." resolved as far as the path exists. The
 * part that does not exist is kept, without "." and empty names; a ".." in it
 * stays, since what it leads to is not known yet. NULL: errno says why. */
char *mlp_config_resolve_path(const char *base_dir, const char *path);

/* The folder that holds the file, on the heap; NULL when out of memory. */
char *mlp_config_folder_of(const char *path);

#endif
