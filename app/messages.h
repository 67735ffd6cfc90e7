/* The SIP messages of a finished call: from the spool, where they were kept as they came, into the store. */
#pragma once

#include "storage/spool.h"
#include "storage/store.h"

/* 0 also when the call has no messages. */
typedef void messages_fn(void *context, const struct record_message *m);
/* Gives them in capture order, each valid during the call. */
void messages_each(const char *data_dir, const struct call_record *r, messages_fn *fn, void *context);
int messages_store(struct store *store, const char *data_dir, struct spool_reader **reader, const struct call_record *r);
