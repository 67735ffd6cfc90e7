/* Duration, volume and end of an event stay: they are the same for all keys. */
#include "app/key_hide.h"

#include "app/descriptor.h"
#include "capture/rtp/red.h"
#include "capture/rtp/rtp.h"
#include "capture/rtp/telephone_event.h"
#include "capture/sip/mask.h"
#include "storage/spool.h"

#define NO_EVENT     255 /* reserved by RFC 4733 7.2 */
#define REPORT_BYTES 4   /* of an event; several may follow each other (2.5.1.5) */

static const struct rtp_codec *codec_of(const struct flow_media *m, uint8_t payload_type)
{
    for (unsigned i = 0; i < m->codec_count; i++)
        if (m->codecs[i].payload_type == payload_type)
            return &m->codecs[i];
    return NULL;
}

static void hide_events(uint8_t *at, size_t size)
{
    for (size_t i = 0; i < size; i += REPORT_BYTES)
        at[i] = NO_EVENT;
}

/* `payload` lies in the packet at `start`. */
static void hide_payload(const struct flow_media *m, uint8_t payload_type, struct slice payload,
                         uint8_t *start)
{
    const struct rtp_codec *codec = codec_of(m, payload_type);

    if (codec ? codec->kind == CODEC_EVENT : telephone_event_unnamed(payload_type, payload.size))
        hide_events(start + (payload.data - start), payload.size);
}

static void hide_in_rtp(const struct flow_media *m, uint8_t *start, size_t size)
{
    struct red_block blocks[RED_BLOCKS_MAX];
    struct rtp_packet p;

    if (m->secure || !rtp_parse(slice_of(start, size), size, &p) || p.payload.size == 0)
        return;
    const struct rtp_codec *codec = codec_of(m, p.payload_type);
    if (codec == NULL || codec->kind != CODEC_REDUNDANCY) {
        hide_payload(m, p.payload_type, p.payload, start);
        return;
    }
    unsigned count = red_blocks(p.payload, blocks);
    for (unsigned i = 0; i < count; i++)
        hide_payload(m, blocks[i].payload_type, blocks[i].payload, start);
}

void key_hide(bool media, struct slice descriptor, const struct spool_packet *packet,
              uint8_t *payload)
{
    struct flow_media m = {0};

    if (!media) {
        sip_mask_digits(payload, packet->payload.size);
        return;
    }
    if (packet->rtcp || packet->fax)
        return;
    (void)descriptor_read(descriptor, &m);
    hide_in_rtp(&m, payload, packet->payload.size);
}
