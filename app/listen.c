/* A listener's thread is that of its answer (api/body_pipe.h): it takes packets from its tap,
 * decodes them and gives out what is half a second old, paced by the clock. Packet time and ours
 * are tied at the first packet; packets that come ahead of it (a capture read faster than it was
 * made) move it on.
 *
 *   worker --tap--> [ ear: the last seconds, in a process of its own ] --DELAY behind--> out()
 *
 * When out() stood still for long (the client does not read), what became too old is left out: a
 * listener hears the present. */
#include "app/listen.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "app/confine/ear.h"
#include "app/live_view.h"
#include "app/sound_tap.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "capture/rtp/red.h"
#include "capture/rtp/rtp.h"
#include "decode/ogg_opus.h"
#include "decode/srtp.h"

#define DELAY_NS    INT64_C(500000000)  /* for packets out of order, and jitter */
#define BEHIND_NS   INT64_C(1500000000) /* more than this is left out */
#define SECOND_NS   INT64_C(1000000000)
#define PIECE_MS    60
#define PIECE_NS    (INT64_C(1000000) * PIECE_MS)
#define WAIT_MS     20
#define BATCH       256
#define RATE_WIDE   16000
#define RATE_NARROW 8000
#define PIECE_MAX   (RATE_WIDE * PIECE_MS / 1000)
#define HEADER_SIZE 44
#define OPENERS_MAX 16

/* What opens protected flows of the call. */
struct keyring {
    unsigned count;
    struct media_key keys[MEDIA_KEYS_MAX];
    struct opener {
        uint32_t flow;
        struct srtp_opener *opener;
    } openers[OPENERS_MAX];
};

struct listening {
    struct listening_config config;
    pthread_mutex_t lock; /* guards the number and the counters */
    unsigned open;
};

struct listener {
    struct listening *listening;
    struct sound_tap *tap;
    int rate_hz;
    struct ear *ear;
    struct ogg_opus *ogg;      /* NULL: WAV */
    struct keyring keyring;
    bool begun;                /* a packet came */
    int64_t clock_ns, mono_ns; /* packet time and ours, at one moment */
    int64_t given_ns;          /* up to here */
    int64_t silent;            /* frames given out before the first packet */
    uint64_t skipped;
};

int listening_check(const struct settings *s, struct why *why)
{
    if (s->listeners_max <= LISTENERS_MAX)
        return 0;
    why_set(why, "[limits] listeners is a number from 0 to %d", LISTENERS_MAX);
    return ERR_INVALID;
}

struct listening *listening_new(const struct listening_config *config)
{
    struct listening *l = calloc(1, sizeof *l);
    if (l == NULL)
        return NULL;
    l->config = *config;
    pthread_mutex_init(&l->lock, NULL);
    return l;
}

void listening_free(struct listening *l)
{
    if (l == NULL)
        return;
    pthread_mutex_destroy(&l->lock);
    free(l);
}

static bool take_place(struct listening *l)
{
    pthread_mutex_lock(&l->lock);
    bool free_place = l->open < l->config.max;
    l->open += free_place;
    pthread_mutex_unlock(&l->lock);
    return free_place;
}

static void leave_place(struct listening *l, uint64_t dropped, uint64_t skipped, const struct ear *ear)
{
    pthread_mutex_lock(&l->lock);
    l->open--;
    if (ear)
        ear_count(ear, l->config.counters);
    counters_add(l->config.counters, C_LIVE_AUDIO_DROPPED, dropped);
    counters_add(l->config.counters, C_LIVE_AUDIO_SKIPS, skipped);
    pthread_mutex_unlock(&l->lock);
}

/* ---- in the worker's thread ---- */

struct joining {
    const struct live_want *want;
    struct sound_tap *tap;
    bool found, secret;
    int rate_hz;
};

/* Wide where some flow may carry more than a telephone's band. */
static void look_at_flows(struct joining *j, const struct wcall *wc)
{
    unsigned secure = 0, flows = 0;
    for (const struct wflow *f = wc->flows; f; f = f->next) {
        flows++;
        secure += f->secure;
        for (unsigned i = 0; i < f->codec_count; i++)
            if (codec_is_wide(f->codecs[i].name))
                j->rate_hz = RATE_WIDE;
    }
    j->secret = flows > 0 && secure == flows && wc->secrets.count == 0;
}

static void join(void *context, struct worker *w)
{
    struct joining *j = context;
    struct wcall *wc = live_view_find(w, j->want);
    if (wc == NULL)
        return;
    j->found = true;
    look_at_flows(j, wc);
    if (!j->secret)
        worker_tap_open(w, wc, j->tap);
}

static void part(void *context, struct worker *w)
{
    worker_tap_close(w, context);
}

/* Whoever borrows the tap gives it back at once, or because the pipeline ends. */
static void take_back(struct listening *l, struct sound_tap *t)
{
    const struct timespec pause = {.tv_nsec = 5000000};
    while (!atomic_load(&t->let_go)) {
        l->config.look(l->config.context, part, t);
        if (!atomic_load(&t->let_go))
            nanosleep(&pause, NULL);
    }
}

/* ---- protected media ---- */

static void forget_openers(struct keyring *r)
{
    for (unsigned i = 0; i < OPENERS_MAX; i++)
        srtp_opener_free(r->openers[i].opener);
    memset(r->openers, 0, sizeof r->openers);
}

static void forget_keys(struct keyring *r)
{
    forget_openers(r);
    crypto_wipe(r->keys, sizeof r->keys);
    r->count = 0;
}

/* All keys of the call, so far; they are wiped where they came from. */
static void take_keys(struct keyring *r, unsigned count, struct slice body)
{
    if (count > MEDIA_KEYS_MAX || body.size != count * sizeof *r->keys)
        return;
    forget_keys(r);
    memcpy(r->keys, body.data, body.size);
    r->count = count;
    crypto_wipe((void *)(uintptr_t)body.data, body.size);
}

/* Of the flow; NULL: there are too many, or no memory. */
static struct srtp_opener *opener_of(struct keyring *r, uint32_t flow, uint8_t party)
{
    for (unsigned i = 0; i < OPENERS_MAX; i++) {
        struct opener *o = &r->openers[i];
        if (o->opener && o->flow == flow)
            return o->opener;
        if (o->opener == NULL) {
            *o = (struct opener){flow, srtp_opener_new(r->keys, r->count, party)};
            return o->opener;
        }
    }
    return NULL;
}

/* Of RED only now it shows what it carries. */
static bool is_of(struct slice datagram, const struct rtp_codec *codec)
{
    struct rtp_packet p;
    struct red_block blocks[RED_BLOCKS_MAX];
    if (!rtp_parse(datagram, datagram.size, &p))
        return false;
    if (p.payload_type == codec->payload_type)
        return true;
    unsigned count = red_blocks(p.payload, blocks);
    return count && blocks[count - 1].payload_type == codec->payload_type;
}

/* False: nothing to be heard in it. */
static bool open_datagram(struct keyring *r, const struct sound_tap_packet *head, struct slice *datagram)
{
    if (!head->secure)
        return true;
    struct srtp_opener *o = opener_of(r, head->flow, head->party);
    return o && srtp_opener_packet(o, *datagram, datagram) == SRTP_OPENED && is_of(*datagram, &head->codec);
}

/* ---- sound ---- */

/* Lengths are not known and will not be: all ones, as players expect of a stream. */
static void header(int rate_hz, uint8_t out[HEADER_SIZE])
{
    const uint32_t rate = (uint32_t)rate_hz, bytes = rate * 4;
    const uint8_t text[HEADER_SIZE] = {'R',
                                       'I',
                                       'F',
                                       'F',
                                       255,
                                       255,
                                       255,
                                       255,
                                       'W',
                                       'A',
                                       'V',
                                       'E',
                                       'f',
                                       'm',
                                       't',
                                       ' ',
                                       16,
                                       0,
                                       0,
                                       0,
                                       1,
                                       0,
                                       2,
                                       0,
                                       (uint8_t)rate,
                                       (uint8_t)(rate >> 8),
                                       (uint8_t)(rate >> 16),
                                       0,
                                       (uint8_t)bytes,
                                       (uint8_t)(bytes >> 8),
                                       (uint8_t)(bytes >> 16),
                                       0,
                                       4,
                                       0,
                                       16,
                                       0,
                                       'd',
                                       'a',
                                       't',
                                       'a',
                                       255,
                                       255,
                                       255,
                                       255};
    memcpy(out, text, HEADER_SIZE);
}

static int64_t now_ns(const struct listener *l)
{
    return l->clock_ns + (clock_mono_ns() - l->mono_ns);
}

static void set_clock(struct listener *l, int64_t packet_ns)
{
    l->clock_ns = packet_ns;
    l->mono_ns = clock_mono_ns();
}

/* The first packet ends the silence: what is heard next is DELAY before it. */
static void begin(struct listener *l, int64_t packet_ns)
{
    set_clock(l, packet_ns);
    ear_begin(l->ear, packet_ns - DELAY_NS - l->silent * SECOND_NS / l->rate_hz);
    ear_skip(l->ear, packet_ns - DELAY_NS);
    l->given_ns = packet_ns - DELAY_NS;
    l->begun = true;
}

static void take_packets(struct listener *l)
{
    struct sound_tap_packet head;
    struct slice datagram;
    struct render_codec codec;
    for (unsigned n = 0; n < BATCH && sound_tap_next(l->tap, &head, &datagram); n++) {
        if (head.keys) {
            take_keys(&l->keyring, head.keys, datagram);
            continue;
        }
        if (!open_datagram(&l->keyring, &head, &datagram))
            continue;
        if (!l->begun)
            begin(l, head.time_ns);
        else if (head.time_ns > now_ns(l))
            set_clock(l, head.time_ns);
        codec = (struct render_codec){.clock_hz = head.codec.clock_hz,
                                      .payload_type = head.codec.payload_type,
                                      .channels = head.codec.channels};
        memcpy(codec.name, head.codec.name, sizeof codec.name);
        memcpy(codec.fmtp, head.codec.fmtp, sizeof codec.fmtp);
        ear_packet(l->ear, head.channel, head.flow, head.time_ns, datagram, &codec);
    }
    ring_release(l->tap->ring);
}

typedef int out_fn(void *context, const void *data, size_t size);

/* The one place where sound becomes bytes of the answer. */
static int give(struct listener *l, const int16_t *frames, int count, out_fn *out, void *context)
{
    if (l->ogg)
        return ogg_opus_write(l->ogg, frames, count, out, context);
    return out(context, frames, (size_t)count * 2 * sizeof *frames);
}

static int give_head(struct listener *l, out_fn *out, void *context)
{
    uint8_t head[HEADER_SIZE];
    if (l->ogg)
        return ogg_opus_write(l->ogg, NULL, 0, out, context);
    header(l->rate_hz, head);
    return out(context, head, sizeof head);
}

/* Nobody speaks yet. */
static int give_silence(struct listener *l, out_fn *out, void *context)
{
    static const int16_t NOTHING[2 * PIECE_MAX];
    int64_t piece = (int64_t)l->rate_hz * PIECE_MS / 1000;
    int64_t due = now_ns(l) * l->rate_hz / SECOND_NS - l->silent;
    if (due < piece)
        return 0;
    if (due > l->rate_hz)
        l->silent += due - piece; /* nobody misses silence */
    l->silent += piece;
    return give(l, NOTHING, (int)piece, out, context);
}

static int give_sound(struct listener *l, int64_t until_ns, bool rest, out_fn *out, void *context)
{
    int16_t piece[2 * PIECE_MAX];
    int wanted = l->rate_hz * PIECE_MS / 1000, count = 0, err = 0;
    if (!rest && until_ns - l->given_ns < PIECE_NS)
        return 0;
    if (!rest && until_ns - l->given_ns > BEHIND_NS)
        l->skipped += ear_skip(l->ear, until_ns - PIECE_NS) > 0;
    l->given_ns = until_ns;
    while (err == 0 && (count = ear_read(l->ear, until_ns, piece, wanted)) > 0)
        err = give(l, piece, count, out, context);
    return count < 0 ? ERR_IO : err;
}

static int run(void *context, out_fn *out, void *out_context)
{
    struct listener *l = context;
    set_clock(l, 0);
    int err = give_head(l, out, out_context);
    while (err == 0 && ring_wait(l->tap->ring, WAIT_MS)) {
        take_packets(l);
        err = l->begun ? give_sound(l, now_ns(l) - DELAY_NS, false, out, out_context)
                       : give_silence(l, out, out_context);
    }
    if (err == 0 && l->begun) {
        int64_t end_ns = ear_end(l->ear);
        err = give_sound(l, end_ns, true, out, out_context);
    }
    return err || l->ogg == NULL ? err : ogg_opus_end(l->ogg, out, out_context);
}

static void close_listener(void *context)
{
    struct listener *l = context;
    if (l->tap)
        take_back(l->listening, l->tap);
    leave_place(l->listening, l->tap ? atomic_load(&l->tap->dropped) : 0, l->skipped, l->ear);
    sound_tap_free(l->tap);
    ear_free(l->ear);
    ogg_opus_free(l->ogg);
    forget_keys(&l->keyring);
    free(l);
}

static void said(void *context, struct live_audio_said *ret_said)
{
    const struct listener *l = context;
    *ret_said =
        (struct live_audio_said){.dropped = atomic_load(&l->tap->dropped), .skipped = l->skipped};
}

static int open_on(struct listener *l, const struct live_want *want)
{
    struct joining j = {.want = want, .tap = l->tap, .rate_hz = RATE_NARROW};
    if (!l->listening->config.look(l->listening->config.context, join, &j) && !j.found)
        return ERR_BUSY;
    if (!j.found || j.secret)
        return j.found ? ERR_UNSUPPORTED : ERR_NOT_FOUND;
    l->rate_hz = j.rate_hz;
    int err = want->format == LIVE_OGG ? ogg_opus_new(l->rate_hz, 2, &l->ogg) : 0;
    if (err == 0)
        l->ear = ear_new(l->listening->config.confine, l->rate_hz);
    return err ? err : l->ear ? 0 : ERR_NOMEM;
}

int listening_open(struct listening *l, const struct live_want *want, struct live_audio *ret_audio)
{
    if (!take_place(l))
        return ERR_FULL;
    struct listener *one = calloc(1, sizeof *one);
    if (one == NULL) {
        leave_place(l, 0, 0, NULL);
        return ERR_NOMEM;
    }
    one->listening = l;
    one->tap = sound_tap_new();
    int err = one->tap ? open_on(one, want) : ERR_NOMEM;
    if (err) {
        close_listener(one);
        return err;
    }
    *ret_audio = (struct live_audio){
        .producer = {.context = one, .run = run, .free = close_listener, .live = true},
        .sample_rate_hz = one->rate_hz,
        .said = said};
    return 0;
}
