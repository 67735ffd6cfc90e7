/* Any bytes as a payload of each codec of video; then as a stream of such payloads through the
 * meter. The first octet says which codec. What must hold of all figures is asserted. */
#include <assert.h>
#include <math.h>

#include "base/cursor.h"
#include "capture/video/meter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct video_look *look)
{
    assert(look->width <= VIDEO_SIDE_MAX && look->height <= VIDEO_SIDE_MAX);
    assert((look->width == 0) == (look->height == 0));
}

static void stream(struct slice records, const char *name)
{
    struct rtp_codec codec = {.payload_type = 96, .clock_hz = 90000, .kind = CODEC_VIDEO};
    slice_copy_to(slice_str(name), codec.name, sizeof codec.name);
    struct video_meter m;
    struct video_stats s;
    struct cursor c = cursor_over(records);
    struct rtp_packet p = {.payload_type = 96};
    int64_t ns = 1000;
    uint64_t packets = 0;
    video_meter_init(&m, true);
    while (cursor_left(&c) >= 6) {
        uint8_t how = cursor_u8(&c);
        p.sequence = (uint16_t)(p.sequence + cursor_u8(&c));
        p.timestamp += (uint32_t)cursor_u8(&c) << (how & 31);
        ns += (int64_t)cursor_u16(&c) << (how >> 5 << 2);
        p.payload = cursor_slice(&c, cursor_u8(&c));
        video_meter_packet(&m, &p, &codec, p.payload.size, how & 1, how & 2, ns);
        packets++;
    }
    video_meter_stats(&m, &s);
    assert(s.pictures <= packets && s.key_pictures <= (int64_t)s.pictures &&
           s.freezes <= s.pictures);
    assert(!(s.per_second < 0) && !(s.kbit_per_s < 0) && s.longest_freeze_ms <= s.frozen_ms);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"H263", "H264", "H265", "VP8", "VP9", "AV1"};
    struct video_look look;
    if (size == 0)
        return 0;
    enum video_codec codec = (enum video_codec)(data[0] % 6);
    struct slice payload = slice_of(data + 1, size - 1);
    video_look(codec, payload, &look);
    check(&look);
    video_h264_sps(payload, &look);
    video_h265_sps(payload, &look);
    video_av1_sequence(payload, &look);
    check(&look);
    video_look_announced(codec, payload, &look);
    check(&look);
    stream(payload, names[codec]);
    return 0;
}
