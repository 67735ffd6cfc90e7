/* A packed list is an array of small entries with one text area behind it. */
#include "capture/call/codecs.h"

#include <stdlib.h>

/* Names and parameters of one list; what does not fit loses its parameters. */
#define TEXT_MAX 1024

struct entry {
    uint32_t clock_hz;
    uint16_t text; /* offset of the name; its parameters follow */
    uint16_t fmtp_size;
    uint8_t name_size;
    uint8_t payload_type;
    uint8_t channels;
};

struct codec_list {
    uint8_t count;
    struct entry entry[]; /* the text stands behind */
};

static const uint8_t *text_of(const struct codec_list *list)
{
    return (const uint8_t *)&list->entry[list->count];
}

static size_t clip(size_t size, size_t limit)
{
    return size < limit ? size : limit;
}

/* Whole parameters or none: half of them would mislead a decoder. */
static size_t fmtp_size(const struct sdp_format *f, size_t used)
{
    return f->fmtp.size < CODEC_FMTP_SIZE && used + f->fmtp.size <= TEXT_MAX ? f->fmtp.size : 0;
}

struct codec_list *codec_list_new(const struct sdp_media *m)
{
    uint8_t text[TEXT_MAX];
    struct entry entry[SDP_FORMATS_MAX];
    size_t used = 0;
    for (unsigned i = 0; i < m->format_count; i++) {
        const struct sdp_format *f = &m->formats[i];
        size_t name = clip(clip(f->encoding.size, CODEC_NAME_SIZE - 1), TEXT_MAX - used);
        entry[i] = (struct entry){.clock_hz = f->clock_hz,
                                  .text = (uint16_t)used,
                                  .name_size = (uint8_t)name,
                                  .payload_type = f->payload_type,
                                  .channels = f->channels};
        if (name)
            memcpy(text + used, f->encoding.data, name);
        used += name;
        size_t fmtp = fmtp_size(f, used);
        entry[i].fmtp_size = (uint16_t)fmtp;
        if (fmtp)
            memcpy(text + used, f->fmtp.data, fmtp);
        used += fmtp;
    }
    size_t entries = m->format_count * sizeof *entry;
    struct codec_list *list = m->format_count ? malloc(sizeof *list + entries + used) : NULL;
    if (list == NULL)
        return NULL;
    list->count = m->format_count;
    memcpy(list->entry, entry, entries);
    memcpy((uint8_t *)&list->entry[list->count], text, used);
    return list;
}

static struct slice name_of(const struct codec_list *list, const struct entry *e)
{
    return slice_of(text_of(list) + e->text, e->name_size);
}

static bool same_codec(const struct codec_list *a, const struct entry *x,
                       const struct codec_list *b, const struct entry *y)
{
    if (x->name_size == 0 && y->name_size == 0)
        return x->payload_type == y->payload_type;
    return x->clock_hz == y->clock_hz && slice_equal_nocase(name_of(a, x), name_of(b, y));
}

static bool knows(const struct codec_list *list, const struct codec_list *other,
                  const struct entry *e)
{
    for (unsigned i = 0; i < list->count; i++) {
        if (same_codec(list, &list->entry[i], other, e))
            return true;
    }
    return false;
}

static struct slice fmtp_of(const struct codec_list *list, const struct entry *e)
{
    return slice_of(text_of(list) + e->text + e->name_size, e->fmtp_size);
}

/* Parameters are those of who receives, but for the sets of H.264 and H.265 (sprop-...), which tell
 * what their sender sends (RFC 6184 8.1). */
static struct slice fmtp_in_force(const struct codec_list *list, const struct codec_list *sender,
                                  const struct entry *e)
{
    struct slice name = name_of(list, e);
    bool sets = slice_is_nocase(name, "H264") || slice_is_nocase(name, "H265");
    for (unsigned i = 0; sets && sender && i < sender->count; i++) {
        const struct entry *s = &sender->entry[i];
        if (s->payload_type == e->payload_type && s->fmtp_size && same_codec(list, e, sender, s))
            return fmtp_of(sender, s);
    }
    return fmtp_of(list, e);
}

static void add(const struct codec_list *list, const struct codec_list *sender,
                const struct entry *e, struct flow_media *media)
{
    for (unsigned i = 0; i < media->codec_count; i++) {
        if (media->codecs[i].payload_type == e->payload_type)
            return;
    }
    if (media->codec_count == FLOW_CODECS_MAX)
        return;
    struct slice fmtp = fmtp_in_force(list, sender, e);
    rtp_codec_named(name_of(list, e), e->payload_type, e->clock_hz, e->channels, fmtp,
                    &media->codecs[media->codec_count++]);
}

static void add_common(const struct codec_pair *pair, struct flow_media *media)
{
    const struct codec_list *receiver = pair->receiver, *sender = pair->sender;
    for (unsigned i = 0; receiver && sender && i < receiver->count; i++) {
        if (knows(sender, receiver, &receiver->entry[i]))
            add(receiver, sender, &receiver->entry[i], media);
    }
}

static void add_all(const struct codec_list *list, const struct codec_list *sender,
                    struct flow_media *media)
{
    for (unsigned i = 0; list && i < list->count; i++)
        add(list, sender, &list->entry[i], media);
}

void codec_lists_fill(const struct codec_pair *pairs, unsigned count, struct flow_media *media)
{
    for (unsigned i = 0; i < count; i++)
        add_common(&pairs[i], media);
    media->negotiated_count = media->codec_count;
    for (unsigned i = 0; i < count; i++)
        add_all(pairs[i].receiver, pairs[i].sender, media);
    for (unsigned i = 0; i < count; i++)
        add_all(pairs[i].sender, NULL, media);
}
