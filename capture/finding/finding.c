/* The table of detectors and rules as data. */
#include "capture/finding/finding.h"

#include <assert.h>

#define SECOND INT64_C(1000000000)

static const struct finding_detector_info DETECTORS[FINDING_DETECTORS] = {
#define DETECTOR(id, number, name, severity, subject, help)                                        \
    [FINDING_##id] = {number, name, subject, help, FINDING_##severity},
#define RULE(...)
#include "capture/finding/detectors.def"
#undef DETECTOR
#undef RULE
};

static const struct finding_rule_info RULES[FINDING_RULES] = {
#define DETECTOR(...)
#define RULE(id, detector, name, threshold, window_s, what)                                        \
    [RULE_##id] = {name, what, FINDING_##detector, threshold, window_s * SECOND},
#include "capture/finding/detectors.def"
#undef DETECTOR
#undef RULE
};

const struct finding_detector_info *finding_detector(unsigned detector)
{
    assert(detector < FINDING_DETECTORS);
    return &DETECTORS[detector];
}

const struct finding_rule_info *finding_rule(unsigned rule)
{
    assert(rule < FINDING_RULES);
    return &RULES[rule];
}

const char *finding_severity_text(unsigned severity)
{
    static const char *const texts[FINDING_SEVERITIES] = {"info", "warning", "critical"};
    assert(severity < FINDING_SEVERITIES);
    return texts[severity];
}

const char *finding_state_text(unsigned state)
{
    return state == FINDING_OPEN ? "open" : "cleared";
}
