/* Frames and elements:
 *
 *   TPKT   03 00 | size of all, 16 bits | Q.931
 *   Q.931  08 | 02 | reference, 16 bits, its first one says who sends | type | elements
 *
 * An element is one byte from 0x80 up, or identifier, size, contents; the size of the user-user
 * element has two bytes (H.225.0 7.2.2). */
#include "capture/foreign/h225.h"

#include "base/cursor.h"

#define TPKT_HEADER 4

enum { Q931 = 0x08, USER_USER_ASN1 = 0x05 };
enum {
    IE_CAUSE = 0x08,
    IE_DISPLAY = 0x28,
    IE_CALLING = 0x6c,
    IE_CALLED = 0x70,
    IE_USER_USER = 0x7e
};

static bool is_type(uint8_t type)
{
    switch (type) {
    case H225_ALERTING:
    case H225_CALL_PROCEEDING:
    case H225_PROGRESS:
    case H225_SETUP:
    case H225_CONNECT:
    case H225_SETUP_ACK:
    case H225_CONNECT_ACK:
    case H225_RELEASE_COMPLETE:
    case H225_FACILITY:
    case H225_NOTIFY:
    case H225_STATUS_ENQUIRY:
    case H225_INFORMATION:
    case H225_STATUS:
        return true;
    default:
        return false;
    }
}

/* ---- elements ---- */

/* Octets up to the one with the extension bit are one group (Q.931 4.5.1). */
static void skip_group(struct cursor *c)
{
    while (!c->failed && cursor_left(c) > 0 && (cursor_u8(c) & 0x80) == 0)
        continue;
}

static struct slice number_of(struct slice contents)
{
    struct cursor c = cursor_over(contents);
    skip_group(&c);
    struct slice digits = cursor_rest(&c);
    for (size_t i = 0; i < digits.size; i++) {
        if (digits.data[i] < 0x20 || digits.data[i] > 0x7e)
            return slice_none();
    }
    return digits;
}

static uint8_t cause_of(struct slice contents)
{
    struct cursor c = cursor_over(contents);
    skip_group(&c);
    return cursor_u8(&c) & 0x7f;
}

/* Some terminals count a NUL into their name. */
static struct slice text_of(struct slice contents)
{
    return slice_trim(slice_sub(contents, 0, slice_index(contents, 0)));
}

static void take_element(struct h225_msg *m, uint8_t id, struct slice contents)
{
    switch (id) {
    case IE_CAUSE:
        m->cause = cause_of(contents);
        break;
    case IE_DISPLAY:
        m->display = text_of(contents);
        break;
    case IE_CALLING:
        m->calling = number_of(contents);
        break;
    case IE_CALLED:
        m->called = number_of(contents);
        break;
    case IE_USER_USER:
        m->user_user = contents.size > 1 && contents.data[0] == USER_USER_ASN1;
        break;
    default:
        break;
    }
}

static bool take_elements(struct cursor *c, struct h225_msg *m)
{
    while (cursor_left(c) > 0) {
        uint8_t id = cursor_u8(c);
        if (id & 0x80)
            continue;
        size_t size = id == IE_USER_USER ? cursor_u16(c) : cursor_u8(c);
        struct slice contents = cursor_slice(c, size);
        if (c->failed)
            return false;
        take_element(m, id, contents);
    }
    return true;
}

bool h225_parse(struct slice q931, struct h225_msg *ret_msg)
{
    struct h225_msg m = {0};
    struct cursor c = cursor_over(q931);
    uint8_t discriminator = cursor_u8(&c);
    uint8_t reference_size = cursor_u8(&c);
    uint16_t reference = cursor_u16(&c);
    m.type = cursor_u8(&c);
    if (c.failed || discriminator != Q931 || reference_size != 2 || !is_type(m.type))
        return false;
    m.from_destination = reference >> 15;
    m.reference = reference & 0x7fff;
    if (!take_elements(&c, &m))
        return false;
    *ret_msg = m;
    return true;
}

/* ---- frames ---- */

static bool tpkt_size(struct slice s, uint32_t *ret_size)
{
    struct cursor c = cursor_over(s);
    uint16_t version = cursor_u16(&c);
    uint16_t size = cursor_u16(&c);
    if (c.failed || version != 0x0300 || size < TPKT_HEADER)
        return false;
    *ret_size = size;
    return true;
}

bool h225_begins(struct slice head, bool on_port)
{
    struct h225_msg m;
    uint32_t size;
    if (!tpkt_size(head, &size))
        return false;
    if (size == TPKT_HEADER || head.size == TPKT_HEADER) /* empty, to keep the connection alive */
        return on_port;
    if (head.size < size) /* the rest of the first message is on its way */
        return on_port && head.data[TPKT_HEADER] == Q931;
    return h225_parse(slice_sub(head, TPKT_HEADER, size), &m) && (m.user_user || on_port);
}

/* Bytes up to where a message may begin again. */
static size_t nonsense(struct slice s)
{
    for (size_t at = 1; at + TPKT_HEADER + 2 <= s.size; at++) {
        uint32_t size;
        if (s.data[at] == 3 && tpkt_size(slice_from(s, at), &size) &&
            s.data[at + TPKT_HEADER] == Q931 && s.data[at + TPKT_HEADER + 1] == 2)
            return at;
    }
    return s.size;
}

/* As many bytes as are there of the `wanted` go into the part; false: it is not complete. */
static bool gather(struct h225_framer *f, struct slice *bytes, uint32_t wanted)
{
    if (f->part.size < wanted) {
        struct slice more = slice_sub(*bytes, 0, wanted - f->part.size);
        buf_slice(&f->part, more);
        *bytes = slice_from(*bytes, more.size);
    }
    if (f->part.failed) /* no memory: the message is lost */
        buf_clear(&f->part);
    return f->part.size >= wanted;
}

static void begin_part(struct h225_framer *f)
{
    if (f->part.data == NULL)
        buf_init(&f->part, H225_MESSAGE_MAX);
}

/* A message that came in pieces; false: all bytes are used up. */
static bool continue_part(struct h225_framer *f, struct slice *bytes, h225_fn *fn, void *context)
{
    uint32_t size = 0;
    if (!gather(f, bytes, TPKT_HEADER))
        return false;
    if (!tpkt_size(buf_view(&f->part), &size)) { /* out of step */
        buf_clear(&f->part);
        return true;
    }
    if (size > H225_MESSAGE_MAX) {
        buf_clear(&f->part);
        f->skip = size - TPKT_HEADER;
        return true;
    }
    if (!gather(f, bytes, size))
        return false;
    fn(context, slice_from(buf_view(&f->part), TPKT_HEADER));
    buf_clear(&f->part);
    return true;
}

/* A message that begins in `bytes`: handed on in place when all of it is there. */
static void begin_message(struct h225_framer *f, struct slice *bytes, h225_fn *fn, void *context)
{
    uint32_t size = 0;
    if (bytes->size >= TPKT_HEADER && !tpkt_size(*bytes, &size)) {
        *bytes = slice_from(*bytes, nonsense(*bytes));
        return;
    }
    if (size > H225_MESSAGE_MAX) {
        f->skip = size;
        return;
    }
    if (size && bytes->size >= size) {
        fn(context, slice_sub(*bytes, TPKT_HEADER, size));
        *bytes = slice_from(*bytes, size);
        return;
    }
    begin_part(f);
    buf_slice(&f->part, *bytes);
    *bytes = slice_none();
}

void h225_feed(struct h225_framer *f, struct slice bytes, h225_fn *fn, void *context)
{
    while (bytes.size) {
        if (f->skip) {
            size_t n = f->skip < bytes.size ? f->skip : bytes.size;
            f->skip -= (uint32_t)n;
            bytes = slice_from(bytes, n);
        } else if (f->part.size) {
            if (!continue_part(f, &bytes, fn, context))
                return;
        } else {
            begin_message(f, &bytes, fn, context);
        }
    }
}

void h225_framer_fini(struct h225_framer *f)
{
    buf_fini(&f->part);
}
