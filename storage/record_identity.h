/* The part of a record that says who called whom: numbers after the operator's rules beside what
 * stood in the messages, the way a call took before it came here, who vouches for the caller, chosen
 * headers, and the reasons that messages gave. Texts live in the record's arena. */
#pragma once

#include "base/arena.h"

#define RECORD_DIVERSIONS_MAX 16
#define RECORD_HISTORY_MAX    16
#define RECORD_PASSPORTS_MAX  4
#define RECORD_HEADERS_MAX    16
#define RECORD_REASONS_MAX    8

/* A party as the choice of sources has it. */
struct record_number {
    struct slice number;         /* "+493012345678", or as it stood ("201"); empty: no number */
    struct slice raw;            /* user part as written */
    const char *source;          /* "pai", "ppi", "rpid", "diversion", "from", "to", "request_uri"; NULL: none */
    bool privacy;                /* it asked not to be shown */
    bool ported;                 /* npdi (RFC 4694) */
    struct slice routing_number; /* rn (RFC 4694) */
};

struct record_diversion {
    struct slice number;
    struct slice uri;
    struct slice reason; /* "no-answer" */
    int counter;
    bool privacy;
};

struct record_history {
    struct slice number;
    struct slice uri;
    struct slice index;  /* "1.2" */
    struct slice origin; /* index that it was changed from */
    const char *why;     /* "rc", "mp", "np"; NULL: not said */
    int cause;           /* 0 none */
    bool privacy;
};

/* An Identity header (RFC 8224, 8588). */
struct record_passport {
    struct slice ppt;    /* "shaken", "div"; empty: plain */
    struct slice attest; /* "A", "B", "C" */
    struct slice orig;   /* number or URI */
    struct slice dest;   /* several with commas between */
    struct slice origid;
    struct slice x5u;
    struct slice alg;
    int64_t iat_s;       /* seconds since 1970; 0: none */
    const char *result;  /* verified, bad_signature, no_certificate, stale, number_mismatch, unreadable */
};

struct record_header {
    struct slice name; /* as the setting writes it */
    struct slice value;
    bool cut;
};

struct record_reason {
    int64_t time_us;
    const char *party;     /* who said so: "caller", "callee" */
    struct slice message;  /* "BYE", "486" */
    struct slice protocol; /* "SIP", "Q.850" */
    struct slice text;
    int cause;             /* 0 none */
};

struct record_identity {
    struct record_number caller;
    struct record_number callee;
    struct slice privacy;     /* the Privacy header */
    struct slice referred_by; /* URI */
    struct slice q850_text;   /* what the call's Q.850 cause means */
    uint32_t diversion_count, history_count, passport_count, header_count, reason_count;
    struct record_diversion *diversions;
    struct record_history *history;
    struct record_passport *passports;
    struct record_header *headers;
    struct record_reason *reasons;
};
