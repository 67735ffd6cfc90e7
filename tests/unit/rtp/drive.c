#include "tests/unit/rtp/drive.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cursor.h"

static struct drive drive_of(struct rtp_codec codec, size_t payload_bytes)
{
    struct rtp_stream_config config = {.announced = true};
    struct drive d = {.s = rtp_stream_new(&config), .codec = codec, .payload_bytes = payload_bytes};
    memset(d.payload, 0x78, sizeof d.payload);
    return d;
}

struct drive drive_static(uint8_t payload_type, size_t payload_bytes)
{
    struct rtp_codec codec;
    bool known = rtp_codec_static(payload_type, &codec);
    assert(known);
    return drive_of(codec, payload_bytes);
}

struct drive drive_named(const char *name, uint32_t clock_hz, size_t payload_bytes)
{
    struct rtp_codec codec;
    rtp_codec_named(slice_str(name), 96, clock_hz, 0, slice_none(), &codec);
    return drive_of(codec, payload_bytes);
}

void drive_stop(struct drive *d)
{
    rtp_stream_free(d->s);
    d->s = NULL;
}

unsigned drive_packet(struct drive *d, uint16_t sequence, uint32_t timestamp, int64_t ns)
{
    struct rtp_packet p = {
        .payload_type = d->codec.payload_type,
        .sequence = sequence,
        .timestamp = timestamp,
        .ssrc = 1,
        .payload = slice_of(d->payload, d->payload_bytes),
    };
    return rtp_stream_packet(d->s, &p, &d->codec, 12 + d->payload_bytes, d->payload_bytes, ns);
}

struct rtp_stats drive_stats(const struct drive *d)
{
    struct rtp_stats t;
    rtp_stream_stats(d->s, &t);
    return t;
}

static struct slice read_all(const char *name)
{
    char path[256];
    snprintf(path, sizeof path, TEST_DATA "/reference/%s.pcap", name);
    FILE *f = fopen(path, "rb");
    assert(f);
    size_t room = 1 << 20;
    uint8_t *bytes = malloc(room);
    assert(bytes);
    size_t size = fread(bytes, 1, room, f);
    fclose(f);
    return slice_of(bytes, size);
}

static bool next_record(struct cursor *c, int64_t *ret_ns, struct slice *ret_frame)
{
    uint32_t seconds = cursor_u32_le(c);
    uint32_t micros = cursor_u32_le(c);
    uint32_t size = cursor_u32_le(c);
    cursor_skip(c, 4);
    *ret_frame = cursor_slice(c, size);
    *ret_ns = seconds * INT64_C(1000000000) + micros * INT64_C(1000);
    return !c->failed;
}

struct reference reference_load(const char *name, uint16_t source_port)
{
    enum { FILE_HEADER = 24, UDP_AT = 34, RTP_AT = 42 };
    struct slice file = read_all(name);
    struct reference r = {.packets = malloc(8192 * sizeof *r.packets)};
    memcpy(&r.bytes, &file.data, sizeof r.bytes);
    assert(r.packets);
    struct cursor c = cursor_over(file);
    cursor_skip(&c, FILE_HEADER);
    int64_t ns;
    struct slice frame;
    while (next_record(&c, &ns, &frame)) {
        struct cursor udp = cursor_over(slice_from(frame, UDP_AT));
        if (cursor_u16(&udp) != source_port)
            continue;
        assert(r.count < 8192);
        r.packets[r.count++] = (struct reference_packet){ns, slice_from(frame, RTP_AT)};
    }
    return r;
}

void reference_free(struct reference *r)
{
    free(r->bytes);
    free(r->packets);
}
