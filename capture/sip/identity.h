/* Headers that say who calls, who was called first and why a call went elsewhere, one element each
 * (lists are walked with sip_list_next): P-Asserted-Identity and P-Preferred-Identity (RFC 3325)
 * and Referred-By (RFC 3892) are plain addresses; the others have more to say. Slices of the value. */
#pragma once

#include "capture/sip/sip.h"

/* Diversion (RFC 5806): the newest diversion stands first. */
struct sip_diversion {
    struct sip_addr from; /* who diverted */
    struct slice reason;  /* "unconditional", "no-answer", ...; quotes removed */
    struct slice privacy; /* "full", "off", ... */
    uint16_t counter;     /* how many diversions this element stands for, at least 1 */
};
bool sip_diversion_parse(struct slice item, struct sip_diversion *ret_diversion);

/* History-Info (RFC 7044): the oldest target stands first. */
struct sip_history {
    struct sip_addr target;
    struct slice index;   /* "1.2.1" */
    struct slice from;    /* index of the entry it was changed from: rc=, mp= or np= */
    char why;             /* which of them: 'r', 'm', 'n'; 0 none */
    uint16_t cause;       /* of a Reason in the URI, or cause= (RFC 4458): 302, 486, ...; 0 none */
    bool hidden;          /* Privacy in the URI: history, session, header */
};
bool sip_history_parse(struct slice item, struct sip_history *ret_history);

/* Remote-Party-ID (an expired draft that everybody sends). */
struct sip_remote_party {
    struct sip_addr addr;
    bool called;          /* party=called: not the caller */
    bool hidden;          /* privacy=full, uri, name, ... */
    struct slice screen;  /* "yes", "no" */
};
bool sip_remote_party_parse(struct slice item, struct sip_remote_party *ret_party);

/* Privacy (RFC 3323, 3325): does one of its values hide the caller's identity? */
bool sip_privacy_hides(struct slice value);

/* Reason (RFC 3326): a protocol with a cause and a text. */
struct sip_reason {
    struct slice protocol; /* "SIP", "Q.850" */
    struct slice text;
    uint16_t cause; /* 0 none */
};
bool sip_reason_parse(struct slice item, struct sip_reason *ret_reason);

/* Identity (RFC 8224): token;info=<uri>;alg=ES256;ppt=shaken. */
struct sip_signed {
    struct slice token; /* "header.payload.signature", or "..signature" */
    struct slice info;
    struct slice alg;
    struct slice ppt;
};
bool sip_signed_parse(struct slice item, struct sip_signed *ret_signed);
