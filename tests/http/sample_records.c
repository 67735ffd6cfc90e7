#include "sample_records.h"

#include <fcntl.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crypto.h"
#include "storage/spool.h"

#define CALLER                                                                                     \
    (struct endpoint)                                                                              \
    {                                                                                              \
        .addr = addr_v4(0x0a000001), .port = 5060                                                  \
    }
#define CALLEE                                                                                     \
    (struct endpoint)                                                                              \
    {                                                                                              \
        .addr = addr_v4(0x0a000002), .port = 5060                                                  \
    }
#define PACKETS 3000

static const char INVITE[] = "INVITE sip:2000@10.0.0.2 SIP/2.0\r\nFrom: "
                             "\"<script>alert(1)</script>\" <sip:1000@10.0.0.1>\r\n\r\n";
static const char OK[] = "SIP/2.0 200 OK\r\nX: \xff\xfe\r\n\r\n";

__attribute__((format(printf, 2, 3))) static struct slice text_in(struct arena *a,
                                                                  const char *format, ...)
{
    char text[64];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return arena_copy(a, slice_str(text));
}

static void fill_identity(struct call_record *r, int n, int64_t now_us)
{
    snprintf(r->uid, sizeof r->uid, "%08x-0000-8000-8000-000000000000", (unsigned)n);
    r->kind = "call";
    r->state = "ended";
    r->outcome = n % 10 == 5 ? "busy" : "answered";
    r->end_reason = n % 10 == 5 ? "rejected" : "bye";
    r->released_by = "caller";
    r->direction = "unknown";
    r->sip_code = n % 10 == 5 ? 486 : 200;
    r->call_id = text_in(r->arena, "call-%d@10.0.0.1", n);
    r->from.user = text_in(r->arena, "1%03d", n);
    r->to.user = slice_str("2000");
    r->from.display = slice_str("<script>alert(1)</script>");
    r->user_agent = slice_str("Sample \"phone\" 1.0");
    r->src = CALLER;
    r->dst = CALLEE;
    r->started_us = now_us - (int64_t)(n + 1) * 1000000;
    r->ended_us = r->started_us + 500000;
    if (n % 10 != 5) {
        r->answered_us = r->started_us + 100000;
        r->duration_ms = 400;
    }
}

static int fill_stream(struct call_record *r)
{
    struct record_stream *s = arena_alloc(r->arena, sizeof *s);
    struct record_series *t = &s->series;

    if (s == NULL)
        return ERR_NOMEM;
    record_stream_init(s);
    r->streams = s;
    r->stream_count = 1;
    s->sid = 1;
    s->party = "caller";
    s->media_type = "audio";
    s->ssrc = 0x1a2b3c4d;
    s->src = s->dst = CALLER;
    s->src.port = 4000;
    s->dst = CALLEE;
    s->dst.port = 5000;
    s->codec = slice_str("PCMA");
    s->clock_hz = 8000;
    s->payload_type = 8;
    s->first_us = r->answered_us;
    s->last_us = r->ended_us;
    s->packets = 98;
    s->expected = 100;
    s->lost = 2;
    s->confidence = "sdp";
    s->flow_chain = 2;
    *t = (struct record_series){.start_us = r->answered_us,
                                .step_ms = 1000,
                                .step_count = 3,
                                .window_ms = 10000,
                                .window_count = 1};
    t->packets = arena_alloc(r->arena, 3 * sizeof *t->packets);
    t->lost = arena_alloc(r->arena, 3 * sizeof *t->lost);
    t->discarded = arena_alloc(r->arena, 3 * sizeof *t->discarded);
    t->max_gap_ms = arena_alloc(r->arena, 3 * sizeof *t->max_gap_ms);
    t->jitter_ms = arena_alloc(r->arena, 3 * sizeof *t->jitter_ms);
    t->mos = arena_alloc(r->arena, sizeof *t->mos);
    t->r = arena_alloc(r->arena, sizeof *t->r);
    for (int i = 0; i < 3; i++) {
        t->packets[i] = 50;
        t->lost[i] = (uint32_t)i;
        t->max_gap_ms[i] = 20.5f;
        t->jitter_ms[i] = i == 1 ? NAN : 1.5f;
    }
    t->mos[0] = 4.25f;
    t->r[0] = 90;
    return 0;
}

/* Signalling and media of a call into the spool; its chains into the record. */
static int fill_spool(struct call_record *r, struct counters *counters, const char *data_dir)
{
    const struct spool_config config = {.data_dir = data_dir};
    struct spool *spool;
    struct why why = {0};
    static uint8_t rtp[172] = {0x80, 8};

    int err = spool_open(&config, counters, &spool, &why);
    if (err)
        return err;
    r->chain_count = 2;
    r->chains = arena_alloc(r->arena, 2 * sizeof *r->chains);
    for (unsigned flow = 0; flow < 2; flow++) {
        struct record_chain *c = &r->chains[flow];
        struct spool_flow_info info = {.flow = flow,
                                       .kind = flow ? SPOOL_MEDIA : SPOOL_SIGNALLING,
                                       .src = CALLER,
                                       .dst = CALLEE};
        int64_t now_ns = r->started_us * 1000;
        info.uid[6] = info.uid[8] = 0x80; /* "00000000-0000-8000-8000-..." */
        c->src = info.src;
        c->dst = info.dst;
        c->party = flow ? "caller" : NULL;
        struct spool_flow *f = spool_flow_open(spool, &info, now_ns);
        for (int i = 0; f && i < (flow ? PACKETS : 2); i++) {
            struct spool_packet p = {.time_ns = now_ns + INT64_C(1000000) * i,
                                     .src = CALLER,
                                     .dst = CALLEE,
                                     .ttl = 64,
                                     .transport = 17};
            p.payload = flow ? slice_of(rtp, sizeof rtp) : slice_str(i ? OK : INVITE);
            p.wire_bytes = (uint32_t)p.payload.size;
            c->packets += spool_flow_packet(spool, f, &p);
        }
        c->tail = spool_flow_close(spool, f);
    }
    spool_close(spool);
    return 0;
}

static int write_audio(const char *data_dir, const char *path, uint8_t ret_sha256[32])
{
    char name[1000];
    static uint8_t bytes[SAMPLE_AUDIO_BYTES];

    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 2654435761u >> 16);
    crypto_sha256(slice_of(bytes, sizeof bytes), ret_sha256);
    snprintf(name, sizeof name, "%s/media", data_dir);
    mkdir(name, 0700);
    snprintf(name, sizeof name, "%s/%s", data_dir, path);
    int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool ok = fd >= 0 && write(fd, bytes, sizeof bytes) == (ssize_t)sizeof bytes;
    if (fd >= 0)
        close(fd);
    return ok ? 0 : ERR_IO;
}

static int fill_recording(struct call_record *r, int n, const char *data_dir)
{
    struct record_recording *g = &r->recording;

    snprintf(g->id, sizeof g->id, "%08x-1111-8000-8000-000000000000", (unsigned)n);
    g->result = "recorded";
    g->state = n == 1 ? "rendering" : "ready";
    g->format = slice_str("wav");
    g->path = slice_str(n == 0 ? "media/sample.wav" : "media/gone.wav");
    g->sample_rate_hz = 8000;
    g->channels = 2;
    g->started_us = r->answered_us;
    g->duration_ms = 400;
    g->size_bytes = SAMPLE_AUDIO_BYTES;
    return n == 0 ? write_audio(data_dir, "media/sample.wav", g->sha256) : 0;
}

static int put_messages(struct store *store, const struct call_record *r)
{
    const struct record_message messages[] = {
        {.n = 1,
         .time_us = r->started_us,
         .src = CALLER,
         .dst = CALLEE,
         .party = "caller",
         .vlan_outer = 100,
         .transport = "udp",
         .method = slice_str("INVITE"),
         .cseq = 1,
         .has_sdp = true,
         .raw = slice_str(INVITE)},
        {.n = 2,
         .time_us = r->answered_us,
         .src = CALLEE,
         .dst = CALLER,
         .party = "callee",
         .transport = "udp",
         .method = slice_str("INVITE"),
         .status = 200,
         .reason_phrase = slice_str("OK"),
         .cseq = 1,
         .raw = slice_str(OK)},
    };

    return store_put_messages(store, r->uid, r->started_us, messages, 2);
}

static int fill_call(struct store *store, struct counters *counters, const char *data_dir, int n,
                     int64_t now_us)
{
    struct call_record *r = record_new();
    int err = r ? 0 : ERR_NOMEM;

    if (err)
        return err;
    fill_identity(r, n, now_us);
    if (n == 0)
        err = fill_stream(r);
    if (err == 0 && n == 0)
        err = fill_spool(r, counters, data_dir);
    if (err == 0 && n < 3)
        err = fill_recording(r, n, data_dir);
    if (err == 0)
        err = store_put_call(store, r);
    if (err == 0 && n == 0)
        err = put_messages(store, r);
    record_free(r);
    return err;
}

int sample_fill(struct store *store, struct counters *counters, const char *data_dir,
                int64_t now_us)
{
    int err = 0;

    for (int n = 0; n < SAMPLE_CALLS && err == 0; n++)
        err = fill_call(store, counters, data_dir, n, now_us);
    return err ? err : store_commit(store);
}
