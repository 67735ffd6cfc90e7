/* The ladder of a call: hosts as columns; SIP messages, RTCP packets, keys, starts, stops and gaps of media as rows in time order.
 * A host is an address; where some message goes between two ports of one address (both parties on one machine), all hosts are
 * address and port, else the arrows would have no length. The legs of a conversation share one ladder; each row says its leg. */
#pragma once

#include "api/named.h"
#include "base/json.h"
#include "storage/record.h"

#define LADDER_HOSTS_MAX  64
#define LADDER_EVENTS_MAX 20000
#define LADDER_LABEL_SIZE 96
#define LADDER_LEGS_MAX   16

struct ladder_event {
    int64_t time_us;
    struct endpoint src, dst;
    const char *kind; /* "sip", "rtcp", "rtp_start", "rtp_stop", "rtp_gap", "dtmf", "recording" */
    char label[LADDER_LABEL_SIZE];
    char method[32]; /* "" unless sip */
    unsigned code;   /* 0: request or media */
    bool retransmit;
    bool has_sdp;
    uint32_t ref;   /* message n, or sid; 0 of RTCP */
    uint32_t order; /* of arrival: ties */
    uint8_t leg;    /* that `ref` is about */
};

struct ladder {
    struct ladder_event *events;
    uint32_t count, room;
    bool failed;    /* without memory */
    bool truncated; /* more than LADDER_EVENTS_MAX */
    bool by_port;
    struct endpoint hosts[LADDER_HOSTS_MAX];
    unsigned host_count;
    const struct call_record *legs[LADDER_LEGS_MAX]; /* borrowed */
    unsigned leg_count;
};

/* A zeroed struct is an empty ladder. */
void ladder_fini(struct ladder *l);
/* What follows is of this call, which must outlive the ladder. Once for each leg, at most LADDER_LEGS_MAX times, the earliest
 * first: its beginning is the ladder's 0. */
void ladder_leg(struct ladder *l, const struct call_record *r);
/* Of type message_fn: `context` is the ladder. */
void ladder_message(void *context, const struct record_message *m);
/* Starts, stops and gaps of a second and more of the call's streams. */
void ladder_streams(struct ladder *l, const struct call_record *r);
/* Keys that were pressed, between the ends of the first INVITE. */
void ladder_dtmf(struct ladder *l, const struct call_record *r);
/* Pauses of its recording, and their ends. */
void ladder_pauses(struct ladder *l, const struct call_record *r);
/* RTCP packets, as far as the spool still has them. */
void ladder_rtcp(struct ladder *l, const char *data_dir, const struct call_record *r);
/* In time order, hosts found. Before it is written. */
void ladder_arrange(struct ladder *l);

/* `call_uid`: the call that was asked for. `names` NULL: no host has one. */
void ladder_json(struct json *j, const struct ladder *l, const char *call_uid, const struct api_named_source *names);
/* For a terminal: printable ASCII whatever the wire said. */
void ladder_text(struct buf *out, const struct ladder *l);
