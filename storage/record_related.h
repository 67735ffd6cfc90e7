/* The part of a record that says what the call has to do with others: transfers asked for within it,
 * dialogs it takes over or joins, the conference it is a way into, the queue and the agent of a
 * contact centre. Each call keeps a record of its own; `group_id` is the same in all calls of one
 * chain. Texts live in the record's arena. */
#pragma once

#include "base/slice.h"

#define RECORD_UID_SIZE 40

/* Another call, and what says so. */
struct record_link {
    const char *kind;       /* transfer_blind, transfer_attended, replaces, join, conference */
    char uid[RECORD_UID_SIZE];
    int64_t time_us;
    struct slice evidence;  /* "refer_to, referred_by" */
};

struct record_transfer {
    int64_t time_us;        /* of the REFER */
    int64_t done_us;        /* when its outcome was known; 0: never */
    const char *referrer;   /* caller, callee */
    bool attended;          /* the target is a dialog that exists (Replaces) */
    struct slice refer_to;  /* URI without headers */
    struct slice replaces;  /* Call-ID of that dialog */
    int code;               /* final response to the REFER; 0 none */
    int notify_code;        /* newest status that a NOTIFY reported; 0 none */
    const char *outcome;    /* success, failed; NULL: not known */
    char uid[RECORD_UID_SIZE]; /* the call that it led to; "": not seen */
};

struct record_participant {
    struct slice user;
    struct slice uri;
    char uid[RECORD_UID_SIZE]; /* its call; "": not seen */
    int64_t joined_us;
    int64_t left_us;        /* 0: still there when the call ended */
};

/* As far as it was known when the call ended. */
struct record_conference {
    struct slice focus_uri; /* empty: no conference */
    bool limited;           /* more participants than are kept */
    uint32_t participant_count;
    struct record_participant *participants;
};

struct record_centre {
    struct slice queue;     /* both empty: no call of a contact centre */
    struct slice agent;
    int64_t wait_ms;        /* -1: does not exist */
    int64_t talk_ms;
    int64_t hold_ms;
    bool abandoned;
};

struct record_related {
    char group_id[RECORD_UID_SIZE]; /* uid of the first call of the chain; "": the call stands alone */
    uint32_t link_count, transfer_count;
    struct record_link *links;
    struct record_transfer *transfers;
    struct record_conference conference;
    struct record_centre centre;
};
