/* A JSON file beside the audio of a call: what GET /calls/{uid} says, for people and tools, and the record itself, from which
 * `earshot rebuild` makes the rows of the database again. Keys of media are not in it, nor SIP messages, which have a retention of
 * their own; keys that were pressed are masked as in the record. */
#pragma once

#include "base/error.h"
#include "storage/record.h"

#define SIDECAR_BYTES_MAX (64u << 20)

/* Of a recording that is ready or damaged; of others 0 and nothing happens. Tags come from the store, as far as it has any. The file appears by
 * rename, mode 0600. */
int sidecar_write(const char *data_dir, const struct call_record *r, struct why *why);
/* Once more, when something of the call changed; a call without a recording has none, and one whose recording is deleted meanwhile keeps
 * none. SIDECAR_UNREADY: too early, its recording waits to be made, or is being made just now. An ERR_: what changed may not be in it. Any
 * thread. */
#define SIDECAR_UNREADY 1
int sidecar_refresh(const char *data_dir, const char *uid, struct why *why);
/* The record, its tags and its notes from the text of a sidecar; ERR_INVALID when it is none, is damaged, or of a later version. */
int sidecar_read(struct slice text, struct call_record **ret_record, struct why *why);
