/* Registration event package (RFC 3680): which contacts an address of record has. */
#pragma once

#include "capture/body/xml.h"

#define REGINFO_REGISTRATIONS_MAX 8
#define REGINFO_CONTACTS_MAX      32

struct reginfo_contact {
    unsigned registration; /* index */
    struct slice id;
    struct slice state; /* "active", "terminated" */
    struct slice event; /* "registered", "refreshed", "expired", "unregistered", ... */
    struct slice uri;
    struct slice display;
    struct slice call_id;
    int64_t expires_s;  /* -1: none; so the others */
    int64_t duration_s;
    int64_t cseq;
};

struct reginfo_registration {
    struct slice aor;
    struct slice id;
    struct slice state; /* "init", "active", "terminated" */
};

struct reginfo {
    uint32_t version;
    bool full;
    unsigned registration_count;
    struct reginfo_registration registrations[REGINFO_REGISTRATIONS_MAX];
    unsigned contact_count;
    struct reginfo_contact contacts[REGINFO_CONTACTS_MAX];
    bool limited;
};

enum xml_verdict reginfo_read(struct xml *x, struct slice body, struct reginfo *ret);
