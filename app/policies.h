/* The recording rules in force as people change them: through the configuration (at the start) or the API. What was put through the API
 * stands in <data>/recording-rules.conf, written as a section of the configuration is, and takes the place of the configuration's
 * rules until it is deleted. Every change, and that a rule's time has run out, is in the audit log. */
#pragma once

#include "app/rules_config.h"
#include "app/writer.h"

struct policies;

struct policies_config {
    const char *data_dir;
    const struct settings *settings;
};

/* Decides which rules are in force and makes their book. */
int policies_open(const struct policies_config *config, struct policies **ret_policies, struct why *why);
/* NULL is fine. */
void policies_close(struct policies *p);
struct rules_book *policies_book(struct policies *p);
/* What changed since the last start is audited; then, about every minute, which rules' time has run out. */
void policies_begin(struct policies *p, struct writer *writer);
void policies_tick(struct policies *p, int64_t now_us);

/* ---- for the API (api/policies.h), any thread ---- */
/* The set in force as a JSON object. */
void policies_show(struct policies *p, struct buf *json);
/* A set out of the JSON of a request, checked; held for the caller. `empty`: the configuration's. `change` gets what would be another. */
int policies_read(struct policies *p, struct slice body, struct rules **ret_set, struct buf *change, struct why *why);
/* Do the rules in force look at headers of the INVITE? */
bool policies_by_headers(struct policies *p);
/* What another set would change: the rules of `body`, {"policy": {..}}, beside those in force, over stored calls. Begun, shown calls, ended:
 * then it is told and gone. */
struct policies_compare;
int policies_compare_begin(struct policies *p, struct slice body, struct policies_compare **ret_compare, struct why *why);
void policies_compare_call(struct policies_compare *c, const struct call_record *r, struct slice invite);
bool policies_compare_by_headers(const struct policies_compare *c);
/* `json` NULL: not told. */
void policies_compare_end(struct policies_compare *c, bool truncated, struct buf *json);
/* Shared with policies_compare.c: the set in force, held; what no rule decides. */
struct rules *policies_take(struct policies *p, struct rule_decision *ret_otherwise);
/* "" becomes "nothing". */
void policies_tell_change(const struct rules *before, const struct rules *after, struct buf *out);
/* Takes the set: it is stored and in force when it returns 0. */
int policies_put(struct policies *p, struct rules *set, struct why *why);
/* Which rule a call would fall under and why those before it do not: the call of the record (and the INVITE, if there is one), or the one
 * that `body` describes. */
int policies_try(struct policies *p, struct slice body, const struct call_record *r, struct slice invite, struct buf *json, struct why *why);
