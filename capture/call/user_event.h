/* Signalling that is not a call, as it leaves the front: one struct a kind of thing, always the whole of what is known,
 * so that the newest event of a thing replaces the one before. Bodies of the EVENT_ kinds named beside each struct.
 *
 * Texts are NUL-terminated and cut to their fields. They are as the wire had them: bytes that are no UTF-8 are possible.
 * Times are packet times in ns, 0: did not happen; durations that nobody measured are -1. An AOR is "user@host" with the
 * host in lower case, without scheme, port, parameters and password; of a tel: URI the number alone.
 *
 * `last` is set when nothing more will come about the thing from this front: it is over, its place in a table was taken,
 * or the front ends. A thing may begin anew after that, under the same identity where that is an AOR or a pair. */
#pragma once

#include "base/addr.h"

#define USER_AOR_SIZE      128
#define USER_CALL_ID_SIZE  128
#define USER_AGENT_SIZE    64
#define USER_CONTACTS_MAX  10
#define USER_SOURCES_MAX   8
#define USER_CODES_MAX     8
#define USER_BODY_KEPT_MAX 16384 /* of a MESSAGE, when bodies are kept at all */

/* ---- EVENT_REGISTER_DONE: an attempt to register is over (RFC 6076 4.1, 4.2), for figures ---- */

struct user_register_done {
    int64_t at_ns;
    int64_t rrd_ns;   /* first REGISTER of the attempt -> 2xx; -1: unknown, or none */
    const char *trunk; /* NULL: none; lives as long as the table of places */
    uint16_t code;    /* final response; 0: nobody answered */
    bool success;
};

/* ---- EVENT_REGISTRATION: struct user_registration, one for each (space, aor) ---- */

enum registration_state {
    REGISTRATION_TRYING,     /* nobody has answered the first REGISTER yet */
    REGISTRATION_REGISTERED,
    REGISTRATION_EXPIRED,    /* by the clock */
    REGISTRATION_FAILED,     /* the newest attempt failed and no contact is left */
    REGISTRATION_REMOVED,    /* by expires=0 or "Contact: *" */
};

struct user_contact {
    char uri[128];
    char instance[64];       /* +sip.instance without quotes and brackets */
    int64_t since_ns;        /* first bound, without a break */
    int64_t expires_ns;
    uint16_t q_milli;        /* q=0.7: 700; 1000 when not said */
};

struct user_source {
    struct endpoint at;
    uint8_t transport;       /* enum transport */
    int64_t first_ns, last_ns;
    uint32_t count;          /* attempts from there */
};

struct user_code {
    uint16_t code;           /* final response; 0: none came */
    uint32_t count;
};

struct user_registration {
    char aor[USER_AOR_SIZE];
    uint32_t space;
    uint8_t state;           /* enum registration_state */
    uint8_t transport;       /* enum transport of the newest attempt */
    bool last;
    uint8_t contact_count;
    uint8_t source_count;
    uint8_t code_count;
    uint16_t code;           /* of the newest final response that was no challenge; 0: none */
    uint32_t contacts_over;  /* contacts of the newest 200 that found no room */
    uint32_t source_changes; /* attempts that came from another address than the one before */
    char user_agent[USER_AGENT_SIZE];
    char server[USER_AGENT_SIZE];
    char auth_user[USER_AGENT_SIZE];  /* username of the credentials */
    char auth_realm[USER_AGENT_SIZE];
    char auth_scheme[16];    /* "Digest", of the newest credentials, else of the newest challenge; with the two below */
    char auth_algorithm[24]; /* "MD5" where a Digest names none (RFC 3261 22.4) */
    char auth_qop[24];       /* as offered or used; empty: RFC 2069, which a replay passes */
    uint64_t nonce_used;     /* of the newest credentials: keyed hash, and their count; the front's */
    uint32_t nonce_count;
    uint32_t nonce_reuses;   /* credentials with a nonce that was used before, without a higher count */
    uint32_t auth_failures;  /* credentials that were refused */
    uint32_t stales;         /* challenges because a nonce was too old */
    bool credentials;        /* it ever showed some */
    struct endpoint source;  /* of the newest attempt */
    struct endpoint registrar;
    int64_t first_ns;        /* first attempt that we saw */
    int64_t last_ns;         /* newest attempt */
    int64_t registered_ns;   /* registered without a break since */
    int64_t expires_ns;      /* the latest of the contacts */
    int64_t ended_ns;        /* when it expired, failed or was removed */
    uint32_t expires_s;      /* as granted by the newest 200 */
    /* An attempt is all REGISTERs from the first without credentials to the last answer: a challenge and a 423 belong to it. */
    uint32_t attempts;
    uint32_t successes;      /* 2xx, removals included */
    uint32_t failures;       /* RFC 6076 4.2: ineffective, timeouts included */
    uint32_t timeouts;
    uint32_t refreshes;      /* successes of one that was registered */
    uint32_t removals;
    uint32_t challenges;     /* 401 and 407 */
    uint32_t too_brief;      /* 423 */
    uint32_t retransmissions;
    int64_t rrd_ns;          /* of the newest success: the REGISTER that was accepted -> 200; -1: unknown */
    int64_t rrd_full_ns;     /* RFC 6076 4.1: from the first REGISTER of the attempt, so with an expected challenge; -1 */
    int64_t rrd_sum_ns, rrd_max_ns; /* of rrd_full_ns */
    uint32_t rrd_count;
    struct user_contact contact[USER_CONTACTS_MAX];
    struct user_source recent[USER_SOURCES_MAX]; /* newest first */
    struct user_code failed[USER_CODES_MAX];     /* what failures said; a ninth kind counts into code 1 */
};

/* ---- EVENT_SUBSCRIPTION: struct user_subscription, one for each uid ---- */

enum subscription_state {
    SUBSCRIPTION_ASKED,      /* nothing but the SUBSCRIBE yet */
    SUBSCRIPTION_PENDING,
    SUBSCRIPTION_ACTIVE,
    SUBSCRIPTION_TERMINATED, /* by the notifier, by expiry, or refused */
};

struct user_subscription {
    uint8_t uid[16];
    char call_id[USER_CALL_ID_SIZE];
    uint32_t space;
    uint8_t state;           /* enum subscription_state */
    uint8_t transport;       /* enum transport */
    bool last;
    bool partial;            /* its SUBSCRIBE was not seen */
    char subscriber[USER_AOR_SIZE]; /* who wants to know */
    char resource[USER_AOR_SIZE];   /* about whom */
    struct endpoint subscriber_at, notifier_at;
    char event[48];          /* package: "presence", "dialog", "message-summary", "refer" */
    char event_id[32];
    char reason[32];         /* of the end: "timeout", "deactivated", "noresource", "refused", "expired" ... */
    char user_agent[USER_AGENT_SIZE]; /* of the subscriber */
    uint16_t code;           /* final response to the newest SUBSCRIBE; 0: none */
    uint32_t expires_s;      /* granted */
    int64_t started_ns;
    int64_t confirmed_ns;    /* first 2xx, or first NOTIFY */
    int64_t expires_ns;
    int64_t ended_ns;
    int64_t last_ns;         /* newest message */
    uint32_t refreshes;
    uint32_t notifies;
    uint32_t notify_failures;
    char body_type[48];      /* of the newest NOTIFY with a body */
    uint32_t body_bytes;
    bool has_mwi;            /* message-summary: */
    bool mwi_waiting;
    uint32_t mwi_new, mwi_old, mwi_urgent_new, mwi_urgent_old; /* voice messages */
    char mwi_account[USER_AOR_SIZE];
    uint16_t refer_code;     /* of a sipfrag: status line; 0: none */
    char dialog_state[24];   /* of a dialog-info: "trying", "early", "confirmed", "terminated"; of the liveliest dialog */
    uint16_t dialog_count;
};

/* ---- EVENT_MESSAGE_SEEN: struct user_message, once for each uid when its final response came or is overdue. When
 * bodies are kept, the text follows the struct in the event's body (`body_kept` bytes). ---- */

enum message_kind {
    MESSAGE_TEXT,
    MESSAGE_SMS,
    MESSAGE_IMDN,            /* a receipt: no message of a person */
    MESSAGE_COMPOSING,       /* "is typing": neither */
    MESSAGE_FILE,            /* a link or an offer of a file */
    MESSAGE_SESSION,         /* MSRP session in the SDP of a call */
};
enum message_imdn { MESSAGE_IMDN_NONE, MESSAGE_IMDN_DELIVERED, MESSAGE_IMDN_DISPLAYED, MESSAGE_IMDN_PROCESSED, MESSAGE_IMDN_FAILED };

struct user_message {
    uint8_t uid[16];
    uint8_t call_uid[16];    /* when it runs in the dialog of a call; else zeros */
    char call_id[USER_CALL_ID_SIZE];
    uint32_t space;
    uint8_t kind;            /* enum message_kind */
    uint8_t transport;       /* enum transport */
    bool last;               /* always */
    bool timed_out;          /* no final response within 32 s */
    uint16_t code;           /* final response; 0: none seen */
    char from[USER_AOR_SIZE], to[USER_AOR_SIZE];
    char from_display[64];
    struct endpoint src, dst;
    int64_t at_ns;
    int64_t answered_ns;
    int64_t delay_ns;        /* request -> final response; -1 */
    uint32_t retransmissions;
    uint32_t challenges;
    uint32_t size_bytes;     /* of the body on the wire */
    uint32_t body_kept;      /* bytes behind this struct */
    char content_type[64];
    char user_agent[USER_AGENT_SIZE];
    char sms_from[32], sms_to[32]; /* numbers of the RP/TP layer */
    char sms_type[24];       /* "deliver", "submit", "report", "ack", "error"; "text" from a service centre without one */
    char imdn_id[64];        /* Message-ID that a receipt speaks of */
    uint8_t imdn;            /* enum message_imdn */
    bool composing;          /* of isComposing: active; else idle */
    char file_name[128];
    char file_type[64];
    char file_hash[96];      /* "sha-1:72:24:..." */
    char file_url[256];
    uint64_t file_bytes;     /* 0: not said */
};

/* ---- EVENT_PEER: struct user_peer, one for each (src, dst) address pair; ports are the newest ---- */

enum peer_state { PEER_UNKNOWN, PEER_UP, PEER_DOWN };

struct user_peer {
    struct endpoint src, dst; /* who asks with OPTIONS, who answers */
    uint8_t state;           /* enum peer_state */
    uint8_t transport;       /* enum transport */
    bool last;
    uint16_t code;           /* newest final response */
    uint16_t misses;         /* in a row */
    int64_t since_ns;        /* of the state */
    int64_t first_ns;
    int64_t asked_ns;        /* newest OPTIONS */
    int64_t answered_ns;     /* newest answer */
    int64_t rtt_ns, rtt_min_ns, rtt_max_ns; /* -1 */
    int64_t rtt_sum_ns;      /* over `answers` */
    uint32_t requests, answers, missed, changes;
    char user_agent[USER_AGENT_SIZE]; /* of src */
    char server[USER_AGENT_SIZE];     /* of dst */
};

/* ---- EVENT_PRESENCE: struct user_presence, at each change; one for each (space, aor) ---- */

/* In the order of the states that capture/body/pidf.h has. */
enum presence_status {
    USER_UNKNOWN,
    USER_ACTIVE,         /* open, nothing else said */
    USER_IDLE,
    USER_BUSY,           /* also on the phone, in a meeting */
    USER_AWAY,
    USER_OFFLINE,        /* closed */
};
enum presence_source { PRESENCE_BY_PUBLISH, PRESENCE_BY_NOTIFY, PRESENCE_BY_DIALOG /* dialog-info */ };

struct user_presence {
    char aor[USER_AOR_SIZE]; /* whose */
    uint32_t space;
    uint8_t status;          /* enum presence_status */
    uint8_t before;          /* the status that it replaces */
    uint8_t source;          /* enum presence_source */
    bool last;
    bool open;               /* basic status */
    char activity[32];       /* RPID: "busy", "away", "on-the-phone" ... */
    char note[128];
    char contact[128];
    struct endpoint src;     /* who told */
    int64_t at_ns;           /* when it was told */
    int64_t since_ns;        /* of the status */
    int64_t idle_since_ns;
    int64_t expires_ns;      /* of the publication; 0: not said */
    uint32_t changes;
    uint32_t updates;        /* told again without a change too */
};

/* ---- EVENT_AGENT: struct user_agent_seen, one for each name; beyond the table's end all others together ---- */

struct user_agent_seen {
    char name[128];          /* User-Agent or Server as written; "other" when `other` */
    char product[48];        /* "Yealink SIP-T46S" */
    char version[48];        /* "66.86.0.15"; empty: none in the name */
    bool other;
    bool last;
    int64_t first_ns, last_ns;
    uint64_t requests;       /* messages with that User-Agent */
    uint64_t responses;      /* messages with that User-Agent or Server */
    struct endpoint at;      /* newest sender */
};

/* ---- texts ---- */
const char *registration_state_text(unsigned state); /* "trying", "registered", "expired", "failed", "removed" */
const char *subscription_state_text(unsigned state); /* "asked", "pending", "active", "terminated" */
const char *message_kind_text(unsigned kind);        /* "message", "sms", "imdn", "composing", "file", "session" */
const char *message_imdn_text(unsigned imdn);        /* NULL for NONE */
const char *peer_state_text(unsigned state);         /* "unknown", "up", "down" */
const char *presence_status_text(unsigned status);   /* "unknown", "active", "idle", "busy", "away", "offline" */
const char *presence_source_text(unsigned source);   /* "publish", "notify", "dialog" */
