/* The SIP messages of a finished call: from the spool, where they were kept as they came, into the store. */
#pragma once

#include "storage/spool.h"
#include "storage/store.h"

/* 0 also when the call has no messages. */
int messages_store(struct store *store, const char *data_dir, const struct call_record *r);
