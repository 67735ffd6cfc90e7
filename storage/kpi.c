/* See kpi.h: from a record to its sample, and the rules that are settings. Cells are in kpi_cell.c.
 */
#include "storage/kpi.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>

#include "base/error.h"

#define TIMER_F_US INT64_C(32000000) /* 64 * T1, RFC 3261 17.1.2.2 */
#define SECOND_US  INT64_C(1000000)

const char *kpi_count_text(enum kpi_count v)
{
    static const char *const texts[] = {
#define KPI_TEXT(name, text) text,
        KPI_COUNTS(KPI_TEXT)};
    return texts[v];
}

const char *kpi_delay_text(enum kpi_delay v)
{
    static const char *const texts[] = {KPI_DELAYS(KPI_TEXT)
#undef KPI_TEXT
    };
    return texts[v];
}

/* ---- rules ---- */

/* The next number of a list; false at its end or at what is none (*failed). */
static bool next_number(const char **at, unsigned low, unsigned high, unsigned *ret, bool *failed)
{
    char *end;
    while (**at == ',' || isspace((unsigned char)**at))
        ++*at;
    if (**at == '\0')
        return false;
    unsigned long v = isdigit((unsigned char)**at) ? strtoul(*at, &end, 10) : 0;
    if (v < low || v > high || !(*end == '\0' || *end == ',' || isspace((unsigned char)*end))) {
        *failed = true;
        return false;
    }
    *at = end;
    *ret = (unsigned)v;
    return true;
}

static int read_numbers(const char *text, unsigned low, unsigned high, unsigned *list,
                        unsigned *ret_count)
{
    bool failed = false;
    unsigned v, count = 0;
    while (next_number(&text, low, high, &v, &failed)) {
        if (count == KPI_CODES_MAX)
            return ERR_FULL;
        list[count++] = v;
    }
    *ret_count = count;
    return failed ? ERR_INVALID : 0;
}

int kpi_rules_codes(struct kpi_rules *rules, const char *text)
{
    unsigned list[KPI_CODES_MAX], count;
    int err = read_numbers(text, 300, 699, list, &count);
    if (err)
        return err;
    for (unsigned i = 0; i < count; i++)
        rules->ner_codes[i] = (uint16_t)list[i];
    rules->ner_code_count = count;
    return 0;
}

int kpi_rules_causes(struct kpi_rules *rules, const char *text)
{
    unsigned list[KPI_CODES_MAX], count;
    int err = read_numbers(text, 1, 127, list, &count);
    if (err)
        return err;
    for (unsigned i = 0; i < count; i++)
        rules->ner_causes[i] = (uint8_t)list[i];
    rules->ner_cause_count = count;
    return 0;
}

int kpi_rules_prefixes(struct kpi_rules *rules, const char *text)
{
    struct kpi_rules made = {0};
    for (;;) {
        text += strspn(text, ", \t");
        size_t n = strcspn(text, ", \t");
        if (n == 0)
            break;
        size_t plus = *text == '+';
        if (made.prefix_count == KPI_PREFIXES_MAX)
            return ERR_FULL;
        if (n == plus || n >= sizeof made.prefixes[0] ||
            strspn(text + plus, "0123456789") < n - plus)
            return ERR_INVALID;
        memcpy(made.prefixes[made.prefix_count++], text, n);
        text += n;
    }
    memcpy(rules->prefixes, made.prefixes, sizeof made.prefixes);
    rules->prefix_count = made.prefix_count;
    return 0;
}

void kpi_rules_defaults(struct kpi_rules *rules)
{
    *rules = (struct kpi_rules){.media_timeout_us = 60 * SECOND_US};
    (void)kpi_rules_codes(rules, "480 486 487 600 603 607 608");
    (void)kpi_rules_causes(rules, "16 17 18 19 20 21 22 28");
}

/* ---- a call ---- */

struct view { /* what the questions below ask of a record */
    const struct kpi_rules *rules;
    const struct call_record *r;
    bool answered;
    bool rang;    /* an 18x came */
    bool own_end; /* we do not know how it went on */
    bool bye_ok;  /* the BYE was answered with 2xx */
};

static bool is(const char *text, const char *what)
{
    return text && strcmp(text, what) == 0;
}

static struct view view_of(const struct kpi_rules *rules, const struct call_record *r)
{
    return (struct view){
        .rules = rules,
        .r = r,
        .answered = is(r->outcome, "answered"),
        .rang = r->progress_us != 0 || r->ringing_us != 0,
        .own_end = is(r->end_reason, "cut") || is(r->end_reason, "restart") ||
                   is(r->end_reason, "max_duration"),
        .bye_ok = r->bye_us && !isnan(r->disconnect_delay_ms),
    };
}

static enum kpi_standing standing_of(const struct view *v)
{
    const struct call_record *r = v->r;
    bool challenge = r->sip_code == 401 || r->sip_code == 407;
    if (r->processed_us == 0)
        return KPI_IS_PARTIAL;
    if (v->answered)
        return KPI_IS_ATTEMPT;
    if (v->own_end)
        return KPI_IS_UNFINISHED;
    return challenge && r->auth_attempts == 0 ? KPI_IS_CHALLENGED : KPI_IS_ATTEMPT;
}

/* A CANCEL, or a BYE before the answer, whose 487 was not seen, means it all the same. */
static unsigned refused_with(const struct view *v)
{
    if (v->r->sip_code == 0 && is(v->r->outcome, "cancelled"))
        return 487;
    return (unsigned)v->r->sip_code;
}

static bool is_effective(const struct view *v)
{
    const struct kpi_rules *rules = v->rules;
    int cause = v->r->q850_cause;
    unsigned code = refused_with(v);
    if (v->answered)
        return true;
    for (unsigned i = 0; cause && i < rules->ner_cause_count; i++)
        if (rules->ner_causes[i] == cause)
            return cause != 16 || v->rang;
    for (unsigned i = 0; cause == 0 && i < rules->ner_code_count; i++)
        if (rules->ner_codes[i] == code)
            return code != 487 || v->rang;
    return false;
}

static bool is_user_effective(const struct view *v)
{
    int code = v->r->sip_code;
    return v->answered || code == 480 || code == 486 || code == 600 || code == 603;
}

static bool is_timed_out(const struct view *v)
{
    return is(v->r->outcome, "lost") && is(v->r->end_reason, "sip_timeout");
}

static bool is_ineffective(const struct view *v)
{
    int code = v->r->sip_code;
    bool refused = code == 408 || code == 500 || code == 503 || code == 504;
    return !v->answered && (refused || is_timed_out(v));
}

static bool is_completed(const struct view *v)
{
    return v->answered && v->r->acked_us && v->bye_ok;
}

/* 4xx (but what asks for credentials or money), 5xx, 6xx. */
static bool is_failure(int code)
{
    return code >= 400 && code != 401 && code != 402 && code != 407;
}

static int64_t between(int64_t from_us, int64_t to_us)
{
    return from_us && to_us >= from_us ? to_us - from_us : -1;
}

static int64_t whole_us(double ms)
{
    return isnan(ms) || ms < 0 ? -1 : llround(ms * 1000);
}

static int64_t srd_of(const struct view *v)
{
    const struct call_record *r = v->r;
    if (!v->answered)
        return -1;
    /* a provisional response to a try before the last says nothing about that */
    bool status = r->progress_us && r->progress_us >= r->processed_us;
    return between(r->processed_us, status ? r->progress_us : r->answered_us);
}

static int64_t srd_failed_of(const struct view *v)
{
    /* after a BYE before the answer the end is the BYE, not the response */
    if (v->answered || v->r->bye_us || !is_failure(v->r->sip_code))
        return -1;
    return between(v->r->processed_us, v->r->ended_us);
}

static int64_t sdt_failed_of(const struct view *v)
{
    const struct call_record *r = v->r;
    if (!v->answered || v->own_end || v->bye_ok)
        return -1;
    return between(r->answered_us,
                   r->bye_us ? r->bye_us + TIMER_F_US : r->ended_us + v->rules->media_timeout_us);
}

static void fill_delays(const struct view *v, int64_t delay_us[KPI_DELAY_COUNT])
{
    const struct call_record *r = v->r;
    int64_t *d = delay_us;
    d[KPI_DELAY_PDD] = whole_us(r->post_dial_delay_ms);
    d[KPI_DELAY_SRD] = srd_of(v);
    d[KPI_DELAY_SRD_FAILED] = srd_failed_of(v);
    d[KPI_DELAY_SDT_FAILED] = sdt_failed_of(v);
    d[KPI_DELAY_SETUP] = v->answered ? between(r->started_us, r->answered_us) : -1;
    if (v->answered && v->bye_ok) {
        d[KPI_DELAY_SDD] = whole_us(r->disconnect_delay_ms);
        d[KPI_DELAY_SDT] = between(r->answered_us, r->bye_us);
    }
    if (v->answered)
        d[KPI_DELAY_RING] = between(r->ringing_us, r->answered_us);
    else if (!v->own_end)
        d[KPI_DELAY_RING] = between(r->ringing_us, r->ended_us);
    if (v->own_end)
        return;
    d[KPI_DELAY_HOLDING] = between(r->started_us, r->ended_us);
    if (v->answered)
        d[KPI_DELAY_TALK] = between(r->answered_us, r->bye_us ? r->bye_us : r->ended_us);
}

static uint64_t bit(bool set, enum kpi_count count)
{
    return set ? UINT64_C(1) << count : 0;
}

static enum kpi_count count_of(const char *text, enum kpi_count first, enum kpi_count last,
                               const char *before)
{
    size_t skip = strlen(before);
    for (unsigned i = first; i < last; i++)
        if (is(text, kpi_count_text((enum kpi_count)i) + skip))
            return (enum kpi_count)i;
    return last;
}

static uint64_t counts_of(const struct view *v, const int64_t *delay_us)
{
    const struct call_record *r = v->r;
    int64_t talk_us = delay_us[KPI_DELAY_TALK];
    bool talked = talk_us >= 0;
    return bit(true, KPI_ATTEMPTS) | bit(true, count_of(r->outcome, KPI_ANSWERED, KPI_LOST, "")) |
           bit(true, count_of(r->released_by, KPI_BY_CALLER, KPI_BY_UNKNOWN, "released_by_")) |
           bit(is_effective(v), KPI_EFFECTIVE) | bit(is_user_effective(v), KPI_USER_EFFECTIVE) |
           bit(is_ineffective(v), KPI_INEFFECTIVE) | bit(is_completed(v), KPI_COMPLETED) |
           bit(!v->answered && r->sip_code >= 300 && r->sip_code < 400, KPI_ENDED_3XX) |
           bit(is_timed_out(v), KPI_TIMED_OUT) | bit(r->ringing_us != 0, KPI_RANG) |
           bit(talked, KPI_TALKED) | bit(talked && talk_us < 3 * SECOND_US, KPI_SHORT_3S) |
           bit(talked && talk_us < 5 * SECOND_US, KPI_SHORT_5S) |
           bit(talked && talk_us < 10 * SECOND_US, KPI_SHORT_10S) |
           bit(v->answered && r->bye_us && !v->bye_ok, KPI_SDD_FAILED);
}

/* ---- quality ---- */

const char *kpi_scale_text(unsigned scale)
{
    static const char *const TEXTS[KPI_SCALES] = {"NB", "WB", "FB"};
    return TEXTS[scale];
}

static void fill_quality(const struct call_record *r, struct kpi_sample *s)
{
    for (uint32_t i = 0; i < r->stream_count; i++) {
        const struct record_stream *stream = &r->streams[i];
        if (!is(stream->media_type, "audio"))
            continue;
        s->packets_expected += stream->expected;
        s->packets_lost += stream->lost;
    }
    for (unsigned i = 0; i < KPI_SCALES && r->mos_min >= 1 && r->mos_min <= 5; i++) {
        if (!is(r->mos_scale, kpi_scale_text(i)))
            continue;
        s->scale = i;
        s->mos_milli = (uint16_t)lround(r->mos_min * 1000);
    }
}

bool kpi_sample_of(const struct kpi_rules *rules, const struct call_record *r,
                   struct kpi_sample *ret_sample)
{
    if (!r->final || !is(r->kind, "call") || !is(r->state, "ended"))
        return false;
    struct view v = view_of(rules, r);
    struct kpi_sample *s = ret_sample;
    *s = (struct kpi_sample){
        .standing = standing_of(&v),
        .start_us = r->started_us,
        .end_us = r->ended_us > r->started_us ? r->ended_us : r->started_us,
        .code = (uint16_t)r->sip_code,
        .cause = (uint8_t)r->q850_cause,
    };
    for (unsigned i = 0; i < KPI_DELAY_COUNT; i++)
        s->delay_us[i] = -1;
    fill_quality(r, s);
    switch (s->standing) {
    case KPI_IS_ATTEMPT:
        fill_delays(&v, s->delay_us);
        s->counts = counts_of(&v, s->delay_us);
        break;
    case KPI_IS_CHALLENGED:
        s->counts = bit(true, KPI_CHALLENGED);
        break;
    case KPI_IS_PARTIAL:
        s->counts = bit(true, KPI_PARTIAL);
        break;
    case KPI_IS_UNFINISHED:
        s->counts = bit(true, KPI_UNFINISHED);
        break;
    }
    return true;
}
