/* Digits in INFO: application/dtmf-relay ("Signal=5", "Duration=160") and application/dtmf (the digit). */
#pragma once

#include "base/slice.h"

struct dtmf_info {
    char digit;            /* '0'..'9', '*', '#', 'A'..'D', or '!' for hook flash */
    uint16_t duration_ms;  /* 0: not said */
};

/* False when the type is neither of the two, or the body holds no digit. The numbers 10 to 16 stand
 * for * # A B C D and flash, as events of RFC 4733 do. */
bool dtmf_info_read(struct slice content_type, struct slice body, struct dtmf_info *ret);
