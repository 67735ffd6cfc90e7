/* One visit per struct, as in record_pack.c. New fields go to the end of record_pack_identity(). */
#include "storage/record_pack.h"

static void number_pack(struct pack *p, struct record_number *n)
{
    pack_text(p, &n->number);
    pack_text(p, &n->raw);
    pack_word(p, &n->source);
    pack_bool(p, &n->privacy);
    pack_bool(p, &n->ported);
    pack_text(p, &n->routing_number);
}

static void diversion_pack(struct pack *p, void *item)
{
    struct record_diversion *d = item;
    pack_text(p, &d->number);
    pack_text(p, &d->uri);
    pack_text(p, &d->reason);
    pack_int(p, &d->counter);
    pack_bool(p, &d->privacy);
}

static void history_pack(struct pack *p, void *item)
{
    struct record_history *h = item;
    pack_text(p, &h->number);
    pack_text(p, &h->uri);
    pack_text(p, &h->index);
    pack_text(p, &h->origin);
    pack_word(p, &h->why);
    pack_int(p, &h->cause);
    pack_bool(p, &h->privacy);
}

static void passport_pack(struct pack *p, void *item)
{
    struct record_passport *t = item;
    pack_text(p, &t->ppt);
    pack_text(p, &t->attest);
    pack_text(p, &t->orig);
    pack_text(p, &t->dest);
    pack_text(p, &t->origid);
    pack_text(p, &t->x5u);
    pack_text(p, &t->alg);
    pack_i64(p, &t->iat_s);
    pack_word(p, &t->result);
}

static void header_pack(struct pack *p, void *item)
{
    struct record_header *h = item;
    pack_text(p, &h->name);
    pack_text(p, &h->value);
    pack_bool(p, &h->cut);
}

static void reason_pack(struct pack *p, void *item)
{
    struct record_reason *r = item;
    pack_i64(p, &r->time_us);
    pack_word(p, &r->party);
    pack_text(p, &r->message);
    pack_text(p, &r->protocol);
    pack_text(p, &r->text);
    pack_int(p, &r->cause);
}

void record_pack_identity(struct pack *p, struct record_identity *d)
{
    number_pack(p, &d->caller);
    number_pack(p, &d->callee);
    pack_text(p, &d->privacy);
    pack_text(p, &d->referred_by);
    pack_text(p, &d->q850_text);
    d->diversions =
        pack_items(p, d->diversions, &d->diversion_count, sizeof *d->diversions, diversion_pack);
    d->history = pack_items(p, d->history, &d->history_count, sizeof *d->history, history_pack);
    d->passports =
        pack_items(p, d->passports, &d->passport_count, sizeof *d->passports, passport_pack);
    d->headers = pack_items(p, d->headers, &d->header_count, sizeof *d->headers, header_pack);
    d->reasons = pack_items(p, d->reasons, &d->reason_count, sizeof *d->reasons, reason_pack);
}
