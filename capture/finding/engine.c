/* The state machine of finding.h over one bounded table, and what is noted beside it. */
#include "capture/finding/engine.h"

#define SECOND INT64_C(1000000000)

struct entry {
    struct slot slot;
    struct finding f;
    uint8_t about;
    bool dirty, lasts;
    int64_t told_ns; /* steady */
    int64_t last_ns; /* steady: newest sign */
};

int finding_engine_init(struct finding_engine *e, const struct finding_config *config,
                        const struct hash_seed *seed, const struct finding_sink *sink,
                        struct counters *counters)
{
    *e = (struct finding_engine){
        .config = config, .seed = *seed, .sink = *sink, .counters = counters};
    return slots_init(&e->table, config->findings_max, sizeof(struct entry), 0);
}

void finding_engine_fini(struct finding_engine *e)
{
    slots_fini(&e->table);
}

/* ---- keys ---- */

static uint64_t hash_of(const struct finding_engine *e, const struct finding_hit *h)
{
    unsigned detector = finding_rule(h->rule)->detector;
    uint64_t words[7] = {(uint64_t)detector << 40 | (uint64_t)h->about << 32 | h->src->space};
    if (h->about == ABOUT_SOURCE || h->about == ABOUT_PAIR) {
        words[1] = h->src->addr.high;
        words[2] = h->src->addr.low;
    }
    if (h->about == ABOUT_DESTINATION || h->about == ABOUT_PAIR) {
        words[3] = h->dst->addr.high;
        words[4] = h->dst->addr.low;
    }
    if (h->about == ABOUT_USER)
        words[5] = hash_bytes(&e->seed, h->user, strlen(h->user));
    return hash_words(&e->seed, words, 7);
}

static bool is_same(const struct entry *x, const struct finding_hit *h)
{
    const struct finding *f = &x->f;
    bool source = h->about == ABOUT_SOURCE || h->about == ABOUT_PAIR;
    bool destination = h->about == ABOUT_DESTINATION || h->about == ABOUT_PAIR;
    return f->detector == finding_rule(h->rule)->detector && x->about == h->about &&
           f->src.space == h->src->space && (!source || addr_equal(f->src.addr, h->src->addr)) &&
           (!destination || addr_equal(f->dst.addr, h->dst->addr)) &&
           (h->about != ABOUT_USER || strncmp(f->subject, h->user, sizeof f->subject - 1) == 0);
}

static struct entry *find(struct finding_engine *e, const struct finding_hit *h, uint64_t hash)
{
    struct map_probe p = slots_probe(&e->table, hash);
    for (struct entry *x; (x = slots_next(&e->table, &p)) != NULL;)
        if (is_same(x, h))
            return x;
    return NULL;
}

const struct finding *finding_find(struct finding_engine *e, const struct finding_hit *h)
{
    const struct entry *x = find(e, h, hash_of(e, h));
    return x && x->f.state == FINDING_OPEN ? &x->f : NULL;
}

/* ---- telling ---- */

static void tell(struct finding_engine *e, struct entry *x, enum finding_news news)
{
    if (news == FINDING_UPDATED && e->steady_ns < x->told_ns + SECOND) {
        if (!x->dirty)
            x->f.news = FINDING_UPDATED; /* what found no room stays news */
        x->dirty = true;
        return;
    }
    x->f.news = (uint8_t)news;
    x->told_ns = e->steady_ns;
    x->dirty = !e->sink.tell(e->sink.context, &x->f);
}

static void show_open(struct finding_engine *e, unsigned detector, int change)
{
    e->open[detector] += (uint32_t)change;
    counters_set(e->counters, C_FINDINGS_OPEN + detector, e->open[detector]);
}

static void forget(struct finding_engine *e, struct entry *x)
{
    x->f.last = true;
    if (x->f.state == FINDING_OPEN)
        show_open(e, x->f.detector, -1);
    if (x->dirty || x->f.state == FINDING_OPEN)
        e->sink.tell(e->sink.context, &x->f);
    slots_remove(&e->table, x);
}

/* ---- a new one ---- */

static bool may_open(struct finding_engine *e, unsigned detector)
{
    int64_t minute = e->steady_ns / (60 * SECOND);
    if (minute != e->minute) {
        memset(e->openings, 0, sizeof e->openings);
        e->minute = minute;
    }
    if (e->openings[detector] < FINDING_OPENINGS_MAX)
        return ++e->openings[detector];
    counters_add(e->counters, C_FINDINGS_SUPPRESSED + detector, 1);
    return false;
}

static struct entry *open_new(struct finding_engine *e, const struct finding_hit *h, uint64_t hash)
{
    unsigned detector = finding_rule(h->rule)->detector;
    if (!may_open(e, detector))
        return NULL;
    struct entry *victim = slots_victim(&e->table);
    if (victim) {
        victim->f.news = FINDING_UPDATED;
        forget(e, victim);
    }
    struct entry *x = slots_add(&e->table, hash, SLOT_DEAR);
    if (x == NULL)
        return NULL;
    x->about = (uint8_t)h->about;
    x->f.detector = (uint8_t)detector;
    x->f.rule = (uint8_t)h->rule;
    x->f.severity = (uint8_t)finding_detector(detector)->severity;
    x->f.threshold = e->config->rule[h->rule].threshold;
    x->f.window_ns = e->config->rule[h->rule].window_ns;
    x->f.src = *h->src;
    x->f.dst = *h->dst;
    if (h->about == ABOUT_USER)
        slice_copy_to(slice_str(h->user), x->f.subject, sizeof x->f.subject);
    x->f.first_ns = h->since_ns ? h->since_ns : e->time_ns;
    x->f.opened_ns = e->time_ns;
    e->sink.make_uid(e->sink.context, &x->f, x->f.uid);
    return x;
}

/* ---- what shows it ---- */

static void note_endpoint(struct endpoint list[FINDING_EVIDENCE_MAX], uint8_t *count,
                          const struct endpoint *at)
{
    if (addr_is_any(at->addr)) /* it is about no address */
        return;
    for (unsigned i = 0; i < *count; i++)
        if (addr_equal(list[i].addr, at->addr))
            return;
    if (*count < FINDING_EVIDENCE_MAX)
        list[(*count)++] = *at;
}

static void note_call(struct finding *f, const uint8_t *uid)
{
    for (unsigned i = 0; i < f->call_count; i++)
        if (memcmp(f->call[i], uid, 16) == 0)
            return;
    if (f->call_count < FINDING_EVIDENCE_MAX)
        memcpy(f->call[f->call_count++], uid, 16);
}

static void note_sample(struct finding *f, struct slice sample)
{
    char text[FINDING_SAMPLE_SIZE];
    slice_copy_to(sample, text, sizeof text);
    for (unsigned i = 0; i < f->sample_count; i++)
        if (strcmp(f->sample[i], text) == 0)
            return;
    if (f->sample_count < FINDING_EVIDENCE_MAX)
        memcpy(f->sample[f->sample_count++], text, sizeof text);
}

static void note(struct finding_engine *e, struct entry *x, const struct finding_hit *h)
{
    struct finding *f = &x->f;
    f->src = *h->src;
    f->dst = *h->dst;
    f->last_ns = e->time_ns;
    note_endpoint(f->source, &f->source_count, h->src);
    note_endpoint(f->destination, &f->destination_count, h->dst);
    if (h->call)
        note_call(f, h->call);
    if (h->sample.size)
        note_sample(f, h->sample);
}

/* ---- signs ---- */

/* It begins, for the first time or anew. */
static void begin(struct finding_engine *e, struct entry *x)
{
    show_open(e, x->f.detector, 1);
    x->f.state = FINDING_OPEN;
    x->f.cleared_ns = 0;
    x->f.episodes++;
    slots_touch(&e->table, x, SLOT_DEAR);
}

static bool is_next_episode(const struct finding_engine *e, const struct entry *x)
{
    return !x->lasts && e->steady_ns > x->last_ns + x->f.window_ns;
}

const struct finding *finding_hit(struct finding_engine *e, const struct finding_hit *h)
{
    uint64_t hash = hash_of(e, h);
    enum finding_news news = FINDING_UPDATED;
    struct entry *x = find(e, h, hash);
    if (x == NULL) {
        x = open_new(e, h, hash);
        if (x == NULL)
            return NULL;
        begin(e, x);
        counters_add(e->counters, C_FINDINGS + x->f.detector * LABEL_COUNT_SEVERITY + x->f.severity,
                     1);
        news = FINDING_OPENED;
    } else if (x->f.state == FINDING_CLEARED) {
        begin(e, x);
        news = FINDING_OPENED;
    } else {
        x->f.episodes += is_next_episode(e, x);
        slots_touch(&e->table, x, SLOT_DEAR);
    }
    x->last_ns = e->steady_ns;
    x->lasts = h->lasts;
    note(e, x, h);
    x->f.count += news == FINDING_OPENED ? h->count : h->count > 0;
    if (h->severity > x->f.severity) {
        x->f.severity = (uint8_t)h->severity;
        news = news == FINDING_OPENED ? news : FINDING_WORSE;
        counters_add(e->counters, C_FINDINGS + x->f.detector * LABEL_COUNT_SEVERITY + x->f.severity,
                     1);
    }
    tell(e, x, news);
    return &x->f;
}

void finding_over(struct finding_engine *e, const struct finding_hit *h)
{
    struct entry *x = find(e, h, hash_of(e, h));
    if (x == NULL || !x->lasts)
        return;
    x->lasts = false;
    x->last_ns = e->steady_ns;
    x->f.last_ns = e->time_ns;
    tell(e, x, FINDING_UPDATED);
}

/* ---- time ---- */

static void clear(struct finding_engine *e, struct entry *x)
{
    x->f.state = FINDING_CLEARED;
    x->f.cleared_ns = x->f.last_ns + e->config->quiet_ns; /* whenever that is noticed */
    show_open(e, x->f.detector, -1);
    slots_touch(&e->table, x, SLOT_CHEAP);
    tell(e, x, FINDING_IS_CLEARED);
}

/* Both steps at once after a long silence: offline equals live. */
static void look_at(struct finding_engine *e, struct entry *x)
{
    int64_t quiet_ns = e->steady_ns - x->last_ns;
    if (x->f.state == FINDING_OPEN && !x->lasts && quiet_ns >= e->config->quiet_ns)
        clear(e, x);
    else if (x->dirty)
        tell(e, x, (enum finding_news)x->f.news);
    if (x->f.state == FINDING_CLEARED && quiet_ns >= e->config->quiet_ns + e->config->again_ns)
        forget(e, x);
}

void finding_engine_tick(struct finding_engine *e)
{
    if (e->steady_ns < e->swept_ns + SECOND)
        return;
    e->swept_ns = e->steady_ns;
    for (uint32_t i = 0; i < e->table.touched; i++) {
        struct entry *x = slots_at(&e->table, i);
        if (x->slot.used)
            look_at(e, x);
    }
    unsigned table = label_find(LABELS_TABLE, slice_str("findings"));
    counters_set(e->counters, C_TABLE_LIMIT + table, e->table.max);
    counters_set_level(e->counters, C_TABLE_SIZE + table, COUNTERS_TABLE_UP, e->table.count);
}

void finding_engine_finish(struct finding_engine *e)
{
    for (uint32_t i = 0; i < e->table.touched; i++) {
        struct entry *x = slots_at(&e->table, i);
        if (x->slot.used) {
            x->f.news = FINDING_UPDATED;
            forget(e, x);
        }
    }
}
