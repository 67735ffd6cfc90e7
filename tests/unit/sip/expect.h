/* Short words for the tests of this room. */
#pragma once

#include <criterion/criterion.h>
#include <stdio.h>

#include "capture/sip/sip.h"

#define EXPECT_TEXT(actual, text)                                                                  \
    cr_expect(slice_is((actual), (text)), "%s: \"%.*s\", not \"%s\"", #actual, SLICE_ARGS(actual), \
              (text))

/* Parses NUL-terminated text; the message must be of the given verdict. */
static inline const struct sip_msg *parsed(const char *text, enum sip_verdict verdict)
{
    static struct sip_msg m;
    memset(&m, 0xa5, sizeof m); /* nothing may be read that was not set */
    enum sip_verdict got = sip_parse(slice_str(text), &m);
    cr_assert(got == verdict, "verdict %d, not %d: %.60s", got, verdict, text);
    return &m;
}
