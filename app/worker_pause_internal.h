/* What is known of the pauses of a call: as they are asked for and obeyed (worker_pause.c), by whoever talks (worker_pause_control.c), in the
 * record (summarise_pause.c). Private to these. */
#pragma once

#include "app/worker_internal.h"
#include "app/worker_pause.h"

#define PAUSE_HIDDEN_MAX 32
#define RTP_FIXED        12 /* so much is left of a packet */

struct pause_point {
    int64_t time_ns;
    bool resumed;
    uint8_t replayed; /* sides of which only the packets tell it; 0: it was asked for */
    char detail[140];
};

/* Keys of these sides are not told. */
struct pause_hidden {
    int64_t from_ns, to_ns;
    uint8_t sides;
};

struct pause_typed {
    uint8_t at; /* keys of the sequence that came */
    char last;
    bool last_info;
    int64_t first_ns, last_ns;
};

struct wpause {
    struct wpause *next; /* of those that are to end by themselves */
    struct wcall *call;
    uint8_t sides;
    uint8_t lag_sides; /* not paused any more from their lag_ns on */
    uint8_t key_sides; /* of the paused ones, those that keys paused */
    bool timed;        /* stands in that list */
    int64_t since_ns;
    int64_t lag_ns[2];         /* caller, callee */
    int64_t side_resume_ns[2]; /* 0: none */
    int64_t resume_ns;         /* the next of them */
    uint64_t withheld;
    uint8_t replayed; /* sides that their packets say are paused */
    unsigned audited;
    struct pause_typed typed[2];
    struct {
        int64_t time_ns;
        uint8_t kind;
    } said[2]; /* newest word of SIP, by party */
    unsigned hidden_count, point_count;
    struct pause_hidden hidden[PAUSE_HIDDEN_MAX];
    struct pause_point *points;
};

unsigned worker_pause_side(unsigned party);
/* Made when it is not there; NULL without memory. */
struct wpause *worker_pause_of(struct wcall *wc);
/* Into the record, unless there are too many. */
void worker_pause_point(struct wpause *p, const struct pause_point *point);
/* In a recovery, of a flow whose media is kept: a packet that says whether its side was paused. True: it is dealt with. */
bool worker_pause_replay(struct worker *w, struct wflow *f, const struct event *event, const struct rtp_codec *codec, const struct rtp_packet *packet);
/* Keys of these sides are not told. */
void worker_pause_hide(struct wpause *p, unsigned sides, int64_t from_ns, int64_t to_ns);
/* False: it will not be in the log. */
bool worker_pause_audit(struct worker *w, struct wpause *p, bool resume, bool accepted, const char *actor, const char *why, int64_t time_ns);
/* A pause or its end as an event of this record. */
struct record_event summarise_pause_point(struct call_record *r, const struct pause_point *at);
