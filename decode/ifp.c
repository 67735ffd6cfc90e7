/* Aligned PER, of which the few forms that T.38 has are read by hand. A packet that is read with
 * the wrong packing has fields that make no sense (data where none belongs, octets left over); that
 * is how the right one is found. */
#include "decode/ifp.h"

#include "base/cursor.h"

#define FIELD_KINDS 8

static bool data_fits(enum ifp_field_kind kind, bool has_data)
{
    return has_data || (kind != IFP_HDLC_DATA && kind != IFP_PAGE_DATA);
}

static bool take_data(struct cursor *c, struct ifp_field *f)
{
    size_t size = (size_t)cursor_u16(c) + 1;
    f->data = cursor_slice(c, size);
    return !c->failed;
}

/* Present 1, extension 1, kind 3, padding: data begins at the next octet. */
static bool take_octet_field(struct cursor *c, struct ifp_field *f)
{
    uint8_t head = cursor_u8(c);
    bool present = head & 0x80;
    f->kind = head >> 3 & 7;
    f->data = slice_none();
    if (c->failed || head & 0x47 || !data_fits(f->kind, present))
        return false;
    return !present || take_data(c, f);
}

/* Present 1, kind 3: two fields without data may share an octet; `half`: the second of it is next.
 */
static bool take_half_field(struct cursor *c, struct ifp_field *f, uint8_t *head, bool *half)
{
    uint8_t bits;
    if (!*half)
        *head = cursor_u8(c);
    bits = *half ? *head & 15 : *head >> 4;
    bool present = bits & 8;
    f->kind = bits & 7;
    f->data = slice_none();
    *half = !*half && !present;
    if (c->failed || !data_fits(f->kind, present))
        return false;
    return !present || take_data(c, f);
}

static bool take_fields(struct cursor *c, enum ifp_packing packing, struct ifp *p)
{
    unsigned count = cursor_u8(c);
    uint8_t head = 0;
    bool half = false, good = count <= IFP_FIELDS_MAX;
    for (unsigned i = 0; i < count && good; i++) {
        struct ifp_field *f = &p->fields[p->field_count++];
        good = packing == IFP_OCTETS ? take_octet_field(c, f) : take_half_field(c, f, &head, &half);
    }
    return good && !c->failed && (!half || (head & 15) == 0);
}

/* An enumeration: extension 1, value 4; extended: 6 bits more. */
static unsigned take_value(struct cursor *c, uint8_t first)
{
    if (first & 0x20)
        return 16 + (unsigned)((first << 2 & 0x3c) | cursor_u8(c) >> 6);
    return first >> 1 & 15;
}

bool ifp_parse(struct slice packet, enum ifp_packing packing, struct ifp *ret_ifp)
{
    struct cursor c = cursor_over(packet);
    struct ifp *p = ret_ifp;
    uint8_t first = cursor_u8(&c);
    bool has_fields = first & 0x80;
    p->indicator = !(first & 0x40);
    p->value = take_value(&c, first);
    p->field_count = 0;
    if (c.failed || (p->indicator && has_fields))
        return false;
    bool good = !has_fields || take_fields(&c, packing, p);
    return good && cursor_left(&c) == 0;
}
