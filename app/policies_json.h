/* JSON of recording rules: the set, and the dry run over a call. */
#pragma once

#include "app/rules_config.h"
#include "base/json.h"
#include "base/json_read.h"
#include "storage/record.h"

void policies_json(struct buf *out, const struct rules *set, int setting_default, const char *source);
/* The same, read: {"default": .., "rules": [{"name": .., key: text or list of texts, ..}, ..]}. Held for the caller. */
int policies_parse(struct slice body, struct rules **ret_set, struct why *why);
/* The same out of an object that is read already; NULL is none. */
int policies_parse_value(const struct json_value *set, struct rules **ret_set, struct why *why);

/* A call as somebody describes it. */
struct policies_case {
    struct rule_facts facts;
    struct call_record *record; /* that the facts borrow from; ours */
    struct json_value *root;    /* the same */
};
int policies_case_read(struct policies_case *c, struct slice body, struct why *why);
/* Borrows from the record. */
int policies_case_of(struct policies_case *c, const struct call_record *r);
/* Conditions that the headers of the description meet. */
uint64_t policies_case_headers(const struct policies_case *c, const struct rules *set);
void policies_case_fini(struct policies_case *c);
/* What the rules say of it, and each rule why. */
void policies_tried(struct buf *out, const struct rules *set, const struct rule_facts *facts, const struct rule_decision *otherwise);
