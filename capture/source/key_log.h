/* Where the secrets of TLS connections come from while we run: a key log that some program writes
 * (SSLKEYLOGFILE), as lines. What a line says is no business of this room.
 *
 *     /path/to/file       a file, followed as it grows, is truncated, or replaced (rotation); it need
 *                         not be there yet. A FIFO in its place is read too.
 *     unix:/path          a stream socket that we make, mode 0600; up to 16 senders
 *     unix-dgram:/path    a datagram socket that we make, mode 0600; one or more lines a datagram
 *
 * Never blocks; one owner, one thread. Buffers that held secrets are wiped. */
#pragma once

#include "base/error.h"

#define KEY_LOG_LINE_MAX    512u
#define KEY_LOG_SENDERS_MAX 16u
#define KEY_LOG_POLL_MAX    ((size_t)1 << 20) /* bytes a poll; the next goes on */

struct key_log;

typedef void key_log_line_fn(void *context, struct slice line);

/* 0 or ERR_ with a sentence. */
int key_log_open(const char *path, struct key_log **ret_log, struct why *why);
/* Hands on all whole lines that are there, without their line ends. How many, or ERR_: the file
 * cannot be read at this time. A file truncated and written beyond where we were between two polls
 * is not seen to be another one. */
int key_log_poll(struct key_log *k, key_log_line_fn *line, void *context);
/* Lines longer than KEY_LOG_LINE_MAX, which are passed over. */
uint64_t key_log_too_long(const struct key_log *k);
/* Removes the socket it made. */
void key_log_close(struct key_log *k);
