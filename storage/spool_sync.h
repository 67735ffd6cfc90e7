/* Gets what was written to the platter on a thread of its own: under a busy disk starting a
 * write-out takes half a second and a sync seconds, and the worker that waited would lose packets.
 * Jobs are done in the order they were given, so a file is closed after all that was asked of it.
 *
 * One asker per syncer. A queue of bounded length: write-outs are advice and fall out when it is
 * crowded, a sync that waits already is not asked twice, a close waits for room. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct spool_sync;

/* NULL when there is no memory or thread. */
struct spool_sync *spool_sync_start(void);
/* Does what is asked, then ends the thread; NULL is fine. */
void spool_sync_stop(struct spool_sync *y);

/* Starts the write-out of a range, so that the sync finds little left to wait for. */
void spool_sync_out(struct spool_sync *y, int fd, uint64_t offset, uint32_t bytes);
void spool_sync_all(struct spool_sync *y, int fd);
/* The syncer owns fd from here on. */
void spool_sync_close(struct spool_sync *y, int fd, bool sync_first);
/* The errno of a sync that failed since the last call, or 0. */
int spool_sync_error(struct spool_sync *y);
