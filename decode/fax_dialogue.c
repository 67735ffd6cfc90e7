/* Octets of frames come with their first bit highest; here they are turned, so that bit n of a
 * field (T.30 counts from 1) is bit (n - 1) % 8 of octet (n - 1) / 8. Octets of pages are left as
 * they come, or turned back. */
#include "decode/fax_dialogue.h"

#include <stdlib.h>
#include <string.h>

#define ADDRESS     0xff
#define HEAD        3    /* address, control, what it is */
#define FROM_SENDER 0x01 /* X: the bit that tells who sends a command */
#define TCF_MAX     4096 /* octets: 1.5 s at 14400 bit/s, and some more */

enum { DCS = 0x82, CFR = 0x84, MCF = 0x8c, RTP = 0xcc, RTN = 0x4c, PIP = 0xac, PIN = 0x2c };
enum {
    MPS = 0x4e,
    EOM = 0x8e,
    EOP = 0x2e,
    PRI_MPS = 0x5e,
    PRI_EOM = 0x9e,
    PRI_EOP = 0x3e,
    PPS = 0xbe,
    FCD = 0x06,
    PPS_NULL = 0
};

bool fax_dialogue_init(struct fax_dialogue *d, fax_page_fn *fn, void *context)
{
    memset(d, 0, sizeof *d);
    d->fn = fn;
    d->context = context;
    bool good = true;
    for (unsigned i = 0; i < FAX_SIDES; i++) {
        struct fax_side *s = &d->sides[i];
        buf_init(&s->data, FAX_PAGE_MAX);
        s->look.side = i;
        s->look.coding = FAX_UNKNOWN;
        s->block = calloc(1, sizeof *s->block);
        s->next = calloc(1, sizeof *s->next);
        good &= s->block && s->next;
    }
    return good;
}

void fax_dialogue_fini(struct fax_dialogue *d)
{
    for (unsigned i = 0; i < FAX_SIDES; i++) {
        buf_fini(&d->sides[i].data);
        free(d->sides[i].block);
        free(d->sides[i].next);
    }
}

/* ---- pages ---- */

static void open_page(struct fax_side *s, int64_t now_ns)
{
    s->open = true;
    s->over = false;
    s->page = s->look;
    s->page.from_ns = s->page.to_ns = now_ns;
    buf_clear(&s->data);
}

static void tell_page(struct fax_dialogue *d, struct fax_side *s)
{
    struct fax_page *p = &s->page;
    if (!s->open)
        return;
    s->open = false;
    p->cut |= !s->over || s->data.failed;
    p->data = buf_view(&s->data);
    p->gaps = s->gaps;
    d->fn(d->context, p);
}

/* Something is missing here; more than can be noted stands at the last place. */
static void note_gap(struct fax_side *s)
{
    struct fax_page *p = &s->page;
    if (p->gap_count < FAX_GAPS_MAX &&
        (p->gap_count == 0 || s->gaps[p->gap_count - 1] != s->data.size))
        s->gaps[p->gap_count++] = (uint32_t)s->data.size;
}

static bool is_test(const struct fax_side *s)
{
    unsigned zeros = 0;
    if (s->trained || s->data.size > TCF_MAX)
        return false;
    for (size_t i = 0; i < s->data.size; i++)
        zeros += s->data.data[i] == 0;
    return 100 * (size_t)zeros >= 97 * s->data.size;
}

static void end_burst(struct fax_side *s)
{
    if (!s->bursting)
        return;
    s->bursting = false;
    if (is_test(s))
        s->open = false;
}

static void page_data(struct fax_dialogue *d, struct fax_side *s, struct slice data, int64_t now_ns)
{
    if (s->open && s->over)
        tell_page(d, s);
    if (!s->open)
        open_page(s, now_ns);
    else if (!s->bursting && s->data.size) /* the carrier went away and came back */
        note_gap(s);
    if (s->lost_ahead) {
        s->page.missing += s->lost_ahead;
        note_gap(s);
    }
    s->bursting = true;
    s->page.to_ns = now_ns;
    buf_slice(&s->data, data);
}

/* ---- corrected pages ---- */

static uint8_t turned(uint8_t v)
{
    v = (uint8_t)(v >> 4 | v << 4);
    v = (uint8_t)((v >> 2 & 0x33) | (v & 0x33) << 2);
    return (uint8_t)((v >> 1 & 0x55) | (v & 0x55) << 1);
}

static unsigned frames_seen(const struct fax_block *b)
{
    unsigned count = 0;
    for (unsigned i = 0; i < FAX_FRAMES; i++)
        count = b->size[i] ? i + 1 : count;
    return count;
}

static void add_block(struct fax_side *s)
{
    unsigned count = s->named ? s->frame_count : frames_seen(s->block);
    for (unsigned i = 0; i < count; i++) {
        if (s->block->size[i]) {
            buf_add(&s->data, s->block->data[i], s->block->size[i]);
        } else {
            s->page.missing++;
            note_gap(s);
        }
    }
}

/* The block that PPS named is final: into the page; was it its last, the page is over. */
static void end_block(struct fax_dialogue *d, struct fax_side *s)
{
    if (!s->named)
        return;
    add_block(s);
    s->named = s->confirmed = false;
    if (s->after == PPS_NULL)
        return;
    s->over = true;
    tell_page(d, s);
}

static void take_frame(struct fax_dialogue *d, struct fax_side *s, struct slice frame,
                       int64_t now_ns)
{
    struct slice data = slice_from(frame, HEAD + 1);
    if (data.size == 0 || data.size > FAX_FRAME_MAX)
        return;
    if (!s->next_begun)
        memset(s->next->size, 0, sizeof s->next->size);
    s->next_begun = true;
    if (s->named && s->confirmed)
        end_block(d, s);
    if (!s->open)
        open_page(s, now_ns);
    s->page.ecm = true; /* whatever DCS said */
    s->page.to_ns = now_ns;
    unsigned number = frame.data[HEAD];
    s->next->size[number] = (uint16_t)data.size;
    for (size_t i = 0; i < data.size; i++)
        s->next->data[number][i] = turned(data.data[i]);
}

static void merge_next(struct fax_side *s)
{
    for (unsigned i = 0; i < FAX_FRAMES && s->next_begun; i++) {
        if (s->next->size[i] == 0)
            continue;
        s->block->size[i] = s->next->size[i];
        memcpy(s->block->data[i], s->next->data[i], s->next->size[i]);
    }
    s->next_begun = false;
}

static void take_pps(struct fax_dialogue *d, struct fax_side *s, struct slice frame, int64_t now_ns)
{
    if (frame.size < HEAD + 4)
        return;
    const uint8_t *f = frame.data + HEAD;
    bool again = s->named && !s->confirmed && s->page_number == f[1] && s->block_number == f[2];
    if (s->named && s->confirmed && !s->next_begun && s->page_number == f[1] &&
        s->block_number == f[2])
        return; /* the answer did not reach the sender */
    if (!again) {
        end_block(d, s);
        memset(s->block->size, 0, sizeof s->block->size);
    }
    if (!s->open)
        open_page(s, now_ns);
    s->page.ecm = true;
    s->named = true;
    s->confirmed = false;
    s->after = f[0] & (uint8_t)~FROM_SENDER;
    s->page_number = f[1];
    s->block_number = f[2];
    s->frame_count = again && s->frame_count > f[3] ? s->frame_count : f[3] + 1u;
    merge_next(s);
}

/* ---- commands ---- */

/* Bit `n` of the information field of DCS. */
static bool dcs_bit(struct slice frame, unsigned n)
{
    size_t octet = HEAD + (n - 1) / 8;
    return octet < frame.size && (frame.data[octet] >> (n - 1) % 8 & 1);
}

static uint16_t width_of(struct slice frame, unsigned x_dpi)
{
    static const uint16_t widths[3] = {1728, 2048, 2432}; /* at 204 dpi: 215, 255, 303 mm */
    unsigned paper = dcs_bit(frame, 18) ? 2 : dcs_bit(frame, 17);
    return (uint16_t)(x_dpi <= 204   ? widths[paper]
                      : x_dpi == 300 ? widths[paper] * 3 / 2
                                     : widths[paper] * 2);
}

static void look_of(struct slice frame, struct fax_page *p)
{
    bool inches = dcs_bit(frame, 44);
    p->x_dpi = 204;
    p->y_dpi = dcs_bit(frame, 41) ? 391 : dcs_bit(frame, 15) ? 196 : 98;
    if (dcs_bit(frame, 15) && inches)
        p->x_dpi = p->y_dpi = 200;
    if (dcs_bit(frame, 42))
        p->x_dpi = p->y_dpi = 300;
    if (dcs_bit(frame, 43)) {
        p->x_dpi = inches ? 400 : 408;
        p->y_dpi = inches ? 400 : 391;
    }
    p->width = width_of(frame, p->x_dpi);
    p->ecm = dcs_bit(frame, 27);
    p->coding = dcs_bit(frame, 68)                         ? FAX_JPEG
                : dcs_bit(frame, 78) || dcs_bit(frame, 79) ? FAX_JBIG
                : dcs_bit(frame, 31)                       ? FAX_MMR
                : dcs_bit(frame, 16)                       ? FAX_MR
                                                           : FAX_MH;
}

static void take_dcs(struct fax_dialogue *d, struct fax_side *s, struct slice frame)
{
    end_block(d, s);
    tell_page(d, s);
    look_of(frame, &s->look);
    s->trained = false;
    s->next_begun = false;
}

static void finish_page(struct fax_side *s)
{
    if (s->open)
        s->over = true;
}

/* Frames whose PPS was not seen: nobody knows how many there should be, nor whether the page goes
 * on. */
static void end_unnamed(struct fax_dialogue *d, struct fax_side *s)
{
    if (!s->open || !s->next_begun)
        return;
    s->named = false;
    memset(s->block->size, 0, sizeof s->block->size);
    merge_next(s);
    add_block(s);
    s->page.missing++;
    tell_page(d, s);
}

/* What this side says of a page of the other one. */
static void answer(struct fax_dialogue *d, struct fax_side *other, enum fax_answer what)
{
    if (other->next_begun) {
        end_block(d, other);
        end_unnamed(d, other);
    } else if (other->named) {
        other->confirmed = true;
        if (other->after == PPS_NULL)
            return;
        other->page.answer = what;
        end_block(d, other);
    } else if (other->open && other->over) {
        other->page.answer = what;
        tell_page(d, other);
    }
}

static void command(struct fax_dialogue *d, struct fax_side *s, struct slice frame, int64_t now_ns)
{
    struct fax_side *other = &d->sides[s == d->sides];
    switch (frame.data[HEAD - 1] & (uint8_t)~FROM_SENDER) {
    case DCS:
        take_dcs(d, s, frame);
        break;
    case CFR:
        other->trained = true;
        break;
    case MPS:
    case EOM:
    case EOP:
    case PRI_MPS:
    case PRI_EOM:
    case PRI_EOP:
        finish_page(s);
        break;
    case PPS:
        take_pps(d, s, frame, now_ns);
        break;
    case MCF:
        answer(d, other, FAX_CONFIRMED);
        break;
    case RTP:
    case PIP:
        answer(d, other, FAX_RETRAIN);
        break;
    case RTN:
    case PIN:
        answer(d, other, FAX_REFUSED);
        break;
    default:
        break;
    }
}

/* ---- frames ---- */

static void end_frame(struct fax_dialogue *d, struct fax_side *s, bool good, bool v21,
                      int64_t now_ns)
{
    struct slice frame = slice_of(s->hdlc, s->hdlc_size);
    good &= !s->hdlc_bad && frame.size >= HEAD && frame.data[0] == ADDRESS;
    s->hdlc_size = 0;
    s->hdlc_bad = false;
    if (!good)
        return;
    if (v21)
        command(d, s, frame, now_ns);
    else if (frame.data[HEAD - 1] == FCD && frame.size > HEAD + 1)
        take_frame(d, s, frame, now_ns);
}

static void hdlc_data(struct fax_side *s, struct slice data)
{
    if (data.size > sizeof s->hdlc - s->hdlc_size) {
        s->hdlc_bad = true;
        return;
    }
    for (size_t i = 0; i < data.size; i++)
        s->hdlc[s->hdlc_size++] = turned(data.data[i]);
}

static void field(struct fax_dialogue *d, struct fax_side *s, const struct ifp_field *f, bool v21,
                  int64_t now_ns)
{
    if (f->kind < IFP_PAGE_DATA)
        end_burst(s);
    switch (f->kind) {
    case IFP_HDLC_DATA:
        hdlc_data(s, f->data);
        break;
    case IFP_HDLC_FCS_OK:
    case IFP_HDLC_FCS_OK_SIG_END:
        end_frame(d, s, true, v21, now_ns);
        break;
    case IFP_HDLC_FCS_BAD:
    case IFP_HDLC_FCS_BAD_SIG_END:
    case IFP_HDLC_SIG_END:
        end_frame(d, s, false, v21, now_ns);
        break;
    case IFP_PAGE_DATA:
    case IFP_PAGE_SIG_END:
        if (f->data.size)
            page_data(d, s, f->data, now_ns);
        if (f->kind == IFP_PAGE_SIG_END)
            end_burst(s);
        break;
    }
}

void fax_dialogue_ifp(struct fax_dialogue *d, unsigned side, const struct ifp *ifp, int64_t now_ns)
{
    struct fax_side *s = &d->sides[side];
    if (ifp->indicator) {
        end_burst(s);
        s->hdlc_size = 0;
        s->hdlc_bad = false;
        s->lost_ahead = 0;
        return;
    }
    for (unsigned i = 0; i < ifp->field_count; i++)
        field(d, s, &ifp->fields[i], ifp->value == IFP_V21, now_ns);
    s->lost_ahead = 0;
}

void fax_dialogue_lost(struct fax_dialogue *d, unsigned side, unsigned packets)
{
    struct fax_side *s = &d->sides[side];
    s->hdlc_bad = true; /* until the frame is over: whatever it was */
    if (s->bursting) {
        s->page.missing += packets;
        note_gap(s);
    } else {
        s->lost_ahead += packets;
    }
}

void fax_dialogue_end(struct fax_dialogue *d)
{
    for (unsigned i = 0; i < FAX_SIDES; i++) {
        struct fax_side *s = &d->sides[i];
        end_burst(s);
        end_block(d, s);
        end_unnamed(d, s);
        tell_page(d, s);
    }
}
