/* One place decides what a stream's score rests on. */
#include "app/stream_score.h"

#include <math.h>
#include <stdlib.h>

_Static_assert(RTP_MODES == SCORE_MODES, "frame types are counted as they are scored");

/* The receiver said that it does not conceal (RFC 3611 4.7.6). */
static bool conceals_nothing(const struct wstream *s)
{
    enum { PLC_DISABLED = 1 };
    struct rtcp_extended e = {.reports = 0};
    if (s->rtcp)
        rtcp_tap_extended(s->rtcp->tap, &e);
    return e.reports && e.voip.plc == PLC_DISABLED;
}

struct score stream_score(const struct wstream *s, uint64_t expected, uint64_t bad, uint64_t runs, double delay_ms)
{
    const struct quality_config *config = s->quality;
    return score_of(&(struct score_input){
        .book = config ? &config->book : NULL,
        .codec = slice_str(s->codec.name),
        .fmtp = slice_str(s->codec.fmtp),
        .mode_frames = s->modes ? s->modes->frames : NULL,
        .expected = expected,
        .bad = bad,
        .runs = runs,
        .delay_ms = delay_ms,
        .no_echo = config && config->no_echo,
        .no_concealment = conceals_nothing(s),
    });
}

/* RFC 3611 4.7.1: the share that the receiver discarded. How it was bunched is not told: it counts as single frames. */
struct stream_heard stream_heard(const struct wstream *s, const struct rtp_stats *stats)
{
    struct stream_heard heard = {.expected = stats->media_expected, .bad = stats->bad, .runs = stats->bad_runs};
    struct rtcp_extended e = {.reports = 0};
    if (s->rtcp)
        rtcp_tap_extended(s->rtcp->tap, &e);
    heard.playout = stats->simulated ? "AD" : "none";
    if (e.reports == 0)
        return heard;
    uint64_t arrived = stats->media_expected - stats->media_lost;
    uint64_t discarded = (uint64_t)llround(e.voip.discard_ratio * (double)stats->media_expected);
    discarded = discarded < arrived ? discarded : arrived;
    heard.bad = stats->media_lost + discarded;
    heard.runs = stats->runs + discarded;
    heard.playout = "xr";
    return heard;
}

const struct suspect *stream_suspect(const struct wstream *s)
{
    struct suspect *own = s->rtcp ? &s->rtcp->suspect : NULL;
    if (own == NULL || own->count == 0)
        return s->flow->call->suspect;
    own->also = s->flow->call->suspect;
    return own;
}

void stream_note_modes(struct wstream *s, const struct rtp_codec *codec, struct slice payload, size_t wire_bytes)
{
    if (s->modes == NULL)
        s->modes = calloc(1, sizeof *s->modes);
    if (s->modes)
        rtp_modes_count(s->modes, codec, payload, wire_bytes);
}

int quality_configure(const struct settings *s, struct quality_config *ret_config, struct why *why)
{
    struct slice wrong;
    *ret_config = (struct quality_config){.no_echo = s->quality_echo == QUALITY_ECHO_NONE,
                                          .assumed_delay_ms = s->quality_delay ? (double)s->quality_delay / 1e6 : NAN};
    if (quality_book_parse(&ret_config->book, s->quality_codecs, &wrong) == 0)
        return 0;
    why_set(why, "quality.codecs: \"%.*s\" gives no values; write codec, scale, Ie, Bpl, e.g. opus FB 5 15 or AMR-WB/12.65 WB 13 8, at most %d",
            SLICE_ARGS(wrong), QUALITY_OWN_MAX);
    return ERR_INVALID;
}
