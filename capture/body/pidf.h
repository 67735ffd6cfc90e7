/* Presence documents: PIDF (RFC 3863) with what RPID (RFC 4480) and the data model (RFC 4479) add.
 *
 * The overall state, first that fits:
 *   Offline  no tuple is open and at least one is closed
 *   Busy     an activity appointment, busy, meeting, on-the-phone, performance or presentation
 *   Away     an activity away, breakfast, dinner, holiday, in-transit, lunch, meal,
 *            permanent-absence, shopping, sleeping, travel or vacation
 *   Idle     user-input idle
 *   (no activity at all: a note that says one of these in words, as some phones have it)
 *   Active   an open tuple
 *   Unknown  nothing of the kind */
#pragma once

#include "capture/body/xml.h"

enum presence_state {
    PRESENCE_UNKNOWN,
    PRESENCE_ACTIVE,
    PRESENCE_IDLE,
    PRESENCE_BUSY,
    PRESENCE_AWAY,
    PRESENCE_OFFLINE,
};

enum pidf_basic { PIDF_BASIC_NONE, PIDF_OPEN, PIDF_CLOSED };

#define PIDF_TUPLES_MAX     8
#define PIDF_ACTIVITIES_MAX 8

struct pidf_tuple {
    struct slice id;
    enum pidf_basic basic;
    struct slice contact;
    int priority_milli; /* 0 to 1000; -1: none given */
    struct slice timestamp;
    struct slice note;
};

struct pidf {
    struct slice entity; /* "pres:alice@example.com", as written */
    enum presence_state state;
    unsigned tuple_count;
    struct pidf_tuple tuples[PIDF_TUPLES_MAX];
    unsigned activity_count;
    struct slice activities[PIDF_ACTIVITIES_MAX]; /* "on-the-phone"; the text of <other> */
    struct slice note;      /* of the person, else of the document, else of a tuple */
    struct slice timestamp; /* of the person, else of the first tuple that has one */
    bool idle;              /* user-input */
    bool limited;           /* there was more than there is room for */
};

enum xml_verdict pidf_read(struct xml *x, struct slice body, struct pidf *ret);
