/* safetensors.c: the header is read and checked against the size of the file
 * before memory is taken for the data; then the data is read in one piece. Since
 * the tensors are F32 and cover the data without gap, each begins on a whole
 * float of that piece, and no copy is needed to hand it out. */
#include "io/safetensors.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "floats go from file to memory as is");
_Static_assert(sizeof(float) == 4, "F32 is float");

enum {
    LENGTH_BYTES = 8,
    EMPTY_HEADER_BYTES = 2, /* {} */
    READ_MAX = 1 << 30,     /* macOS refuses a read() of 2 GiB or more */
};

/* The file that is being read, and where its errors go. */
typedef struct source {
    const char *path;
    int fd;
    size_t bytes;
    mlp_error *err;
} source;

static mlp_status refuse(const source *s, const char *tensor, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* "PATH: tensor "NAME": ..."; the name is a stranger's. */
static mlp_status refuse(const source *s, const char *tensor, const char *format, ...)
{
    char name[MLP_JSON_SHOWN_SIZE], what[sizeof s->err->message];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    mlp_json_show_string(tensor, name);
    return mlp_fail(s->err, MLP_ERR_CHECKPOINT, "%s: tensor \"%s\": %s", s->path, name, what);
}

/* ---- the bytes ---- */

static mlp_status open_source(source *s)
{
    struct stat info;
    do {
        s->fd = open(s->path, O_RDONLY | O_CLOEXEC);
    } while (s->fd < 0 && errno == EINTR);
    if (s->fd < 0 || fstat(s->fd, &info) != 0)
        return mlp_fail_errno(s->err, MLP_ERR_CHECKPOINT, s->path, "open");
    if (!S_ISREG(info.st_mode))
        return mlp_fail(s->err, MLP_ERR_CHECKPOINT, "%s: found %s, wanted a file", s->path,
                        S_ISDIR(info.st_mode) ? "a folder" : "a device or pipe");
    s->bytes = (size_t)info.st_size;
    return MLP_OK;
}

static mlp_status read_bytes(const source *s, void *bytes, size_t n)
{
    char *next = bytes;
    while (n > 0) {
        ssize_t got = read(s->fd, next, n < READ_MAX ? n : READ_MAX);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return mlp_fail_errno(s->err, MLP_ERR_RUNTIME, s->path, "read");
        if (got == 0)
            return mlp_fail(s->err, MLP_ERR_CHECKPOINT,
                            "%s: ended while it was read: found %zu bytes fewer than its size, %zu",
                            s->path, n, s->bytes);
        next += got;
        n -= (size_t)got;
    }
    return MLP_OK;
}

static mlp_status read_length(const source *s, size_t *length)
{
    uint8_t bytes[LENGTH_BYTES];
    uint64_t value = 0;
    if (s->bytes < LENGTH_BYTES)
        return mlp_fail(s->err, MLP_ERR_CHECKPOINT,
                        "%s: found %zu bytes, wanted 8 and more: no safetensors file", s->path,
                        s->bytes);
    mlp_status status = read_bytes(s, bytes, sizeof bytes);
    if (status != MLP_OK)
        return status;
    for (size_t i = LENGTH_BYTES; i-- > 0;)
        value = value << 8 | bytes[i];
    size_t limit = s->bytes - LENGTH_BYTES;
    if (limit > MLP_SAFETENSORS_MAX_HEADER)
        limit = MLP_SAFETENSORS_MAX_HEADER;
    bool is_short = value < EMPTY_HEADER_BYTES;
    if (is_short || value > limit)
        return mlp_fail(s->err, MLP_ERR_CHECKPOINT,
                        "%s: found a header of %llu bytes, wanted at %s %zu: "
                        "no safetensors file, or not all of it",
                        s->path, (unsigned long long)value, is_short ? "least" : "most",
                        is_short ? EMPTY_HEADER_BYTES : limit);
    *length = (size_t)value;
    return MLP_OK;
}

static mlp_status read_header(mlp_safetensors *file, const source *s)
{
    size_t length = 0;
    mlp_status status = read_length(s, &length);
    if (status != MLP_OK)
        return status;
    char *text = malloc(length + 1);
    if (text == NULL)
        return mlp_fail_memory(s->err, s->path);
    status = read_bytes(s, text, length);
    if (status == MLP_OK)
        status = mlp_json_parse(&file->header, text, length, s->path, MLP_ERR_CHECKPOINT, s->err);
    free(text);
    if (status == MLP_OK && !mlp_json_is_object(file->header))
        status = mlp_fail(s->err, MLP_ERR_CHECKPOINT,
                          "%s: found another JSON value as the header, wanted an object", s->path);
    file->data_bytes = s->bytes - LENGTH_BYTES - length;
    return status;
}

/* malloc() where mlp_alloc() would clear what is about to be read over. */
static mlp_status read_data(mlp_safetensors *file, const source *s)
{
    file->data = malloc(file->data_bytes + 1);
    if (file->data == NULL)
        return mlp_fail_memory(s->err, s->path);
    mlp_status status = read_bytes(s, file->data, file->data_bytes);
    for (size_t i = 0; i < file->n_tensors; i++)
        file->tensors[i].values = file->data + file->tensors[i].begin / sizeof(float);
    return status;
}

/* ---- the header ---- */

static mlp_status check_metadata(mlp_safetensors *file, const mlp_json *metadata, const source *s)
{
    char found[MLP_JSON_SHOWN_SIZE], key[MLP_JSON_SHOWN_SIZE];
    const char *value;
    mlp_json_show(metadata, found);
    if (!mlp_json_is_object(metadata))
        return mlp_fail(s->err, MLP_ERR_CHECKPOINT, "%s: __metadata__: found %s, wanted an object",
                        s->path, found);
    for (const mlp_json *m = mlp_json_first(metadata); m != NULL; m = mlp_json_next(m)) {
        mlp_json_show(m, found);
        mlp_json_show_string(mlp_json_key(m), key);
        if (!mlp_json_get_string(m, &value))
            return mlp_fail(s->err, MLP_ERR_CHECKPOINT,
                            "%s: __metadata__: \"%s\": found %s, wanted a string", s->path, key,
                            found);
    }
    file->metadata = metadata;
    return MLP_OK;
}

/* values (at most `room`) of the array that `entry` has under `key`. */
static mlp_status read_sizes(const source *s, const mlp_json *entry, const char *key, size_t room,
                             size_t *values, size_t *n)
{
    const char *tensor = mlp_json_key(entry);
    const mlp_json *array = mlp_json_member(entry, key);
    char found[MLP_JSON_SHOWN_SIZE];
    if (array == NULL || !mlp_json_is_array(array))
        return refuse(s, tensor, "no %s, wanted an array of numbers", key);
    *n = mlp_json_count(array);
    if (*n > room)
        return refuse(s, tensor, "%s: found %zu numbers, wanted at most %zu", key, *n, room);
    for (const mlp_json *m = mlp_json_first(array); m != NULL; m = mlp_json_next(m)) {
        uint64_t value;
        mlp_json_show(m, found);
        if (!mlp_json_get_uint(m, SIZE_MAX, &value))
            return refuse(s, tensor, "%s: found %s, wanted a whole number from 0", key, found);
        *values++ = (size_t)value;
    }
    return MLP_OK;
}

static mlp_status check_dtype(const source *s, const mlp_json *entry)
{
    const mlp_json *dtype = mlp_json_member(entry, "dtype");
    char found[MLP_JSON_SHOWN_SIZE] = "nothing";
    const char *name = "";
    if (dtype != NULL) {
        mlp_json_show(dtype, found);
        mlp_json_get_string(dtype, &name);
    }
    return strcmp(name, "F32") == 0
               ? MLP_OK
               : refuse(s, mlp_json_key(entry), "dtype: found %s, wanted \"F32\"", found);
}

/* The product of the shape, against the bytes that the tensor has. */
static mlp_status check_extent(const source *s, mlp_safetensors_tensor *t, size_t data_bytes)
{
    char shape[MLP_SHAPE_TEXT];
    size_t bytes = sizeof(float);
    bool fits = true;
    mlp_shape_show(t->rank, t->shape, shape);
    if (t->begin > t->end || t->end > data_bytes)
        return refuse(s, t->name, "found bytes %zu to %zu, wanted a part of the data's %zu",
                      t->begin, t->end, data_bytes);
    for (size_t i = 0; fits && i < t->rank; i++)
        fits = mlp_size_mul(bytes, t->shape[i], &bytes);
    if (!fits || bytes != t->end - t->begin)
        return refuse(s, t->name, "found %zu bytes, wanted 4 for each element of shape %s",
                      t->end - t->begin, shape);
    t->count = bytes / sizeof(float);
    return MLP_OK;
}

static mlp_status read_tensor(const source *s, const mlp_json *entry, size_t data_bytes,
                              mlp_safetensors_tensor *t)
{
    char found[MLP_JSON_SHOWN_SIZE];
    size_t offsets[2] = {0, 0}, n = 0;
    t->name = mlp_json_key(entry);
    mlp_json_show(entry, found);
    if (!mlp_json_is_object(entry))
        return refuse(s, t->name, "found %s, wanted an object", found);
    mlp_status status = check_dtype(s, entry);
    if (status == MLP_OK)
        status = read_sizes(s, entry, "shape", MLP_SAFETENSORS_MAX_RANK, t->shape, &t->rank);
    if (status == MLP_OK)
        status = read_sizes(s, entry, "data_offsets", 2, offsets, &n);
    if (status == MLP_OK && n != 2)
        status = refuse(s, t->name, "data_offsets: found %zu numbers, wanted 2", n);
    t->begin = offsets[0];
    t->end = offsets[1];
    return status == MLP_OK ? check_extent(s, t, data_bytes) : status;
}

static int by_place(const void *a, const void *b)
{
    const mlp_safetensors_tensor *x = a, *y = b;
    if (x->begin != y->begin)
        return x->begin < y->begin ? -1 : 1;
    return (x->end > y->end) - (x->end < y->end);
}

/* Sorts the tensors; each has to begin where the one before ends. */
static mlp_status check_cover(mlp_safetensors *file, const source *s)
{
    size_t end = 0;
    qsort(file->tensors, file->n_tensors, sizeof *file->tensors, by_place);
    for (size_t i = 0; i < file->n_tensors; i++) {
        const mlp_safetensors_tensor *t = &file->tensors[i];
        if (t->begin != end)
            return refuse(s, t->name, "begins at byte %zu of the data, wanted %zu, where %s",
                          t->begin, end, i == 0 ? "the data begins" : "the one before it ends");
        end = t->end;
    }
    if (end != file->data_bytes)
        return mlp_fail(s->err, MLP_ERR_CHECKPOINT,
                        "%s: found %zu bytes of data, wanted %zu, where the last tensor ends",
                        s->path, file->data_bytes, end);
    return MLP_OK;
}

static mlp_status index_tensors(mlp_safetensors *file, const source *s)
{
    mlp_status status = MLP_OK;
    file->tensors = mlp_alloc(mlp_json_count(file->header) + 1, sizeof *file->tensors);
    if (file->tensors == NULL)
        return mlp_fail_memory(s->err, s->path);
    for (const mlp_json *m = mlp_json_first(file->header); status == MLP_OK && m != NULL;
         m = mlp_json_next(m)) {
        if (strcmp(mlp_json_key(m), "__metadata__") == 0)
            status = check_metadata(file, m, s);
        else
            status = read_tensor(s, m, file->data_bytes, &file->tensors[file->n_tensors++]);
    }
    return status == MLP_OK ? check_cover(file, s) : status;
}

mlp_status mlp_safetensors_read(mlp_safetensors *file, const char *path, mlp_error *err)
{
    source s = {.path = path, .err = err};
    memset(file, 0, sizeof *file);
    mlp_status status = open_source(&s);
    if (status == MLP_OK)
        status = read_header(file, &s);
    if (status == MLP_OK)
        status = index_tensors(file, &s);
    if (status == MLP_OK)
        status = read_data(file, &s);
    if (s.fd >= 0)
        close(s.fd);
    if (status != MLP_OK)
        mlp_safetensors_free(file);
    return status;
}

void mlp_safetensors_free(mlp_safetensors *file)
{
    mlp_json_free(file->header);
    free(file->tensors);
    free(file->data);
    memset(file, 0, sizeof *file);
}

const mlp_safetensors_tensor *mlp_safetensors_find(const mlp_safetensors *file, const char *name)
{
    for (size_t i = 0; i < file->n_tensors; i++)
        if (strcmp(file->tensors[i].name, name) == 0)
            return &file->tensors[i];
    return NULL;
}

const char *mlp_safetensors_metadata(const mlp_safetensors *file, const char *key)
{
    const mlp_json *value = file->metadata == NULL ? NULL : mlp_json_member(file->metadata, key);
    const char *text = NULL;
    if (value != NULL)
        mlp_json_get_string(value, &text);
    return text;
}
