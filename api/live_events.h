/* What happens to calls while they go on, told to many at once: the ring behind GET /live/events.
 *
 *   workers --put--> [ inbox ] --> teller thread --> [ ring of the newest events ] --> each watcher, who stands somewhere in it
 *
 * A worker only puts a copy into a bounded inbox and never waits. The teller makes the text of an event once, for all. A watcher has
 * no queue of its own: it is a place in the ring and one small buffer, however slowly it reads. Who falls behind the ring is told so
 * (`reset`) and goes on with the present; so is everybody when the inbox had no room. An event that says only how a call stands
 * (call.updated) is left out for who comes to it after a newer one of the same call.
 *
 * Nothing is kept, or copied, before somebody watches, nor once nobody has for KEPT_FOR_NS. The number of an event is `id` of the
 * stream; numbers begin with the time in microseconds, so that those of an earlier run are smaller than any of this one. */
#pragma once

#include "api/live.h"
#include "base/counters.h"

#define LIVE_EVENTS_MAX   10000
#define LIVE_EVENTS_BYTES ((size_t)32 << 20)

enum live_event_kind {
    LIVE_CALL_STARTED,
    LIVE_CALL_ANSWERED,
    LIVE_CALL_UPDATED,
    LIVE_CALL_ENDED,
    LIVE_QUALITY_ALERT,
    LIVE_RECORDING_PAUSED,
    LIVE_RECORDING_RESUMED,
    LIVE_EVENT_KINDS
};
extern const char *const LIVE_EVENT_NAMES[LIVE_EVENT_KINDS + 1]; /* "call.started"; NULL at the end */

struct live_event {
    enum live_event_kind kind;
    int64_t at_us; /* packet time */
    struct {
        const char *outcome, *end_reason, *released_by;
        int64_t ended_us, duration_ms; /* -1: it was not answered */
    } end; /* of LIVE_CALL_ENDED */
    struct {
        uint32_t ssrc;
        const char *party, *scale, *band;
        double mos;
    } alert; /* of LIVE_QUALITY_ALERT */
    char detail[140]; /* of a pause: "both, by token:crm, for 60 s" */
    struct live_call call; /* last: no more of its streams is kept than there are */
};

struct live_events;
struct live_events *live_events_new(unsigned watchers_max);
/* After the service of the API and the pipeline have stopped. NULL is fine. */
void live_events_free(struct live_events *l);
/* Whether events are worth the making. Any thread, at no cost. */
bool live_events_wanted(const struct live_events *l);
/* Copies the event. False: there was no room, and all watchers will be told. Any thread; never waits. */
bool live_events_put(struct live_events *l, const struct live_event *event);
