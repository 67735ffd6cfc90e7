/* What is to become of the media of a call: made by the rules (rules.h), kept with the worker's call (struct wcall), told in the
 * record (storage/record.h: struct record_recording). A decision of zeros is none: rule_decision_default() makes the default. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define RULE_NAME_SIZE 40
#define RULE_TAGS_SIZE 128

enum rule_action {
    RULE_METADATA_ONLY, /* no RTP is kept */
    RULE_RECORD,
    RULE_HEADERS_ONLY,  /* RTP is kept without its payload: for the pcap */
    RULE_SKIP,          /* neither RTP nor RTCP is kept */
    RULE_ON_DEMAND,     /* kept; sound is made of it when somebody asks, from `look_back_ns` ahead of the question on */
    RULE_ON_DEMAND_KEEP, /* the same, from the start of the call on */
    RULE_ACTIONS
};

/* How much of a packet goes to the spool: the one thing of all this that the packet path reads. */
enum rule_keep { RULE_KEEP_NOTHING, RULE_KEEP_RTCP, RULE_KEEP_HEADERS, RULE_KEEP_ALL };

enum rule_format { RULE_WAV, RULE_WAV_G711, RULE_FLAC, RULE_OGG, RULE_MP3, RULE_FORMATS };
enum rule_mask { RULE_MASK_SETTING, RULE_MASK_KEEP, RULE_MASK_COUNT, RULE_MASK_DROP, RULE_MASKS };

struct rule_decision {
    char rule[RULE_NAME_SIZE];   /* "": the default */
    uint8_t action;              /* enum rule_action */
    uint8_t keep;                /* enum rule_keep: the most that any rule still in question wants */
    uint8_t format;              /* enum rule_format */
    uint8_t mask;                /* enum rule_mask */
    bool format_given;           /* else the setting decides */
    bool open;                   /* it depends on how long the call will last */
    uint32_t retain_days;        /* 0: the settings decide */
    int64_t min_ns;              /* a shorter call is not kept; 0: any */
    int64_t split_ns;            /* a further file after so long; 0: the setting decides */
    int64_t look_back_ns;
    char tags[RULE_TAGS_SIZE];   /* "a,b" */
};

/* As rules and records write them: "record", "metadata-only", ...; "wav", ...; "keep", ... (NULL: the setting). */
const char *rule_action_text(unsigned action);
const char *rule_format_text(unsigned format);
const char *rule_mask_text(unsigned mask);
enum rule_keep rule_action_keeps(unsigned action);
struct rule_decision rule_decision_default(unsigned action);
