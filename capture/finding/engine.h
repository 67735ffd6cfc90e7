/* The findings that are open, or were not long ago. A detector says that it was met (finding_hit); here that becomes a new
 * finding, one more sign of an open one, or the next episode of one that was cleared; and it is told: at once when it is
 * new or gets worse, else at most once a second. Private to capture/finding/.
 *
 * At most `findings_max` are kept: the one untouched for longest goes, cleared ones first. At most FINDING_OPENINGS_MAX
 * of a detector are opened in a minute, so who invents addresses fills neither the table nor the database; what is beyond
 * is counted. */
#pragma once

#include "base/counters.h"
#include "capture/call/slots.h"
#include "capture/finding/config.h"

#define FINDING_OPENINGS_MAX 60

struct finding_sink {
    void *context;
    /* False: no room now; it is told again soon. */
    bool (*tell)(void *context, const struct finding *finding);
    void (*make_uid)(void *context, const struct finding *finding, uint8_t ret_uid[16]);
};

struct finding_engine {
    const struct finding_config *config;
    struct hash_seed seed;
    struct finding_sink sink;
    struct counters *counters;
    struct slots table;
    int64_t time_ns, steady_ns; /* now: of packets, and the one that never goes back */
    int64_t swept_ns;
    int64_t minute;
    uint32_t openings[FINDING_DETECTORS]; /* in that minute */
    uint32_t open[FINDING_DETECTORS];
};

/* What a finding is about: equal keys are one finding. */
enum finding_about { ABOUT_SOURCE, ABOUT_DESTINATION, ABOUT_PAIR, ABOUT_USER };

struct finding_hit {
    enum finding_rule rule;
    enum finding_about about;
    enum finding_severity severity; /* INFO: that of the detector */
    const struct endpoint *src, *dst;
    const char *user;           /* ABOUT_USER */
    const uint8_t *call;        /* uid; NULL: none */
    struct slice sample;        /* may be empty */
    uint32_t count;             /* signs so far, should it be the one that opens a finding; else it stands for one, or none */
    int64_t since_ns;           /* packet time of the first of them; 0: now */
    bool lasts;                 /* it is so until finding_over(), however quiet */
};

int finding_engine_init(struct finding_engine *e, const struct finding_config *config, const struct hash_seed *seed,
                        const struct finding_sink *sink, struct counters *counters);
void finding_engine_fini(struct finding_engine *e);
/* The finding, valid until the next hit; NULL when it was not opened (limit, memory). */
const struct finding *finding_hit(struct finding_engine *e, const struct finding_hit *hit);
/* The finding that such a hit would go to, when it is open; NULL: none. */
const struct finding *finding_find(struct finding_engine *e, const struct finding_hit *hit);
/* What lasted is over; it is cleared once it was quiet from now on. */
void finding_over(struct finding_engine *e, const struct finding_hit *hit);
/* Once a second or so: tells what waits, clears what is quiet. */
void finding_engine_tick(struct finding_engine *e);
void finding_engine_finish(struct finding_engine *e);
