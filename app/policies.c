/* Files are replaced by rename, so a crash leaves the set before or the set after. What is in force is compared, rule by rule as it is
 * written, with what was in force before; that is the text in the audit log. */
#include "app/policies.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "app/policies_json.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/put_file.h"

#define RULES_FILE   "recording-rules.conf"
#define APPLIED_FILE "recording-rules.applied"
#define NAMES_MAX    200 /* bytes of names in the text of a change */

struct policies {
    struct policies_config config;
    struct rules_book *book;
    struct writer *writer;
    pthread_mutex_t lock;  /* guards what follows, and one put at a time */
    bool from_api;
    uint8_t expired[RULES_MAX]; /* of the set in force: told already */
    struct rules *told_of;      /* the set that `expired` speaks of; held */
};

/* ---- files ---- */

static void path_of(const struct policies *p, const char *name, char out[512])
{
    snprintf(out, 512, "%.440s/%s", p->config.data_dir, name);
}

static int write_set(const struct policies *p, const char *name, const struct rules *set)
{
    struct buf text;
    buf_init(&text, PUT_FILE_MAX);
    rules_print(set, &text);
    int err = text.failed ? ERR_FULL : put_file(p->config.data_dir, name, buf_view(&text));
    buf_fini(&text);
    return err;
}

/* NULL in *ret_set when there is no such file. */
static int read_set(const struct policies *p, const char *name, struct rules **ret_set, struct why *why)
{
    char path[512];
    path_of(p, name, path);
    *ret_set = NULL;
    if (access(path, F_OK) != 0)
        return 0;
    int err = settings_read_rules(path, ret_set, why);
    if (err == 0)
        err = rules_check(*ret_set, why);
    if (err == 0 && *ret_set == NULL)
        *ret_set = rules_new();
    return err;
}

/* ---- what changed ---- */

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_rule(const struct rule *a, const struct rule *b)
{
    bool same = true;
    for (unsigned k = 0; k < RULE_KEYS && same; k++)
        same = same_text(a->text[k], b->text[k]);
    return same;
}

static const struct rule *named(const struct rules *set, const char *name)
{
    for (unsigned i = 0; set && i < set->count; i++)
        if (strcmp(set->rule[i]->name, name) == 0)
            return set->rule[i];
    return NULL;
}

static void name_in(struct buf *out, size_t from, const char *what, const char *name)
{
    if (out->size - from < NAMES_MAX)
        buf_printf(out, "%s%s %s", out->size > from ? ", " : "", what, name);
}

static bool same_order(const struct rules *a, const struct rules *b)
{
    for (unsigned i = 0; a && b && i < a->count && i < b->count; i++)
        if (strcmp(a->rule[i]->name, b->rule[i]->name) != 0)
            return false;
    return true;
}

/* "" when nothing is another. */
static void tell_change(const struct rules *before, const struct rules *after, struct buf *out)
{
    size_t from = out->size;
    for (unsigned i = 0; after && i < after->count; i++) {
        const struct rule *was = named(before, after->rule[i]->name);
        if (was == NULL || !same_rule(was, after->rule[i]))
            name_in(out, from, was ? "changed" : "new", after->rule[i]->name);
    }
    for (unsigned i = 0; before && i < before->count; i++)
        if (named(after, before->rule[i]->name) == NULL)
            name_in(out, from, "gone", before->rule[i]->name);
    if (out->size == from && !same_order(before, after))
        buf_str(out, "another order");
    unsigned was = before && before->default_given ? before->default_action + 1u : 0;
    unsigned is = after && after->default_given ? after->default_action + 1u : 0;
    if (was != is)
        name_in(out, from, "default", is ? rule_action_text(is - 1) : "as configured");
}

static void tell_audit(struct policies *p, const char *action, const char *object, const char *detail)
{
    const struct store_audit entry = {.time_us = clock_wall_ns() / 1000, .actor = "earshot", .action = action,
                                      .object = object, .result = "ok", .detail = detail};
    if (writer_audit(p->writer, &entry) != 0)
        log_error("rules", "the audit log does not take: %s %s: %s", action, object, detail);
}

/* ---- start ---- */

int policies_open(const struct policies_config *config, struct policies **ret_policies, struct why *why)
{
    struct policies *p = calloc(1, sizeof *p);
    struct rules *set = NULL;
    if (p == NULL)
        return ERR_NOMEM;
    p->config = *config;
    pthread_mutex_init(&p->lock, NULL);
    int err = read_set(p, RULES_FILE, &set, why);
    p->from_api = set != NULL;
    if (err == 0 && set == NULL)
        set = config->settings->rules ? rules_hold(config->settings->rules) : rules_new();
    if (err == 0 && set)
        p->book = rules_book_new(set);
    rules_let_go(set);
    if (p->book == NULL) {
        policies_close(p);
        return err ? err : ERR_NOMEM;
    }
    *ret_policies = p;
    return 0;
}

void policies_close(struct policies *p)
{
    if (p == NULL)
        return;
    rules_book_free(p->book);
    rules_let_go(p->told_of);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

struct rules_book *policies_book(struct policies *p)
{
    return p->book;
}

void policies_begin(struct policies *p, struct writer *writer)
{
    struct why why = {0};
    struct rules *before = NULL, *now = rules_book_take(p->book);
    struct buf change;
    p->writer = writer;
    buf_init(&change, 4096);
    if (read_set(p, APPLIED_FILE, &before, &why) != 0)
        log_warn("rules", "what was in force before cannot be read: %s", why.text);
    tell_change(before, now, &change);
    if (change.size) {
        tell_audit(p, "policy.write", "recording", buf_text(&change));
        log_info("rules", "recording rules: %s", buf_text(&change));
        if (write_set(p, APPLIED_FILE, now) != 0)
            log_warn("rules", "cannot write %s/" APPLIED_FILE ": the next start will tell the same change again", p->config.data_dir);
    }
    if (p->from_api && p->config.settings->rules)
        log_info("rules", "the rules that were put through the API are in force, not those of the configuration");
    buf_fini(&change);
    rules_let_go(before);
    rules_let_go(now);
    policies_tick(p, clock_wall_ns() / 1000);
}

void policies_tick(struct policies *p, int64_t now_us)
{
    struct rules *now = rules_book_take(p->book);
    int64_t local_us = rules_local(now_us);
    pthread_mutex_lock(&p->lock);
    if (p->told_of != now) {
        rules_let_go(p->told_of);
        p->told_of = rules_hold(now);
        memset(p->expired, 0, sizeof p->expired);
    }
    for (unsigned i = 0; i < now->count; i++) {
        char object[RULE_NAME_SIZE + 16];
        if (p->expired[i] || !rule_expired(now->rule[i], now_us, local_us))
            continue;
        p->expired[i] = 1;
        snprintf(object, sizeof object, "recording/%s", now->rule[i]->name);
        tell_audit(p, "policy.expired", object, now->rule[i]->text[RULE_KEY_valid_until]);
    }
    pthread_mutex_unlock(&p->lock);
    rules_let_go(now);
}

/* ---- the API ---- */

void policies_show(struct policies *p, struct buf *json)
{
    struct rules *now = rules_book_take(p->book);
    pthread_mutex_lock(&p->lock);
    const char *source = p->from_api ? "api" : "configuration";
    pthread_mutex_unlock(&p->lock);
    policies_json(json, now, p->config.settings->recording_default, source);
    rules_let_go(now);
}

struct rules *policies_take(struct policies *p, struct rule_decision *ret_otherwise)
{
    *ret_otherwise = rules_otherwise(p->config.settings);
    return rules_book_take(p->book);
}

void policies_tell_change(const struct rules *before, const struct rules *after, struct buf *out)
{
    size_t from = out->size;
    tell_change(before, after, out);
    if (out->size == from)
        buf_str(out, "nothing");
}

/* The next start reads what is stored: what it could not read is refused now. */
static int try_text(const struct rules *set, struct why *why)
{
    struct buf text;
    buf_init(&text, PUT_FILE_MAX);
    rules_print(set, &text);
    int err = text.failed ? ERR_INVALID : settings_try_rules(buf_text(&text), why);
    if (text.failed)
        why_set(why, "These are more rules than can be stored.");
    buf_fini(&text);
    return err;
}

int policies_read(struct policies *p, struct slice body, struct rules **ret_set, struct buf *change, struct why *why)
{
    struct rules *set = NULL, *now;
    int err = policies_parse(body, &set, why);
    if (err == 0)
        err = rules_check(set, why);
    if (err == 0)
        err = try_text(set, why);
    if (err) {
        rules_let_go(set);
        return err;
    }
    now = rules_book_take(p->book);
    policies_tell_change(now, set, change);
    rules_let_go(now);
    *ret_set = set;
    return 0;
}

int policies_put(struct policies *p, struct rules *set, struct why *why)
{
    pthread_mutex_lock(&p->lock);
    int err = write_set(p, RULES_FILE, set);
    if (err == 0)
        err = write_set(p, APPLIED_FILE, set);
    if (err == 0) {
        p->from_api = true;
        rules_book_put(p->book, set);
    }
    pthread_mutex_unlock(&p->lock);
    if (err)
        why_set(why, "The rules could not be stored: %s.", err_text(err));
    else
        policies_tick(p, clock_wall_ns() / 1000);
    rules_let_go(set);
    return err;
}

bool policies_by_headers(struct policies *p)
{
    struct rules *now = rules_book_take(p->book);
    bool by_headers = now && now->header_count;
    rules_let_go(now);
    return by_headers;
}

int policies_try(struct policies *p, struct slice body, const struct call_record *r, struct slice invite, struct buf *json, struct why *why)
{
    struct rules *now = rules_book_take(p->book);
    struct rule_decision otherwise = rules_otherwise(p->config.settings);
    struct policies_case c = {0};
    int err = r ? policies_case_of(&c, r) : policies_case_read(&c, body, why);
    if (err == 0) {
        c.facts.headers = invite.size ? rules_headers(now, invite) : policies_case_headers(&c, now);
        policies_tried(json, now, &c.facts, &otherwise);
    }
    policies_case_fini(&c);
    rules_let_go(now);
    return err;
}
