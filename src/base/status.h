/* status.h: how every function of the library reports failure.
 *
 * A function that can fail returns an mlp_status and takes, as its last
 * argument, an mlp_error that it fills in with one sentence: the file, the
 * place, what was found and what was wanted. Only the CLI prints it.
 */
#ifndef MLP_BASE_STATUS_H
#define MLP_BASE_STATUS_H

/* The values are the exit codes of the program. */
typedef enum mlp_status {
    MLP_OK = 0,
    MLP_ERR_RUNTIME = 1,    /* the machine failed us: disk full, out of memory, I/O error */
    MLP_ERR_USAGE = 2,      /* wrong command line */
    MLP_ERR_CONFIG = 3,     /* wrong config */
    MLP_ERR_DATA = 4,       /* wrong data: IDX, image */
    MLP_ERR_CHECKPOINT = 5, /* wrong checkpoint */
    MLP_ERR_DIVERGED = 6,   /* a loss, gradient or weight is no longer finite */
    MLP_ERR_GATE = 7,       /* a required accuracy was not reached */
} mlp_status;

typedef struct mlp_error {
    char message[1024]; /* one sentence, no newline; cut when longer */
} mlp_error;

/* Formats the message into err and returns status, so that a caller can write
 * `return mlp_fail(err, MLP_ERR_DATA, "%s: ...", path);`. */
mlp_status mlp_fail(mlp_error *err, mlp_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The failure of an allocation: "out of memory for WHAT", MLP_ERR_RUNTIME. */
mlp_status mlp_fail_memory(mlp_error *err, const char *what);

/* The failure of a system call: "PATH: cannot VERB: strerror(errno)". Where the machine is
 * short of memory or files, or its disk fails, that is MLP_ERR_RUNTIME whatever the file. */
mlp_status mlp_fail_errno(mlp_error *err, mlp_status status, const char *path, const char *verb);

#endif
