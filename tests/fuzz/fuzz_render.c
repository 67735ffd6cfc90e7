/* Payloads and RTP numbers of a stranger through a whole render. Input: codec of each of two flows
 * (octets 0 and 1, modulo the list), flags (octet 2), then packets: time step in 2 ms, step of
 * sequence, step of timestamp in 40 ticks (255: a jump from the payload), payload length, payload.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cursor.h"
#include "decode/render.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PACKETS_MAX 200

static const struct render_codec list[] = {
    {"PCMU", "", 8000, 96, 1},    {"PCMA", "", 8000, 96, 1},    {"L16", "", 16000, 96, 2},
    {"G722", "", 8000, 96, 1},    {"GSM", "", 8000, 96, 1},     {"iLBC", "mode=20", 8000, 96, 1},
    {"G729", "", 8000, 96, 1},    {"G723", "", 8000, 96, 1},    {"G726-16", "", 8000, 96, 1},
    {"G726-24", "", 8000, 96, 1}, {"G726-40", "", 8000, 96, 1}, {"AAL2-G726-32", "", 8000, 96, 1},
    {"opus", "", 48000, 96, 2},   {"speex", "", 8000, 96, 1},   {"speex", "", 16000, 96, 1},
    {"speex", "", 32000, 96, 1},  {"EVS", "", 16000, 96, 1},
    {"red", "", 8000, 96, 1},     {"AMR", "", 8000, 96, 1},     {"AMR-WB", "interleaving=30", 16000, 96, 1},
};
#define LIST_COUNT (sizeof list / sizeof *list)

struct stream {
    struct cursor in;
    struct render_codec codecs[3];
    unsigned left;
    int64_t now_ns;
    uint16_t sequence;
    uint32_t timestamp;
    uint32_t ssrc;
    uint8_t packet[12 + 255];
};

static void put_header(struct stream *s, uint8_t payload_type)
{
    uint8_t head[12] = {0x80,
                        payload_type,
                        (uint8_t)(s->sequence >> 8),
                        (uint8_t)s->sequence,
                        (uint8_t)(s->timestamp >> 24),
                        (uint8_t)(s->timestamp >> 16),
                        (uint8_t)(s->timestamp >> 8),
                        (uint8_t)s->timestamp,
                        0,
                        0,
                        0,
                        (uint8_t)s->ssrc};
    memcpy(s->packet, head, sizeof head);
}

static int next(void *context, struct render_packet *ret_packet)
{
    struct stream *s = context;
    uint8_t time = cursor_u8(&s->in), sequence = cursor_u8(&s->in), ticks = cursor_u8(&s->in);
    struct slice payload = cursor_slice(&s->in, cursor_u8(&s->in));
    if (s->in.failed || s->left-- == 0)
        return 0;
    if (time == 255)
        return ERR_TRUNCATED;
    s->now_ns += time * INT64_C(2000000);
    s->sequence = (uint16_t)(s->sequence + (sequence == 255 ? 30000 : sequence));
    s->timestamp +=
        ticks == 255 && payload.size >= 4 ? (uint32_t)payload.data[0] << 24 : ticks * 40u;
    s->ssrc = sequence >= 250 ? s->ssrc + 1 : s->ssrc;
    put_header(s, sequence == 7 ? 13 : sequence == 9 ? 0 : 96);
    if (payload.size)
        memcpy(s->packet + 12, payload.data, payload.size);
    *ret_packet = (struct render_packet){.time_ns = s->now_ns,
                                         .datagram = slice_of(s->packet, 12 + payload.size),
                                         .codecs = s->codecs,
                                         .codec_count = 1};
    return 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 4)
        return 0;
    struct stream streams[2] = {0};
    struct render_flow flows[2];
    struct slice rest = slice_of(data + 3, size - 3);
    for (unsigned i = 0; i < 2; i++) {
        struct slice half =
            i == 0 ? slice_sub(rest, 0, rest.size / 2) : slice_from(rest, rest.size / 2);
        streams[i].in = cursor_over(data[2] & 1 ? rest : half);
        streams[i].codecs[0] = list[data[i] % LIST_COUNT];
        streams[i].left = PACKETS_MAX;
        flows[i] = (struct render_flow){
            .channel = data[2] & 2 ? 0 : i, .context = &streams[i], .next = next};
    }
    char path[256];
    const char *dir = getenv("TMPDIR");
    snprintf(path, sizeof path, "%s/fuzz-render-%ld.wav", dir ? dir : "/tmp", (long)getpid());
    static struct hearing_report heard;
    struct render_request request = {.path = path, .flows = flows, .flow_count = 2, .hearing = &heard};
    if (data[2] & 4)
        request.sample_rate_hz = 8000;
    struct render_result result;
    struct why why;
    int err = render_call(&request, &result, &why);
    if (err == 0) {
        int64_t span =
            streams[0].now_ns > streams[1].now_ns ? streams[0].now_ns : streams[1].now_ns;
        for (unsigned c = 0; c < heard.channels; c++)
            assert(heard.tones[c].key_count <= TONES_KEYS_MAX && heard.tones[c].event_count <= TONES_EVENTS_MAX);
        assert(result.samples <= (span / 1000000 + 1500) * result.sample_rate_hz / 1000);
    }
    unlink(path);
    return 0;
}
