/* The part of a record that says which keys were pressed, in order of time. */
#pragma once

#include "base/slice.h"

struct record_digit {
    int64_t time_us;
    struct slice digit;   /* "5", "#", "!" for hook flash; "*" also when digits are masked */
    uint32_t duration_ms; /* 0: not said */
    const char *source;   /* "rfc4733", "info", "inband" */
    const char *party;    /* who pressed it */
};

struct record_dtmf {
    uint32_t count;
    struct record_digit *digits;
    uint32_t over_limit; /* digits beyond the 256 that are kept */
};
