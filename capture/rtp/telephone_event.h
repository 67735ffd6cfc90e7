/* Keys in RTP: telephone-event of RFC 4733 (and RFC 2833). A press is told by many packets that share a timestamp; the last of them,
 * with the E bit, comes three times or more. Here each press comes out once, whatever of its packets is lost, late or repeated:
 *
 *   same timestamp ---------------------------------> the same press, longer
 *   begins where the one before ended, or 0xffff
 *   ticks after it, same key, no E bit seen --------> the same press, its next segment (2.5.1.3)
 *   begins before the one before was over ----------> the same press: senders that advance the timestamp of each packet
 *   behind one that is known, or late and older ----> nothing new
 *   all else ---------------------------------------> a press
 *
 * Neither the marker nor the E bit is needed; the marker only tells a new press where a sender never changes its timestamp. */
#pragma once

#include "base/slice.h"

#define TELEPHONE_FLASH   16 /* events beyond it are no keys */
#define TELEPHONE_HISTORY 4

struct telephone_event { /* 2.3 */
    uint8_t event;
    uint8_t volume;    /* attenuation: -dBm0 */
    bool end;
    uint16_t duration; /* ticks of the RTP clock */
};

/* Takes the next report off the payload, false when there is none. Behind one that ended others may follow, each begins where the one
 * before it ends (2.5.1.5); padding is none. */
bool telephone_event_next(struct slice *payload, struct telephone_event *ret_event);
/* May this be one although nothing announced its payload type? It is a dynamic one, and no sound is as short as a
 * report: `size` is that of the payload on the wire. */
static inline bool telephone_event_unnamed(uint8_t payload_type, size_t size)
{
    return payload_type >= 96 && size == 4;
}

enum telephone_step {
    TELEPHONE_NOTHING,
    TELEPHONE_PRESSED, /* a press; it is the newest one now */
    TELEPHONE_HELD,    /* the newest one lasts longer */
    TELEPHONE_MISSED,  /* a press before the newest one: the report is all that is known of it */
};

/* Of one stream; zeroed to begin with. */
struct telephone {
    uint32_t start;     /* timestamp of the press */
    uint32_t segment;   /* of the newest part of it */
    uint32_t duration;  /* of the press, ticks; the caller's to read */
    struct {
        uint32_t start, duration;
    } recent[TELEPHONE_HISTORY]; /* earlier ones, the newest first */
    uint16_t segment_duration;
    uint8_t recent_count;
    uint8_t event;
    bool known;         /* there was a press */
    bool ended;
};

/* What one report says. `late`: its packet was overtaken, or it is a repetition for redundancy. */
enum telephone_step telephone_take(struct telephone *t, uint32_t timestamp, bool marker, bool late, const struct telephone_event *e);
/* '0'..'9', '*', '#', 'A'..'D', '!' for hook flash; 0: no key. */
char telephone_key(uint8_t event);
