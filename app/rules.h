/* Recording rules: [rule NAME] sections of the configuration, or the set that was put through the API. The first whose
 * matchers all hold decides what becomes of a call's media; none: the default. A set is filled line by line, checked, and from then on
 * only read. Matching is a pure function of the set and of facts about a call (rules_match.c). */
#pragma once

#include <stdatomic.h>
#include <stdio.h>

#include "app/rules_decision.h"
#include "base/buf.h"
#include "base/error.h"
#include "capture/call/place.h"

#define RULES_MAX        200
#define RULE_ITEMS_MAX   1000 /* of a list */
#define RULE_HEADERS_MAX 64   /* conditions on headers, of all rules together */
#define RULE_TEXT_MAX    (32 * 1024)

enum rule_key {
#define KEY(name, values, help) RULE_KEY_##name,
#include "app/rules.def"
#undef KEY
    RULE_KEYS
};

enum rule_header_op { RULE_HEADER_THERE, RULE_HEADER_IS, RULE_HEADER_HOLDS };

struct rule_header {
    enum rule_header_op op;
    char name[64];
    char value[128];
};

struct rule_hours {
    uint16_t from, to; /* minutes of the day; from > to: past midnight */
};

struct rule_list {
    unsigned count;
    union {
        struct slice *texts;
        struct place_network *networks;
        uint16_t *vlans;
        struct rule_hours *hours;
    };
};

struct rule {
    char name[RULE_NAME_SIZE];
    char *text[RULE_KEYS];       /* as written, lines of `header` with \n between; NULL: not said */
    struct rule_list list[RULE_KEYS];
    uint8_t directions;          /* bits of enum call_direction */
    uint8_t weekdays;            /* bits, 0 is Monday */
    uint64_t headers;            /* bits of rules.header */
    uint32_t sample_of_million;  /* with `sample` */
    int64_t longer_than_ns;
    int64_t valid_us;            /* until this moment; or local, until the end of this day */
    bool valid_is_day;
    struct rule_decision says;
};

/* A call keeps the set that was in force when it began: whoever holds one has counted himself. */
struct rules {
    _Atomic unsigned holders;
    bool default_given;          /* else `otherwise` of the settings holds */
    uint8_t default_action;
    unsigned count;
    struct rule *rule[RULES_MAX];
    unsigned header_count;
    struct rule_header header[RULE_HEADERS_MAX];
};

/* An empty set with one holder; NULL without memory. */
struct rules *rules_new(void);
struct rules *rules_hold(struct rules *r);
/* The last holder frees it; NULL is fine. */
void rules_let_go(struct rules *r);
/* "rule NAME", well written or not? */
bool rules_section(const char *section);
/* One line of the file; *r is made with the first. The sentence names section, key and remedy. With `section` "recording" only
 * "default" is known: that of the set itself. */
int rules_set(struct rules **r, const char *section, const char *name, const char *value, struct why *why);
/* What single lines cannot show: a rule without an action, values that do not go together. NULL is fine. */
int rules_check(const struct rules *r, struct why *why);
/* As sections of a configuration file. */
void rules_print(const struct rules *r, struct buf *out);
/* As chapters of docs/settings.md. */
void rules_document(FILE *out);
/* Do matchers ask for more than the brief of a call tells: its INVITEs? */
bool rules_ask_invites(const struct rules *r);
/* True when some rule, or the default, would keep media. */
bool rules_may_keep(const struct rules *r, const struct rule_decision *otherwise);

/* ---- parsing one key into the rule (rules_keys.c) ---- */
const char *rule_key_name(unsigned key);
/* RULE_KEYS: unknown. */
enum rule_key rule_key_find(struct slice name);
bool rule_key_is_list(unsigned key);
/* Parses rule->text[key]. */
int rule_key_parse(struct rules *set, struct rule *rule, enum rule_key key, struct why *why);
void rule_key_forget(struct rule *rule, enum rule_key key);

/* ---- matching (rules_match.c) ---- */

#define RULE_NUMBERS_MAX 4

/* What is known of a call. Borrowed for the time of the call. */
struct rule_facts {
    struct slice caller[RULE_NUMBERS_MAX], callee[RULE_NUMBERS_MAX]; /* the ways to write it; empty ones mean nothing */
    unsigned direction;          /* enum call_direction */
    struct slice trunk, tenant, caller_site, callee_site;
    struct addr caller_addr, callee_addr; /* any: not known */
    uint16_t vlan;               /* 0: untagged, or not known */
    struct slice caller_domain, callee_domain;
    struct slice user_agent;
    uint64_t headers;            /* conditions (rules.header) that hold */
    int64_t at_us;               /* when it began */
    int64_t local_us;            /* the same as the clock on the wall shows it */
    int64_t now_us;              /* for valid_until: the same, or later */
    uint8_t uid[16];
    int64_t lasted_ns;           /* so far; it has ended: altogether */
    bool ended;
};

/* What a rule came to, for the dry run. */
enum rule_verdict { RULE_NOT_REACHED, RULE_MATCHED, RULE_OPEN, RULE_EXPIRED, RULE_MISSED };
struct rule_trace {
    uint8_t verdict;             /* OPEN: it depends on how long the call will last */
    uint8_t key;                 /* enum rule_key: MISSED */
};

/* `otherwise` is the decision of the default, and what rules do not say. `trace`: NULL, or RULES_MAX items. */
struct rule_decision rules_match(const struct rules *set, const struct rule_facts *facts,
                                 const struct rule_decision *otherwise, struct rule_trace *trace);
/* Which conditions on headers an INVITE meets; 0 for what is no INVITE. */
uint64_t rules_headers(const struct rules *set, struct slice message);
bool rule_expired(const struct rule *rule, int64_t now_us, int64_t local_us);
/* ? one character, * any number; `fold`: letters in any case. */
bool rule_pattern(struct slice pattern, struct slice text, bool fold);
