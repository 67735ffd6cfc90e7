/* The records say which streams may be the same; the first packets of the time in which both run
 * prove it. */
#include "app/decoder/sound_hops.h"

#include <string.h>

#include "base/hash.h"
#include "capture/rtp/rtp.h"
#include "storage/spool.h"

#define PRINTS     64  /* packets of the one that are compared with ... */
#define LOOKED_AT  512 /* ... so many of the other */
#define SAME_MIN   8
#define SKEW_NS    INT64_C(2000000000) /* a relay holds nothing for longer */
#define OVERLAP_US INT64_C(200000)

struct print {
    uint64_t payload;
    uint32_t timestamp;
    uint16_t sequence;
};

struct part {
    uint32_t ssrc;
    int64_t from_ns;
    struct spool_reader *reader;
};

/* The next packet of the part. */
static bool next_print(const struct part *p, struct print *ret)
{
    static const struct hash_seed seed;
    struct spool_packet packet;
    struct rtp_packet rtp;
    for (int got; (got = spool_reader_next(p->reader, &packet)) != 0;) {
        if (got < 0 || packet.rtcp || packet.fax || packet.time_ns < p->from_ns ||
            !rtp_parse(packet.payload, packet.payload.size, &rtp) || rtp.ssrc != p->ssrc)
            continue;
        *ret = (struct print){hash_bytes(&seed, rtp.payload.data, rtp.payload.size), rtp.timestamp,
                              rtp.sequence};
        return true;
    }
    return false;
}

static bool is_among(const struct print *prints, unsigned count, const struct print *x)
{
    for (unsigned i = 0; i < count; i++)
        if (prints[i].sequence == x->sequence && prints[i].timestamp == x->timestamp &&
            prints[i].payload == x->payload)
            return true;
    return false;
}

static bool parts_match(const struct part *a, const struct part *b)
{
    struct print prints[PRINTS], x;
    unsigned count = 0, same = 0;
    while (count < PRINTS && next_print(a, &prints[count]))
        count++;
    for (unsigned i = 0; i < LOOKED_AT && next_print(b, &x); i++)
        same += is_among(prints, count, &x);
    return same >= SAME_MIN && same >= count / 2;
}

static bool proven(const struct call_record *r, uint32_t a, uint32_t b, uint32_t ssrc,
                   int64_t from_us, const char *data_dir)
{
    struct part x = {.ssrc = ssrc, .from_ns = from_us * 1000};
    struct part y = {.ssrc = ssrc, .from_ns = from_us * 1000 - SKEW_NS};
    bool truncated, same = false;
    if (spool_reader_open(data_dir, r->chains[a].tail, &x.reader, &truncated) == 0 &&
        spool_reader_open(data_dir, r->chains[b].tail, &y.reader, &truncated) == 0)
        same = parts_match(&x, &y);
    spool_reader_close(x.reader);
    spool_reader_close(y.reader);
    return same;
}

bool sound_is_hop(const struct call_record *r, uint32_t a, uint32_t b, const char *data_dir)
{
    for (uint32_t i = 0; i < r->stream_count; i++) {
        const struct record_stream *s = &r->streams[i];
        for (uint32_t k = 0; s->flow_chain == a + 1 && k < r->stream_count; k++) {
            const struct record_stream *t = &r->streams[k];
            int64_t from_us = s->first_us > t->first_us ? s->first_us : t->first_us;
            int64_t to_us = s->last_us < t->last_us ? s->last_us : t->last_us;
            if (t->flow_chain == b + 1 && t->ssrc == s->ssrc && to_us - from_us >= OVERLAP_US &&
                proven(r, a, b, s->ssrc, from_us, data_dir))
                return true;
        }
    }
    return false;
}
