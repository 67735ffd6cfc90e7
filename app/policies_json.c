/* A rule in JSON has the keys of its section, with the same texts: what is put is what a configuration file would say, and what is
 * shown can be put again. */
#include "app/policies_json.h"

#include <math.h>
#include <stdlib.h>

#include "base/clock.h"

#define BODY_MAX  (64u << 10)
#define DEPTH_MAX 6

/* ---- out ---- */

static void json_rule(struct json *j, const struct rule *r)
{
    json_object(j);
    json_kv_str(j, "name", r->name);
    for (unsigned k = 0; k < RULE_KEYS; k++) {
        struct slice rest = slice_str(r->text[k]);
        if (r->text[k] == NULL)
            continue;
        json_key(j, rule_key_name(k));
        if (k != RULE_KEY_header) {
            json_str(j, r->text[k]);
            continue;
        }
        json_array(j);
        while (rest.size)
            json_text(j, slice_cut(&rest, '\n'));
        json_end(j);
    }
    json_end(j);
}

void policies_json(struct buf *out, const struct rules *set, int setting_default, const char *source)
{
    struct json j;
    json_init(&j, out);
    json_object(&j);
    json_kv_str(&j, "source", source);
    json_kv_str(&j, "default", rule_action_text(set->default_given ? set->default_action : (unsigned)setting_default));
    json_key(&j, "rules");
    json_array(&j);
    for (unsigned i = 0; i < set->count; i++)
        json_rule(&j, set->rule[i]);
    json_end(&j);
    json_end(&j);
}

/* ---- in ---- */

struct reading {
    struct rules **set;
    struct why *why;
    char section[RULE_NAME_SIZE + 80];
    bool failed;
};

static bool set_text(struct reading *g, const char *key, struct slice text)
{
    char *copy = malloc(text.size + 1);
    if (copy == NULL)
        return false;
    slice_copy_to(text, copy, text.size + 1);
    bool clean = strpbrk(copy, "\r\n") == NULL && strlen(copy) == text.size;
    if (!clean)
        why_set(g->why, "[%s] %s: a value is one line", g->section, key);
    bool good = clean && rules_set(g->set, g->section, key, copy, g->why) == 0;
    free(copy);
    return good;
}

static bool take_key(void *context, struct slice name, const struct json_value *value)
{
    struct reading *g = context;
    struct slice text;
    char key[64];
    slice_copy_to(name, key, sizeof key);
    if (strcmp(key, "name") == 0)
        return true;
    if (json_value_text(value, &text))
        return set_text(g, key, text);
    size_t count = json_value_count(value);
    for (size_t i = 0; i < count; i++) {
        if (!json_value_text(json_value_at(value, i), &text)) {
            count = 0;
            break;
        }
        if (!set_text(g, key, text))
            return false;
    }
    if (count == 0)
        why_set(g->why, "[%s] %s: its value is a text, or a list of texts", g->section, key);
    return count > 0;
}

static bool take_rule(struct reading *g, const struct json_value *value)
{
    struct slice name = slice_none();
    if (!json_value_is_object(value) || !json_value_text(json_value_get(value, "name"), &name)) {
        why_set(g->why, "a rule is an object with a name");
        return false;
    }
    snprintf(g->section, sizeof g->section, "rule %.*s", SLICE_ARGS(slice_sub(name, 0, 60)));
    if (json_value_get(value, "action") == NULL) {
        why_set(g->why, "[%s] does not say what to do; add an action such as record", g->section);
        return false;
    }
    for (unsigned i = 0; *g->set && i < (*g->set)->count; i++) {
        if (slice_is(name, (*g->set)->rule[i]->name)) {
            why_set(g->why, "[%s] stands there twice; give one of them another name", g->section);
            return false;
        }
    }
    return json_value_members((struct json_value *)(uintptr_t)value, take_key, g);
}

static bool take_member(void *context, struct slice name, const struct json_value *value)
{
    struct reading *g = context;
    struct slice text;
    if (slice_is(name, "source"))
        return true;
    if (slice_is(name, "default") && json_value_text(value, &text)) {
        snprintf(g->section, sizeof g->section, "recording");
        return set_text(g, "default", text);
    }
    if (!slice_is(name, "rules")) {
        why_set(g->why, "\"%.*s\" is none of default, rules", SLICE_ARGS(slice_sub(name, 0, 40)));
        return false;
    }
    bool good = true;
    for (size_t i = 0; i < json_value_count(value) && good; i++)
        good = take_rule(g, json_value_at(value, i));
    return good;
}

int policies_parse(struct slice body, struct rules **ret_set, struct why *why)
{
    struct json_value *root = json_read(body, BODY_MAX, DEPTH_MAX);
    int err = policies_parse_value(root, ret_set, why);
    json_read_free(root);
    return err;
}

int policies_parse_value(const struct json_value *root, struct rules **ret_set, struct why *why)
{
    struct rules *set = rules_new();
    struct reading g = {.set = &set, .why = why};
    bool good = set && root && json_value_is_object(root) && json_value_get(root, "rules");
    if (!good)
        why_set(why, "the body is a JSON object with the list `rules`");
    good = good && json_value_members(root, take_member, &g);
    if (good) {
        *ret_set = set;
        return 0;
    }
    rules_let_go(set);
    return ERR_INVALID;
}

/* ---- a call that is described ---- */

static struct slice text_of(const struct json_value *root, const char *name)
{
    struct slice text = slice_none();
    (void)json_value_text(json_value_get(root, name), &text);
    return text;
}

static bool known_fact(void *context, struct slice name, const struct json_value *value)
{
    static const char *const NAMES[] = {"caller", "callee", "direction", "trunk", "tenant", "caller_site", "callee_site", "caller_address",
                                        "callee_address", "vlan", "caller_domain", "callee_domain", "headers", "user_agent", "at", "lasted_s"};
    (void)value;
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++)
        if (slice_is(name, NAMES[i]))
            return true;
    why_set(context, "\"%.*s\" is no fact of a call; there are caller, callee, direction, trunk, tenant, caller_site, callee_site, caller_address, "
                     "callee_address, vlan, caller_domain, callee_domain, headers, user_agent, at, lasted_s",
            SLICE_ARGS(slice_sub(name, 0, 40)));
    return false;
}

static void read_facts(struct rule_facts *f, const struct json_value *root)
{
    int64_t n;
    char at[40];
    f->caller[0] = text_of(root, "caller");
    f->callee[0] = text_of(root, "callee");
    f->trunk = text_of(root, "trunk");
    f->tenant = text_of(root, "tenant");
    f->caller_site = text_of(root, "caller_site");
    f->callee_site = text_of(root, "callee_site");
    f->caller_domain = text_of(root, "caller_domain");
    f->callee_domain = text_of(root, "callee_domain");
    f->user_agent = text_of(root, "user_agent");
    (void)addr_parse(text_of(root, "caller_address"), &f->caller_addr);
    (void)addr_parse(text_of(root, "callee_address"), &f->callee_addr);
    for (unsigned d = 0; d < 4; d++)
        if (slice_is(text_of(root, "direction"), call_direction_text((enum call_direction)d)))
            f->direction = d;
    if (json_value_int(json_value_get(root, "vlan"), &n))
        f->vlan = (uint16_t)n;
    f->ended = json_value_int(json_value_get(root, "lasted_s"), &n);
    f->lasted_ns = f->ended && n > 0 && n < 10000000 ? n * INT64_C(1000000000) : 0;
    slice_copy_to(text_of(root, "at"), at, sizeof at);
    if (clock_parse_rfc3339(at, &f->at_us) != 0)
        f->at_us = clock_wall_ns() / 1000;
    f->now_us = f->at_us;
    f->local_us = rules_local(f->at_us);
}

int policies_case_read(struct policies_case *c, struct slice body, struct why *why)
{
    c->root = json_read(body, BODY_MAX, DEPTH_MAX);
    if (c->root == NULL || !json_value_is_object(c->root)) {
        why_set(why, "the body is a JSON object: facts of a call, or its uid");
        return ERR_INVALID;
    }
    if (!json_value_members(c->root, known_fact, why))
        return ERR_INVALID;
    read_facts(&c->facts, c->root);
    return 0;
}

int policies_case_of(struct policies_case *c, const struct call_record *r)
{
    rules_facts(&c->facts, r);
    return 0;
}

/* The headers are made into an INVITE, so that it is read as every other one is. */
uint64_t policies_case_headers(const struct policies_case *c, const struct rules *set)
{
    const struct json_value *list = c->root ? json_value_get(c->root, "headers") : NULL;
    struct buf text;
    struct slice line;
    buf_init(&text, BODY_MAX);
    buf_str(&text, "INVITE sip:a@invalid SIP/2.0\r\nVia: SIP/2.0/UDP invalid;branch=z9hG4bK0\r\nFrom: <sip:a@invalid>;tag=0\r\n"
                   "To: <sip:a@invalid>\r\nCall-ID: 0\r\nCSeq: 1 INVITE\r\n");
    for (size_t i = 0; i < json_value_count(list); i++)
        if (json_value_text(json_value_at(list, i), &line))
            buf_printf(&text, "%.*s\r\n", SLICE_ARGS(line));
    buf_str(&text, "Content-Length: 0\r\n\r\n");
    uint64_t met = text.failed ? 0 : rules_headers(set, buf_view(&text));
    buf_fini(&text);
    return met;
}

void policies_case_fini(struct policies_case *c)
{
    json_read_free(c->root);
    record_free(c->record);
}

/* ---- the dry run ---- */

static void json_verdict(struct json *j, const struct rule *r, const struct rule_trace *t)
{
    static const char *const TEXTS[] = {[RULE_NOT_REACHED] = "not_reached", [RULE_MATCHED] = "matches", [RULE_OPEN] = "depends_on_length",
                                        [RULE_EXPIRED] = "expired", [RULE_MISSED] = "differs"};
    json_object(j);
    json_kv_str(j, "name", r->name);
    json_kv_str(j, "verdict", TEXTS[t->verdict]);
    bool about = t->verdict == RULE_MISSED || t->verdict == RULE_EXPIRED || t->verdict == RULE_OPEN;
    json_kv_str(j, "key", about ? rule_key_name(t->key) : NULL);
    json_kv_str(j, "wanted", about ? r->text[t->key] : NULL);
    json_end(j);
}

void policies_tried(struct buf *out, const struct rules *set, const struct rule_facts *facts, const struct rule_decision *otherwise)
{
    struct rule_trace trace[RULES_MAX] = {0};
    struct rule_decision d = rules_match(set, facts, otherwise, trace);
    struct json j;
    json_init(&j, out);
    json_object(&j);
    json_kv_str(&j, "rule", d.rule[0] ? d.rule : NULL);
    json_kv_str(&j, "action", rule_action_text(d.action));
    json_kv_bool(&j, "depends_on_length", d.open);
    json_key(&j, "rules");
    json_array(&j);
    for (unsigned i = 0; i < set->count; i++)
        json_verdict(&j, set->rule[i], &trace[i]);
    json_end(&j);
    json_end(&j);
}
