/* The plan: stages in the order of the header, each a stream of candidates, the oldest first. */
#include "app/retention_plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/setup.h"
#include "base/clock.h"
#include "base/counters.h"
#include "storage/disk.h"
#include "storage/spool.h"

#define DAY_US       INT64_C(86400000000)
#define MINUTE_US    INT64_C(60000000)
#define BATCH        32                /* recordings that are read at once */
#define FRESH_US     (10 * MINUTE_US)  /* of calls that nobody has answered yet there is no row */
#define OPEN_DAYS_US (3 * DAY_US)      /* calls that go on are looked for so far back */
#define GOING_MAX    256
#define LOOKS_MAX    64                /* of one call */
#define ENOUGH(n)    ((n) - (n) / 50) /* a quota is filled again for a while before more goes */

struct days {
    struct store_day *items;
    size_t count, next;
};

/* Where among the recordings we are. */
struct audio_place {
    size_t day;
    int64_t after_us;
    char after_uid[40];
    struct call_record *batch[BATCH];
    unsigned count, next;
};

struct retention_plan {
    struct retention_ask ask;
    struct retention_limits limits;
    struct retention_use use;
    struct store_reader *reader;
    struct spool_segment *segments;
    size_t segment_count, segment_next, signal_next; /* next of media, and of signalling */
    int64_t wanted_us;                               /* segments written since then are wanted */
    uint32_t going[GOING_MAX];                       /* segments that have a row and could not be unlinked; tried at the next start */
    unsigned going_count;
    struct days calls, messages;
    struct audio_place audio;
    unsigned stage;
    bool filling[RETAIN_CLASSES]; /* over its quota: down to ENOUGH */
};

static const struct stage {
    enum retention_reason reason;
    enum retention_class class;
} STAGES[] = {
    {RETAIN_AGE, RETAIN_SPOOL},         {RETAIN_AGE, RETAIN_AUDIO},
    {RETAIN_AGE, RETAIN_MESSAGES},      {RETAIN_AGE, RETAIN_CALLS},
    {RETAIN_QUOTA, RETAIN_SPOOL},       {RETAIN_QUOTA, RETAIN_AUDIO},
    {RETAIN_QUOTA, RETAIN_MESSAGES},    {RETAIN_QUOTA, RETAIN_CALLS},
    {RETAIN_LOW_DISK, RETAIN_SPOOL},    {RETAIN_LOW_DISK, RETAIN_AUDIO},
    {RETAIN_LOW_DISK, RETAIN_MESSAGES},
};
#define STAGE_COUNT (sizeof STAGES / sizeof *STAGES)

const char *retention_class_text(enum retention_class c)
{
    return label_text(LABELS_STORED, c);
}

const char *retention_reason_text(enum retention_reason r)
{
    return label_text(LABELS_DELETED, r);
}

/* ---- terms ---- */

static int64_t shorter(int64_t a, int64_t b)
{
    return a == 0 || (b && b < a) ? b : a;
}

void retention_limits_of(const struct settings *s, struct retention_limits *ret_limits)
{
    struct spool_config spool;
    setup_spool(s, s->data_dir, &spool);
    *ret_limits = (struct retention_limits){
        .growing = spool.segment_bytes * (s->workers > 0 ? (uint64_t)s->workers : 1),
        .age_us = {[RETAIN_AUDIO] = shorter(s->retain_audio, s->retain_calls) / 1000,
                   [RETAIN_SPOOL] = s->retain_spool / 1000,
                   [RETAIN_CALLS] = s->retain_calls / 1000,
                   [RETAIN_MESSAGES] = s->retain_messages / 1000},
        .bytes = {[RETAIN_AUDIO] = (uint64_t)s->retain_audio_bytes,
                  [RETAIN_SPOOL] = (uint64_t)s->retain_spool_bytes,
                  [RETAIN_CALLS] = (uint64_t)s->retain_calls_bytes,
                  [RETAIN_MESSAGES] = (uint64_t)s->retain_messages_bytes},
        .min_free = (uint64_t)s->retain_min_free,
    };
}

/* Whole days: the one in which the term ends stays. */
static bool day_is_old(const struct retention_plan *p, enum retention_class class, int64_t day_us)
{
    int64_t age_us = p->limits.age_us[class];
    return p->ask.now_us && age_us && day_us + DAY_US <= p->ask.now_us - age_us;
}

/* What is older than its term, by class; INT64_MIN: nothing is. */
static int64_t term_begins(const struct retention_plan *p, enum retention_class class)
{
    int64_t age_us = p->limits.age_us[class];
    return p->ask.now_us && age_us ? p->ask.now_us - age_us : INT64_MIN;
}

/* Somebody brought it later than that: it ages since then. A day that cannot be read now is left alone, one that is no database any more
 * goes. */
static bool stays_for_imports(const struct retention_plan *p, const struct retention_item *item)
{
    int64_t imported_us = 0;
    bool captured = false;
    int err = store_day_content(p->reader, item->day, &imported_us, &captured);
    if (err)
        return err != ERR_INVALID;
    return !captured && imported_us >= term_begins(p, RETAIN_CALLS);
}

static bool recording_is_old(const struct retention_plan *p, const struct call_record *r)
{
    int64_t age_us = p->limits.age_us[RETAIN_AUDIO];
    if (r->recording.retain_days > 0)
        age_us = r->recording.retain_days * DAY_US;
    int64_t from_us = record_age_from_us(r), day_us = from_us - from_us % DAY_US;
    if (day_is_old(p, RETAIN_CALLS, day_us))
        return true;
    return p->ask.now_us && age_us && from_us < p->ask.now_us - age_us;
}

static bool segment_is_old(const struct retention_plan *p, const struct retention_item *item)
{
    int64_t age_us = p->limits.age_us[item->class];
    return p->ask.now_us && age_us && item->since_us < p->ask.now_us - age_us;
}

/* ---- the one place that says what stays ---- */

static bool segment_is_going(const struct retention_plan *p, uint32_t segment)
{
    for (unsigned i = 0; i < p->going_count; i++)
        if (p->going[i] == segment)
            return true;
    return false;
}

static const char *protected_segment(const struct retention_plan *p,
                                     const struct retention_item *item)
{
    if (item->segment == p->segments[p->segment_count - 1].number)
        return "the newest segment: numbers are counted from it";
    if (segment_is_going(p, item->segment))
        return "going: its row stands";
    if (item->since_us >= p->wanted_us)
        return "of calls that go on or wait to be rendered";
    return spool_segment_rests(p->ask.data_dir, item->segment) ? NULL : "being written";
}

/* Why this may not go now, whatever its age; NULL: it may. */
static const char *protected_because(const struct retention_plan *p,
                                     const struct retention_item *item)
{
    if (item->segment)
        return protected_segment(p, item);
    if (item->class == RETAIN_AUDIO)
        return NULL;
    const struct days *d = item->class == RETAIN_CALLS ? &p->calls : &p->messages;
    return strcmp(item->day, d->items[d->count - 1].text) == 0 ? "the newest day" : NULL;
}

/* ---- candidates, the oldest first; 1, 0 at the end, or an ERR_ ---- */

/* Of the segments from *next on the first of this kind; NULL at their end. */
static const struct spool_segment *segment_at(const struct retention_plan *p, bool signalling,
                                              size_t *next)
{
    while (*next < p->segment_count && p->segments[*next].signalling != signalling)
        ++*next;
    return *next < p->segment_count ? &p->segments[*next] : NULL;
}

static int take_segment(const struct spool_segment *g, struct retention_item *item)
{
    if (g == NULL)
        return 0;
    item->segment = g->number;
    item->since_us = g->written_ns / 1000;
    item->bytes = g->bytes;
    item->files = 1;
    snprintf(item->object, sizeof item->object, "%08x.seg", g->number);
    return 1;
}

static int next_day(struct days *d, const char *prefix, struct retention_item *item)
{
    if (d->next == d->count)
        return 0;
    const struct store_day *day = &d->items[d->next];
    memcpy(item->day, day->text, sizeof item->day);
    item->since_us = day->start_us;
    item->bytes = day->bytes;
    item->files = 1;
    snprintf(item->object, sizeof item->object, "%s-%s", prefix, day->text);
    return 1;
}

static void take_recording(void *context, struct call_record *r)
{
    struct retention_plan *p = context;
    struct audio_place *a = &p->audio;
    a->after_us = r->started_us;
    snprintf(a->after_uid, sizeof a->after_uid, "%s", r->uid);
    a->batch[a->count++] = r;
}

static void forget_batch(struct audio_place *a)
{
    for (; a->next < a->count; a->next++)
        record_free(a->batch[a->next]);
    a->count = a->next = 0;
}

static int read_batch(struct retention_plan *p)
{
    struct audio_place *a = &p->audio;
    forget_batch(a);
    while (a->day < p->calls.count) {
        const char *day = p->calls.items[a->day].text;
        int err = store_audio(p->reader, day, a->after_us, a->after_uid, BATCH, take_recording, p);
        if (err || a->count)
            return err;
        a->day++;
        a->after_us = 0;
        a->after_uid[0] = '\0';
    }
    return 0;
}

static int next_recording(struct retention_plan *p, struct retention_item *item)
{
    struct audio_place *a = &p->audio;
    if (a->next == a->count) {
        int err = read_batch(p);
        return err ? err : a->count ? RETENTION_AGAIN : 0;
    }
    const struct call_record *r = a->batch[a->next];
    item->since_us = r->started_us;
    snprintf(item->object, sizeof item->object, "%s",
             r->recording.id[0] ? r->recording.id : r->uid);
    snprintf(item->uid, sizeof item->uid, "%s", r->uid);
    return 1;
}

/* Messages of calls stand in the segments of signalling, the rest of them in day files: the older
 * of both. */
static int next_messages(struct retention_plan *p, struct retention_item *item)
{
    const struct spool_segment *g = segment_at(p, true, &p->signal_next);
    int got = next_day(&p->messages, "messages", item);
    if (g == NULL || (got && item->since_us + DAY_US < g->written_ns / 1000))
        return got;
    item->day[0] = '\0';
    return take_segment(g, item);
}

static int candidate(struct retention_plan *p, enum retention_class class,
                     struct retention_item *item)
{
    switch (class) {
    case RETAIN_SPOOL:
        return take_segment(segment_at(p, false, &p->segment_next), item);
    case RETAIN_AUDIO:
        return next_recording(p, item);
    case RETAIN_CALLS:
        return next_day(&p->calls, "calls", item);
    case RETAIN_MESSAGES:
        return next_messages(p, item);
    case RETAIN_CLASSES:
        break;
    }
    return 0;
}

/* The candidate was looked at: the next one is behind it. */
static void step_over(struct retention_plan *p, const struct retention_item *item)
{
    switch (item->class) {
    case RETAIN_SPOOL:
        p->segment_next++;
        break;
    case RETAIN_AUDIO:
        record_free(p->audio.batch[p->audio.next]); /* NULL when it was named */
        p->audio.next++;
        break;
    case RETAIN_CALLS:
        p->calls.next++;
        break;
    case RETAIN_MESSAGES:
        p->signal_next += item->segment != 0;
        p->messages.next += item->segment == 0;
        break;
    case RETAIN_CLASSES:
        break;
    }
}

/* ---- what goes ---- */

static bool is_old(const struct retention_plan *p, const struct retention_item *item)
{
    if (item->segment)
        return segment_is_old(p, item);
    if (item->class == RETAIN_AUDIO)
        return recording_is_old(p, p->audio.batch[p->audio.next]);
    return day_is_old(p, item->class, item->since_us) && (item->class != RETAIN_CALLS || !stays_for_imports(p, item));
}

/* Segments that are being written count as what they may grow to. */
static uint64_t counted(const struct retention_plan *p, enum retention_class class)
{
    return p->use.bytes[class] +
           (class == RETAIN_SPOOL && p->segment_count ? p->limits.growing : 0);
}

static bool is_over(struct retention_plan *p, enum retention_class class)
{
    uint64_t limit = p->limits.bytes[class], now = counted(p, class);
    if (limit == 0)
        return false;
    p->filling[class] = now > (p->filling[class] ? ENOUGH(limit) : limit - limit / 200);
    return p->filling[class];
}

uint64_t retention_free_least(const struct retention_limits *limits, const struct retention_use *use)
{
    uint64_t eighth = use->total_bytes / 8;
    return limits->min_free < eighth ? limits->min_free : eighth;
}

bool retention_is_low(const struct retention_limits *limits, const struct retention_use *use)
{
    return use->free_bytes < retention_free_least(limits, use);
}

bool retention_plan_is_low(const struct retention_plan *p)
{
    return retention_is_low(&p->limits, &p->use);
}

/* Whether the stage wants anything more of its class. */
static bool stage_goes_on(struct retention_plan *p, const struct stage *s)
{
    if (s->reason == RETAIN_AGE)
        return p->ask.now_us != 0;
    return s->reason == RETAIN_QUOTA ? is_over(p, s->class) : retention_plan_is_low(p);
}

static void account(struct retention_plan *p, const struct retention_item *item)
{
    uint64_t *bytes = &p->use.bytes[item->class];
    *bytes -= *bytes < item->bytes ? *bytes : item->bytes;
    p->use.free_bytes += item->bytes;
}

/* The candidate is named; a recording's files are looked at only now. */
static void name_item(struct retention_plan *p, struct retention_item *item)
{
    if (item->class == RETAIN_AUDIO) {
        item->record = p->audio.batch[p->audio.next];
        p->audio.batch[p->audio.next] = NULL;
        item->bytes = retention_files_of(p->ask.data_dir, item->record, &item->files);
    }
    item->imported_since_us = item->reason == RETAIN_AGE ? term_begins(p, RETAIN_CALLS) : INT64_MAX;
    step_over(p, item);
    account(p, item);
}

/* Ahead of a day of records the recordings that began until its end: 1, 0 when there are none,
 * RETENTION_AGAIN or an ERR_. */
static int recording_of_day(struct retention_plan *p, struct retention_item *item)
{
    struct retention_item sound = {.class = RETAIN_AUDIO, .reason = item->reason};
    int got = next_recording(p, &sound);
    if (got != 1 || sound.since_us >= item->since_us + DAY_US)
        return got == 1 ? 0 : got;
    *item = sound;
    return 1;
}

/* Its files are going: only its job has not ended. */
static bool is_going(const struct retention_plan *p, const struct retention_item *item)
{
    if (item->class != RETAIN_AUDIO)
        return false;
    const struct call_record *r = p->audio.batch[p->audio.next];
    const char *first = r->tracks.count ? r->tracks.items[0].result : NULL;
    return r->recording.deleted_us || (first && strcmp(first, "deleted") == 0);
}

/* One look: 1 with an item, RETENTION_AGAIN, 0 when the stage is over, or an ERR_. */
static int look(struct retention_plan *p, const struct stage *s, struct retention_item *item)
{
    *item = (struct retention_item){.class = s->class, .reason = s->reason};
    if (!stage_goes_on(p, s))
        return 0;
    int got = candidate(p, s->class, item);
    if (got == 1 && s->class == RETAIN_CALLS && s->reason == RETAIN_QUOTA) {
        int sound = protected_because(p, item) ? 0 : recording_of_day(p, item);
        got = sound ? sound : got;
    }
    if (got != 1)
        return got;
    /* What is old was named by an earlier stage, though a dry run finds it still there. */
    if (is_old(p, item) != (s->reason == RETAIN_AGE) || is_going(p, item) ||
        protected_because(p, item)) {
        step_over(p, item);
        return RETENTION_AGAIN;
    }
    name_item(p, item);
    return 1;
}

/* Named by their age are things from anywhere; from there on the oldest go. */
static void rewind_all(struct retention_plan *p)
{
    forget_batch(&p->audio);
    p->audio = (struct audio_place){0};
    p->segment_next = p->signal_next = p->calls.next = p->messages.next = 0;
}

int retention_plan_next(struct retention_plan *p, struct retention_item *ret_item)
{
    for (unsigned looks = 0; p->stage < STAGE_COUNT; looks++) {
        int got = look(p, &STAGES[p->stage], ret_item);
        if (got == 1 || got < 0)
            return got;
        if (got == RETENTION_AGAIN && looks >= LOOKS_MAX)
            return RETENTION_AGAIN;
        if (got == RETENTION_AGAIN)
            continue;
        p->stage++;
        if (p->stage < STAGE_COUNT && STAGES[p->stage].reason == RETAIN_QUOTA &&
            STAGES[p->stage - 1].reason == RETAIN_AGE)
            rewind_all(p);
    }
    return 0;
}

void retention_item_fini(struct retention_item *item)
{
    record_free(item->record);
    item->record = NULL;
}

void retention_plan_use(const struct retention_plan *p, struct retention_use *ret_use)
{
    *ret_use = p->use;
}

/* ---- opening: one look at the disk ---- */

static void look_at_days(struct retention_plan *p, enum retention_class class, const struct days *d)
{
    for (size_t i = 0; i < d->count; i++)
        p->use.bytes[class] += d->items[i].bytes;
    if (d->count)
        p->use.protected_bytes[class] += d->items[d->count - 1].bytes;
}

static void look_at_spool(struct retention_plan *p)
{
    for (size_t i = 0; i < p->segment_count; i++) {
        const struct spool_segment *g = &p->segments[i];
        struct retention_item item = {.class = g->signalling ? RETAIN_MESSAGES : RETAIN_SPOOL};
        take_segment(g, &item);
        p->use.bytes[item.class] += g->bytes;
        if (protected_because(p, &item))
            p->use.protected_bytes[item.class] += g->bytes;
    }
}

uint32_t retention_segment_of(const char *object)
{
    unsigned number = 0;
    int end = 0;
    return sscanf(object, "%8x.seg%n", &number, &end) == 1 && end == 12 && object[12] == '\0' ? number : 0;
}

static void note_going(void *context, const struct store_job *job)
{
    struct retention_plan *p = context;
    uint32_t segment = strcmp(job->kind, "delete") == 0 ? retention_segment_of(job->uid) : 0;
    if (segment && p->going_count < GOING_MAX)
        p->going[p->going_count++] = segment;
}

static int read_disk(struct retention_plan *p)
{
    const char *dir = p->ask.data_dir;
    int64_t now_us = clock_wall_ns() / 1000;
    int err = store_reader_open(dir, &p->reader);
    if (!err)
        err = store_spool_wanted(p->reader, now_us - OPEN_DAYS_US, &p->wanted_us);
    if (!err)
        err = store_jobs(p->reader, note_going, p);
    if (!err)
        err = store_days(dir, false, &p->calls.items, &p->calls.count);
    if (!err)
        err = store_days(dir, true, &p->messages.items, &p->messages.count);
    if (!err)
        err = spool_segments(dir, &p->segments, &p->segment_count);
    if (!err)
        err = disk_free(dir, &p->use.free_bytes, &p->use.total_bytes);
    if (p->wanted_us > now_us - FRESH_US && p->ask.live)
        p->wanted_us = now_us - FRESH_US;
    return err;
}

int retention_plan_open(const struct retention_ask *ask, struct retention_plan **ret_plan)
{
    struct retention_plan *p = calloc(1, sizeof *p);
    if (p == NULL)
        return ERR_NOMEM;
    p->ask = *ask;
    p->limits = *ask->limits;
    int err = read_disk(p);
    if (err) {
        retention_plan_close(p);
        return err;
    }
    p->use.bytes[RETAIN_AUDIO] = ask->audio_bytes;
    look_at_days(p, RETAIN_CALLS, &p->calls);
    look_at_days(p, RETAIN_MESSAGES, &p->messages);
    look_at_spool(p);
    *ret_plan = p;
    return 0;
}

void retention_plan_close(struct retention_plan *p)
{
    if (p == NULL)
        return;
    forget_batch(&p->audio);
    store_reader_close(p->reader);
    free(p->segments);
    free(p->calls.items);
    free(p->messages.items);
    free(p);
}
