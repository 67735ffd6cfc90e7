/* Conference event package (RFC 4575): who is in a conference, as its focus says. */
#pragma once

#include "capture/body/xml.h"

#define CONFERENCE_USERS_MAX     32
#define CONFERENCE_ENDPOINTS_MAX 48

struct conference_user {
    struct slice entity;
    struct slice display;
    struct slice role;  /* the first */
    struct slice state; /* "full", "partial", "deleted"; empty: full */
};

struct conference_endpoint {
    unsigned user; /* index */
    struct slice entity;
    struct slice display;
    struct slice status;         /* "connected", "on-hold", "disconnected", "alerting", ... */
    struct slice joined_by;      /* "dialed-in", "dialed-out", "focus-owner" */
    struct slice joined_at;      /* as written, ISO 8601 */
    struct slice left_by;        /* "departed", "booted", "failed", "busy" */
    struct slice left_at;
    struct slice call_id;
    unsigned media_count;
    struct slice media_types[4]; /* "audio" */
};

struct conference_info {
    struct slice entity;
    struct slice state; /* "full", "partial", "deleted" */
    uint32_t version;
    struct slice subject;
    struct slice display;
    int64_t participants; /* user-count; -1: none */
    int64_t participants_max;
    bool active;
    bool locked;
    unsigned user_count;
    struct conference_user users[CONFERENCE_USERS_MAX];
    unsigned endpoint_count;
    struct conference_endpoint endpoints[CONFERENCE_ENDPOINTS_MAX];
    bool limited;
};

enum xml_verdict conference_info_read(struct xml *x, struct slice body, struct conference_info *ret);
