/* The media table: which endpoints SDP has announced, for which call, party and m= line. */
#pragma once

#include "capture/call/live.h"

/* One line of an SDP as negotiate.c wants it announced. */
struct announcement {
    const struct sdp_media *media;
    struct endpoint rtp;
    struct endpoint rtcp;
    uint64_t ufrag; /* of ICE, keyed hash; 0: none */
    uint16_t index; /* of the m= line */
    uint8_t type;   /* enum sdp_media_type */
    bool ice, bundled, rtcp_mux, secure;
    uint8_t party;  /* who receives there */
    bool tentative; /* an offer within a session: it counts once it is answered */
    uint32_t hop;
};

enum announced { ANNOUNCED_SAME, ANNOUNCED_NEW, ANNOUNCED_MOVED, ANNOUNCED_REFUSED };

/* Enters or refreshes the endpoint of that party, hop and line. */
enum announced point_announce(struct calls *c, struct live *l, const struct announcement *a);
/* Old style hold (no address): the direction changes, the endpoint stays. */
void point_hold(struct calls *c, struct live *l, const struct announcement *a);
/* One more endpoint of a line that is announced already. True: it is new. */
bool point_add_candidate(struct calls *c, struct live *l, const struct announcement *a,
                         const struct endpoint *at, bool rtcp, bool learned);
/* The line's candidates that were last announced at `serial` or before are gone (a tentative offer:
 * once it is accepted). What was learned stays. */
void points_sweep(struct calls *c, struct live *l, const struct announcement *a, uint32_t serial);
/* Port 0: no new flow is bound to it any more. */
void point_retire(struct calls *c, struct live *l, const struct announcement *a);
/* What `party` offered was accepted, or refused: then all is as before. */
void points_settle(struct calls *c, struct live *l, uint8_t party, bool accepted);
void points_release(struct calls *c, struct live *l);

/* What the ends of a 5-tuple say. */
struct binding {
    struct live *live;       /* NULL: nobody announced either end */
    const struct point *dst; /* of that call; one of the two may be NULL */
    const struct point *src;
    uint8_t sender;     /* enum call_party */
    uint8_t confidence; /* enum flow_confidence */
};

/* Looks both ends up. `except` does not count; a call that is over counts last, and only if it
 * announced both. */
struct binding points_bind(struct calls *c, const struct endpoint *src, const struct endpoint *dst,
                           bool rtcp, const struct live *except);
/* The same for one call alone, over or not. */
struct binding points_bind_in(struct calls *c, struct live *l, const struct endpoint *src,
                              const struct endpoint *dst, bool rtcp);
/* Describes media between them; `media` is overwritten. */
void points_describe(const struct calls *c, const struct binding *b, struct flow_media *media);
