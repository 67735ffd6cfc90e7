/* What the detectors share. Private to capture/finding/. */
#pragma once

#include "capture/finding/allow.h"
#include "capture/finding/findings.h"
#include "capture/finding/watched.h"

#define DROPS_KEPT FINDING_EVIDENCE_MAX

struct dropped {
    uint8_t call[16];
    int64_t last_ns; /* its last sign of life, packet time */
    char place[FINDING_PLACE_SIZE];
};

/* Calls that ended by time-out lately. */
struct drops {
    struct window window;
    uint32_t untold;
    unsigned at; /* in `recent`, of the next one */
    struct dropped recent[DROPS_KEPT];
};

struct findings {
    struct finding_config config;
    struct finding_engine engine;
    struct watched watched;
    struct drops drops;
    int64_t second; /* of steady time */
    uint32_t usual_max[2]; /* a second with more, sent or received, is no usual one */
};

/* One message and who it goes between; either may be NULL when nobody could be watched for it. */
struct sight {
    const struct finding_message *s;
    struct address *src, *dst;
    bool fresh; /* a request out of calls that is no retransmission */
};

static inline const struct finding_rule_config *rule_of(const struct findings *f, enum finding_rule rule)
{
    return &f->config.rule[rule];
}

/* NULL when nobody can be watched there. */
struct address *findings_watch(struct findings *f, const struct endpoint *at);
/* Counts `n` in the window and returns whether the rule is met. */
bool rule_count(struct findings *f, enum finding_rule rule, struct window *w, uint32_t n, uint32_t *ret_count);

/* A detector: what it does with a message. Those without `see` are fed by facts of their own (findings.h). */
typedef void detector_fn(struct findings *f, const struct sight *w);

/* detect_request.c */
void see_scanner(struct findings *f, const struct sight *w);
void see_request_rate(struct findings *f, const struct sight *w);
void see_enumeration(struct findings *f, const struct sight *w);
void see_sweep(struct findings *f, const struct sight *w);
/* detect_traffic.c */
void see_flood(struct findings *f, const struct sight *w);
void see_malformed(struct findings *f, const struct sight *w);
/* detect_login.c */
void see_digest_leak(struct findings *f, const struct sight *w);
