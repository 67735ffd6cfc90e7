/* A few dozen slots, searched one by one. */
#include "decode/amr_shelf.h"

void amr_shelf_put(struct amr_shelf *s, uint32_t time, const struct amr_frame *frame)
{
    for (unsigned i = 0; i < AMR_SHELF; i++) {
        if (s->slots[i].there)
            continue;
        s->slots[i].there = true;
        s->slots[i].time = time;
        s->slots[i].frame = *frame;
        return;
    }
}

const struct amr_frame *amr_shelf_take(struct amr_shelf *s, uint32_t until, unsigned frame_ticks,
                                       uint32_t *ret_time)
{
    unsigned best = AMR_SHELF;
    int32_t oldest = -1;
    for (unsigned i = 0; i < AMR_SHELF; i++) {
        int32_t age = (int32_t)(until - s->slots[i].time);
        if (!s->slots[i].there || age < 0)
            continue;
        if (age > (int32_t)(2 * AMR_SHELF * frame_ticks)) {
            s->slots[i].there = false;
        } else if (age > oldest) {
            oldest = age;
            best = i;
        }
    }
    if (best == AMR_SHELF)
        return NULL;
    s->slots[best].there = false;
    *ret_time = s->slots[best].time;
    return &s->slots[best].frame;
}

bool amr_shelf_has(const struct amr_shelf *s, uint32_t until, const uint32_t *at)
{
    for (unsigned i = 0; i < AMR_SHELF; i++)
        if (s->slots[i].there && (int32_t)(until - s->slots[i].time) >= 0 &&
            (at == NULL || s->slots[i].time == *at))
            return true;
    return false;
}
