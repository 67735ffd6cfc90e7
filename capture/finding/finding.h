/* A finding: something that somebody should look at, with what shows it. Body of EVENT_FINDING, always the whole of what is
 * known. Texts are NUL-terminated, cut to their fields and as the wire had them; times are packet times in ns, 0: did not
 * happen.
 *
 *   (nothing) --enough of it--> OPEN --quiet for a while--> CLEARED --quiet for long--> forgotten
 *                                ^ \__more: updated             |
 *                                +-----------again-------------+   the same finding: its id, one more episode */
#pragma once

#include "base/addr.h"

enum finding_severity { FINDING_INFO, FINDING_WARNING, FINDING_CRITICAL, FINDING_SEVERITIES };

enum finding_detector {
#define DETECTOR(id, number, name, severity, subject, help) FINDING_##id,
#define RULE(...)
#include "capture/finding/detectors.def"
#undef DETECTOR
#undef RULE
    FINDING_DETECTORS
};

enum finding_rule {
#define DETECTOR(...)
#define RULE(id, detector, name, threshold, window_s, what) RULE_##id,
#include "capture/finding/detectors.def"
#undef DETECTOR
#undef RULE
    FINDING_RULES
};

enum finding_state { FINDING_OPEN, FINDING_CLEARED };
/* What an event tells. Only the first two are worth a line in a log. */
enum finding_news { FINDING_OPENED, FINDING_WORSE, FINDING_UPDATED, FINDING_IS_CLEARED };

#define FINDING_EVIDENCE_MAX 8 /* of each kind, the first ones */
#define FINDING_SUBJECT_SIZE 128
#define FINDING_SAMPLE_SIZE  48

struct finding {
    uint8_t uid[16];
    uint8_t detector;             /* enum finding_detector */
    uint8_t rule;                 /* enum finding_rule: the one that opened it */
    uint8_t severity;             /* enum finding_severity: the highest so far */
    uint8_t state;                /* enum finding_state */
    uint8_t news;                 /* enum finding_news */
    bool last;                    /* nothing more comes about it from this front */
    struct endpoint src;          /* whose doing it is; the newest one where there are several */
    struct endpoint dst;          /* towards whom, the newest */
    char subject[FINDING_SUBJECT_SIZE]; /* an AOR where it is about one */
    uint32_t threshold;           /* of its rule, and its window; 0: none */
    int64_t window_ns;
    int64_t first_ns, last_ns;    /* first and newest of what shows it */
    int64_t opened_ns;            /* the first episode */
    int64_t cleared_ns;           /* 0: open */
    uint64_t count;               /* of what its rule counts */
    uint32_t episodes;            /* times that it began, with at least its window between them */
    uint8_t call_count, source_count, destination_count, sample_count;
    uint8_t call[FINDING_EVIDENCE_MAX][16]; /* uids */
    struct endpoint source[FINDING_EVIDENCE_MAX];
    struct endpoint destination[FINDING_EVIDENCE_MAX];
    char sample[FINDING_EVIDENCE_MAX][FINDING_SAMPLE_SIZE]; /* users tried, software, request lines */
};

const char *finding_severity_text(unsigned severity); /* "info", "warning", "critical" */
const char *finding_state_text(unsigned state);       /* "open", "cleared" */

struct finding_detector_info {
    const char *number, *name, *subject, *help;
    enum finding_severity severity;
};
const struct finding_detector_info *finding_detector(unsigned detector);

struct finding_rule_info {
    const char *name, *what;
    enum finding_detector detector;
    uint32_t threshold;
    int64_t window_ns;
};
const struct finding_rule_info *finding_rule(unsigned rule);
