/* Rules at work in a worker: what becomes of the media of each of its calls.
 *
 *   a call begins                     the rules in force are taken, for its whole life, and asked with what its first message tells
 *   an INVITE of it is seen           when rules ask for headers, VLAN or number: its conditions on headers are added, its target noted
 *                                     (redirection), and they are asked again
 *   parties, place or answer change   they are asked again
 *   it is over                        they are asked with all that is known by then, its length too (worker_rules_final)
 *
 * Each answer that is another one than before begins a new stretch: media of it is kept or not, packet by packet, by one field of
 * the flow. A stretch that a rule surely wanted recorded stays part of the recording, whatever comes later. */
#pragma once

#include "app/rules.h"
#include "app/worker.h"

#define RULE_CHANGES_MAX 8

struct wrules {
    struct rules *set;       /* held */
    uint64_t headers;        /* conditions that some INVITE met */
    uint64_t facts;          /* hash of what was known at the last question */
    uint16_t vlan;
    char target[64];         /* user of the newest Request-URI that opened the call */
    struct rule_decision decision; /* in force */
    bool kept;               /* some stretch was surely to be kept: */
    struct rule_decision first; /* the decision of the first such one */
    unsigned change_count;
    struct wrule_change {
        int64_t at_ns;
        uint8_t action;
        char rule[RULE_NAME_SIZE];
    } change[RULE_CHANGES_MAX];
};

void worker_rules_begin(struct worker *w, struct wcall *wc, int64_t now_ns);
void worker_rules_message(struct worker *w, struct wcall *wc, struct slice message, uint16_t vlan, int64_t now_ns);
void worker_rules_changed(struct worker *w, struct wcall *wc, int64_t now_ns);
/* A flow of the call is new, or the decision is: what of its packets is kept. */
void worker_rules_flow(struct wflow *f);
void worker_rules_free(struct wcall *wc);
/* The decision over the whole call, of its finished record. */
struct rule_decision worker_rules_final(const struct wcall *wc, const struct call_record *r, const struct worker_config *config);
/* Adds the changes to the events of the record. */
void worker_rules_events(struct call_record *r, const struct wcall *wc);
