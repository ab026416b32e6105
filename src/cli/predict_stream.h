/* predict_stream.h: the images of a file answered by several threads, in constant memory.
 *
 * Each thread takes the next batch of images from the reader, runs the network on
 * it alone, and prints the answers when those before are printed. So reading,
 * computing and printing overlap, and a thread that the machine slows down holds
 * up no other for longer than a batch.
 */
#ifndef MLP_CLI_PREDICT_STREAM_H
#define MLP_CLI_PREDICT_STREAM_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "base/team.h"
#include "data/image.h"
#include "io/checkpoint.h"
#include "kernels/kernels.h"
#include "nn/pass.h"

/* What one thread works with. */
typedef struct predict_worker {
    mlp_team alone; /* of one thread */
    mlp_pass pass;
    uint8_t *pixels; /* (batch, F) */
    uint32_t *place; /* (batch): where in the pass's batch each image is */
    uint32_t *order; /* (batch): the image at each place */
    uint32_t *next;  /* (F + 1): room to sort them */
    char *lines;     /* (batch, line_room); NULL where the answers are JSON */
} predict_worker;

typedef struct predict_stream {
    /* The caller's: */
    const mlp_checkpoint *checkpoint;
    const mlp_kernels *kernels;
    size_t n_threads; /* for a file with many images */
    size_t top_k;
    bool json;
    bool names_files; /* in each line of text */
    size_t line_room; /* bytes that no line of text is longer than */

    mlp_team team;           /* of n_threads, once a file was worth it */
    predict_worker *workers; /* (n_threads): the first n_workers are ready */
    size_t n_workers;
    size_t batch; /* images that a worker takes at a time */

    const char *file;        /* whose images are being answered */
    pthread_mutex_t reading; /* for: */
    mlp_image_reader reader;
    uint64_t n_batches, n_images; /* taken */
    bool ended;                   /* there is no further batch */

    pthread_mutex_t printing; /* for: */
    pthread_cond_t printed;
    uint64_t turn;     /* the batch that is to be printed next */
    mlp_status status; /* the first failure, in the order of the images, with: */
    mlp_error *err;
} predict_stream;

/* Fill in the caller's part of a zeroed stream first. Free it also when this fails. */
mlp_status predict_stream_init(predict_stream *stream, mlp_error *err);
void predict_stream_free(predict_stream *stream);

/* Answers the images of one file ("-" is standard input) on stdout. What came before an error is
 * answered too. */
mlp_status predict_stream_file(predict_stream *stream, const char *file, mlp_error *err);

#endif
