/* Long bodies that are made while they are sent (a call's pcap): a producer thread writes into a
 * bounded pipe, the HTTP thread reads. A slow client makes the producer wait; a client that leaves
 * ends it. There are so many of them at most, each a slot that is free again when its thread
 * has ended and its reader has let go. */
#pragma once

#include <sys/types.h>

#include "api/live.h"

#define STREAMS_MAX       4  /* downloads */
/* Live listeners, who must not wait for them. Twice as many as may listen: a slot is taken until its client has read the rest. */
#define LISTENERS_SLOTS   (2 * LISTENERS_MAX)
#define STREAM_PIPE_BYTES (256u << 10)
#define LIVE_PIPE_BYTES   (64u << 10) /* of STREAM_PIPE_BYTES */

enum { BODY_PIPE_WAIT = 0, BODY_PIPE_END = -1, BODY_PIPE_FAILED = -2 };

struct body_pipes;
struct body_pipe;

/* Called under the pipe's lock: park() when the reader must wait, unpark() once when it may go on.
 */
struct body_pipe_reader {
    void *context;
    void (*park)(void *context);
    void (*unpark)(void *context);
};

struct body_pipes *body_pipes_new(int slots);
/* Ends all producers, unparks their readers and waits for the threads; from then on nothing can be
 * started. */
void body_pipes_stop(struct body_pipes *ps);
void body_pipes_free(struct body_pipes *ps);
/* How many are under way. */
unsigned body_pipes_busy(struct body_pipes *ps);

/* NULL when all slots are taken or there is no thread to be had: the producer is still the
 * caller's. Else it is taken over. */
struct body_pipe *body_pipe_start(struct body_pipes *ps, const struct http_producer *producer,
                                  const struct body_pipe_reader *reader);
/* Bytes, or one of the values above; with BODY_PIPE_WAIT the reader was parked. */
ssize_t body_pipe_read(struct body_pipe *p, void *out, size_t max);
/* The reader has gone. */
void body_pipe_release(struct body_pipe *p);
