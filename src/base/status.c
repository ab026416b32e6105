#include "base/status.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

mlp_status mlp_fail(mlp_error *err, mlp_status status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(err->message, sizeof err->message, format, args);
    va_end(args);
    return status;
}

mlp_status mlp_fail_memory(mlp_error *err, const char *what)
{
    return mlp_fail(err, MLP_ERR_RUNTIME, "out of memory for %s", what);
}

mlp_status mlp_fail_errno(mlp_error *err, mlp_status status, const char *path, const char *verb)
{
    bool is_machine = errno == ENOMEM || errno == EMFILE || errno == ENFILE || errno == EIO;
    return mlp_fail(err, is_machine ? MLP_ERR_RUNTIME : status, "%s: cannot %s: %s", path, verb,
                    strerror(errno));
}
