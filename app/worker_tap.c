/* Live listeners of a worker's calls. A call without one costs a look at one byte of the flow, in
 * the cache line that each packet touches anyway. */
#include "app/worker_internal.h"

#include "app/sound_tap.h"
#include "capture/sip/sdp.h"

/* The byte of each flow says whether anybody listens. */
static void mark(struct worker *w, struct wcall *wc)
{
    bool tapped = false;
    for (const struct sound_tap *t = w->taps; t; t = t->next)
        tapped |= t->call == wc;
    wc->tapped = tapped;
    for (struct wflow *f = wc->flows; f; f = f->next)
        f->tapped = tapped;
}

void worker_tap_open(struct worker *w, struct wcall *wc, struct sound_tap *t)
{
    atomic_store(&t->let_go, false);
    t->call = wc;
    t->next = w->taps;
    w->taps = t;
    mark(w, wc);
}

static void unlink_tap(struct worker *w, struct sound_tap **at)
{
    struct sound_tap *t = *at;
    struct wcall *wc = t->call;
    *at = t->next;
    mark(w, wc);
    sound_tap_let_go(t);
}

void worker_tap_close(struct worker *w, struct sound_tap *t)
{
    for (struct sound_tap **at = &w->taps; *at; at = &(*at)->next) {
        if (*at != t)
            continue;
        unlink_tap(w, at);
        return;
    }
}

void worker_taps_end(struct worker *w, const struct wcall *wc)
{
    for (struct sound_tap **at = &w->taps; *at;) {
        if ((*at)->call == wc)
            unlink_tap(w, at);
        else
            at = &(*at)->next;
    }
}

/* As in the recording: who sends is heard on his side; of orphans the first flow is left. */
static uint8_t channel_of(const struct wflow *f)
{
    if (f->party == CALL_CALLER || f->party == CALL_CALLEE)
        return f->party == CALL_CALLEE;
    return f != f->call->flows;
}

/* Keys go ahead of what they open; the listener wipes them (listen.c). */
static void tell_keys(struct sound_tap *t, const struct wsecrets *keys)
{
    const struct sound_tap_packet head = {.keys = (uint8_t)keys->count};
    if (t->keys != keys->count &&
        sound_tap_put(t, &head, slice_of(keys->items, keys->count * sizeof *keys->items)))
        t->keys = keys->count;
}

/* What encrypted RED carries, as SDP says it ("111/111"): who opens it sees whether it does. */
static const struct rtp_codec *said_inside(const struct wflow *f, const struct rtp_codec *red)
{
    struct slice said = slice_str(red->fmtp);
    uint32_t type;
    if (!slice_to_u32(slice_cut(&said, '/'), &type))
        return red;
    for (unsigned i = 0; i < f->codec_count; i++)
        if (f->codecs[i].payload_type == type && f->codecs[i].kind == CODEC_AUDIO)
            return &f->codecs[i];
    return red;
}

void worker_tap_packet(struct worker *w, const struct wflow *f, const struct rtp_codec *codec,
                       const struct event *event)
{
    const struct wsecrets *keys = &f->call->secrets;
    if ((f->secure && keys->count == 0) || f->media_type != SDP_AUDIO)
        return;
    if (f->secure && codec->kind == CODEC_REDUNDANCY)
        codec = said_inside(f, codec);
    struct sound_tap_packet head = {.time_ns = event->time_ns,
                                    .flow = f->number,
                                    .channel = channel_of(f),
                                    .party = (uint8_t)f->party,
                                    .secure = f->secure,
                                    .codec = *codec};
    for (struct sound_tap *t = w->taps; t; t = t->next) {
        if (t->call != f->call)
            continue;
        if (f->secure)
            tell_keys(t, keys);
        sound_tap_put(t, &head, event->body);
    }
}
