/* Signs of address translation, noted in call.nat (enum call_nat). Nothing is decided by them. */
#pragma once

#include "capture/call/live.h"

/* What a message says of itself: Via and Contact against where it came from. */
void nat_message(struct live *l, const struct sighting *s);
/* c->sdp, which came with it. */
void nat_sdp(const struct calls *c, struct live *l, const struct sighting *s);
/* The first media of a flow: its source against what its sender announced. */
void nat_media(const struct calls *c, struct live *l, const struct flow *f);
