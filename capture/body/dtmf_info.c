/* The digit is a character, or an event number of RFC 4733; relay bodies may have other lines too.
 */
#include "capture/body/dtmf_info.h"

#include "capture/body/lines.h"

#define EVENT_FLASH 16

static bool digit_of(struct slice text, char *ret_digit)
{
    static const char events[] = "0123456789*#ABCD!";
    uint16_t event;
    if (text.size == 1) {
        uint8_t c = *text.data;
        char upper = (char)(c >= 'a' && c <= 'd' ? c - 32 : c);
        if (upper == '\0' || strchr(events, upper) == NULL)
            return false;
        *ret_digit = upper;
        return true;
    }
    if (slice_is_nocase(text, "hf") || slice_is_nocase(text, "flash")) {
        *ret_digit = '!';
        return true;
    }
    if (text.size != 2 || !slice_to_u16(text, &event) || event > EVENT_FLASH)
        return false;
    *ret_digit = events[event];
    return true;
}

static bool read_relay(struct slice body, struct dtmf_info *ret)
{
    struct slice line, name, value;
    struct dtmf_info d = {0};
    while (line_next(&body, &line)) {
        if (!line_split(line, '=', &name, &value))
            continue;
        if (slice_is_nocase(name, "Signal") && !digit_of(value, &d.digit))
            return false;
        if (slice_is_nocase(name, "Duration") && !slice_to_u16(value, &d.duration_ms))
            d.duration_ms = 0;
    }
    if (d.digit)
        *ret = d;
    return d.digit != 0;
}

bool dtmf_info_read(struct slice content_type, struct slice body, struct dtmf_info *ret)
{
    struct slice type = slice_trim(slice_cut(&content_type, ';'));
    if (slice_is_nocase(type, "application/dtmf-relay"))
        return read_relay(body, ret);
    if (!slice_is_nocase(type, "application/dtmf"))
        return false;
    /* a bare digit; some put the lines of dtmf-relay under this name */
    struct dtmf_info d = {0};
    if (digit_of(slice_trim(body), &d.digit)) {
        *ret = d;
        return true;
    }
    return read_relay(body, ret);
}
