/* A call as signalling tells it: the frozen facts that travel to the worker when the call ends, and the brief that
 * travels while it goes on. All strings live in the call's arena and end with it (call_free). */
#pragma once

#include "base/addr.h"
#include "base/arena.h"
#include "capture/call/call_report.h"

/* The enumerations of the contract; their texts come from call_*_text(). */
enum call_state { CALL_TRYING, CALL_RINGING, CALL_ANSWERED, CALL_ENDED };
/* In the order of the OUTCOME label set. */
enum call_outcome {
    CALL_OUTCOME_ANSWERED, CALL_OUTCOME_BUSY, CALL_OUTCOME_NO_ANSWER, CALL_OUTCOME_CANCELLED, CALL_OUTCOME_REJECTED,
    CALL_OUTCOME_REDIRECTED, CALL_OUTCOME_FAILED, CALL_OUTCOME_LOST, CALL_OUTCOME_NONE /* not ended yet, or an orphan */,
};
enum call_end_reason {
    CALL_END_NONE, CALL_END_BYE, CALL_END_CANCEL, CALL_END_REJECTED, CALL_END_REDIRECTED, CALL_END_SIP_TIMEOUT,
    CALL_END_MEDIA_TIMEOUT, CALL_END_MAX_DURATION, CALL_END_CUT, CALL_END_RESTART,
};
/* In the order of the PARTY label set. */
enum call_party { CALL_CALLER, CALL_CALLEE, CALL_NETWORK, CALL_PARTY_UNKNOWN };
enum call_direction { CALL_DIR_UNKNOWN, CALL_DIR_IN, CALL_DIR_OUT, CALL_DIR_INTERNAL };
/* Signs of address translation on the way, as bits of call.nat. */
enum call_nat {
    CALL_NAT_SDP_PRIVATE = 1,     /* SDP announces a private address, its message or its media comes from a public one */
    CALL_NAT_MEDIA_SOURCE = 2,    /* RTP comes from an address that its sender did not announce */
    CALL_NAT_VIA_RECEIVED = 4,    /* a Via says one address, the packet's source (received, rport) another */
    CALL_NAT_CONTACT_PRIVATE = 8, /* a private Contact in a message from a public address */
};
enum call_kind {
    CALL_SIP,
    CALL_ORPHAN,
    CALL_ENCRYPTED, /* a signalling connection that nobody can read: no call, but not silent either */
    CALL_MGCP,
    CALL_H323,
    CALL_PAGE,      /* media to a multicast group that no signalling announced: an orphan with listeners that nobody sees */
};

static inline bool call_kind_is_orphan(unsigned kind)
{
    return kind == CALL_ORPHAN || kind == CALL_PAGE;
}

struct call_identity {
    struct slice display;
    struct slice uri;
    struct slice user;
    struct slice host;
    struct slice tag;
};

/* What shows of a CALL_ENCRYPTED. */
struct call_tls {
    uint16_t version;         /* 0x0303, 0x0304; 0 not seen */
    uint16_t suite;
    bool wrong_key;           /* a key was there and does not fit */
    struct slice server_name; /* SNI */
    struct slice certificate_name;
    uint64_t bytes[2];        /* application data: by client, by server */
};

/* What its SDP told of keys (a=crypto, RFC 4568), as bits. */
enum call_keys_told {
    CALL_KEYS_TOLD = 1,
    CALL_KEYS_IN_CLEAR = 2, /* by a message that whoever is on the way can read */
    CALL_KEYS_WEAK = 4,     /* of a suite that does not encrypt, or with a tag of 32 bits or none */
};

/* One m= line of its SDP. */
enum call_line_state { CALL_LINE_OFFERED, CALL_LINE_ACTIVE, CALL_LINE_DECLINED, CALL_LINE_REMOVED };
struct call_line {
    struct call_line *next;
    struct slice type;    /* "audio" */
    struct slice proto;   /* "RTP/AVP" */
    struct slice offered; /* names of codecs, "PCMA,PCMU" */
    struct slice agreed;
    struct slice label;   /* a=label, else a=mid */
    int64_t offered_ns;
    int64_t added_ns;     /* first accepted; 0: never */
    int64_t removed_ns;   /* 0: not */
    uint16_t index, ptime_ms;
    uint8_t state, direction, offered_by;
    bool pending;         /* the newest offer wants it */
};

/* Where a party said that it receives media, each time it said something new (announced.h). */
struct call_announced {
    struct call_announced *next; /* in order of time */
    int64_t time_ns;
    struct addr addr;     /* zeros: hold of the old style */
    uint64_t types[2];    /* payload types, as bits */
    uint16_t port;        /* 0: the line is gone */
    uint8_t index, ptime_ms;
    uint8_t party;        /* who receives there */
    uint8_t direction;    /* enum sdp_direction */
    bool abroad;          /* a private address, and on some hop it came from a public one */
};

#define CALL_ANNOUNCED_MAX 24

/* DSCP of one sender's messages. */
struct call_dscp {
    bool seen : 1;        /* false: none, and then nothing here means anything */
    uint8_t first : 6;
    uint8_t least, most;
    uint8_t priority_least : 4, priority_most : 4; /* 802.1p plus 1; 0: untagged */
};

/* One point on the call's time line, besides messages and media (answered, hold, re-INVITE, codec change, restart ...). */
struct call_event {
    struct call_event *next;
    int64_t time_ns;
    const char *kind;    /* a constant: "hold", "resume", "reinvite", "update", "media_added", "media_removed", "media_moved", "fax_start", ... */
    struct slice detail;
};

/* An INVITE transaction that passed the tap (hops.h). */
struct call_hop {
    struct call_hop *next;       /* in order of their INVITEs */
    const struct call_hop *from; /* the hop that it continues; NULL: the caller's own, or a new try */
    uint64_t via;                /* keyed hash of branch and sender: the front's */
    struct endpoint src;         /* of the INVITE */
    struct endpoint dst;
    struct slice request_uri;
    int64_t invite_ns;
    int64_t response_ns;         /* first one, 100 included */
    int64_t final_ns;
    int64_t cancelled_ns;
    uint32_t cseq;
    uint16_t code;               /* final response on this hop; 0 none */
    uint16_t vlan;
    uint8_t transport;
    uint8_t via_count, max_forwards;
    bool proceeds;               /* a response beyond 100 came */
    bool given_up;               /* another target was tried while nothing came back */
};

enum call_leg_end {
    CALL_LEG_OPEN, CALL_LEG_BYE, CALL_LEG_CANCELLED, CALL_LEG_REJECTED, CALL_LEG_REDIRECTED, CALL_LEG_TIMEOUT,
    CALL_LEG_CUT,
};

/* A To tag that responded to the INVITE (legs.h). */
struct call_leg {
    struct call_leg *next;       /* in order of their first responses */
    const struct call_hop *hop;  /* the one nearest to who answers; NULL: its INVITE was not seen */
    uint64_t key;                /* keyed hash of the tag: the front's */
    struct slice tag;
    struct slice target;         /* URI of its Contact */
    struct slice reason_phrase;
    int64_t progress_ns, ringing_ns, answered_ns, ended_ns;
    uint16_t code;               /* first final response; 0 none */
    uint8_t end;                 /* enum call_leg_end */
    uint8_t repeats;             /* of its 2xx while nobody acknowledged it */
    bool winner;                 /* the call is (or was last) this one */
    struct leg_answer *answer;   /* the front's: SDP of its 2xx while another leg was the call */
    bool acked;
};

enum call_attempt_reason {
    CALL_ATTEMPT_OPEN, CALL_ATTEMPT_ANSWERED, CALL_ATTEMPT_REJECTED, CALL_ATTEMPT_TIMEOUT, CALL_ATTEMPT_CANCELLED,
    CALL_ATTEMPT_CHALLENGED, CALL_ATTEMPT_REDIRECTED, CALL_ATTEMPT_ADJUSTED /* asked again with what a 422 wants */,
};

/* One target that was asked (route.h). */
struct call_attempt {
    const struct call_hop *hop;
    int64_t ended_ns;
    uint8_t reason;              /* enum call_attempt_reason */
};

/* A Reason header (RFC 3326) of what ended the call. */
#define CALL_CAUSE_TEXT_MAX 128
struct call_cause {
    uint16_t cause;              /* 0: none was said */
    struct slice text;           /* in `kept` */
    char kept[CALL_CAUSE_TEXT_MAX];
};

#define CALL_HOPS_MAX 24
#define CALL_LEGS_MAX 16

/* A header kept as it stood (identity.h says which). */
struct call_header {
    struct call_header *next;
    uint8_t id;          /* enum sip_header; SIP_H_OTHER for chosen ones */
    bool cut;
    struct slice name;   /* of chosen ones, as chosen */
    struct slice value;  /* folded lines joined */
};

/* A Reason header (RFC 3326) of some message. */
struct call_reason {
    struct call_reason *next;
    int64_t time_ns;
    enum call_party sender;
    struct slice message;  /* "BYE", "486" */
    struct slice protocol; /* "SIP", "Q.850" */
    struct slice text;
    uint16_t cause;
};

/* Where it belongs (place.h); NULL: unknown. The names live as long as the table of places, which
 * outlives the pipeline. */
struct call_place {
    const char *tenant;
    const char *trunk;
    const char *site;       /* the one of ours */
    const char *sites[2];   /* of caller, callee */
};

/* What a call has to do with others (relate.h). */
enum call_link_kind {
    CALL_LINK_TRANSFER_BLIND, CALL_LINK_TRANSFER_ATTENDED, CALL_LINK_REPLACES, CALL_LINK_JOIN, CALL_LINK_CONFERENCE,
};

struct call_link {
    struct call_link *next;      /* in order of time */
    int64_t time_ns;
    const char *evidence;        /* a constant: "refer_to, referred_by" */
    uint8_t uid[16];             /* of the other call */
    uint8_t kind;                /* enum call_link_kind */
};

enum call_transfer_outcome { CALL_TRANSFER_OPEN, CALL_TRANSFER_SUCCESS, CALL_TRANSFER_FAILED };

/* A REFER within the call (transfer.h). */
struct call_transfer {
    struct call_transfer *next;  /* in order of time */
    int64_t time_ns, done_ns;
    struct slice refer_to;       /* URI without headers */
    struct slice replaces;       /* Call-ID of the dialog that the target is to replace; empty: blind */
    uint32_t cseq;
    uint32_t referral;           /* of the front, while it waits */
    uint16_t code;               /* final response to the REFER; 0 none */
    uint16_t notify_code;        /* newest status of a NOTIFY; 0 none */
    uint8_t referrer;            /* CALL_CALLER or CALL_CALLEE */
    uint8_t outcome;             /* enum call_transfer_outcome */
    bool led;                    /* to the call below */
    uint8_t uid[16];
};

struct call_participant {
    struct slice user;
    struct slice uri;
    uint8_t uid[16];             /* of its call */
    bool has_call;
    int64_t joined_ns, left_ns;
};

struct call_conference {
    struct slice focus_uri;
    bool limited;
    uint32_t count;
    struct call_participant *participants;
};

/* What messages say about queue and agent of a contact centre (centre.h). */
struct call_centre {
    struct slice queue;
    struct slice agent;
    int64_t agent_ns;            /* when the agent was named */
};

enum call_digit_source { CALL_DIGIT_RFC4733, CALL_DIGIT_INFO, CALL_DIGIT_INBAND, CALL_DIGIT_KPML };

/* A key that was pressed (info.h). */
struct call_digit {
    struct call_digit *next;     /* in order of time */
    int64_t time_ns;
    uint16_t duration_ms;        /* 0: not said */
    char digit;                  /* '0'..'9', '*', '#', 'A'..'D', '!' for hook flash */
    uint8_t party;               /* enum call_party */
    uint8_t source;              /* enum call_digit_source */
};

#define CALL_DIGITS_MAX 256

struct call_digits {
    struct call_digit *first, *last;
    uint32_t count, over_limit;
};

/* ISUP in a body of SIP-I or SIP-T (isup_note.h); numbers as in capture/body/isup.h. */
struct call_isup_number {
    bool given;
    struct slice digits;
    uint8_t nature, plan, presentation, screening;
};

struct call_isup {
    struct call_isup *next;      /* in order of time */
    int64_t time_ns;
    const char *type;            /* a constant: "IAM" */
    uint32_t cseq;               /* of the message that carried it; with method and status */
    uint16_t status;             /* 0: request */
    uint8_t method;              /* enum sip_method */
    uint8_t party;               /* enum call_party: who sent it */
    uint8_t category;            /* calling party's, of an IAM */
    uint8_t cause, location;     /* Q.850; cause 0: none */
    struct call_isup_number calling, called;
    struct slice body;
};

#define CALL_ISUP_MAX 16

struct call_isups {
    struct call_isup *first, *last;
    uint32_t count, over_limit;
};

#define CALL_LINKS_MAX     32
#define CALL_TRANSFERS_MAX 16

enum call_key_kind {
    CALL_KEY_SESSION_ID, CALL_KEY_HEADER, CALL_KEY_ICID, CALL_KEY_REPLACES, CALL_KEY_JOIN, CALL_KEY_SDP, CALL_KEY_MEDIA,
    CALL_KEY_KINDS,
};

/* Something that other legs of the same conversation may share (keys.h). */
struct call_key {
    struct call_key *next;
    const char *name;      /* of a header, as configured; else NULL */
    uint8_t kind;          /* enum call_key_kind */
    uint8_t size;
    uint8_t value[];
};

/* ICMP said that datagrams of the call did not arrive. */
#define CALL_UNREACHABLE_MAX 8

struct call_unreachable {
    struct call_unreachable *next;
    struct endpoint src, dst; /* of what did not arrive */
    struct addr by;           /* who said so first */
    uint8_t reason;           /* enum net_unreached (capture/net/net.h) */
    bool media;               /* of one of its flows; else a SIP message */
    uint32_t count;
    int64_t first_ns, last_ns;
};

struct call {
    struct arena *arena;
    uint8_t uid[16];          /* UUIDv8 (RFC 9562), see docs/decisions/call-ids.md */
    uint32_t number;          /* index while it lives */
    enum call_kind kind;
    enum call_state state;
    enum call_outcome outcome;
    enum call_end_reason end_reason;
    enum call_party released_by;
    enum call_direction direction;
    struct call_place place;
    bool partial;             /* beginning or end not seen */
    bool capture_suspect;     /* we lost events or frames while it lived */
    bool media_seen[2];       /* by party: caller, callee */
    bool encrypted_media;     /* SRTP announced */
    uint8_t nat;              /* enum call_nat */
    uint8_t keys_told;        /* enum call_keys_told */
    bool limited;             /* some of its SDP was over the limits and not read, or not kept */
    bool media_over_limit;    /* a flow of its media found no place */

    bool grouped;             /* belongs with other calls */
    uint8_t group[16];        /* uid of the first of them */
    uint8_t link_count, transfer_count;
    struct call_link *links;
    struct call_transfer *transfers;
    struct call_conference *conference; /* filled when the call leaves */
    struct call_centre *centre;

    struct slice call_id;
    struct call_identity from;
    struct call_identity to;
    struct slice request_uri;
    struct slice user_agent;  /* of the caller */
    struct slice server;      /* of the callee: User-Agent or Server of its responses */
    struct slice asserted_identity;
    struct call_header *identity; /* who calls whom, in order of appearance */
    struct call_header *chosen;   /* headers that the settings name, of the first INVITE */
    struct call_reason *reasons;
    struct call_line *lines;      /* m= lines, in order of appearance */
    struct call_key *keys;        /* at most CALL_KEYS_MAX */
    struct call_announced *announced; /* what SDP said about media */
    struct call_dscp dscp[2];     /* of its messages, by sender: caller, callee */
    uint8_t announced_count;
    struct call_unreachable *unreachable; /* ICMP about it, in order of appearance */
    uint16_t one_sided_calls;     /* in a row in which one of its hosts was seen doing half (tap.h) */
    struct endpoint src;      /* first INVITE: from, to */
    struct endpoint dst;
    uint16_t vlan;
    uint8_t transport;        /* enum transport of the first message (capture/net/datagram.h); 0 for orphans */
    uint8_t wrapping;         /* enum wrapping of the outermost tunnel it came in, and that one's id and addresses */
    uint32_t wrap_id;
    struct addr wrap_src;
    struct addr wrap_dst;
    struct call_tls *tls;     /* CALL_ENCRYPTED only */
    struct siprec *siprec;    /* capture/body/siprec.h: what it is the recording of; NULL: it is none */

    /* Packet times in ns; 0: did not happen. */
    int64_t started_ns;       /* t0: first INVITE of the attempt */
    int64_t processed_ns;     /* t0': the INVITE that was finally processed (after authentication) */
    int64_t trying_ns;        /* first 100 */
    int64_t progress_ns;      /* first 180/181/182/183... */
    int64_t ringing_ns;       /* first 180, or 183 with SDP */
    int64_t answered_ns;      /* first 2xx to INVITE */
    int64_t acked_ns;
    int64_t early_media_ns;   /* first RTP towards the caller before the answer */
    int64_t cancelled_ns;
    int64_t bye_ns;
    int64_t bye_ok_ns;
    int64_t ended_ns;         /* BYE, final failure, CANCEL, or the last sign of life */

    uint16_t sip_code;        /* final response of the attempt; 0 none */
    uint16_t q850_cause;      /* of a Reason header; 0 none */
    struct slice reason_phrase;
    uint8_t auth_attempts;    /* 401/407 answered */
    uint16_t reinvites;
    uint16_t updates;
    uint32_t messages;        /* all, retransmissions included */
    uint32_t messages_over_limit;
    uint32_t retransmissions;
    uint16_t branches;        /* distinct To tags that responded to the INVITE, those of challenges excepted */
    struct call_leg *legs;
    struct call_hop *hops;
    uint8_t leg_count;        /* branches beyond CALL_LEGS_MAX are only counted */
    uint8_t hop_count;
    uint8_t attempt_count;
    uint8_t route_advances;
    struct call_attempt *attempts; /* filled when the call leaves */
    uint16_t hops_over_limit; /* INVITEs on more hops than have a place */
    uint16_t holds;
    int64_t held_ns;          /* time on hold, either side */
    struct call_event *events; /* in time order */
    uint32_t event_count;
    struct call_digits *digits; /* NULL: none */
    struct call_reports *reports; /* NULL: none */
    struct call_isups *isup;  /* NULL: none */

    struct call_cause *causes; /* [0] of protocol Q.850, [1] SIP; NULL: no Reason header */
    bool ack_missing;         /* the 2xx was repeated and never acknowledged */
    bool session_expired;     /* nobody refreshed the session (RFC 4028) in time */
    uint8_t session_refresher; /* CALL_CALLER, CALL_CALLEE */
    uint32_t session_expires_s; /* 0: no session timer */
    int64_t spoofed_bye_ns;   /* a BYE of a stranger after which media went on; 0: none */
    struct endpoint spoofed_bye_src;
};

/* Frees the call and all it remembers; NULL is fine. */
void call_free(struct call *c);

const char *call_state_text(enum call_state v);
const char *call_outcome_text(enum call_outcome v);       /* NULL for NONE */
const char *call_end_reason_text(enum call_end_reason v); /* NULL for NONE */
const char *call_party_text(enum call_party v);
const char *call_direction_text(enum call_direction v);
const char *call_attempt_reason_text(enum call_attempt_reason v); /* NULL for OPEN */
const char *call_leg_end_text(enum call_leg_end v);       /* NULL for OPEN */
const char *call_link_kind_text(enum call_link_kind v);
const char *call_transfer_outcome_text(enum call_transfer_outcome v); /* NULL for OPEN */
const char *call_kind_text(enum call_kind v);             /* "call", "orphan", "encrypted", ... */

/* What the live view shows. Body of CALL_STARTED and CALL_CHANGED: the struct and, right behind it, its texts with their NULs. */
enum call_brief_text {
    BRIEF_CALL_ID, BRIEF_FROM_USER, BRIEF_FROM_HOST, BRIEF_FROM_DISPLAY, BRIEF_TO_USER, BRIEF_TO_HOST, BRIEF_USER_AGENT, BRIEF_TEXTS,
};
#define CALL_BRIEF_NAME_MAX 127 /* bytes of the Call-ID that are told */
#define CALL_BRIEF_TEXT_MAX 63  /* of each other text */
#define CALL_BRIEF_TEXTS_MAX (CALL_BRIEF_NAME_MAX + 1 + (BRIEF_TEXTS - 1) * (CALL_BRIEF_TEXT_MAX + 1))

struct call_brief {
    uint16_t size;            /* of all of it, texts included */
    uint16_t text[BRIEF_TEXTS]; /* where each begins, from the beginning of the struct; 0: empty */
    uint8_t uid[16];
    uint8_t group[16];
    bool grouped;
    uint8_t kind;
    uint8_t state;
    uint8_t transport;
    bool partial;
    bool over; /* its end cannot be taken back: by a challenge to the BYE, by another INVITE of the attempt */
    uint8_t outcome, end_reason, released_by; /* once it has ended */
    uint8_t direction;
    struct call_place place;
    uint16_t label; /* index in the labels TRUNK, DIRECTION */
    uint16_t sip_code;
    uint16_t q850_cause;
    int64_t started_ns;
    int64_t processed_ns;
    int64_t ringing_ns;
    int64_t answered_ns;
    int64_t ended_ns;
    struct endpoint src;
    struct endpoint dst;
};

/* Room for the largest. */
struct call_brief_room {
    struct call_brief brief;
    char texts[CALL_BRIEF_TEXTS_MAX];
};

static inline const char *call_brief_text(const struct call_brief *b, enum call_brief_text which)
{
    return b->text[which] ? (const char *)b + b->text[which] : "";
}
