/* The alphabets of short messages (3GPP TS 23.038). What sms.c needs of sms_text.c; others call
 * sms_text() of sms.h. */
#pragma once

#include "capture/body/sms.h"

enum sms_alphabet { SMS_SEPTETS, SMS_OCTETS, SMS_UCS2 };

/* What a data coding scheme says. */
enum sms_alphabet sms_alphabet(uint8_t dcs);

struct sms_coded {
    struct slice data;
    size_t skip;    /* septets at the front that are header and fill bits */
    size_t septets; /* in all */
};

/* Packed septets as UTF-8, NUL-terminated; whole characters only. Returns the bytes written. */
size_t sms_septets(const struct sms_coded *coded, char *out, size_t out_size);
/* Characters, or octets, behind the header. */
size_t sms_characters(const struct sms *s);
