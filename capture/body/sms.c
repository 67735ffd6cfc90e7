/* RP around TP. Addresses are semi-octets, low one first, or letters in the packed 7-bit alphabet.
 */
#include "capture/body/sms.h"

#include "base/cursor.h"
#include "capture/body/sms_text.h"

#define TIMESTAMP       7
#define RP_USER_DATA    0x41 /* element of RP-ACK and RP-ERROR */
#define HEADER_FLAG     0x40 /* TP-UDHI */
#define CONCATENATED    0x00 /* elements of the user data header */
#define CONCATENATED_16 0x08
#define INTERNATIONAL   1
#define ALPHANUMERIC    5

/* ---- addresses ---- */

static void write_number(struct slice octets, size_t digits, uint8_t kind, char out[SMS_NUMBER_MAX])
{
    static const char signs[] = "0123456789*#abc";
    size_t n = 0;
    if ((kind >> 4 & 7) == ALPHANUMERIC) {
        struct sms_coded coded = {.data = octets, .septets = digits * 4 / 7};
        sms_septets(&coded, out, SMS_NUMBER_MAX);
        return;
    }
    if ((kind >> 4 & 7) == INTERNATIONAL)
        out[n++] = '+';
    for (size_t i = 0; i < digits && n < SMS_NUMBER_MAX - 1; i++) {
        unsigned d = octets.data[i / 2] >> (i % 2 * 4) & 15;
        if (d == 15)
            break;
        out[n++] = signs[d];
    }
    out[n] = '\0';
}

/* Size in octets, kind and digits; size 0: none. */
static void rp_address(struct cursor *c, char out[SMS_NUMBER_MAX])
{
    struct cursor a = cursor_part(c, cursor_u8(c));
    if (cursor_left(&a) < 2)
        return;
    uint8_t kind = cursor_u8(&a);
    struct slice octets = cursor_rest(&a);
    write_number(octets, octets.size * 2, kind, out);
}

/* Number of digits, kind and digits. */
static void tp_address(struct cursor *c, char out[SMS_NUMBER_MAX])
{
    uint8_t digits = cursor_u8(c), kind = cursor_u8(c);
    struct slice octets = cursor_slice(c, (digits + 1u) / 2);
    if (!c->failed)
        write_number(octets, digits, kind, out);
}

/* ---- TP ---- */

/* Elements of the user data header: concatenation with 8 or 16 bits of reference. */
static void read_header(struct slice header, struct sms *s)
{
    struct cursor c = cursor_over(header);
    while (cursor_left(&c) >= 2) {
        uint8_t id = cursor_u8(&c);
        struct cursor e = cursor_part(&c, cursor_u8(&c));
        bool wide = id == CONCATENATED_16;
        if (c.failed || (id != CONCATENATED && !wide) || cursor_left(&e) != 3u + wide)
            continue;
        s->concat_ref = wide ? cursor_u16(&e) : cursor_u8(&e);
        s->parts = cursor_u8(&e);
        s->part = cursor_u8(&e);
    }
}

static void user_data(struct cursor *c, bool with_header, struct sms *s)
{
    s->user_data_length = cursor_u8(c);
    struct slice data = cursor_rest(c);
    size_t octets = sms_alphabet(s->dcs) == SMS_SEPTETS ? (s->user_data_length * 7u + 7) / 8
                                                        : s->user_data_length;
    if (octets > data.size)
        c->failed = true;
    s->user_data = slice_sub(data, 0, octets);
    s->has_header = with_header && s->user_data.size > 0;
    if (s->has_header)
        read_header(slice_sub(s->user_data, 1, 1u + s->user_data.data[0]), s);
    s->text_length = (uint16_t)sms_characters(s);
}

static void read_deliver(struct cursor *c, bool with_header, struct sms *s)
{
    tp_address(c, s->number);
    s->pid = cursor_u8(c);
    s->dcs = cursor_u8(c);
    cursor_skip(c, TIMESTAMP);
    user_data(c, with_header, s);
}

static void read_submit(struct cursor *c, uint8_t first, struct sms *s)
{
    static const uint8_t validity[] = {0, 7, 1, 7}; /* by TP-VPF */
    cursor_skip(c, 1);
    tp_address(c, s->number);
    s->pid = cursor_u8(c);
    s->dcs = cursor_u8(c);
    cursor_skip(c, validity[first >> 3 & 3]);
    user_data(c, first & HEADER_FLAG, s);
}

static void read_status_report(struct cursor *c, struct sms *s)
{
    cursor_skip(c, 1);
    tp_address(c, s->number);
    cursor_skip(c, TIMESTAMP + TIMESTAMP);
    s->tp_status = cursor_u8(c);
}

static void read_command(struct cursor *c, struct sms *s)
{
    cursor_skip(c, 1);
    s->pid = cursor_u8(c);
    cursor_skip(c, 2);
    tp_address(c, s->number);
}

/* The two bits of a TP type mean something else in each direction (23.040 9.2.3.1). */
static enum sms_tp tp_kind(const struct sms *s, uint8_t first)
{
    static const enum sms_tp data[2][4] = {
        {SMS_TP_NONE, SMS_SUBMIT, SMS_COMMAND, SMS_TP_NONE},
        {SMS_DELIVER, SMS_TP_NONE, SMS_STATUS_REPORT, SMS_TP_NONE},
    };
    static const enum sms_tp report[2][4] = {
        {SMS_DELIVER_REPORT, SMS_TP_NONE, SMS_TP_NONE, SMS_TP_NONE},
        {SMS_TP_NONE, SMS_SUBMIT_REPORT, SMS_TP_NONE, SMS_TP_NONE},
    };
    return (s->rp == SMS_RP_DATA ? data : report)[s->from_network][first & 3];
}

static void read_tp(struct slice tpdu, struct sms *s)
{
    struct sms with = *s;
    if (tpdu.size == 0)
        return;
    struct cursor c = cursor_over(tpdu);
    uint8_t first = cursor_u8(&c);
    with.tp = tp_kind(s, first);
    if (with.tp == SMS_DELIVER)
        read_deliver(&c, first & HEADER_FLAG, &with);
    else if (with.tp == SMS_SUBMIT)
        read_submit(&c, first, &with);
    else if (with.tp == SMS_STATUS_REPORT)
        read_status_report(&c, &with);
    else if (with.tp == SMS_COMMAND)
        read_command(&c, &with);
    if (!c.failed)
        *s = with;
}

/* ---- RP ---- */

static void read_data(struct cursor *c, struct sms *s)
{
    char origin[SMS_NUMBER_MAX] = "", destination[SMS_NUMBER_MAX] = "";
    rp_address(c, origin);
    rp_address(c, destination);
    memcpy(s->smsc, s->from_network ? origin : destination, sizeof s->smsc);
    struct slice tpdu = cursor_slice(c, cursor_u8(c));
    if (!c->failed)
        read_tp(tpdu, s);
}

static void read_report(struct cursor *c, struct sms *s)
{
    if (s->rp == SMS_RP_ERROR) {
        struct cursor cause = cursor_part(c, cursor_u8(c));
        s->rp_cause = cursor_u8(&cause) & 0x7f;
        c->failed |= cause.failed;
    }
    if (cursor_left(c) < 2 || cursor_u8(c) != RP_USER_DATA)
        return;
    struct slice tpdu = cursor_slice(c, cursor_u8(c));
    if (!c->failed)
        read_tp(tpdu, s);
}

bool sms_read(struct slice body, struct sms *ret)
{
    if (body.size < 2)
        return false;
    struct cursor c = cursor_over(body);
    uint8_t type = cursor_u8(&c);
    struct sms s = {
        .rp = (enum sms_rp)(type >> 1), .from_network = type & 1, .reference = cursor_u8(&c)};
    if (type > 6)
        return false;
    if (s.rp == SMS_RP_DATA)
        read_data(&c, &s);
    else if (s.rp != SMS_RP_SMMA)
        read_report(&c, &s);
    if (c.failed)
        return false;
    *ret = s;
    return true;
}

const char *sms_tp_text(enum sms_tp tp)
{
    static const char *const texts[] = {
        NULL, "deliver", "deliver_report", "submit", "submit_report", "status_report", "command"};
    return (unsigned)tp < sizeof texts / sizeof texts[0] ? texts[tp] : NULL;
}

const char *sms_rp_text(enum sms_rp rp)
{
    static const char *const texts[] = {"data", "ack", "error", "smma"};
    return (unsigned)rp < sizeof texts / sizeof texts[0] ? texts[rp] : texts[0];
}
