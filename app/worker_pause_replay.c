/* Pauses in a recovery. What SIP asked for is asked for again; of what the API, a timer or keys asked for, only packets that were
 * withheld are left: the pauses are told from them, without who wanted them, which stands in the audit log. */
#include "app/worker_pause_internal.h"

#include <stdio.h>

#include "app/worker_mask.h"

#define TOGETHER_NS INT64_C(1000000000) /* of both sides: told as one */

static void note(struct wpause *p, unsigned side, bool resumed, int64_t time_ns)
{
    struct pause_point point = {.time_ns = time_ns, .resumed = resumed, .replayed = (uint8_t)side};
    struct pause_point *last = p->point_count ? &p->points[p->point_count - 1] : NULL;
    bool together = last && last->replayed && last->resumed == resumed && time_ns - last->time_ns < TOGETHER_NS;
    if (together)
        point.time_ns = last->time_ns;
    if (together)
        point.replayed |= last->replayed;
    snprintf(point.detail, sizeof point.detail, "%s, told by its packets after a restart", pause_sides_text(point.replayed));
    if (together)
        *last = point;
    else
        worker_pause_point(p, &point);
}

bool worker_pause_replay(struct worker *w, struct wflow *f, const struct event *event, const struct rtp_codec *codec,
                         const struct rtp_packet *packet)
{
    unsigned side = worker_pause_side(f->party);
    struct wpause *p = f->call->pause;
    if (f->kept != RULE_KEEP_ALL)
        return false;
    if (event->body.size > RTP_FIXED) {
        if (p && (p->replayed & side))
            note(p, p->replayed & side, true, event->time_ns);
        if (p)
            p->replayed &= (uint8_t)~side;
        return false;
    }
    size_t withheld_bytes = event->media.wire_bytes > RTP_FIXED ? event->media.wire_bytes - RTP_FIXED : 0;
    bool withheld = withheld_bytes && !worker_mask_is_event(codec, packet->payload_type, withheld_bytes); /* it may only have been masked */
    p = withheld ? worker_pause_of(f->call) : NULL;
    if (p && (p->replayed & side) != side)
        note(p, side, false, event->time_ns);
    if (p) {
        p->replayed |= (uint8_t)side;
        p->withheld++;
    }
    worker_keep_packet(w, f, event, event->body, false);
    return true;
}
