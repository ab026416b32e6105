/* version.h: which release this is, as `mlp --version`, checkpoints and metrics say. */
#ifndef MLP_BASE_VERSION_H
#define MLP_BASE_VERSION_H

#define MLP_VERSION "0.1.0"

#endif
