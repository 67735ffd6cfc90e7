/* Words and meanings of what rules decide. */
#include "app/rules_decision.h"

#include <assert.h>
#include <stddef.h>

static const struct {
    const char *text;
    enum rule_keep keep;
} ACTIONS[RULE_ACTIONS] = {
    [RULE_METADATA_ONLY] = {"metadata-only", RULE_KEEP_RTCP},
    [RULE_RECORD] = {"record", RULE_KEEP_ALL},
    [RULE_HEADERS_ONLY] = {"headers-only", RULE_KEEP_HEADERS},
    [RULE_SKIP] = {"skip", RULE_KEEP_NOTHING},
    [RULE_ON_DEMAND] = {"on-demand", RULE_KEEP_ALL},
    [RULE_ON_DEMAND_KEEP] = {"on-demand-keep", RULE_KEEP_ALL},
};

const char *rule_action_text(unsigned action)
{
    assert(action < RULE_ACTIONS);
    return ACTIONS[action].text;
}

enum rule_keep rule_action_keeps(unsigned action)
{
    assert(action < RULE_ACTIONS);
    return ACTIONS[action].keep;
}

const char *rule_format_text(unsigned format)
{
    static const char *const TEXTS[RULE_FORMATS] = {"wav", "wav-g711", "flac", "ogg", "mp3"};
    assert(format < RULE_FORMATS);
    return TEXTS[format];
}

const char *rule_mask_text(unsigned mask)
{
    static const char *const TEXTS[RULE_MASKS] = {NULL, "keep", "count", "drop"};
    assert(mask < RULE_MASKS);
    return TEXTS[mask];
}

struct rule_decision rule_decision_default(unsigned action)
{
    return (struct rule_decision){.action = (uint8_t)action,
                                  .keep = (uint8_t)rule_action_keeps(action)};
}
