/* What the three SDP files share. Nobody else includes it. */
#pragma once

#include "capture/sip/quick.h"
#include "capture/sip/sdp.h"

/* Takes a word off the front of a line; empty at the end. */
static inline struct slice sdp_word(struct slice *line)
{
    if (line->size == 0)
        return *line;
    const uint8_t *at = line->data, *end = at + line->size;
    while (at < end && *at <= ' ')
        at++;
    const uint8_t *start = at;
    while (at<end && * at> ' ')
        at++;
    *line = slice_of(at, (size_t)(end - at));
    return slice_of(start, (size_t)(at - start));
}

/* Takes digits off the front ("20.0" gives 20 and leaves ".0"); false when there are none or the
 * number is above `max`. */
static inline bool sdp_number(struct slice *rest, uint32_t max, uint32_t *ret_value)
{
    uint64_t value = 0;
    size_t n = 0;
    for (; n < rest->size; n++) {
        unsigned digit = (unsigned)rest->data[n] - '0';
        if (digit > 9 || n > 10)
            break;
        value = value * 10 + digit;
    }
    *rest = slice_from(*rest, n);
    if (n == 0 || value > max)
        return false;
    *ret_value = (uint32_t)value;
    return true;
}

/* 0..127 in one to three digits. */
static inline bool sdp_payload_type(struct slice word, uint8_t *ret_number)
{
    unsigned number = 0;
    if (word.size == 0 || word.size > 3)
        return false;
    for (size_t i = 0; i < word.size; i++) {
        unsigned digit = (unsigned)word.data[i] - '0';
        if (digit > 9)
            return false;
        number = number * 10 + digit;
    }
    *ret_number = (uint8_t)number;
    return number <= 127;
}

/* "IN IP4 224.2.1.1/127/3": false when no literal address stands there. */
bool sdp_address(struct slice value, struct addr *ret_addr);

/* m=. `session` holds what the session says for all its media. False when a limit cut something
 * off. */
bool sdp_media_line(struct slice value, const struct sdp_media *session,
                    struct sdp_media *ret_media);
/* a=. In front of the first m= `media` is the session's own record. */
void sdp_attribute(struct slice value, struct sdp *sdp, struct sdp_media *media);
