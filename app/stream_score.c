/* One place decides what a stream's score rests on. */
#include "app/stream_score.h"

#include <math.h>
#include <stdlib.h>

_Static_assert(RTP_MODES == SCORE_MODES, "frame types are counted as they are scored");

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
    });
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
