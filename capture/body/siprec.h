/* Metadata of a recording session (RFC 7865): whom a SIPREC client records, and which m= line of its
 * SDP (a=label) is whose media. Read leniently: elements may be missing, references may lead nowhere. */
#pragma once

#include "capture/body/xml.h"

#define SIPREC_SESSIONS_MAX     4
#define SIPREC_PARTICIPANTS_MAX 16
#define SIPREC_STREAMS_MAX      32

struct siprec_session {
    struct slice id;
    struct slice sip_session_id; /* of the communication session; the first one named */
    struct slice start_time;
    struct slice stop_time;
    struct slice group_ref;
};

struct siprec_participant {
    struct slice id;
    struct slice aor;
    struct slice name;
    int session;           /* index of the session it takes part in; -1: not said */
    struct slice joined_at;
    struct slice left_at;
    uint32_t sends;        /* bit n: stream n */
    uint32_t receives;
};

struct siprec_stream {
    struct slice id;
    struct slice label; /* of the m= line */
    int session;        /* index; -1: not said, or not found */
    int participant;    /* who sends; -1: not said */
};

struct siprec {
    bool complete; /* datamode; else only what changed */
    unsigned session_count;
    struct siprec_session sessions[SIPREC_SESSIONS_MAX];
    unsigned participant_count;
    struct siprec_participant participants[SIPREC_PARTICIPANTS_MAX];
    unsigned stream_count;
    struct siprec_stream streams[SIPREC_STREAMS_MAX];
    bool limited;
};

enum xml_verdict siprec_read(struct xml *x, struct slice body, struct siprec *ret);
