#include "decode/video_unit.h"

#include <stdlib.h>

#include "base/base64.h"
#include "base/cursor.h"

#define PADDING   64
#define UNITS_MAX 64
#define SET_MAX   512

enum { H264_SPS = 7, H264_PPS = 8, H264_STAP_A = 24, H264_FU_A = 28 };
enum { H265_VPS = 32, H265_SPS = 33, H265_PPS = 34, H265_AGGREGATE = 48, H265_FRAGMENT = 49 };
enum { AV1_SEQUENCE = 1, AV1_DELIMITER = 2, AV1_TILES = 4 };

static const uint8_t start_code[4] = {0, 0, 0, 1};

void video_unit_fini(struct video_unit *u)
{
    free(u->data);
    u->data = NULL;
    u->room = 0;
}

static void append(struct video_unit *u, const void *data, size_t size)
{
    if (u->size + size > VIDEO_UNIT_MAX)
        u->whole = false;
    if (!u->whole || size == 0)
        return;
    if (u->size + size + PADDING > u->room) {
        size_t room = 2 * (u->size + size) + PADDING;
        uint8_t *more = realloc(u->data, room);
        if (more == NULL) {
            u->whole = false;
            return;
        }
        u->data = more;
        u->room = room;
    }
    memcpy(u->data + u->size, data, size);
    u->size += size;
    memset(u->data + u->size, 0, PADDING);
}

static void set_size(struct video_unit *u, const struct video_look *look)
{
    if (look->width == 0)
        return;
    u->width = look->width;
    u->height = look->height;
}

/* ---- NAL units ---- */

static bool is_h264(const struct video_unit *u)
{
    return u->codec == VIDEO_H264;
}

static unsigned nal_type(const struct video_unit *u, uint8_t first)
{
    return is_h264(u) ? first & 0x1f : first >> 1 & 0x3f;
}

static bool is_set(const struct video_unit *u, unsigned type)
{
    return is_h264(u) ? type == H264_SPS || type == H264_PPS : type >= H265_VPS && type <= H265_PPS;
}

/* A set that is there already goes: those of a container's header are in the order in which they
 * come. */
static void keep_set(struct video_unit *u, struct slice nal)
{
    size_t size = sizeof start_code + nal.size;
    if (nal.size == 0 || nal.size > SET_MAX)
        return;
    for (size_t at = 0; at + size <= u->sets_size; at++)
        if (memcmp(u->sets + at, start_code, 4) == 0 &&
            memcmp(u->sets + at + 4, nal.data, nal.size) == 0)
            return;
    unsigned first = is_h264(u) ? H264_SPS : H265_VPS;
    if (nal_type(u, nal.data[0]) == first)
        u->sets_size = 0; /* the others belong to it */
    if (u->sets_size + size > sizeof u->sets)
        return;
    memcpy(u->sets + u->sets_size, start_code, 4);
    memcpy(u->sets + u->sets_size + 4, nal.data, nal.size);
    u->sets_size += size;
}

static void add_nal(struct video_unit *u, struct slice nal)
{
    struct video_look look = {0};
    if (nal.size < (is_h264(u) ? 1u : 2u)) {
        u->whole = false;
        return;
    }
    if (is_set(u, nal_type(u, nal.data[0])))
        keep_set(u, nal);
    if (is_h264(u) ? video_h264_sps(nal, &look) : video_h265_sps(nal, &look))
        set_size(u, &look);
    append(u, start_code, sizeof start_code);
    append(u, nal.data, nal.size);
}

/* Fragments: the header of the unit is told in each, and written with the first. */
static void add_fragment(struct video_unit *u, struct cursor *c, const uint8_t head[2],
                         size_t head_size)
{
    uint8_t piece = cursor_u8(c);
    bool first = piece & 0x80, last = piece & 0x40;
    uint8_t type = piece & (is_h264(u) ? 0x1f : 0x3f);
    uint8_t unit[2] = {(uint8_t)((head[0] & 0xe0) | type), 0};
    if (!is_h264(u)) {
        unit[0] = (uint8_t)((head[0] & 0x81) | type << 1);
        unit[1] = head[1];
    }
    u->whole &= !c->failed && first != u->open;
    u->open = !last;
    if (first) {
        append(u, start_code, sizeof start_code);
        append(u, unit, head_size);
    }
    struct slice rest = cursor_rest(c);
    append(u, rest.data, rest.size);
}

static void add_nals(struct video_unit *u, struct slice payload)
{
    struct cursor c = cursor_over(payload);
    uint8_t head[2] = {cursor_u8(&c), 0};
    unsigned type = nal_type(u, head[0]);
    size_t head_size = is_h264(u) ? 1 : 2;
    if (head_size == 2)
        head[1] = cursor_u8(&c);
    u->whole &= !c.failed;
    if (type == (is_h264(u) ? H264_FU_A : H265_FRAGMENT)) {
        add_fragment(u, &c, head, head_size);
        return;
    }
    u->whole &= !u->open;
    if (type == (is_h264(u) ? H264_STAP_A : H265_AGGREGATE)) {
        for (unsigned i = 0; i < UNITS_MAX && cursor_left(&c); i++)
            add_nal(u, cursor_slice(&c, cursor_u16(&c)));
        u->whole &= !c.failed;
    } else if (type > (is_h264(u) ? H264_STAP_A : H265_AGGREGATE)) {
        u->whole = false; /* interleaved: nobody was seen to send that */
    } else {
        add_nal(u, payload);
    }
}

/* ---- VP8, VP9 ---- */

static void add_vpx(struct video_unit *u, struct slice payload)
{
    struct video_vpx_head head;
    bool vp9 = u->codec == VIDEO_VP9;
    if (!(vp9 ? video_vp9_head(payload, &head) : video_vp8_head(payload, &head))) {
        u->whole = false;
        return;
    }
    u->whole &= u->size > 0 || head.start;
    if (vp9 && head.start) {
        u->whole &= u->layers < 8;
        u->layer_at[u->layers & 7] = u->size;
        u->layers++;
    }
    append(u, payload.data + head.size, payload.size - head.size);
}

/* Several layers are one frame with an index behind it (VP9 bitstream specification, annex B). */
static void index_layers(struct video_unit *u)
{
    uint8_t mark = (uint8_t)(0xc0 | 3 << 3 | (u->layers - 1));
    size_t end = u->size;
    append(u, &mark, 1);
    for (unsigned i = 0; i < u->layers; i++) {
        size_t size = (i + 1 < u->layers ? u->layer_at[i + 1] : end) - u->layer_at[i];
        uint8_t le[4] = {(uint8_t)size, (uint8_t)(size >> 8), (uint8_t)(size >> 16),
                         (uint8_t)(size >> 24)};
        append(u, le, 4);
    }
    append(u, &mark, 1);
}

/* ---- AV1 ---- */

/* One that tells its size tells it truly: nothing is missing, and nothing stands behind it. */
static bool size_is_true(struct slice obu)
{
    struct slice rest = slice_from(obu, obu.data[0] & 4 ? 2 : 1);
    uint64_t size;
    return !(obu.data[0] & 2) || (video_av1_leb128(&rest, &size) && size == rest.size);
}

/* The OBU that ends here gets its size: all in a container have one but the last, and that may. */
static void end_obu(struct video_unit *u)
{
    struct slice body, obu = slice_none();
    struct video_look look = {0};
    uint8_t head[12];
    unsigned type;
    if (u->size > u->obu)
        obu = slice_of(u->data + u->obu, u->size - u->obu);
    if (!u->whole || obu.size == 0 || !video_av1_obu(obu, &type, &body) || !size_is_true(obu)) {
        u->whole = false;
        return;
    }
    if (type == AV1_DELIMITER) {
        u->size = u->obu;
        memset(u->data + u->size, 0, PADDING);
        return;
    }
    if (type == AV1_SEQUENCE && video_av1_sequence(body, &look))
        set_size(u, &look);
    if (!(obu.data[0] & 2)) {
        size_t at = 0, left = body.size;
        head[at++] = obu.data[0] | 2;
        if (obu.data[0] & 4)
            head[at++] = obu.data[1];
        size_t before = at;
        for (; left > 127; left >>= 7)
            head[at++] = (uint8_t)(left | 0x80);
        head[at++] = (uint8_t)left;
        append(u, head, at - before); /* room; then all of it moves up */
        if (!u->whole)
            return;
        uint8_t *to = u->data + u->obu;
        memmove(to + at, to + before, body.size);
        memcpy(to, head, at);
    }
    if (type == AV1_SEQUENCE && u->size - u->obu <= sizeof u->sets) {
        u->sets_size = u->size - u->obu;
        memcpy(u->sets, u->data + u->obu, u->sets_size);
    }
}

static void add_av1(struct video_unit *u, struct slice payload)
{
    struct video_av1_walk w = video_av1_walk(payload);
    struct slice element;
    u->whole &= w.continues == u->open;
    while (video_av1_next(&w, &element)) {
        if (!u->open)
            u->obu = u->size;
        append(u, element.data, element.size);
        u->open = w.left.size == 0 && w.open;
        if (!u->open)
            end_obu(u);
    }
    u->whole &= !w.failed && w.left.size == 0;
}

/* ---- a picture ---- */

void video_unit_begin(struct video_unit *u, enum video_codec codec, bool lost)
{
    if (u->codec != codec)
        u->sets_size = 0;
    u->codec = codec;
    u->size = 0;
    u->width = u->height = 0;
    u->layers = 0;
    u->key = u->open = false;
    u->doubt = lost;
    u->whole = true;
}

/* A slice that is the first of its picture: first_mb_in_slice is 0, first_slice_segment_in_pic_flag
 * is set. What is no slice stands ahead of all. */
static bool nal_begins(const struct video_unit *u, unsigned type, struct slice behind)
{
    bool slice = is_h264(u) ? type >= 1 && type <= 5 : type < H265_VPS;
    return !slice || (behind.size && behind.data[0] & 0x80);
}

static bool begins(const struct video_unit *u, struct slice payload)
{
    size_t head = is_h264(u) ? 1 : 2;
    if (u->codec == VIDEO_VP8 || u->codec == VIDEO_VP9)
        return true; /* their descriptors say it, and are asked */
    if (u->codec == VIDEO_AV1) {
        struct video_av1_walk w = video_av1_walk(payload);
        struct slice element, body;
        unsigned type;
        return !w.continues && video_av1_next(&w, &element) &&
               video_av1_obu(element, &type, &body) && type != AV1_TILES;
    }
    if (payload.size < head + 1)
        return false;
    unsigned type = nal_type(u, payload.data[0]);
    if (type == (is_h264(u) ? H264_FU_A : H265_FRAGMENT))
        return payload.data[head] & 0x80 &&
               nal_begins(u, payload.data[head] & (is_h264(u) ? 0x1f : 0x3f),
                          slice_from(payload, head + 1));
    if (type == (is_h264(u) ? H264_STAP_A : H265_AGGREGATE))
        return payload.size > 2 * head + 2 && nal_begins(u, nal_type(u, payload.data[head + 2]),
                                                         slice_from(payload, 2 * head + 2));
    return nal_begins(u, type, slice_from(payload, head));
}

void video_unit_add(struct video_unit *u, struct slice payload, bool lost)
{
    struct video_look look;
    u->whole &= !lost && (!u->doubt || u->size > 0 || begins(u, payload));
    if (!u->whole)
        return;
    video_look(u->codec, payload, &look);
    u->key |= look.key;
    set_size(u, &look);
    if (u->codec == VIDEO_H264 || u->codec == VIDEO_H265)
        add_nals(u, payload);
    else if (u->codec == VIDEO_AV1)
        add_av1(u, payload);
    else
        add_vpx(u, payload);
}

bool video_unit_end(struct video_unit *u)
{
    u->whole &= u->size > 0 && !u->open;
    if (u->whole && u->layers > 1)
        index_layers(u);
    return u->whole;
}

static void announced_sets(struct video_unit *u, struct slice fmtp, const char *key)
{
    uint8_t set[SET_MAX];
    struct slice sets = slice_parameter(fmtp, key);
    while (sets.size) {
        size_t size = base64_decode(slice_cut(&sets, ','), set, sizeof set);
        if (size > 1 && size <= sizeof set && is_set(u, nal_type(u, set[0])))
            keep_set(u, slice_of(set, size));
    }
}

void video_unit_announced(struct video_unit *u, enum video_codec codec, struct slice fmtp)
{
    u->codec = codec;
    u->sets_size = 0;
    if (codec == VIDEO_H264)
        announced_sets(u, fmtp, "sprop-parameter-sets");
    if (codec != VIDEO_H265)
        return;
    announced_sets(u, fmtp, "sprop-vps");
    announced_sets(u, fmtp, "sprop-sps");
    announced_sets(u, fmtp, "sprop-pps");
}
