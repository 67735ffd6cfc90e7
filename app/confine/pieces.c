#include "app/confine/pieces.h"

#include <assert.h>

#define PIECE_NS INT64_C(200000000)
#define NEAR_NS  INT64_C(2000000000)
#define PLACE_NS (INT64_C(100) * 3600 * 1000000000) /* no recording has a place beyond */

static void grow(struct render_skip *s, int64_t at_ns, int64_t width_ns)
{
    int64_t first = at_ns < s->from_ns ? at_ns : s->from_ns;
    int64_t last = at_ns > s->to_ns ? at_ns : s->to_ns;
    s->from_ns = first - width_ns;
    s->to_ns = last + width_ns;
}

void pieces_add(struct pieces *p, uint32_t flow, int64_t at_ns)
{
    if (flow == 0 || at_ns < -PLACE_NS || at_ns > PLACE_NS)
        return;
    for (uint32_t i = 0; i < p->count; i++) {
        struct render_skip *s = &p->skip[i];
        if (s->flow != flow || at_ns < s->from_ns - NEAR_NS || at_ns > s->to_ns + NEAR_NS)
            continue;
        p->width_ns[i] *= 2;
        grow(s, at_ns, p->width_ns[i]);
        return;
    }
    assert(p->count < PIECES_MAX);
    p->width_ns[p->count] = PIECE_NS;
    p->skip[p->count++] = (struct render_skip){flow, at_ns, at_ns + PIECE_NS};
}
