/* Digits to bytes and back. Elements of lists cannot grow. */
#include "storage/record_pack.h"

static void digit_pack(struct pack *p, void *item)
{
    struct record_digit *v = item;
    pack_i64(p, &v->time_us);
    pack_text(p, &v->digit);
    pack_u32(p, &v->duration_ms);
    pack_word(p, &v->source);
    pack_word(p, &v->party);
}

void record_pack_dtmf(struct pack *p, struct record_dtmf *v)
{
    v->digits = pack_items(p, v->digits, &v->count, sizeof *v->digits, digit_pack);
    pack_u32(p, &v->over_limit);
}

void record_pack_dtmf_wire(struct pack *p, struct record_dtmf *v)
{
    uint32_t count = v->count;
    pack_u32(p, &count);
    /* A row may end early, but not be gone through for ever. */
    for (uint32_t i = 0; i < count && !p->failed && (p->out || !pack_at_end(p)); i++) {
        struct record_digit none = {0}, *d = i < v->count ? &v->digits[i] : &none;
        pack_u8(p, &d->payload_type);
        pack_u8(p, &d->volume);
    }
}
