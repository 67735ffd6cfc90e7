/* Detectors of passwords: those that are guessed, those that are asked for by whom they are no
 * business of. */
#include "capture/finding/parts.h"

/* ---- A-S5: brute force ---- */

static bool failed_from(const struct user *u, struct addr a)
{
    for (unsigned i = 0; i < 4; i++)
        if (addr_equal(u->failed_from[i], a) && !addr_is_any(a))
            return true;
    return false;
}

static void tell_user(struct findings *f, const struct finding_login *l, enum finding_rule rule,
                      uint32_t count)
{
    finding_hit(&f->engine, &(struct finding_hit){.rule = rule,
                                                  .about = ABOUT_USER,
                                                  .src = l->src,
                                                  .dst = l->dst,
                                                  .user = l->aor,
                                                  .sample = slice_str(l->aor),
                                                  .count = count});
}

static void tell_source(struct findings *f, const struct finding_login *l, enum finding_rule rule,
                        uint32_t count)
{
    finding_hit(&f->engine, &(struct finding_hit){.rule = rule,
                                                  .src = l->src,
                                                  .dst = l->dst,
                                                  .sample = slice_str(l->aor),
                                                  .count = count});
}

/* Both windows count; the slow rule speaks where the quick one is silent. */
static bool count_both(struct findings *f, enum finding_rule quick, enum finding_rule slow,
                       struct window *in_quick, struct window *in_slow, enum finding_rule *ret_rule,
                       uint32_t *ret_count)
{
    uint32_t count[2] = {0};
    bool met = rule_count(f, quick, in_quick, 1, &count[0]);
    bool met_slow = rule_count(f, slow, in_slow, 1, &count[1]);
    *ret_rule = met ? quick : slow;
    *ret_count = count[met ? 0 : 1];
    return met || met_slow;
}

static void note_failure(struct findings *f, const struct finding_login *l, struct address *a)
{
    enum finding_rule rule;
    uint32_t count;
    struct user *u = watched_user(&f->watched, l->aor, l->src->space, true);
    if (u) {
        u->failures_since++;
        if (!failed_from(u, l->src->addr))
            u->failed_from[u->failed_at++ % 4] = l->src->addr;
        if (count_both(f, RULE_BRUTE_USER, RULE_BRUTE_USER_SLOW, &u->failures, &u->slow, &rule,
                       &count))
            tell_user(f, l, rule, count);
    }
    if (count_both(f, RULE_BRUTE_SOURCE, RULE_BRUTE_SOURCE_SLOW, &a->failures, &a->slow, &rule,
                   &count))
        tell_source(f, l, rule, count);
}

/* The password was found, when it comes from where the wrong ones came. */
static bool tell_success(struct findings *f, const struct finding_login *l)
{
    struct finding_hit user = {.rule = RULE_BRUTE_USER,
                               .about = ABOUT_USER,
                               .severity = FINDING_CRITICAL,
                               .src = l->src,
                               .dst = l->dst,
                               .user = l->aor,
                               .sample = slice_str(l->aor)};
    struct finding_hit source = user;
    source.about = ABOUT_SOURCE;
    bool by_user = finding_find(&f->engine, &user) != NULL;
    bool by_source = finding_find(&f->engine, &source) != NULL;
    if (by_user)
        finding_hit(&f->engine, &user);
    if (by_source)
        finding_hit(&f->engine, &source);
    return by_user || by_source;
}

static void note_success(struct findings *f, const struct finding_login *l, struct address *a)
{
    struct user *u = watched_user(&f->watched, l->aor, l->src->space, false);
    if (u == NULL || !failed_from(u, l->src->addr))
        return;
    if (!tell_success(f, l)) { /* somebody mistyped: not a guess */
        window_take(&a->failures, u->failures_since);
        window_take(&a->slow, u->failures_since);
        window_clear(&u->failures);
        window_clear(&u->slow);
    }
    u->failures_since = 0;
    memset(u->failed_from, 0, sizeof u->failed_from);
}

void findings_login(struct findings *f, const struct finding_login *l)
{
    struct address *a = findings_watch(f, l->src);
    if (a == NULL || a->allowed || allow_user(&f->config, slice_str(l->aor)))
        return;
    if (l->accepted)
        note_success(f, l, a);
    else
        note_failure(f, l, a);
}

/* ---- A-S6: challenges from nowhere ---- */

static bool has_credentials(const struct sip_msg *m)
{
    return sip_header(m, SIP_H_AUTHORIZATION).size || sip_header(m, SIP_H_PROXY_AUTHORIZATION).size;
}

/* The callee answers a challenge that was found before. */
static void note_leak(struct findings *f, const struct sight *w)
{
    struct finding_hit h = {.rule = RULE_DIGEST_LEAK,
                            .severity = FINDING_CRITICAL,
                            .src = &w->s->d->dst,
                            .dst = &w->s->d->src,
                            .call = w->s->call,
                            .sample = slice_str("credentials sent")};
    if (has_credentials(w->s->m) && finding_find(&f->engine, &h))
        finding_hit(&f->engine, &h);
}

void see_digest_leak(struct findings *f, const struct sight *w)
{
    const struct sip_msg *m = w->s->m;
    uint32_t count;
    if (m->request) {
        note_leak(f, w);
        return;
    }
    if ((m->status != 401 && m->status != 407) || w->src->challenges || w->src->allowed)
        return;
    if (!rule_count(f, RULE_DIGEST_LEAK, &w->src->leaks, 1, &count))
        return;
    finding_hit(&f->engine, &(struct finding_hit){.rule = RULE_DIGEST_LEAK,
                                                  .src = &w->s->d->src,
                                                  .dst = &w->s->d->dst,
                                                  .call = w->s->call,
                                                  .sample = m->cseq_method,
                                                  .count = count});
}
