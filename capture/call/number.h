/* Numbers as the world knows them: E.164 with a '+', made from what was dialled or sent by the
 * rules of one place. Pure functions over digits (sip_uri.digits); the raw text is kept by the
 * caller. What the rules do not cover stays as it is: extensions, feature codes, short numbers. */
#pragma once

#include "base/slice.h"

#define NUMBER_SIZE      40
#define NUMBER_RULES_MAX 32
#define NUMBER_PART      16

struct number_rule { /* `prefix` becomes `becomes`, "+49" or fewer digits */
    char prefix[NUMBER_PART];
    char becomes[NUMBER_PART];
    uint8_t length; /* only numbers of so many digits; 0: any */
};

struct number_rules {
    char country[8];             /* "49"; "": no national rules */
    char national_prefix[8];     /* "0", "1", "8"; "" where nobody dials one (Italy) */
    char international_prefix[8]; /* "00", "011", "810" */
    char area[8];                /* "30": for numbers without it; "": none */
    uint8_t national_length;     /* digits of a national number without its prefix, at least; 0: such
                                    numbers are never taken for national */
    uint8_t extension_length;    /* numbers of up to so many digits are internal */
    unsigned rule_count;
    struct number_rule rules[NUMBER_RULES_MAX]; /* the first that fits, ahead of all else */
};

/* `context` is a phone-context or empty: "+44" says by whose rules. Returns false, and the digits
 * as they are (or as a rule made them), when no E.164 number comes out. */
bool number_normalise(const struct number_rules *rules, const char *digits, struct slice context,
                      char ret_number[NUMBER_SIZE]);
