/* Payloads of a stranger to each decoder on the list, and to RED, without a render around it.
 * Input: which codec (octet 0, modulo the list; behind it RED), which fmtp (1), clock and channels
 * (2), then payloads with their sizes in two octets, of which the first three
 * bits say: the marker is set, the packet ahead is lost, the timestamp is that of the packet ahead. */
#include <assert.h>

#include "base/cursor.h"
#include "capture/rtp/red.h"
#include "decode/av.h"
#include "decode/codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PAYLOADS_MAX 50

static const char *const fmtps[] = {
    "",
    "octet-align=1",
    "octet-align=1; interleaving=20",
    "crc=1",
    "robust-sorting=1",
    "mode=20",
    "mode=1300",
    "config=1288;sizelength=13;indexlength=3;indexdeltalength=3",
    "cpresent=0;config=410025103fc0",
    "config=1288;constantsize=20",
    "config=1288;sizelength=6;indexlength=2;indexdeltalength=2;ctsdeltalength=9;dtsdeltalength=9;"
    "auxiliarydatasizelength=8",
};

static const uint32_t clocks[] = {8000, 16000, 32000, 48000};

static void run(struct decoder *d, struct cursor in)
{
    int16_t out[CODEC_MAX_SAMPLES];
    uint32_t timestamp = 0;
    for (int left = PAYLOADS_MAX; left > 0 && cursor_left(&in) >= 2; left--) {
        uint16_t head = cursor_u16(&in);
        struct slice payload = cursor_slice(&in, head & 0x7ff);
        timestamp += head & 0x2000 ? 0 : 160;
        d->marker = head & 0x8000;
        d->lost = head & 0x4000;
        int rounds = 0, count = decoder_decode(d, payload, timestamp, out);
        for (; d->more && count >= 0; rounds++) {
            assert(rounds < 200);
            count = decoder_more(d, out);
        }
        assert(count >= -1 && count <= d->rate_hz / 1000 * CODEC_MAX_MS);
        assert(d->noise_dbov >= 0);
    }
}

static void run_red(struct slice payload)
{
    struct red_block blocks[RED_BLOCKS_MAX];
    size_t all = 0;
    unsigned count = red_blocks(payload, blocks);
    for (unsigned i = 0; i < count; i++)
        all += blocks[i].payload.size;
    assert(count == 0 || (all < payload.size && blocks[count - 1].behind == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 5)
        return 0;
    unsigned which = data[0] % (codec_type_count() + 1);
    if (which == codec_type_count()) {
        run_red(slice_of(data + 1, size - 1));
        return 0;
    }
    const struct codec_type *type = codec_type_at(which);
    struct render_codec codec = {.payload_type = 96, .clock_hz = clocks[data[2] & 3]};
    slice_copy_to(slice_str(type->name), codec.name, sizeof codec.name);
    slice_copy_to(slice_str(fmtps[data[1] % (sizeof fmtps / sizeof *fmtps)]), codec.fmtp,
                  sizeof codec.fmtp);
    codec.channels = 1 + (data[2] >> 2 & 3);
    struct av_pool *pool = av_pool_new();
    struct decoder d;
    assert(pool);
    if (decoder_open(&d, &codec, pool)) {
        run(&d, cursor_over(slice_of(data + 3, size - 3)));
        decoder_close(&d);
    }
    av_pool_free(pool);
    return 0;
}
