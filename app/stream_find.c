/* Two streams of a call belong together when each runs to where the other comes from. Behind a NAT the
 * ports may differ, so the addresses decide and the ports choose. */
#include "app/stream_find.h"

#include "app/stream_score.h"
#include "app/suspect.h"

void stream_stats(const struct wstream *s, struct stream_stats *ret_stats)
{
    ret_stats->stream = s;
    rtp_stream_stats(s->rtp, &ret_stats->all);
    ret_stats->network = ret_stats->all;
    suspect_take_off(stream_suspect(s), s->rtp, &ret_stats->network);
}

const struct wstream *stream_of(const struct wcall *wc, uint32_t sid)
{
    const struct wstream *s = wc->streams;
    while (s && s->sid != sid)
        s = s->next;
    return s;
}

const struct wstream *stream_back(const struct wcall *wc, const struct wstream *s)
{
    const struct wstream *best = NULL;
    unsigned best_fit = 0;
    for (const struct wstream *b = wc->streams; b; b = b->next) {
        const struct wflow *x = s->flow, *y = b->flow;
        bool ends = addr_equal(x->src.addr, y->dst.addr) && addr_equal(x->dst.addr, y->src.addr);
        bool ports = x->src.port == y->dst.port && x->dst.port == y->src.port;
        if (b == s || !ends || b->rtcp == NULL || 1u + ports <= best_fit)
            continue;
        best = b;
        best_fit = 1u + ports;
    }
    return best;
}
