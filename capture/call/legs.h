/* The legs of a call: every To tag that responded to its INVITE is a branch of its own (RFC 3261
 * 12.1, 13.2.2.4): who rang, who answered, who was cancelled. The first one that answers is the
 * call; when it alone is released while another one talks, the call goes on with that one. */
#pragma once

#include "capture/call/live.h"

/* By the keyed hash of its To tag; NULL: unknown. */
struct call_leg *legs_find(const struct live *l, uint64_t tag);
/* A response to the INVITE, ahead of what it does to the call. */
void legs_response(struct live *l, const struct sighting *s);
/* The leg of this To tag is the call from now on. */
void legs_win(struct live *l, uint64_t tag);
/* Its 2xx came again: nobody has acknowledged it. */
void legs_repeated(struct calls *c, struct live *l, const struct sighting *s);
void legs_ack(struct live *l, const struct sighting *s);
/* What a BYE of the dialog with this To tag does. */
enum leg_bye {
    LEG_BYE_CALL, /* ends the call */
    LEG_BYE_LEG,  /* ended one leg; the call goes on */
};
enum leg_bye legs_bye(struct live *l, uint64_t tag, int64_t now_ns);
/* The call is over and leaves: what is open ends with it. */
void legs_close(struct calls *c, struct live *l);
