/* faults.c: linked into mlp it makes the Nth call to the system fail, or be its last.
 *
 * The functions below take the place of the C library's, also where zlib, cJSON and the C
 * library itself call them, since a program's own symbols come first. Each call is counted;
 * MLP_FAULT says what happens at call N:
 *
 *     count         nothing: how often each was called is said at the end
 *     fail:N        it fails, once
 *     fail-from:N   it fails, and so do all after it
 *     kill:N        the program gets SIGKILL; a write is half done by then
 *     interrupt     of open, read, write and fsync every third fails with EINTR, and as many
 *                   reads and writes take a byte less than they are given
 *
 * What was done is said on stderr, in a line that starts with "faults: ".
 */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum call {
    MALLOC,
    CALLOC,
    REALLOC,
    POSIX_MEMALIGN,
    ALIGNED_ALLOC,
    OPEN,
    FOPEN,
    OPENDIR,
    READ,
    WRITE,
    GETDELIM,
    FFLUSH,
    FSYNC,
    RENAME,
    CLOSE,
    MKDIR,
    SYMLINK,
    FLOCK,
    MMAP,
    PTHREAD_CREATE,
    N_CALLS
};

static const char *const NAMES[N_CALLS] = {
    "malloc",  "calloc", "realloc", "posix_memalign", "aligned_alloc", "open",          "fopen",
    "opendir", "read",   "write",   "getdelim",       "fflush",        "fsync",         "rename",
    "close",   "mkdir",  "symlink", "flock",          "mmap",          "pthread_create"};

static enum action { NOTHING, COUNT, FAIL, FAIL_FROM, KILL, INTERRUPT } action;
static long strike_at;
static atomic_long n_calls, counts[N_CALLS];

/* Past stdio and past the functions below. */
static void say(const char *text)
{
    syscall(SYS_write, STDERR_FILENO, text, strlen(text));
}

__attribute__((constructor)) static void arm(void)
{
    static const struct {
        const char *word;
        enum action action;
    } actions[] = {{"count", COUNT},
                   {"fail:", FAIL},
                   {"fail-from:", FAIL_FROM},
                   {"kill:", KILL},
                   {"interrupt", INTERRUPT}};
    const char *wish = getenv("MLP_FAULT");
    for (size_t i = 0; wish != NULL && i < sizeof actions / sizeof *actions; i++) {
        size_t length = strlen(actions[i].word);
        if (strncmp(wish, actions[i].word, length) == 0) {
            strike_at = strtol(wish + length, NULL, 10);
            action = actions[i].action;
        }
    }
}

__attribute__((destructor)) static void tell_counts(void)
{
    char line[64];
    if (action != COUNT)
        return;
    for (size_t i = 0; i < N_CALLS; i++) {
        snprintf(line, sizeof line, "faults: %s %ld\n", NAMES[i], counts[i]);
        say(line);
    }
}

/* Counts the call; whether it is one to fail, and errno then. A kill happens here. Threads
 * start with calls of their own, of a sanitizer's too, at any time: they do not count. */
static bool strikes(enum call call, int error)
{
    char line[64];
    if (action == NOTHING || gettid() != getpid())
        return false;
    long n = ++n_calls;
    counts[call]++;
    if (strike_at == 0 || n < strike_at || (n > strike_at && action != FAIL_FROM))
        return false;
    if (n == strike_at) {
        snprintf(line, sizeof line, "faults: struck %s\n", NAMES[call]);
        say(line);
    }
    if (action == KILL)
        kill(getpid(), SIGKILL);
    errno = error;
    return true;
}

/* With `interrupt`: whether this call is one to fail with EINTR, every third is. */
static bool interrupts(enum call call)
{
    if (action != INTERRUPT || ++counts[call] % 3 != 1)
        return false;
    errno = EINTR;
    return true;
}

/* And how many of n bytes it takes otherwise: every other time one less. */
static size_t shortened(enum call call, size_t n)
{
    return action == INTERRUPT && n > 1 && counts[call] % 3 == 2 ? n - 1 : n;
}

/* The function that ours hides: *function, a pointer to it. */
static void find(const char *name, void *function)
{
    void *symbol = dlsym(RTLD_NEXT, name);
    memcpy(function, &symbol, sizeof symbol);
}

/* ---- memory ---- */

void *malloc(size_t size)
{
    void *(*real)(size_t);
    if (strikes(MALLOC, ENOMEM))
        return NULL;
    find("malloc", &real);
    return real(size);
}

void *calloc(size_t count, size_t size)
{
    void *(*real)(size_t, size_t);
    if (strikes(CALLOC, ENOMEM))
        return NULL;
    find("calloc", &real);
    return real(count, size);
}

void *realloc(void *memory, size_t size)
{
    void *(*real)(void *, size_t);
    if (strikes(REALLOC, ENOMEM))
        return NULL;
    find("realloc", &real);
    return real(memory, size);
}

int posix_memalign(void **memory, size_t alignment, size_t size)
{
    int (*real)(void **, size_t, size_t);
    if (strikes(POSIX_MEMALIGN, ENOMEM))
        return ENOMEM;
    find("posix_memalign", &real);
    return real(memory, alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    void *(*real)(size_t, size_t);
    if (strikes(ALIGNED_ALLOC, ENOMEM))
        return NULL;
    find("aligned_alloc", &real);
    return real(alignment, size);
}

void *mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset)
{
    void *(*real)(void *, size_t, int, int, int, off_t);
    if (strikes(MMAP, ENOMEM))
        return MAP_FAILED;
    find("mmap", &real);
    return real(address, length, protection, flags, fd, offset);
}

/* ---- files ---- */

int open(const char *path, int flags, ...)
{
    int (*real)(const char *, int, ...);
    va_list arguments;
    va_start(arguments, flags);
    unsigned mode = (flags & O_CREAT) != 0 ? va_arg(arguments, unsigned) : 0;
    va_end(arguments);
    if (strikes(OPEN, EMFILE) || interrupts(OPEN))
        return -1;
    find("open", &real);
    return real(path, flags, mode);
}

FILE *fopen(const char *path, const char *mode)
{
    FILE *(*real)(const char *, const char *);
    if (strikes(FOPEN, EMFILE))
        return NULL;
    find("fopen", &real);
    return real(path, mode);
}

DIR *opendir(const char *path)
{
    DIR *(*real)(const char *);
    if (strikes(OPENDIR, EMFILE))
        return NULL;
    find("opendir", &real);
    return real(path);
}

ssize_t read(int fd, void *bytes, size_t n)
{
    ssize_t (*real)(int, void *, size_t);
    if (strikes(READ, EIO) || interrupts(READ))
        return -1;
    find("read", &real);
    return real(fd, bytes, shortened(READ, n));
}

ssize_t write(int fd, const void *bytes, size_t n)
{
    ssize_t (*real)(int, const void *, size_t);
    find("write", &real);
    if (action == KILL && n_calls + 1 == strike_at && real(fd, bytes, n / 2) < 0)
        return -1;
    if (strikes(WRITE, ENOSPC) || interrupts(WRITE))
        return -1;
    return real(fd, bytes, shortened(WRITE, n));
}

/* What getline() is, in the C library. */
ssize_t __getdelim(char **line, size_t *room, int end, FILE *file)
{
    ssize_t (*real)(char **, size_t *, int, FILE *);
    if (strikes(GETDELIM, EIO))
        return -1;
    find("__getdelim", &real);
    return real(line, room, end, file);
}

int fflush(FILE *file)
{
    int (*real)(FILE *);
    if (strikes(FFLUSH, ENOSPC))
        return EOF;
    find("fflush", &real);
    return real(file);
}

int fsync(int fd)
{
    if (strikes(FSYNC, EIO) || interrupts(FSYNC))
        return -1;
    (void)fd; /* nothing here has to outlive the machine, and disks are slow */
    return 0;
}

int rename(const char *from, const char *to)
{
    int (*real)(const char *, const char *);
    if (strikes(RENAME, ENOSPC))
        return -1;
    find("rename", &real);
    return real(from, to);
}

/* Fails as Linux does: the file is closed all the same. */
int close(int fd)
{
    int (*real)(int);
    bool struck = strikes(CLOSE, EIO);
    find("close", &real);
    int result = real(fd);
    if (struck)
        errno = EIO;
    return struck ? -1 : result;
}

int mkdir(const char *path, mode_t mode)
{
    int (*real)(const char *, mode_t);
    if (strikes(MKDIR, ENOSPC))
        return -1;
    find("mkdir", &real);
    return real(path, mode);
}

int symlink(const char *target, const char *path)
{
    int (*real)(const char *, const char *);
    if (strikes(SYMLINK, ENOSPC))
        return -1;
    find("symlink", &real);
    return real(target, path);
}

int flock(int fd, int operation)
{
    int (*real)(int, int);
    if (strikes(FLOCK, ENOLCK))
        return -1;
    find("flock", &real);
    return real(fd, operation);
}

/* ---- threads ---- */

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *),
                   void *argument)
{
    int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    if (strikes(PTHREAD_CREATE, EAGAIN))
        return EAGAIN;
    find("pthread_create", &real);
    return real(thread, attributes, start, argument);
}
