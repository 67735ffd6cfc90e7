/* Hours and dates are those of one time zone, the process's: the C library knows no other way to ask for more than one
 * that threads could share. */
#include "app/rules_config.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "storage/record.h"

#define ZONES "/usr/share/zoneinfo"

struct rule_decision rules_otherwise(const struct settings *s)
{
    struct rule_decision d = rule_decision_default((unsigned)s->recording_default);
    d.min_ns = s->recording_min;
    d.look_back_ns = s->recording_look_back;
    return d;
}

static bool zone_is_good(const char *name)
{
    char path[SETTING_TEXT_MAX + sizeof ZONES + 1];
    for (const char *c = name; *c; c++)
        if ((*c < 'A' || *c > 'Z') && (*c < 'a' || *c > 'z') && (*c < '0' || *c > '9') && strchr("/_+-", *c) == NULL)
            return false;
    snprintf(path, sizeof path, ZONES "/%s", name);
    return name[0] != '/' && access(path, R_OK) == 0;
}

int rules_configure_check(const struct settings *s, struct why *why)
{
    if (s->recording_zone[0] && strcmp(s->recording_zone, "UTC") != 0 && !zone_is_good(s->recording_zone)) {
        why_set(why, "[recording] time_zone = %s is not known here; take a name from " ZONES ", such as Europe/Vienna, or UTC",
                s->recording_zone);
        return ERR_INVALID;
    }
    return rules_check(s->rules, why);
}

void rules_use_zone(const struct settings *s)
{
    if (s->recording_zone[0])
        setenv("TZ", s->recording_zone, 1);
    tzset();
}

/* ---- facts ---- */

static unsigned direction_of(const char *text)
{
    for (unsigned d = 0; text && d < 4; d++)
        if (strcmp(text, call_direction_text((enum call_direction)d)) == 0)
            return d;
    return CALL_DIR_UNKNOWN;
}

int64_t rules_local(int64_t time_us)
{
    time_t seconds = (time_t)(time_us / 1000000);
    struct tm tm;
    if (localtime_r(&seconds, &tm) == NULL)
        return time_us;
    return time_us + (int64_t)tm.tm_gmtoff * 1000000;
}

static void uid_of(const char *text, uint8_t out[16])
{
    unsigned n = 0;
    for (; *text && n < 32; text++) {
        unsigned digit = *text >= 'a' ? (unsigned)(*text - 'a' + 10) : (unsigned)(*text - '0');
        if (*text == '-')
            continue;
        out[n / 2] = (uint8_t)(n % 2 ? out[n / 2] | (digit & 15) : digit << 4);
        n++;
    }
}

static void numbers_of(struct slice *ways, const struct record_party *party, const struct record_number *number)
{
    ways[0] = party->user;
    ways[1] = number->number;
    ways[2] = number->raw;
}

void rules_facts(struct rule_facts *f, const struct call_record *r)
{
    bool ended = r->ended_us != 0;
    int64_t from_us = r->answered_us ? r->answered_us : r->started_us;
    *f = (struct rule_facts){
        .direction = direction_of(r->direction),
        .trunk = r->trunk,
        .tenant = r->tenant,
        .caller_site = r->from_site,
        .callee_site = r->to_site,
        .caller_addr = r->src.addr,
        .callee_addr = r->dst.addr,
        .vlan = r->vlan,
        .caller_domain = r->from.host,
        .callee_domain = r->to.host,
        .user_agent = r->user_agent,
        .at_us = r->started_us,
        .local_us = rules_local(r->started_us),
        .now_us = r->started_us,
        .lasted_ns = ended && r->ended_us > from_us ? (r->ended_us - from_us) * 1000 : 0,
        .ended = ended,
    };
    uid_of(r->uid, f->uid);
    numbers_of(f->caller, &r->from, &r->identity.caller);
    numbers_of(f->callee, &r->to, &r->identity.callee);
}

/* ---- the book ---- */

struct rules_book {
    pthread_mutex_t lock; /* guards the pointer; held for a count alone */
    struct rules *now;
};

struct rules_book *rules_book_new(struct rules *first)
{
    struct rules_book *b = calloc(1, sizeof *b);
    if (b == NULL)
        return NULL;
    pthread_mutex_init(&b->lock, NULL);
    b->now = rules_hold(first);
    return b;
}

void rules_book_free(struct rules_book *b)
{
    if (b == NULL)
        return;
    rules_let_go(b->now);
    pthread_mutex_destroy(&b->lock);
    free(b);
}

struct rules *rules_book_take(struct rules_book *b)
{
    pthread_mutex_lock(&b->lock);
    struct rules *r = rules_hold(b->now);
    pthread_mutex_unlock(&b->lock);
    return r;
}

void rules_book_put(struct rules_book *b, struct rules *next)
{
    pthread_mutex_lock(&b->lock);
    struct rules *before = b->now;
    b->now = rules_hold(next);
    pthread_mutex_unlock(&b->lock);
    rules_let_go(before);
}
