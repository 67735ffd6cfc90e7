/* The life of a call as one pure function: (state, what came) -> (new state, what to do). Nothing
 * else decides about states; the callers only say what a message is (signal.c) and carry the
 * actions out (attempt.c).
 *
 *                        401 407
 *                 +--> CHALLENGED --INVITE--+
 *                 |                         |   180, 183 with SDP
 *     INVITE --> TRYING <-------------------+--------------------> RINGING
 *                 |                                                   |
 *   from both:    +---------------------------------------------------+
 *                     | CANCEL          | 2xx         | BYE       | 3xx-6xx
 *                     v                 |             |           |
 *                 CANCELLING --2xx----> |             |           |
 *                     | 3xx-6xx         v             v           v
 *                     |             ANSWERED --BYE-> RELEASING   REFUSED --INVITE--> TRYING
 *                     |                 ^   401 407   |    |      ^    (same attempt)
 *                     |                 +--to the BYE-+    |      |
 *                     +------------------------------------|------+
 *                                                          v final response to the BYE
 *                                                         OVER --INVITE--> a new call
 *
 * A refused attempt may be tried again with the same Call-ID and From tag (other credentials,
 * another target, another offer): that is the same attempt, as long as the call lingers. Time-outs
 * end a call from any state (expire.c). An INVITE to the next target takes CANCELLING back to TRYING. */
#pragma once

#include "capture/call/call.h"

enum dialog_state {
    DIALOG_NONE,
    DIALOG_TRYING,
    DIALOG_CHALLENGED, /* waits for the INVITE with credentials */
    DIALOG_RINGING,
    DIALOG_CANCELLING, /* waits for the 487 */
    DIALOG_ANSWERED,
    DIALOG_RELEASING, /* ended; waits for the answer to the BYE */
    DIALOG_REFUSED,   /* ended without an answer; a retry opens it again */
    DIALOG_OVER,      /* ended */
    DIALOG_STATES,
};

enum dialog_input {
    INPUT_NOTHING,   /* no influence on the state */
    INPUT_INVITE,    /* without To tag, newer than what was there */
    INPUT_TRYING,    /* 100 */
    INPUT_PROGRESS,  /* 181, 182, 199, 183 without SDP */
    INPUT_RINGING,   /* 180, 183 with SDP */
    INPUT_ANSWER,    /* 2xx to the INVITE */
    INPUT_ANSWER_TOLD, /* its ACK: the 2xx itself was not captured, */
    INPUT_ANSWER_LATE, /* or only behind it */
    INPUT_CHALLENGE, /* 401, 407 */
    INPUT_REFUSAL,   /* any other final response to the INVITE */
    INPUT_ACK,
    INPUT_CANCEL,
    INPUT_BYE,           /* of the dialog: its tags fit */
    INPUT_BYE_DONE,      /* final response to it */
    INPUT_BYE_TOLD,      /* 2xx to a BYE that was not captured */
    INPUT_BYE_CHALLENGE, /* 401, 407 to it: the call goes on until the next BYE */
    INPUT_PICKUP,        /* a message that only an established call has: we came in the middle */
    DIALOG_INPUTS,
};

enum dialog_action {
    DO_ATTEMPT = 1 << 0, /* an INVITE of this attempt: t0' */
    DO_REOPEN = 1 << 1,  /* the end was none */
    DO_TIME_100 = 1 << 2,
    DO_TIME_18X = 1 << 3,
    DO_TIME_RINGING = 1 << 4,
    DO_CODE = 1 << 5, /* remember the final response */
    DO_ANSWER = 1 << 6,
    DO_CHALLENGE = 1 << 7,
    DO_TIME_ACK = 1 << 8,
    DO_TIME_CANCEL = 1 << 9,
    DO_END_REFUSED = 1 << 10, /* outcome by the response */
    DO_END_BYE = 1 << 11,
    DO_TIME_BYE_OK = 1 << 12,
    DO_RESUME = 1 << 13, /* the BYE did not count */
    DO_PARTIAL = 1 << 14,
    DO_NEW_CALL = 1 << 15, /* the message belongs to another call of the same name */
};

struct dialog_step {
    uint8_t next; /* enum dialog_state */
    uint32_t actions;
};

struct dialog_step dialog_step(enum dialog_state state, enum dialog_input input);
/* What the world is told. */
enum call_state dialog_call_state(enum dialog_state state);

/* What a final response other than 2xx means:
 *
 *   3xx                                   redirected
 *   486 600                               busy
 *   487, and after a CANCEL all but
 *   486 600 603 (they crossed it)         cancelled
 *   480 408, after ringing                no_answer
 *   401 407 without a further try         rejected (the caller was asked and gave up)
 *   480 406 415 433 488 493 603 606-608   rejected, by the user's side
 *   the rest of 4xx and 6xx, 5xx          failed, by the network
 */
enum call_outcome dialog_outcome(unsigned code, bool rang, bool cancelled);
enum call_end_reason dialog_end_reason(enum call_outcome outcome);
/* Who ended an attempt that was not answered. */
enum call_party dialog_refused_by(enum call_outcome outcome, unsigned code);
