/* What convert.c asks and decoder/convert_child.c does: a frame that begins with 0, as those of ear_steps.h, and goes on with one of
 * these. The answer: an ERR_ or 0, whether there is more, and bytes. */
#pragma once

#include "base/buf.h"
#include "decode/conversion.h"
#include "storage/pack.h"

enum { CONVERT_OPEN = 0x40, CONVERT_NEXT };

#define CONVERT_ANSWER_MAX (4u << 20)

/* Reading: its texts live in the arena. */
void convert_want_pack(struct pack *p, struct conversion_want *want);

static inline bool convert_is_step(struct slice frame)
{
    return frame.size > 1 && frame.data[0] == 0 && frame.data[1] >= CONVERT_OPEN;
}
