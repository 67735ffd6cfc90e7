/* ISUP messages to bytes and back. Elements of lists cannot grow. */
#include "storage/record_pack.h"

static void number_pack(struct pack *p, struct record_isup_number *v)
{
    pack_bool(p, &v->given);
    pack_text(p, &v->digits);
    pack_text(p, &v->nature);
    pack_text(p, &v->presentation);
    pack_u8(p, &v->plan);
    pack_u8(p, &v->screening);
}

static void isup_pack(struct pack *p, void *item)
{
    struct record_isup *v = item;
    pack_i64(p, &v->time_us);
    pack_word(p, &v->party);
    pack_text(p, &v->type);
    pack_text(p, &v->message);
    number_pack(p, &v->calling);
    number_pack(p, &v->called);
    pack_int(p, &v->category);
    pack_int(p, &v->cause);
    pack_text(p, &v->cause_text);
    pack_text(p, &v->location);
    pack_text(p, &v->body);
}

void record_pack_isup(struct pack *p, struct record_isups *v)
{
    v->items = pack_items(p, v->items, &v->count, sizeof *v->items, isup_pack);
    pack_u32(p, &v->over_limit);
}
