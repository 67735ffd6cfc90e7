/* H.225.0 call signalling: Q.931 messages in TPKT frames (RFC 1006) over TCP, as far as a call needs it: who calls whom, by which
 * reference, how far it came and why it ended. The user-user part (PER) is passed over: media addresses are not read. */
#pragma once

#include "base/buf.h"
#include "base/slice.h"

enum h225_type {
    H225_ALERTING = 0x01,
    H225_CALL_PROCEEDING = 0x02,
    H225_PROGRESS = 0x03,
    H225_SETUP = 0x05,
    H225_CONNECT = 0x07,
    H225_SETUP_ACK = 0x0d,
    H225_CONNECT_ACK = 0x0f,
    H225_RELEASE_COMPLETE = 0x5a,
    H225_FACILITY = 0x62,
    H225_NOTIFY = 0x6e,
    H225_STATUS_ENQUIRY = 0x75,
    H225_INFORMATION = 0x7b,
    H225_STATUS = 0x7d,
};

struct h225_msg {
    uint8_t type;          /* enum h225_type */
    bool from_destination; /* sent by the side that did not choose the reference */
    bool user_user;        /* the part that H.225.0 asks for is there */
    uint8_t cause;         /* Q.850; 0: none */
    uint16_t reference;    /* 15 bits */
    struct slice calling;  /* digits; empty: none */
    struct slice called;
    struct slice display;
};

/* One message without its TPKT header; false when it is none, or its elements do not fit its size. */
bool h225_parse(struct slice q931, struct h225_msg *ret_msg);
/* Does a stream of H.225 begin like that? On its port a TPKT header alone will do. */
bool h225_begins(struct slice head, bool on_port);

#define H225_MESSAGE_MAX (16 * 1024) /* a longer one is passed over */

/* One direction of a connection. Zeroed storage is a fresh one. */
struct h225_framer {
    struct buf part; /* of a message that is not complete yet */
    uint32_t skip;   /* bytes to come of one that is too long */
};

typedef void h225_fn(void *context, struct slice q931);

/* The next bytes in order: whole frames go to `fn`. After a gap, or nonsense, it goes on at the next
 * header that a Q.931 message follows. */
void h225_feed(struct h225_framer *f, struct slice bytes, h225_fn *fn, void *context);
void h225_framer_fini(struct h225_framer *f);
