/* What the front keeps while calls live: three fixed pools (calls, announced endpoints, flows) that
 * index each other, the maps into them, and the media that waits. One thread owns all of it. Sizes
 * are set at the start; a full pool follows the policy in table.c, points.c and flows.c.
 *
 *     struct live --points--> struct point  "the caller receives audio at 192.0.2.1:4000":
 *          |                                found by endpoint
 *          +-------flows----> struct flow   "192.0.2.9:5000 -> 192.0.2.1:4000 is the callee's":
 *                                           found by 5-tuple, once a packet
 *
 * Two clocks: `time_ns` is the time that the frames carry and what goes into records; `steady_ns`
 * never runs backwards and drives timers and ages. They differ only after the capture's clock was
 * set back. */
#pragma once

#include "base/map.h"
#include "base/timer.h"
#include "capture/net/peek.h"
#include "capture/body/xml.h"
#include "capture/call/state.h"
#include "capture/front.h"
#include "capture/net/datagram.h"
#include "capture/sip/sdp.h"
#include "capture/sip/sip.h"

#define NO_INDEX UINT32_MAX

#define TICK_NS           INT64_C(100000000)
#define RECENT_MAX        16 /* messages remembered for retransmissions */
#define CALL_POINTS_MAX   64
#define TRYING_POINTS_MAX 16 /* of a call that nobody has answered yet */
#define CALL_FLOWS_MAX    64
#define CALL_EVENTS_MAX   200
#define POINT_SHARERS_MAX 4 /* calls that announce one endpoint */
#define FLOW_SSRC_MAX     4
#define FLOW_RIVALS_MAX   4  /* flows of one 5-tuple */
#define END_FLOWS_MAX     16 /* unannounced flows that SDP can find by one endpoint */
#define LEARNED_MAX       16 /* endpoints of a call that connectivity checks showed */
#define AUTH_WAIT_NS      INT64_C(64000000000) /* for the INVITE with credentials: people type them */
#define CANCEL_WAIT_NS    INT64_C(32000000000) /* for the 487: timer B */
#define LINGER_STRETCH    8 /* media that goes on prolongs the linger time up to this many times */

/* Which calls go first when the table is full: the first class that is not empty gives its oldest.
 */
enum live_class {
    LIVE_TRYING,
    LIVE_ENDING,
    LIVE_ORPHAN,
    LIVE_RINGING,
    LIVE_ANSWERED,
    LIVE_CLASSES
};

struct list {
    uint32_t first, last;
};

/* An offer and what to come back to when it is refused. A proxy sends it on and a glare crosses it: what counts is its
 * first copy, and each party has its own. */
struct offer {
    uint32_t lines; /* m= lines in use, as bits */
    uint32_t cseq;
    uint8_t direction;
    bool held_before; /* its party, ahead of it */
    bool open;        /* waits for its answer */
};

struct live {
    struct call *call; /* NULL: the slot is free */
    void *own;         /* what its kind of signalling keeps (mgcp_calls.c), in the call's arena */
    struct timer timer;
    uint64_t key;        /* in the map: Call-ID and From tag */
    uint64_t caller_tag; /* keyed hashes; 0: none */
    uint64_t callee_tag; /* of the branch that answered */
    uint64_t recent[RECENT_MAX];
    int64_t last_sip_ns; /* steady */
    int64_t last_sdp_ns; /* steady */
    int64_t over_ns;     /* steady: when it ended */
    int64_t began_ns;    /* steady: of its start, and of its answer once there is one */
    int64_t hold_since_ns;
    int64_t session_until_ns;    /* steady: session timer; 0 none */
    struct related *related;     /* what it has to do with other calls; NULL: nothing */
    struct info_seen *info;      /* of INFO (info.c); NULL: there was none */
    struct stranger *stranger;   /* a BYE that is not believed yet; NULL: there was none */
    struct hop_ahead *hop_ahead; /* a response ahead of its INVITE (hops.c); NULL: there was none */
    struct addr caller_contact;  /* where its INVITE says that it is reached, when that is an address */
    uint32_t prev, next;    /* of its class */
    uint32_t points, flows; /* first ones */
    uint32_t worker;
    uint32_t invite_cseq;
    uint32_t reinvite_cseq[2], update_cseq[2]; /* by the party that sends them */
    uint32_t text_bytes;
    uint32_t agreed; /* m= lines that both sides accepted, as bits */
    struct offer offer[2]; /* the newest of each party */
    uint16_t point_count, flow_count;
    uint16_t label;      /* of its trunk and direction in the counters (placing.h) */
    uint16_t site[2];    /* numbers, of caller and callee; 0: none */
    uint16_t relay_code; /* final failure seen on another hop only */
    uint8_t state;       /* enum dialog_state */
    uint8_t class;       /* enum live_class */
    uint8_t recent_at;
    bool invite_offers[2]; /* the newest INVITE of a party had SDP */
    bool holding[2];       /* this party put the other on hold */
    bool negotiated;       /* an answer was seen */
    bool fax;              /* it agreed on an image: T.38 */
    bool answered;         /* or picked up in the middle */
    bool challenged;       /* the next INVITE is the answer to it */
    bool answer_told;      /* by its ACK alone */
    bool bye_told;         /* by the response to it alone, and nothing else is missing */
    uint8_t siprec_readings;
    bool media_seen;
    bool attempt_due; /* an attempt that is counted once its place is settled */
};

/* What SDP says about one m= line. */
struct media_line {
    struct codec_list *codecs; /* owned; NULL for RTCP */
    uint16_t ptime_ms;
    uint8_t type, direction;
    bool rtcp_mux, secure;
    bool keyed; /* it tells keys of SRTP, whatever its profile says */
};

/* An endpoint where a party receives media. */
struct point {
    struct endpoint at;
    uint64_t hash;
    uint32_t live;   /* NO_INDEX: free (then `next` is the free list) */
    uint32_t next;   /* of the call */
    uint32_t hop;    /* which signalling path announced it */
    uint32_t serial; /* newer is greater */
    struct media_line line;
    struct media_line offer; /* what the party would like it to become */
    uint64_t ufrag; /* of ICE, keyed hash; 0: none. Main points only, found by it */
    uint16_t media_index;
    uint8_t party; /* who receives here */
    bool rtcp;     /* RTCP only */
    bool candidate; /* another endpoint of a line that has a point of its own: ICE, static alias */
    bool learned;   /* a candidate that no SDP names: a connectivity check showed it */
    bool ice;       /* the line may choose among candidates */
    bool bundled;   /* and shares the transport of its BUNDLE group */
    bool retired;  /* the party moved on; late packets still find it */
    /* until the offer is answered: */
    bool has_offer;
    bool new_by_offer, retired_by_offer;
};

enum flow_state { FLOW_FREE, FLOW_HELD, FLOW_BOUND };

/* The first cache line holds what a packet of a bound flow reads and writes, the second its key. */
struct flow {
    uint64_t hash;
    int64_t last_ns; /* steady */
    uint32_t live;   /* BOUND: its call */
    uint32_t ssrc;   /* of the newest packet */
    uint16_t worker;
    uint8_t state;      /* enum flow_state */
    uint8_t party;      /* who sends */
    uint8_t confidence; /* enum flow_confidence */
    bool foreign; /* somebody else sends to an endpoint that is in use: not kept */
    bool was_party; /* foreign now, but had the endpoint before: what it sent then stays */
    bool single;    /* one talker: audio of one m= line, so another SSRC beside him is odd */
    bool guarded;   /* only its known SSRCs belong to it: the call is over, or another call claims
                       the ports */
    bool contested; /* guarded, or not alone on its 5-tuple: the SSRC has to be looked at */
    bool rtp_seen;
    bool ssrc_known;
    bool orphan;
    bool image; /* T.38 */
    bool secure;
    bool early;
    bool src_indexed, dst_indexed; /* stands in flows_by_end */
    uint32_t prev, next;           /* of the call, or of the waiting ones */
    uint32_t digest;               /* of the flow_media that was sent */
    uint32_t as;     /* number its packets go under: its own, or that of the path it took over from */
    uint16_t newest; /* sequence number of the newest RTP */
    bool followed;   /* others go under its number */
    uint16_t refused; /* packets that the sink had no room for, not yet told */
    /* ---- second cache line */
    struct endpoint src, dst;
    uint32_t other_ssrc[FLOW_SSRC_MAX - 1];
    uint64_t types[2]; /* payload types that SDP named, as bits */
    int64_t talk_ns;   /* foreign: steady, since when it sends without a pause */
    uint32_t strange;  /* foreign: packets so far */
    uint32_t talker[2]; /* SSRCs of RTP, the newest and the one before */
    uint8_t talker_type; /* payload type with which the newest began */
    uint16_t line;     /* sequence number ahead of the newest jump */
    /* ---- waiting */
    uint8_t good; /* steps that looked like RTP */
    uint8_t odd;  /* steps that did not */
    uint16_t sequence;
    uint32_t timestamp;
    uint32_t look_ssrc; /* of the packets that are looked at */
    bool looked;
    bool rtcp_only; /* so far */
    uint8_t payload_type;
    uint32_t held_count;
    uint64_t held_first, held_last;
    int64_t first_ns; /* steady */
};

struct ahead;
struct held;
struct sealed;
struct dtls;
struct tls;
struct tap_host;
struct turn;
struct related;
struct relations;
struct users;
struct findings;
struct outage;

/* Whose packet comes next, as it seems (flow_table.h). */
struct expected_flow {
    struct net_ends ends;
    uint64_t hash;
    uint32_t flow; /* NO_INDEX: none */
};

struct calls {
    struct front_config config;
    struct event_sink sink;
    struct counters *counters;
    struct timer_wheel *wheel;
    int64_t time_ns, steady_ns;

    struct live *live;
    uint32_t live_used, live_free; /* slots ever used; head of the free list (live.next) */
    uint32_t live_count;
    struct expected_flow expected; /* of the frame at hand */
    uint16_t label; /* of the call that the message at hand belongs to (placing.h) */
    int32_t calls_now, calls_peak;
    int32_t trunk_calls[LABEL_COUNT_TRUNK], trunk_peak[LABEL_COUNT_TRUNK];
    struct list class[LIVE_CLASSES];
    struct map by_key;

    struct point *points;
    uint32_t points_max, points_used, points_free;
    uint32_t image_points;
    uint32_t serial;
    struct map by_endpoint;
    struct map by_ufrag;

    struct flow *flows;
    uint32_t flows_used, flows_free, flow_count;
    struct list waiting;
    struct map by_tuple;
    struct map flows_by_end; /* flows that no SDP announced, by each of their ends */
    struct held *held;
    struct turn *turn;     /* relays' allocations and channels */
    struct relations *relations; /* calls that belong together */
    struct users *users;   /* what is no call; NULL: not followed */
    struct findings *findings; /* NULL: not looked for */
    struct outage *outage; /* NULL: there are no places */
    struct ahead *ahead;   /* responses ahead of their INVITE */
    struct sealed *sealed; /* pairs of endpoints that spoke DTLS */
    struct dtls *dtls;     /* keys that they agreed on */
    const struct tls *secrets; /* of key logs; NULL: there are none yet */
    struct tap_host *tap;  /* whose media the tap sees in one direction only (tap.h) */

    struct xml *xml; /* reads metadata of recording sessions */
    struct sip_msg msg; /* scratch of the message at hand: large, so not on the stack */
    struct sdp sdp;
};

int calls_init(struct calls *c, const struct front_config *config, const struct event_sink *sink,
               struct counters *counters);
void calls_fini(struct calls *c);

static inline uint32_t live_number(const struct calls *c, const struct live *l)
{
    return (uint32_t)(l - c->live);
}

static inline uint32_t flow_number(const struct calls *c, const struct flow *f)
{
    return (uint32_t)(f - c->flows);
}

static inline bool live_is_over(const struct live *l)
{
    return l->state == DIALOG_RELEASING || l->state == DIALOG_REFUSED || l->state == DIALOG_OVER;
}

/* Without a dialog: nobody set it up, nobody can release it. */
static inline bool live_is_bare(const struct live *l)
{
    return call_kind_is_orphan(l->call->kind) || l->call->kind == CALL_ENCRYPTED;
}

/* One message on its way through: what signal.c found out about it. */
struct sighting {
    const struct datagram *d;
    const struct sip_msg *m;
    uint64_t call_id, from_tag, to_tag; /* keyed hashes (table_hash_names()); 0: no tag */
    uint64_t key;              /* of the call whose caller sends it: in the map of calls */
    uint64_t via;              /* hash of the top Via's branch and sender */
    struct slice sdp;          /* empty: none that counts */
    struct live *live;         /* its call, once it was read; NULL: none */
    struct call_hop *hop;      /* of the INVITE that it is, cancels or answers; NULL: not known */
    uint8_t sender;            /* CALL_CALLER or CALL_CALLEE */
    uint8_t transaction_of;    /* the party whose request it is, or is answered */
    bool retransmission;
    const struct datagram *late; /* `d` at the time of its INVITE, for a response captured ahead of it */
};
