/* The delay of the network is half of a round trip: the assumption that both ways take as long is what `delay_basis` stands for. Reports
 * of both ends (RFC 3611 4.7.3) contain their own buffers and codecs; else those are added: the depth of the adaptive buffer that we
 * simulate, and what coding and packetisation take (G.114). */
#include "app/summarise_delay.h"

#include <math.h>

#include "app/stream_find.h"
#include "app/stream_score.h"
#include "app/suspect.h"

/* The record of the stream that runs back; NULL: RTCP never spoke of one, so it can say nothing. */
static const struct record_stream *running_back(const struct call_record *r, const struct wcall *wc, const struct wstream *s)
{
    const struct wstream *back = stream_back(wc, s);
    for (uint32_t i = 0; back && i < r->stream_count; i++)
        if (r->streams[i].sid == back->sid)
            return &r->streams[i];
    return NULL;
}

/* Both ends say the round trip and their own share: a mean of the two for the way between. */
static double reported(const struct record_stream *s, const struct record_stream *back)
{
    const struct record_voip *a = &s->rtcp.voip, *b = back ? &back->rtcp.voip : NULL;
    if (b == NULL || a->reports == 0 || b->reports == 0 || isnan(a->end_system_ms) || isnan(b->end_system_ms))
        return NAN;
    double trip = isnan(a->round_trip_ms) ? b->round_trip_ms : a->round_trip_ms;
    return (trip + a->end_system_ms + b->end_system_ms) / 2;
}

double summarise_delay_ms(const struct record_stream *s, const struct record_stream *back, double buffer_ms, double assumed_ms,
                          const char **ret_basis)
{
    double ends = reported(s, back), coding = codec_delay_ms(s->codec, isnan(s->ptime_ms) ? 0 : s->ptime_ms);
    *ret_basis = "xr";
    if (!isnan(ends))
        return ends;
    double way = s->rtcp.rtt_ms / 2 + coding + (isnan(buffer_ms) ? 0 : buffer_ms);
    *ret_basis = "rtcp";
    if (!isnan(way))
        return way;
    bool one_side = s->rtcp.tap_caller.count > 0 || s->rtcp.tap_callee.count > 0;
    *ret_basis = !isnan(assumed_ms) ? "assumed" : one_side ? "partial" : "none";
    return assumed_ms;
}

void summarise_delay(struct call_record *r, const struct wcall *wc, const struct stream_stats *stats)
{
    for (uint32_t i = 0; i < r->stream_count; i++) {
        struct record_stream *out = &r->streams[i];
        struct record_quality *q = &out->quality;
        const struct wstream *s = stats[i].stream;
        const struct rtp_stats *t = &stats[i].network; /* as for the listening quality */
        if (q->scale == NULL)
            continue;
        double simulated_ms = out->playout.given ? out->playout.buffers[PLAYOUT_AD].delay_ms : NAN;
        const struct record_voip *voip = &out->rtcp.voip;
        double buffer_ms = voip->reports && voip->buffer_nominal_ms > 0 ? (double)voip->buffer_nominal_ms : simulated_ms;
        double assumed_ms = s->quality ? s->quality->assumed_delay_ms : NAN;
        double delay_ms = summarise_delay_ms(out, running_back(r, wc, s), buffer_ms, assumed_ms, &q->delay_basis);
        if (isnan(delay_ms))
            continue;
        q->delay_ms = delay_ms;
        struct stream_heard heard = stream_heard(s, t);
        q->mos_cq = stream_score(s, heard.expected, heard.bad, heard.runs, delay_ms).mos_cq;
    }
}
