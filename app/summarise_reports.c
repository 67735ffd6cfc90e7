/* Finds the stream that each side of a report is about. The stream flows from one end that the
 * report names (its source) to the other: LocalMetrics are about what came FROM the remote end,
 * RemoteMetrics about what came from the local one. First by SSRC, of whose readings (hexadecimal,
 * decimal) the one counts that a stream has; among the same stream on several hops the one with the
 * fitting addresses. Else by the pair of addresses. A header of a message in the call names no
 * SSRC: its sender is a party, so the stream is the other party's, or its own. */
#include "app/summarise_reports.h"

#include <assert.h>
#include <math.h>

/* What is known of the stream that a side of a report is about. */
struct wanted {
    const struct call_report_end *from, *to;
    uint8_t party; /* who sends it; CALL_PARTY_UNKNOWN */
};

static struct wanted wanted_of(const struct call_report *in, unsigned side)
{
    uint8_t other = in->party == CALL_CALLER   ? CALL_CALLEE
                    : in->party == CALL_CALLEE ? CALL_CALLER
                                               : CALL_PARTY_UNKNOWN;
    return (struct wanted){
        .from = &in->end[side == CALL_REPORT_LOCAL ? CALL_REPORT_REMOTE : CALL_REPORT_LOCAL],
        .to = &in->end[side],
        .party = side == CALL_REPORT_LOCAL ? other : in->party,
    };
}

/* 2: address and port; 1: the address alone; 0: another, or not said. */
static unsigned likeness(const struct call_report_end *said, const struct endpoint *seen)
{
    if (addr_is_any(said->at.addr) || !addr_equal(said->at.addr, seen->addr))
        return 0;
    return said->at.port == seen->port ? 2 : 1;
}

static unsigned ends_match(const struct wanted *w, const struct record_stream *s)
{
    return likeness(w->from, &s->src) + likeness(w->to, &s->dst);
}

static const struct record_stream *better(const struct wanted *w, const struct record_stream *a,
                                          const struct record_stream *b)
{
    if (a == NULL)
        return b;
    unsigned old = ends_match(w, a), new = ends_match(w, b);
    return new > old || (new == old && b->packets > a->packets) ? b : a;
}

static const struct record_stream *by_ssrc(const struct call_record *r, const struct wanted *w)
{
    const struct record_stream *found = NULL;
    for (unsigned i = 0; i < w->from->ssrc_count && found == NULL; i++)
        for (uint32_t k = 0; k < r->stream_count; k++)
            if (r->streams[k].ssrc == w->from->ssrc[i])
                found = better(w, found, &r->streams[k]);
    return found;
}

/* Both ends; a port that the report leaves out fits any. */
static bool is_pair(const struct wanted *w, const struct record_stream *s)
{
    unsigned from = likeness(w->from, &s->src), to = likeness(w->to, &s->dst);
    return (from == 2 || (from == 1 && w->from->at.port == 0)) &&
           (to == 2 || (to == 1 && w->to->at.port == 0));
}

static const struct record_stream *by_pair(const struct call_record *r, const struct wanted *w)
{
    const struct record_stream *found = NULL;
    for (uint32_t k = 0; k < r->stream_count; k++)
        if (is_pair(w, &r->streams[k]))
            found = better(w, found, &r->streams[k]);
    return found;
}

static const struct record_stream *by_party(const struct call_record *r, const struct wanted *w)
{
    const struct record_stream *found = NULL;
    for (uint32_t k = 0; k < r->stream_count; k++) {
        const struct record_stream *s = &r->streams[k];
        if (w->party != CALL_PARTY_UNKNOWN && strcmp(s->party, call_party_text(w->party)) == 0 &&
            strcmp(s->media_type, "audio") == 0)
            found = better(w, found, s);
    }
    return found;
}

static const struct record_stream *find_stream(const struct call_record *r,
                                               const struct call_report *in, const struct wanted *w,
                                               const char **ret_match)
{
    const struct record_stream *s = by_ssrc(r, w);
    *ret_match = "ssrc";
    if (s == NULL) {
        s = by_pair(r, w);
        *ret_match = "addresses";
    }
    if (s == NULL && in->source == CALL_REPORT_RTP_STAT) {
        s = by_party(r, w);
        *ret_match = "party";
    }
    if (s == NULL)
        *ret_match = NULL;
    return s;
}

/* The reading that a stream has, else the first. */
static void fill_ssrc(const struct wanted *w, const struct record_stream *s,
                      struct record_report *out)
{
    out->has_ssrc = w->from->ssrc_count > 0;
    out->ssrc = w->from->ssrc[0];
    for (unsigned i = 0; s && i < w->from->ssrc_count; i++)
        if (w->from->ssrc[i] == s->ssrc)
            out->ssrc = s->ssrc;
}

static void fill(struct call_record *r, const struct call_report *in, unsigned side,
                 struct record_report *out)
{
    const struct call_report_side *v = &in->side[side];
    struct wanted w = wanted_of(in, side);
    const struct record_stream *s = find_stream(r, in, &w, &out->match);
    out->time_us = in->time_ns / 1000;
    out->source = call_report_source_text(in->source);
    out->kind = call_report_kind_text(in->kind);
    out->side = side == CALL_REPORT_LOCAL ? "local" : "remote";
    out->party = call_party_text((enum call_party)in->party);
    out->reporter = arena_copy(r->arena, in->reporter);
    out->user_agent = arena_copy(r->arena, in->user_agent);
    out->alert = arena_copy(r->arena, in->alert);
    out->codec = arena_copy(r->arena, v->codec);
    out->estimator = arena_copy(r->arena, v->estimator);
    out->buffer = call_report_buffer_text(v->buffer);
    out->started_us = v->started_ns / 1000;
    out->stopped_us = v->stopped_ns / 1000;
    out->src = w.from->at;
    out->dst = w.to->at;
    out->sid = s ? s->sid : 0;
    fill_ssrc(&w, s, out);
#define X(name, key, decimals) out->reported[RECORD_REPORT_##name] = v->figure[CALL_REPORT_##name];
    RECORD_REPORT_FIGURES(X)
#undef X
}

static_assert((int)CALL_REPORT_FIGURE_COUNT == (int)RECORD_REPORT_FIGURE_COUNT,
              "a figure that is not stored");

/* An alert, and a report without figures, speaks of what its reporter received. */
static bool has_side(const struct call_report *v, unsigned side)
{
    return v->side[side].present ||
           (side == CALL_REPORT_LOCAL && !v->side[CALL_REPORT_REMOTE].present);
}

void summarise_reports(struct call_record *r, const struct call *c)
{
    struct record_reports *out = &r->reports;
    if (c == NULL || c->reports == NULL)
        return;
    out->over_limit = c->reports->over_limit;
    out->items = arena_alloc(r->arena, (2 * c->reports->count + 1) * sizeof *out->items);
    for (const struct call_report *v = c->reports->first; v && out->items; v = v->next)
        for (unsigned side = 0; side < 2; side++)
            if (has_side(v, side))
                fill(r, v, side, &out->items[out->count++]);
}
