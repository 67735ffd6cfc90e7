/* The part of a record that says what was wrong with the media: what the signalling had announced, which the diagnosis lays
 * beside what came, and the labels that it gave (docs/diagnosis.md). */
#pragma once

#include "base/addr.h"
#include "base/slice.h"

/* Where a party said that it receives sound, each time it said something new. */
struct record_announced {
    int64_t time_us;
    const char *party;       /* who receives there: "caller", "callee" */
    struct endpoint at;      /* port 0: the line is gone; an address of zeros: hold of the old style */
    bool abroad;             /* a private address that was told from a public one */
    uint64_t types[2];       /* payload types, as bits */
    uint32_t line;           /* of the SDP, from 0 */
    uint32_t ptime_ms;       /* 0: not said */
    const char *direction;   /* "sendrecv", ... */
};

/* DSCP of the messages that one party sent. */
struct record_dscp {
    bool seen;               /* false: none, and then nothing here means anything */
    uint8_t first, least, most;
    uint8_t priority_least, priority_most; /* 802.1p plus 1; 0: untagged */
};

/* One side's RTCP about media that never passed the tap. */
struct record_unseen {
    uint32_t reports;        /* sender and receiver reports that it sent */
    uint32_t empty;          /* of them without any block: nothing reaches it */
    uint32_t blocks;         /* about streams that the tap did not see */
};

/* ICMP said that datagrams did not arrive. */
struct record_unreachable {
    struct endpoint src, dst; /* of them */
    struct addr by;          /* who said so */
    const char *what;        /* "media", "sip" */
    const char *reason;      /* "port", "host", "net", "prohibited" */
    uint32_t count;
    int64_t first_us, last_us;
};

struct record_suspect {
    int64_t from_us, to_us;
};

#define RECORD_EVIDENCE_MAX 6

struct record_evidence {
    const char *name;        /* "loss_percent" */
    double value;
    struct slice text;       /* in place of the value, unless empty */
};

struct record_label {
    const char *name;        /* "one_way", ... */
    const char *direction;   /* "caller_to_callee", "callee_to_caller"; NULL: of the call as a whole */
    const char *cause;       /* probable one: "private_address", ...; NULL: none is named */
    const char *side;        /* of the tap: "before_tap", "after_tap", "at_tap", "unknown" */
    uint32_t sid;            /* of the stream; 0: none */
    int64_t from_ms, to_ms;  /* since the answer; of a call without one since its INVITE */
    double mos_with;         /* MOS-LQ of that time as it was, NAN: not known */
    double mos_without;      /* and as it would have been without this impairment */
    uint32_t evidence_count;
    struct record_evidence evidence[RECORD_EVIDENCE_MAX];
};

#define RECORD_LABELS_MAX 32

struct record_diagnosis {
    uint32_t announced_count;
    struct record_announced *announced;
    struct record_dscp dscp[2];   /* by sender: caller, callee */
    struct record_unseen unseen[2]; /* by who reports */
    uint32_t one_sided_calls; /* calls in a row in which the tap saw media only towards, or only from, one of the hosts */
    uint32_t unreachable_count;
    struct record_unreachable *unreachable;
    uint32_t suspect_count;  /* when our own capture missed frames of the call */
    struct record_suspect *suspect;
    bool sounded;            /* labels came with the sound of the recording; not stored */
    uint32_t label_count;
    struct record_label *labels; /* the worst first */
    struct slice summary;    /* one sentence for people; empty: nothing to say */
};
