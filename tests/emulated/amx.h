/* amx.h: the AMX intrinsics of src/kernels by bf16.h, for `make VARIANT=emulated`, which reads it
 * before such a file. */
#ifndef MLP_TESTS_EMULATED_AMX_H
#define MLP_TESTS_EMULATED_AMX_H

#include <immintrin.h>

#include "bf16.h"

#undef _tile_loadd
#undef _tile_stream_loadd
#undef _tile_stored
#undef _tile_dpbf16ps
#define _tile_loadconfig emulated_tile_loadconfig
#define _tile_release emulated_tile_release
#define _tile_loadd emulated_tile_loadd
#define _tile_stream_loadd emulated_tile_loadd
#define _tile_stored emulated_tile_stored
#define _tile_dpbf16ps emulated_tile_dpbf16ps

#endif
