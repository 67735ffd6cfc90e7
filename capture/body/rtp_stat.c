/* Fields are separated by ';' or ','. A piece without '=' is the second value of the field before
 * it: PL=0,2 and IP=10.1.0.33:16384,10.2.0.1:20048 are one field each. Quotes protect. */
#include "capture/body/rtp_stat.h"

#include "capture/body/lines.h"
#include "capture/body/numbers.h"

void rtp_stat_init(struct rtp_stat *s)
{
    *s = (struct rtp_stat){
        .packets_sent = -1,
        .octets_sent = -1,
        .packets_received = -1,
        .octets_received = -1,
        .lost_received = -1,
        .lost_sent = -1,
        .discarded = -1,
        .duration_s = -1,
        .setup_ms = -1,
        .jitter_received_ms = NAN,
        .jitter_sent_ms = NAN,
        .latency_ms = NAN,
        .mos_lq = NAN,
    };
}

enum kind { NO_STAT, BOTH_WAYS, RECEIVED, SENT };

static enum kind kind_of(struct slice name)
{
    if (slice_is_nocase(name, "X-RTP-Stat") || slice_is_nocase(name, "P-RTP-Stat") ||
        slice_is_nocase(name, "X-RTP-Stats") || slice_is_nocase(name, "X-Siemens-RTP-stats"))
        return BOTH_WAYS;
    if (slice_is_nocase(name, "RTP-RxStat"))
        return RECEIVED;
    return slice_is_nocase(name, "RTP-TxStat") ? SENT : NO_STAT;
}

bool rtp_stat_header(struct slice name)
{
    return kind_of(name) != NO_STAT;
}

/* ---- fields ---- */

struct field {
    struct slice key;
    struct slice value[2]; /* the second may be empty */
};

/* Takes one piece off the front, up to ';' or ',' outside quotes. */
static struct slice piece(struct slice *rest)
{
    size_t end = 0;
    bool quoted = false;
    for (; end < rest->size; end++) {
        uint8_t c = rest->data[end];
        quoted ^= c == '"';
        if (!quoted && (c == ';' || c == ','))
            break;
    }
    struct slice p = slice_trim(slice_sub(*rest, 0, end));
    *rest = slice_from(*rest, end + 1);
    return p;
}

static bool field_next(struct slice *rest, struct field *ret)
{
    bool found = false;
    while (rest->size && !found)
        found = line_split(piece(rest), '=', &ret->key, &ret->value[0]);
    ret->value[1] = slice_none();
    struct slice ahead = *rest, second = piece(&ahead);
    if (found && second.size && slice_index(second, '=') == second.size) {
        ret->value[1] = second;
        *rest = ahead;
    }
    return found;
}

static bool set_count(int64_t *to, struct slice text)
{
    int64_t v = number_whole(text);
    if (v < 0)
        return false;
    *to = v;
    return true;
}

static bool set_ms(double *to, struct slice text)
{
    double v = number_decimal(text);
    if (!(v >= 0))
        return false;
    *to = v;
    return true;
}

static bool set_mos(struct rtp_stat *s, struct slice text)
{
    double v = number_decimal(text);
    if (!(v >= 1 && v <= 5))
        return false;
    s->mos_lq = v;
    return true;
}

/* "PCMA/8000/1" */
static bool set_codec(struct slice *to, struct slice text)
{
    *to = slice_cut(&text, '/');
    return to->size > 0;
}

static bool both_ways(const struct field *f, struct rtp_stat *s)
{
    const struct slice k = f->key, *v = f->value;
    if (slice_is_nocase(k, "PS"))
        return set_count(&s->packets_sent, v[0]);
    if (slice_is_nocase(k, "OS"))
        return set_count(&s->octets_sent, v[0]);
    if (slice_is_nocase(k, "PR"))
        return set_count(&s->packets_received, v[0]);
    if (slice_is_nocase(k, "OR"))
        return set_count(&s->octets_received, v[0]);
    if (slice_is_nocase(k, "PL"))
        return set_count(&s->lost_received, v[0]) | set_count(&s->lost_sent, v[1]);
    if (slice_is_nocase(k, "PD"))
        return set_count(&s->discarded, v[0]);
    if (slice_is_nocase(k, "JI") || slice_is_nocase(k, "Jitter"))
        return set_ms(&s->jitter_received_ms, v[0]) | set_ms(&s->jitter_sent_ms, v[1]);
    if (slice_is_nocase(k, "LA") || slice_is_nocase(k, "DL"))
        return set_ms(&s->latency_ms, v[0]);
    if (slice_is_nocase(k, "DU") || slice_is_nocase(k, "CD"))
        return set_count(&s->duration_s, v[0]);
    if (slice_is_nocase(k, "CS"))
        return set_count(&s->setup_ms, v[0]);
    if (slice_is_nocase(k, "MOS"))
        return set_mos(s, v[0]);
    if (slice_is_nocase(k, "EN"))
        return set_codec(&s->encoder, v[0]);
    if (slice_is_nocase(k, "DE"))
        return set_codec(&s->decoder, v[0]);
    if (slice_is_nocase(k, "IP")) {
        s->local = v[0];
        s->remote = v[1];
        return v[0].size > 0;
    }
    return false;
}

/* The fields in VQMetrics="..." */
static bool vq_metrics(struct slice quoted, struct rtp_stat *s)
{
    struct field f;
    bool known = false;
    while (quoted.size && *quoted.data == '"')
        quoted = slice_from(quoted, 1);
    struct slice inside = slice_cut(&quoted, '"');
    while (field_next(&inside, &f)) {
        if (slice_is_nocase(f.key, "MLQK"))
            known |= set_mos(s, f.value[0]);
    }
    return known;
}

static bool one_way(const struct field *f, bool received, struct rtp_stat *s)
{
    const struct slice k = f->key, v = f->value[0];
    if (slice_is_nocase(k, "Dur"))
        return set_count(&s->duration_s, v);
    if (slice_is_nocase(k, "Pkt"))
        return set_count(received ? &s->packets_received : &s->packets_sent, v);
    if (slice_is_nocase(k, "Oct"))
        return set_count(received ? &s->octets_received : &s->octets_sent, v);
    if (!received)
        return false;
    if (slice_is_nocase(k, "LostPkt"))
        return set_count(&s->lost_received, v);
    if (slice_is_nocase(k, "LatePkt"))
        return set_count(&s->discarded, v);
    if (slice_is_nocase(k, "AvgJit"))
        return set_ms(&s->jitter_received_ms, v);
    return slice_is_nocase(k, "VQMetrics") && vq_metrics(v, s);
}

bool rtp_stat_read(struct slice name, struct slice value, struct rtp_stat *s)
{
    enum kind kind = kind_of(name);
    struct field f;
    bool known = false;
    while (kind != NO_STAT && field_next(&value, &f))
        known |= kind == BOTH_WAYS ? both_ways(&f, s) : one_way(&f, kind == RECEIVED, s);
    return known;
}
