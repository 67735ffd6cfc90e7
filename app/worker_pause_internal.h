/* What is known of the pauses of a call: as they are asked for and obeyed (worker_pause.c), by whoever talks (worker_pause_control.c), in the
 * record (summarise_pause.c). Private to these. */
#pragma once

#include "app/worker_internal.h"
#include "app/worker_pause.h"

#define PAUSE_HIDDEN_MAX 32

struct pause_point {
    int64_t time_ns;
    bool resumed;
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
/* Keys of these sides are not told. */
void worker_pause_hide(struct wpause *p, unsigned sides, int64_t from_ns, int64_t to_ns);
/* False: it will not be in the log. */
bool worker_pause_audit(struct worker *w, struct wpause *p, bool resume, bool accepted, const char *actor, const char *why, int64_t time_ns);
/* A pause or its end as an event of this record. */
struct record_event summarise_pause_point(struct call_record *r, const struct pause_point *at);
