/* Readings that repeat: a player asks for a recording in a hundred pieces, a page for the same messages again and again. The first
 * of who, from where, what and why in a minute is written at once, before anything is given out; those that follow in that minute are
 * kept here and become one more row when it is over: how many, and which bytes in all. A crash loses no reader, at most the pieces of
 * a minute. Any thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "storage/store.h"

struct audit_merge;

/* Writes a row; 0 when it is durable. */
struct audit_out {
    void *context;
    int (*put)(void *context, const struct store_audit *entry);
};

/* Which bytes of how many; size 0: not of bytes. */
struct audit_bytes {
    uint64_t first, count, size;
};

struct audit_merge *audit_merge_new(const struct audit_out *out);
/* Writes what is left. */
void audit_merge_free(struct audit_merge *m);
/* 0: it is durable, or one more of what is. `entry->detail` is the reason, or NULL. */
int audit_merge_put(struct audit_merge *m, const struct store_audit *entry, const struct audit_bytes *bytes);
/* Minutes that are over by now are written. */
void audit_merge_flush(struct audit_merge *m, int64_t now_us);
