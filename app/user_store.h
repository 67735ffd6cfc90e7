/* Events of what is no call -> the records that are stored. */
#pragma once

#include "capture/event.h"
#include "storage/user_record.h"

/* Hands each record of the event to `take`, malloc'ed; it is the callee's. Nothing for what is not worth a row (yet), nor
 * for events of other kinds. */
typedef void user_take_fn(void *context, enum user_kind kind, void *record);
void user_store_event(const struct event *event, user_take_fn *take, void *context);
/* The same of every event, worth a row or not. */
void user_store_records(const struct event *event, user_take_fn *take, void *context);
