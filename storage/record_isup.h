/* The part of a record that says what ISUP its messages carried (SIP-I, SIP-T), in order of time. */
#pragma once

#include "base/slice.h"

struct record_isup_number {
    bool given;
    struct slice digits;       /* 0-9, B and C */
    struct slice nature;       /* "subscriber", "national", "international", ... */
    struct slice presentation; /* "allowed", "restricted", "unavailable" */
    uint8_t plan;              /* 1: E.164 */
    uint8_t screening;
};

struct record_isup {
    int64_t time_us;
    const char *party;         /* who sent it */
    struct slice type;         /* "IAM", "REL", ... */
    struct slice message;      /* that carried it: "INVITE", "183" */
    struct record_isup_number calling;
    struct record_isup_number called;
    int category;              /* calling party's; 0: not said */
    int cause;                 /* Q.850; 0: none */
    struct slice cause_text;
    struct slice location;     /* of the cause: "user", "public_local", ... */
    struct slice body;         /* as it was, at most 272 octets */
};

struct record_isups {
    uint32_t count;
    struct record_isup *items;
    uint32_t over_limit;       /* messages beyond the 16 that are kept */
};
