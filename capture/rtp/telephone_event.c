/* Numbers of paragraphs are those of RFC 4733. */
#include "capture/rtp/telephone_event.h"

#include "base/cursor.h"

#define SEGMENT_LONGEST 0xffff /* a longer event is told in parts (2.5.1.3) */

bool telephone_event_next(struct slice *payload, struct telephone_event *ret_event)
{
    struct cursor c = cursor_over(*payload);
    uint8_t event = cursor_u8(&c);
    uint8_t bits = cursor_u8(&c);
    uint16_t duration = cursor_u16(&c);
    if (c.failed)
        return false;
    *payload = slice_from(*payload, 4);
    *ret_event = (struct telephone_event){
        .event = event, .volume = bits & 0x3f, .end = bits >> 7, .duration = duration};
    return true;
}

char telephone_key(uint8_t event)
{
    static const char keys[] = "0123456789*#ABCD!";
    return event <= TELEPHONE_FLASH ? keys[event] : 0;
}

/* ---- one press, however it is told ---- */

static bool was_before(const struct telephone *t, uint32_t timestamp)
{
    for (unsigned i = 0; i < t->recent_count; i++)
        if (timestamp - t->recent[i].start <= t->recent[i].duration)
            return true;
    return false;
}

static void remember(struct telephone *t, uint32_t start, uint32_t duration)
{
    memmove(t->recent + 1, t->recent, sizeof t->recent - sizeof *t->recent);
    t->recent[0].start = start;
    t->recent[0].duration = duration;
    t->recent_count += t->recent_count < TELEPHONE_HISTORY;
}

static enum telephone_step begin(struct telephone *t, uint32_t timestamp,
                                 const struct telephone_event *e)
{
    if (t->known)
        remember(t, t->start, t->duration);
    t->known = true;
    t->start = t->segment = timestamp;
    t->event = e->event;
    t->duration = t->segment_duration = e->duration;
    t->ended = e->end;
    return TELEPHONE_PRESSED;
}

static enum telephone_step hold(struct telephone *t, uint32_t timestamp,
                                const struct telephone_event *e)
{
    uint32_t duration = timestamp - t->start + e->duration;
    t->ended |= e->end;
    if (timestamp != t->segment || e->duration > t->segment_duration) {
        t->segment = timestamp;
        t->segment_duration = e->duration;
    }
    if (duration <= t->duration)
        return TELEPHONE_NOTHING;
    t->duration = duration;
    return TELEPHONE_HELD;
}

/* A sender that never changes its timestamp: only a marked report that is shorter than the one that
 * ended speaks of another press. */
static bool begins_again(const struct telephone *t, bool marker, bool late,
                         const struct telephone_event *e)
{
    return marker && !late && t->ended && !e->end && e->duration < t->segment_duration;
}

static bool goes_on(const struct telephone *t, uint32_t ahead)
{
    return t->ended ? ahead < t->segment_duration
                    : ahead <= t->segment_duration || ahead == SEGMENT_LONGEST;
}

/* A late report of a press of which nothing else came; those that are too old to be remembered were
 * told. */
static bool missed_before(const struct telephone *t, uint32_t timestamp)
{
    return t->recent_count == 0 || (int32_t)(timestamp - t->recent[t->recent_count - 1].start) > 0;
}

enum telephone_step telephone_take(struct telephone *t, uint32_t timestamp, bool marker, bool late,
                                   const struct telephone_event *e)
{
    int32_t ahead = (int32_t)(timestamp - t->segment);
    if (!t->known)
        return begin(t, timestamp, e);
    if (timestamp == t->segment && e->event == t->event)
        return begins_again(t, marker, late, e) ? begin(t, timestamp, e) : hold(t, timestamp, e);
    if (timestamp == t->start && e->event == t->event)
        return TELEPHONE_NOTHING; /* an earlier part of the press that goes on */
    if (ahead > 0 && e->event == t->event && goes_on(t, (uint32_t)ahead))
        return t->ended ? TELEPHONE_NOTHING : hold(t, timestamp, e);
    if (ahead < 0 && was_before(t, timestamp))
        return TELEPHONE_NOTHING;
    if (ahead >= 0 || !late) /* timestamps may have begun anew */
        return begin(t, timestamp, e);
    if (!missed_before(t, timestamp))
        return TELEPHONE_NOTHING;
    remember(t, timestamp, e->duration);
    return TELEPHONE_MISSED;
}
