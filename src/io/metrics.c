#include "io/metrics.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "config/json_reader.h"
#include "io/atomic_file.h"

mlp_status mlp_metrics_open(mlp_metrics *metrics, const char *path, mlp_error *err)
{
    *metrics = (mlp_metrics){.path = mlp_strdup(path)};
    if (metrics->path == NULL)
        return mlp_fail_memory(err, "a path");
    do {
        metrics->fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    } while (metrics->fd < 0 && errno == EINTR);
    if (metrics->fd >= 0)
        return MLP_OK;
    mlp_fail_errno(err, MLP_ERR_RUNTIME, path, "open");
    mlp_metrics_close(metrics);
    return MLP_ERR_RUNTIME;
}

void mlp_metrics_close(mlp_metrics *metrics)
{
    if (metrics->path != NULL && metrics->fd >= 0)
        close(metrics->fd);
    free(metrics->path);
    *metrics = (mlp_metrics){.fd = -1};
}

mlp_status mlp_metrics_append(mlp_metrics *metrics, const char *line, mlp_error *err)
{
    size_t length = strlen(line);
    char *text = mlp_strdup(line);
    if (text == NULL)
        return mlp_fail_memory(err, "a line of metrics");
    text[length] = '\n'; /* in the place of the NUL */
    mlp_status status = mlp_write_all(metrics->fd, metrics->path, text, length + 1, err);
    free(text);
    return status;
}

/* Whether an object belongs to a run that has completed this many epochs. */
static bool is_of_run(const mlp_json *object, uint64_t completed_epochs)
{
    const mlp_json *event_value = mlp_json_member(object, "event");
    const mlp_json *epoch_value = mlp_json_member(object, "epoch");
    const char *event = "";
    uint64_t epoch = 0;
    if (event_value != NULL)
        mlp_json_get_string(event_value, &event);
    if (epoch_value != NULL)
        mlp_json_get_uint(epoch_value, UINT64_MAX, &epoch);
    return strcmp(event, "end") != 0 && (strcmp(event, "epoch") != 0 || epoch <= completed_epochs);
}

/* A line with its "\n", unless the file ends before it. */
static mlp_status judge_line(const char *line, size_t length, const char *path,
                             uint64_t completed_epochs, bool *stays, mlp_error *err)
{
    mlp_json *object = NULL;
    *stays = false;
    if (line[length - 1] != '\n')
        return MLP_OK;
    mlp_status status = mlp_json_parse(&object, line, length, path, MLP_ERR_DATA, err);
    if (status == MLP_OK)
        *stays = mlp_json_is_object(object) && is_of_run(object, completed_epochs);
    mlp_json_free(object);
    return status == MLP_ERR_DATA ? MLP_OK : status;
}

static mlp_status copy_lines(FILE *in, mlp_atomic_file *out, uint64_t completed_epochs,
                             mlp_error *err)
{
    char *line = NULL;
    size_t room = 0;
    ssize_t length;
    mlp_status status = MLP_OK;
    while (status == MLP_OK && (length = getline(&line, &room, in)) > 0) {
        bool stays;
        status = judge_line(line, (size_t)length, out->path, completed_epochs, &stays, err);
        if (status == MLP_OK && stays)
            status = mlp_atomic_file_append(out, line, (size_t)length, err);
    }
    if (status == MLP_OK && !feof(in))
        status = mlp_fail_errno(err, MLP_ERR_RUNTIME, out->path, "read");
    free(line);
    return status;
}

mlp_status mlp_metrics_rewind(const char *path, uint64_t completed_epochs, mlp_error *err)
{
    mlp_atomic_file out = {0};
    FILE *in = fopen(path, "r");
    if (in == NULL)
        return errno == ENOENT ? MLP_OK : mlp_fail_errno(err, MLP_ERR_RUNTIME, path, "open");
    mlp_status status = mlp_atomic_file_open(&out, path, err);
    if (status == MLP_OK)
        status = copy_lines(in, &out, completed_epochs, err);
    if (status == MLP_OK)
        status = mlp_atomic_file_commit(&out, err);
    mlp_atomic_file_discard(&out);
    fclose(in);
    return status;
}
