/* A new stretch takes the place of the least bad one. */
#include "decode/stretches.h"

static void keep(struct stretches *s, const struct stretch *v)
{
    unsigned least = 0;
    if (s->count < STRETCHES_MAX) {
        s->worst[s->count++] = *v;
        return;
    }
    for (unsigned i = 1; i < s->count; i++)
        if (s->worst[i].amount < s->worst[least].amount)
            least = i;
    if (v->amount > s->worst[least].amount)
        s->worst[least] = *v;
}

void stretches_end(struct stretches *s, int64_t least)
{
    if (s->open.amount && s->open.length >= least)
        keep(s, &s->open);
    s->open = (struct stretch){0};
}

void stretches_note(struct stretches *s, int64_t at, int64_t length, int64_t amount, int64_t apart)
{
    struct stretch *v = &s->open;
    if (v->amount && at > v->at + v->length + apart)
        stretches_end(s, 0);
    if (v->amount == 0)
        *v = (struct stretch){.at = at};
    v->length = at + length - v->at;
    v->amount += amount;
}
