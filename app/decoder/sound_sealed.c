#include "app/decoder/sound_sealed.h"

void sound_sealed_packet(struct sound_sealed *s, int64_t time_ns, bool opened)
{
    if (opened) {
        s->heard_from_ns = s->heard ? s->heard_from_ns : time_ns;
        s->heard_to_ns = time_ns;
        s->heard = true;
        s->run = 0;
        return;
    }
    s->run_from_ns = s->run++ ? s->run_from_ns : time_ns;
    s->run_to_ns = time_ns;
    int64_t lasted_ns = s->run_to_ns - s->run_from_ns;
    if (s->run < SEALED_PACKETS_MIN || lasted_ns < SEALED_LEAST_NS || lasted_ns <= s->to_ns - s->from_ns)
        return;
    s->from_ns = s->run_from_ns;
    s->to_ns = s->run_to_ns;
}

bool sound_sealed_lacks(const struct sound_sealed *s, int64_t *ret_from_ns, int64_t *ret_to_ns)
{
    bool never_opened = !s->heard && s->run >= SEALED_PACKETS_MIN;
    if (!never_opened && s->to_ns == 0)
        return false;
    *ret_from_ns = never_opened ? s->run_from_ns : s->from_ns;
    *ret_to_ns = never_opened ? s->run_to_ns : s->to_ns;
    return true;
}

bool sound_sealed_stands_in(const struct sound_sealed *other, int64_t from_ns, int64_t to_ns)
{
    return other->heard && other->heard_from_ns <= from_ns + SEALED_LEAST_NS && other->heard_to_ns >= to_ns - SEALED_LEAST_NS;
}
