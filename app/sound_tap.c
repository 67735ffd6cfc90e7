/* Each packet is published at once: it is on its way to somebody's ear. */
#include "app/sound_tap.h"

#include <stdlib.h>

#define RING_BYTES ((size_t)256 << 10) /* some seconds of two directions of G.711 */

struct sound_tap *sound_tap_new(void)
{
    struct sound_tap *t = calloc(1, sizeof *t);
    if (t == NULL)
        return NULL;
    t->ring = ring_new(RING_BYTES);
    atomic_store(&t->let_go, true);
    if (t->ring)
        return t;
    free(t);
    return NULL;
}

void sound_tap_free(struct sound_tap *t)
{
    if (t == NULL)
        return;
    ring_free(t->ring);
    free(t);
}

bool sound_tap_put(struct sound_tap *t, const struct sound_tap_packet *head, struct slice datagram)
{
    uint8_t *at = ring_reserve(t->ring, sizeof *head + datagram.size, false);
    if (at == NULL) {
        atomic_fetch_add_explicit(&t->dropped, 1, memory_order_relaxed);
        return false;
    }
    memcpy(at, head, sizeof *head);
    memcpy(at + sizeof *head, datagram.data, datagram.size);
    ring_commit(t->ring);
    ring_publish(t->ring);
    return true;
}

void sound_tap_let_go(struct sound_tap *t)
{
    t->call = NULL;
    t->next = NULL;
    ring_close(t->ring);
    atomic_store(&t->let_go, true); /* from here on it may be freed */
}

bool sound_tap_next(struct sound_tap *t, struct sound_tap_packet *ret_head,
                    struct slice *ret_datagram)
{
    struct slice record = ring_next(t->ring);
    if (record.data == NULL)
        return false;
    memcpy(ret_head, record.data, sizeof *ret_head);
    *ret_datagram = slice_from(record, sizeof *ret_head);
    return true;
}
