/* The dry run of a whole set: each call is judged twice, by the rules in force and by those that somebody thinks of. */
#include <stdlib.h>

#include "app/policies.h"
#include "app/policies_json.h"

#define BODY_MAX     (64u << 10)
#define DEPTH_MAX    7
#define EXAMPLES_MAX 20
#define ACTIONS      6
#define CHANGE_MAX   4096

struct judgement {
    unsigned action;
    char rule[RULE_NAME_SIZE];
};

struct example {
    char uid[40];
    int64_t started_us;
    char caller[64], callee[64];
    struct judgement now, then;
};

struct policies_compare {
    struct rules *now, *then;
    struct rule_decision otherwise;
    uint64_t calls, moved[ACTIONS][ACTIONS], renamed;
    unsigned examples;
    struct example example[EXAMPLES_MAX];
};

static void compare_free(struct policies_compare *c)
{
    rules_let_go(c->now);
    rules_let_go(c->then);
    free(c);
}

int policies_compare_begin(struct policies *p, struct slice body, struct policies_compare **ret_compare, struct why *why)
{
    struct policies_compare *c = calloc(1, sizeof *c);
    if (c == NULL)
        return ERR_NOMEM;
    struct json_value *root = json_read(body, BODY_MAX, DEPTH_MAX);
    int err = policies_parse_value(root ? json_value_get(root, "policy") : NULL, &c->then, why);
    json_read_free(root);
    if (err == 0)
        err = rules_check(c->then, why);
    if (err) {
        compare_free(c);
        return err;
    }
    c->now = policies_take(p, &c->otherwise);
    *ret_compare = c;
    return 0;
}

static struct judgement judge(const struct policies_compare *c, const struct rules *set, const struct call_record *r, struct slice invite)
{
    struct judgement j = {0};
    struct policies_case one = {0};
    if (policies_case_of(&one, r) != 0)
        return j;
    one.facts.headers = rules_headers(set, invite);
    struct rule_decision d = rules_match(set, &one.facts, &c->otherwise, NULL);
    policies_case_fini(&one);
    j.action = d.action < ACTIONS ? d.action : 0;
    snprintf(j.rule, sizeof j.rule, "%s", d.rule);
    return j;
}

static void note(struct policies_compare *c, const struct call_record *r, const struct judgement *now, const struct judgement *then)
{
    if (c->examples == EXAMPLES_MAX)
        return;
    struct example *e = &c->example[c->examples++];
    e->started_us = r->started_us;
    e->now = *now;
    e->then = *then;
    snprintf(e->uid, sizeof e->uid, "%s", r->uid);
    slice_copy_to(r->from.user, e->caller, sizeof e->caller);
    slice_copy_to(r->to.user, e->callee, sizeof e->callee);
}

void policies_compare_call(struct policies_compare *c, const struct call_record *r, struct slice invite)
{
    struct judgement now = judge(c, c->now, r, invite), then = judge(c, c->then, r, invite);
    c->calls++;
    c->moved[now.action][then.action]++;
    if (now.action != then.action)
        note(c, r, &now, &then);
    else
        c->renamed += strcmp(now.rule, then.rule) != 0;
}

/* ---- told ---- */

static void judgement_json(struct json *j, const char *name, const struct judgement *of)
{
    json_key(j, name);
    json_object(j);
    json_kv_str(j, "rule", of->rule[0] ? of->rule : NULL);
    json_kv_str(j, "action", rule_action_text(of->action));
    json_end(j);
}

static uint64_t moves_json(struct json *j, const struct policies_compare *c)
{
    uint64_t different = 0;
    json_key(j, "moves");
    json_array(j);
    for (unsigned a = 0; a < ACTIONS; a++) {
        for (unsigned b = 0; b < ACTIONS; b++) {
            if (a == b || c->moved[a][b] == 0)
                continue;
            json_object(j);
            json_kv_str(j, "now", rule_action_text(a));
            json_kv_str(j, "then", rule_action_text(b));
            json_kv_int(j, "calls", (int64_t)c->moved[a][b]);
            json_end(j);
            different += c->moved[a][b];
        }
    }
    json_end(j);
    return different;
}

static void example_json(struct json *j, const struct example *e)
{
    json_object(j);
    json_kv_str(j, "uid", e->uid);
    json_kv_time(j, "started_at", e->started_us);
    json_kv_str(j, "caller", e->caller);
    json_kv_str(j, "callee", e->callee);
    judgement_json(j, "now", &e->now);
    judgement_json(j, "then", &e->then);
    json_end(j);
}

bool policies_compare_by_headers(const struct policies_compare *c)
{
    return (c->now && c->now->header_count) || c->then->header_count;
}

static void compared_json(const struct policies_compare *c, bool truncated, struct buf *out)
{
    struct json j;
    struct buf change;
    buf_init(&change, CHANGE_MAX);
    policies_tell_change(c->now, c->then, &change);
    json_init(&j, out);
    json_object(&j);
    json_kv_str(&j, "change", buf_text(&change));
    json_kv_int(&j, "calls", (int64_t)c->calls);
    json_kv_bool(&j, "truncated", truncated);
    json_kv_int(&j, "different", (int64_t)moves_json(&j, c));
    json_kv_int(&j, "by_another_rule", (int64_t)c->renamed);
    json_key(&j, "examples");
    json_array(&j);
    for (unsigned i = 0; i < c->examples; i++)
        example_json(&j, &c->example[i]);
    json_end(&j);
    json_end(&j);
    buf_fini(&change);
}

void policies_compare_end(struct policies_compare *c, bool truncated, struct buf *out)
{
    if (out)
        compared_json(c, truncated, out);
    compare_free(c);
}
