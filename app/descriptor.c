#include "app/worker.h"
#include "app/descriptor.h"

#include <stdlib.h>

void descriptor_write(struct buf *out, const struct wflow *flow)
{
    buf_printf(out, "media party=%u type=%u secure=%d ptime=%u line=%u\n", flow->party,
               flow->media_type, flow->secure, flow->ptime_ms, flow->media_index);
    for (unsigned i = 0; i < flow->codec_count; i++) {
        const struct rtp_codec *c = &flow->codecs[i];
        buf_printf(out, "codec %u %s %u %u %s\n", c->payload_type, c->name[0] ? c->name : "-",
                   c->clock_hz, c->channels, c->fmtp);
    }
}

static uint32_t word_number(struct slice word)
{
    uint32_t n = 0;
    return slice_to_u32(word, &n) ? n : 0;
}

static void read_codec(struct slice line, struct flow_media *m)
{
    if (m->codec_count >= FLOW_CODECS_MAX)
        return;
    struct slice type = slice_cut(&line, ' ');
    struct slice name = slice_cut(&line, ' ');
    struct slice clock = slice_cut(&line, ' ');
    struct slice channels = slice_cut(&line, ' ');
    if (slice_is(name, "-"))
        name = slice_none();
    rtp_codec_named(name, (uint8_t)(word_number(type) & 127), word_number(clock),
                    (uint8_t)word_number(channels), line, &m->codecs[m->codec_count++]);
}

static void read_media(struct slice line, struct flow_media *m)
{
    while (line.size) {
        struct slice value = slice_cut(&line, ' ');
        struct slice name = slice_cut(&value, '=');
        uint32_t n = word_number(value);
        if (slice_is(name, "party"))
            m->party = (uint8_t)(n <= CALL_PARTY_UNKNOWN ? n : CALL_PARTY_UNKNOWN);
        else if (slice_is(name, "type"))
            m->media_type = (uint8_t)n;
        else if (slice_is(name, "secure"))
            m->secure = n != 0;
        else if (slice_is(name, "ptime"))
            m->ptime_ms = (uint16_t)n;
        else if (slice_is(name, "line"))
            m->media_index = (uint16_t)n;
    }
}

bool descriptor_read(struct slice text, struct flow_media *ret_media)
{
    if (!slice_starts(text, "media "))
        return false;
    memset(ret_media, 0, sizeof *ret_media);
    while (text.size) {
        struct slice line = slice_cut(&text, '\n');
        struct slice word = slice_cut(&line, ' ');
        if (slice_is(word, "media"))
            read_media(line, ret_media);
        else if (slice_is(word, "codec"))
            read_codec(line, ret_media);
    }
    return true;
}
