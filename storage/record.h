/* The record: the plain, frozen struct of a call that is stored, listed and served. It borrows from nothing: all strings and
 * arrays live in its arena, record_free() ends it. Made by app/summarise, written by the writer thread, read back by
 * queries; JSON comes from it alone (api/record_json.h), so a file read offline and the service say the same.
 *
 * Times are microseconds since 1970 UTC, 0 = did not happen. Numbers that are not known are NAN (double) or -1 (int64).
 * Enumerations are their contract texts: constants, never NULL unless said. */
#pragma once

#include "base/addr.h"
#include "base/arena.h"
#include "base/media_key.h"
#include "storage/record_identity.h"
#include "storage/record_diagnosis.h"
#include "storage/record_fax.h"
#include "storage/record_dtmf.h"
#include "storage/record_files.h"
#include "storage/record_playout.h"
#include "storage/record_related.h"
#include "storage/record_isup.h"
#include "storage/record_report.h"
#include "storage/record_sound.h"
#include "storage/record_tags.h"
#include "storage/record_notes.h"
#include "storage/record_rtcp.h"

/* A place in the spool: the newest chunk of a chain. segment 0: none. */
struct spool_ref {
    uint32_t segment;
    uint64_t offset;
};

struct record_party {
    struct slice display;
    struct slice user;
    struct slice host;
    struct slice uri;
    struct slice tag;
};

struct record_quality {
    double r;           /* raw, NAN: no honest value */
    double mos_lq;
    double mos_cq;
    double r_fb;        /* comparison value over all scales */
    double ppl;         /* percent of media frames lost (and discarded, once a playout buffer is modelled) */
    double burst_r;     /* clamped */
    const char *scale;       /* "NB", "WB", "FB"; NULL with no score */
    const char *basis;       /* "standard", "provisional", "operator", "none" */
    const char *playout;     /* "none", "F50", "F200", "AD", "xr" */
    const char *delay_basis; /* "xr", "rtcp", "partial", "assumed", "none" */
    const char *loss_basis;  /* "tap", "tap+beyond", "capture_suspect" */
    double delay_ms;         /* mouth to ear, as mos_cq has it; NAN: not known */
    double ie, bpl;          /* of the codec as scored, on `scale`; NAN: not known */
    double mos_lq_total;     /* with what was lost behind the tap; NAN: nobody says how much that is */
};

#define SERIES_UNKNOWN UINT32_MAX /* in a column of counts */

/* Columns of equal length, for charts. Missing jitter or MOS is NAN. */
struct record_series {
    int64_t start_us;
    uint32_t step_ms;        /* 1000, or a multiple of 10000 */
    uint32_t step_count;
    uint32_t *packets;
    uint32_t *lost;
    uint32_t *discarded;
    float *max_gap_ms;
    float *jitter_ms;
    uint32_t window_ms;      /* 10000 or a multiple */
    uint32_t window_count;
    float *mos;              /* a window each */
    float *r;
    /* NULL in what an older version stored. */
    float *mos_f50, *mos_f200; /* with the fixed buffers */
    float *ppl, *burst_r;    /* of the adaptive one */
    float *pdv_p95_ms;
    uint32_t *lost_before, *lost_after, *lost_capture; /* where; NULL: nobody reported */
};

/* Of a stream of video. Pictures are counted by timestamps, so of protected ones too; their sizes and key frames not. */
struct record_video {
    bool given;              /* false: it is none, and nothing here means anything */
    uint16_t width, height;  /* the newest; 0: not seen */
    uint32_t size_changes;
    uint64_t frames;
    int64_t key_frames;      /* -1: cannot be seen */
    double fps;              /* without pauses */
    double bitrate_kbps;     /* of payload */
    uint64_t freezes;
    double frozen_ms, longest_freeze_ms;
};

struct record_stream {
    uint32_t sid;            /* 1.. in the call, in order of appearance */
    const char *party;       /* who sends: "caller", "callee", "unknown" */
    const char *media_type;  /* "audio", "video", ... */
    uint32_t ssrc;
    struct endpoint src;
    struct endpoint dst;
    uint16_t vlan;
    struct slice codec;      /* the one most packets had, "PCMA"; "" unknown */
    uint32_t clock_hz;
    uint8_t payload_type;
    struct slice negotiated; /* "PCMA,PCMU,telephone-event" */
    double ptime_ms;
    uint8_t dscp;
    uint8_t dscp_changes;
    int64_t first_us;
    int64_t last_us;
    uint64_t packets;        /* distinct */
    uint64_t expected;
    uint64_t lost;
    uint64_t media_expected;
    uint64_t media_lost;
    uint64_t discarded;
    uint64_t duplicates;
    uint64_t reordered;
    uint32_t restarts;
    uint32_t conflicts;
    uint32_t payload_changes;
    uint32_t timestamp_jumps;
    uint64_t event_packets;
    uint64_t noise_packets;
    uint64_t bytes;
    uint64_t runs;
    uint32_t longest_run;
    uint64_t capture_refused; /* packets that we lost ourselves, never counted as network loss */
    double jitter_ms_last, jitter_ms_mean, jitter_ms_max, jitter_ms_p95;
    double max_gap_ms;
    double min_gap_ms;
    uint64_t marker_packets, padded_packets, extended_packets, mixed_packets;
    uint8_t sources_most;    /* CSRC of a packet */
    int64_t rfc_expected;
    int64_t rfc_lost;
    int64_t rfc_jitter_ticks;
    bool srtp;
    bool early;
    bool announced;
    bool orphan;
    const char *confidence;  /* "sdp", "sdp_source", "learned", "guessed" */
    struct record_quality quality;
    struct record_rtcp rtcp;
    struct record_split split;
    struct record_series series;
    struct slice fmtp;       /* of `codec`, as SDP says; "" none */
    const char *redundancy;  /* what repeats frames in later packets: red, inband; NULL none */
    bool has_marks;          /* the marks below are known */
    uint8_t dscp_first, dscp_least, dscp_most;
    uint8_t ttl_least, ttl_most;
    uint8_t priority_least, priority_most; /* 802.1p plus 1; 0: untagged */
    struct record_playout playout;
    struct record_video video;
    uint32_t flow_chain;     /* index into call_record.chains + 1; 0: not kept */
};

/* What somebody else sent to an endpoint of the call: no part of it. */
bool record_stream_foreign(const struct record_stream *s);

/* One flow whose packets stand in the spool, and the signalling itself. */
struct record_chain {
    struct spool_ref tail;
    struct endpoint src;     /* zero for the signalling chain */
    struct endpoint dst;
    const char *party;       /* of a media flow; NULL: the signalling chain */
    bool rtcp;
    uint64_t packets;
};

struct record_event {
    int64_t time_us;
    struct slice kind;
    struct slice detail;
};

/* A message in the store. `raw` is whole. */
struct record_message {
    uint32_t n;              /* 1.. in capture order */
    int64_t time_us;
    struct endpoint src;
    struct endpoint dst;
    const char *transport;   /* "udp" */
    struct slice method;     /* of the request, or of the CSeq */
    uint16_t status;         /* 0: request */
    struct slice reason_phrase;
    uint32_t cseq;
    bool retransmission;
    bool has_sdp;
    struct slice raw;
    const char *party;       /* who sent it: "caller", "callee", "unknown" */
    uint16_t vlan_outer;     /* 0: untagged */
    uint16_t vlan_inner;
};

/* An INVITE that passed the tap, on one hop. */
struct record_hop {
    uint32_t from;           /* number (1..) of the hop that it continues; 0: none */
    struct endpoint src;
    struct endpoint dst;
    const char *transport;
    uint16_t vlan;
    uint32_t cseq;
    struct slice request_uri;
    int64_t invite_us, response_us, final_us, cancelled_us;
    int code;                /* final response here; 0 none */
};

/* A branch: a To tag that responded to the INVITE. */
struct record_leg {
    uint32_t hop;            /* number of the hop nearest to it; 0: not seen */
    struct slice tag;
    struct slice target;     /* URI of its Contact */
    struct slice reason_phrase;
    int64_t progress_us, ringing_us, answered_us, ended_us;
    int code;                /* final response; 0 none */
    const char *end;         /* bye, cancelled, rejected, redirected, timeout, cut; NULL while it goes on */
    uint32_t repeats;        /* of its 2xx while nobody acknowledged it */
    bool winner;
    bool acked;
};

/* A target that was asked. */
struct record_attempt {
    uint32_t hop;
    int64_t ended_us;
    const char *reason;      /* answered, rejected, timeout, cancelled, challenged, redirected, adjusted; NULL: open */
};

/* How a call found its way and what was odd about its end. */
struct record_path {
    uint32_t hop_count, leg_count, attempt_count;
    struct record_hop *hops;
    struct record_leg *legs;
    struct record_attempt *attempts;
    uint32_t hops_over_limit;
    int route_advances;
    struct slice q850_text;  /* of the Reason header */
    int sip_cause;           /* 0 none */
    struct slice sip_cause_text;
    bool ack_missing;
    uint32_t session_expires_s; /* 0: no session timer */
    const char *session_refresher; /* caller, callee; NULL: not said */
    bool session_expired;
    int64_t spoofed_bye_us;  /* 0: none */
    struct endpoint spoofed_bye_src;
};

/* Something that other legs of the same conversation may share (correlate_index.h). */
struct record_key {
    const char *kind;        /* session_id, header, icid, replaces, join, sdp_origin, media */
    struct slice name;       /* of a header, as configured; else empty */
    struct slice value;
};

/* Nobody sent anything for a minute or longer. */
struct record_gap {
    int64_t at_ms;     /* in the recording */
    int64_t length_ms;
    int64_t cut_ms;    /* so much of it is not in the recording */
};

/* What somebody showed, as a Matroska file beside the audio. */
struct record_film {
    uint32_t number;         /* from 1, in the call */
    const char *side;        /* caller, callee, unknown */
    struct slice codec;      /* "H264" */
    uint16_t width, height;  /* at its beginning */
    uint64_t frames;
    uint64_t dropped;        /* lacked a packet, or came ahead of the first key frame */
    int64_t started_us;      /* of the first frame */
    int64_t duration_ms;
    struct slice path;       /* below the data directory */
    int64_t size_bytes;
    uint8_t sha256[32];
};

struct record_recording {
    char id[40];             /* UUID text; "" when there is none */
    const char *result;      /* recorded, rule, no_rtp, encrypted, undecodable, ... */
    const char *state;       /* spooling, rendering, ready, damaged, deleted; NULL without a file */
    struct slice format;     /* "wav" */
    struct slice path;       /* below the data directory */
    uint64_t repaired;       /* lost frames that stood again in a later packet */
    struct slice undecodable; /* codec names that could not be decoded, "EVS" */
    struct slice packing;    /* G.726 whose octets were not packed as its name says: "caller G726-32 as AAL2-G726-32, callee ..." */
    int sample_rate_hz;
    int channels;
    int64_t started_us;      /* media time of the first sample */
    int64_t duration_ms;
    int64_t size_bytes;
    uint8_t sha256[32];
    bool one_way, partial, truncated, recovered;
    struct record_files files; /* one, or its parts: path, size and hash above are those of the first. Rows of older versions have none */
    struct record_sound sound;
    struct record_dtmf inband; /* keys that were heard */
    uint32_t gap_count;
    struct record_gap *gaps;
    uint32_t film_count;
    struct record_film *films;
    struct record_fax fax;
    /* What the rules of the site wanted of the call. `format` above is what they want until the file is there. */
    struct slice rule;       /* the one that decided; empty: the default */
    const char *action;      /* record, metadata-only, headers-only, skip, on-demand, on-demand-keep; NULL: older versions */
    const char *mask;        /* keys pressed: keep, count, drop; NULL: the setting decides */
    uint32_t retain_days;    /* 0: the settings decide */
    struct slice tags;       /* "a,b" */
    int64_t split_ms;        /* a further file after so long; 0: the setting decides */
    int64_t requested_us;    /* of an on-demand recording: when somebody asked for it; 0: nobody did */
    int64_t look_back_ms;    /* of an on-demand recording: so long ahead of the request it begins; 0: at the start of the call */
    int64_t from_us;         /* what was heard before is left out; 0: nothing is */
    const char *reason;      /* why the result is what it is, where the result alone does not say: min_duration; NULL */
    uint32_t damaged_pieces; /* left out because the decoder crashed there (state damaged) */
    int64_t deleted_us;      /* 0: its files are there */
    const char *deleted_why; /* age, quota, low_disk, request */
    bool sidecar_due;        /* the file beside it could not be written yet. Not stored: its job is */
};

/* A signalling connection that nobody can read, as far as it shows (kind "encrypted"). */
struct record_tls {
    int version;             /* 0x0303, 0x0304; 0: not seen, and then nothing here means anything */
    int suite;
    bool wrong_key;          /* a key was there and does not fit */
    struct slice server_name;
    struct slice certificate_name;
    int64_t client_bytes;    /* application data */
    int64_t server_bytes;
};

/* Somebody whom a recording session records, and one of its streams (SIPREC). */
struct record_siprec_participant {
    struct slice id;
    struct slice aor;
    struct slice name;
    struct slice joined_at;  /* as the metadata says */
    struct slice left_at;
};

struct record_siprec_stream {
    struct slice id;
    struct slice label;      /* of the m= line */
    int participant;         /* index of who sends; -1: not said */
};

/* What the call is the recording of. */
struct record_siprec {
    bool given;              /* false: the call is no recording session, and nothing here means anything */
    bool complete;           /* the metadata had the whole state */
    bool limited;            /* and more than was read */
    int sessions;
    struct slice session_id; /* of the first */
    struct slice sip_session_id;
    uint32_t participant_count;
    struct record_siprec_participant *participants;
    uint32_t stream_count;
    struct record_siprec_stream *streams;
};

/* What became of one m= line of the SDP. */
struct record_line {
    uint32_t index;          /* from 0 */
    struct slice type;       /* "audio", "video", "application", ... */
    struct slice proto;      /* "RTP/AVP" */
    const char *state;       /* "offered" (nobody answered), "active", "declined", "removed" */
    const char *direction;   /* "sendrecv", ...: of the newest answer, else of the offer */
    const char *offered_by;  /* "caller", "callee" */
    struct slice offered;    /* codecs, "PCMA,PCMU,telephone-event" */
    struct slice agreed;     /* those of the first answer that took it */
    struct slice label;      /* a=label, else a=mid */
    uint32_t ptime_ms;       /* 0: not said */
    int64_t added_us;        /* 0: never taken */
    int64_t removed_us;
};

/* Keys of the call's media, for whoever makes sound of it: never packed, never shown, wiped with the record. */
struct record_secrets {
    uint32_t count;
    bool alone;  /* nothing else of this record is to be stored */
    bool forget; /* it is not recorded: the store keeps none of it, though it may have been open */
    struct media_key *items;
};

/* Who brought the capture that it was found in (POST /imports/pcap); of what we captured ourselves there is none. */
struct record_import {
    char id[40];             /* UUID text; "": it was not imported */
    int64_t at_us;           /* when the capture came: its age counts from then on */
};

struct call_record {
    struct arena *arena;
    struct record_secrets secrets;
    char uid[40];            /* UUID text */
    const char *kind;        /* "call"; "orphan": media without signalling; "page": such media to a multicast group; "encrypted": signalling that cannot be read */
    const char *state;       /* trying, ringing, answered, ended */
    const char *outcome;     /* NULL while it goes on, and for orphans */
    const char *end_reason;  /* NULL while it goes on */
    const char *released_by;
    const char *direction;
    bool partial;
    bool final;              /* the last row of this call: late messages and media have had their time */
    bool capture_suspect;
    struct slice probe;
    struct slice call_id;
    struct record_party from;
    struct record_party to;
    struct slice request_uri;
    struct slice user_agent;
    struct slice server;
    struct slice asserted_identity;
    struct endpoint src;
    struct endpoint dst;
    uint16_t vlan;
    int sip_code;            /* 0 none */
    struct slice reason_phrase;
    int q850_cause;          /* 0 none */
    int auth_attempts, reinvites, updates, branches, holds;
    int64_t held_us;
    uint32_t messages, messages_over_limit, retransmissions;

    int64_t started_us, ringing_us, answered_us, ended_us;
    int64_t progress_us, acked_us, bye_us, cancelled_us, early_media_us;
    int64_t processed_us;    /* t0': the INVITE of the last try; 0: no INVITE was seen */
    /* Derived, ms; -1: does not exist. */
    int64_t duration_ms;     /* answer to end */
    int64_t ring_ms;
    double post_dial_delay_ms; /* NAN: none */
    double setup_ms;
    double disconnect_delay_ms;

    /* The worse direction of the call, from streams of one scale. */
    double mos_min, mos_avg, r_min, r_fb_min;
    const char *mos_scale;   /* NULL: no score */
    const char *mos_basis;
    const char *mos_playout;
    double loss_ratio;       /* worst direction */
    double jitter_ms_max;
    double max_gap_ms;
    double rtt_ms;
    bool one_way;
    bool no_rtp;
    struct slice codec;      /* of the first audio stream */

    uint32_t stream_count;
    struct record_stream *streams;
    uint32_t chain_count;
    struct record_chain *chains;
    uint32_t event_count;
    struct record_event *events;
    struct record_recording recording;

    const char *transport;   /* of the first message: "udp", "tcp", ...; NULL: none */
    /* The outermost tunnel that it came in; NULL: none. */
    const char *wrapping;    /* "vxlan", "gre", ... */
    uint32_t wrap_id;        /* VNI, TEID, key, ...; 0 none */
    struct endpoint wrap_src; /* outer addresses, ports 0 */
    struct endpoint wrap_dst;
    struct record_tls tls;
    struct record_path path;
    uint8_t keys_told;       /* of SRTP in its SDP: 1 some, 2 by a message in the clear, 4 of a weak suite, as bits */
    uint8_t nat;             /* signs of address translation, as bits: record_nat_text() */
    double trying_delay_ms;  /* INVITE to its first 100; NAN: none */
    bool limited;            /* some of its SDP was over the limits and not read */
    struct record_identity identity;
    struct record_siprec siprec;
    struct record_related related;
    /* Where it belongs, by the names of the configuration; empty: unknown. */
    struct slice tenant;
    struct slice trunk;
    struct slice site;       /* the one of ours */
    struct slice from_site;
    struct slice to_site;
    uint32_t line_count;
    struct record_line *lines;
    uint32_t key_count;
    struct record_key *keys;
    uint8_t call_id_chars;   /* so much of a Call-ID says that two belong together; 0: no part of it does */
    struct record_dtmf dtmf;
    struct record_reports reports;
    struct record_isups isup;
    const struct record_tags *tags; /* read with the call, never written with it; NULL: none */
    const struct record_tags *header_tags; /* what its headers say; put beside those that it has, never read */
    uint32_t annotation_count; /* read with the call too */
    bool has_transcript;
    const struct record_notes *notes; /* as a sidecar has them; the store gives them apart */
    struct record_files tracks; /* of the conference that ended with this call: a track of each party, and their sum */
    double bits_per_s;       /* RTP of all its streams, IP and UDP included, over the time of its media; NAN: none */
    double bits_per_s_peak;  /* in the second with most; packets of a stream count as equally large */
    struct record_diagnosis diagnosis;
    struct record_import import;
};

#define RECORD_NAT_SIGNS 4

/* Somebody asks at that time for the media that waits: now it is to be rendered. */
void record_on_demand(struct call_record *r, int64_t now_us);
/* Its media waits for somebody to ask for it. */
bool record_waits_for_request(const struct call_record *r);
/* Its media is to go without being rendered. */
bool record_to_be_dropped(const struct call_record *r);

bool record_is_imported(const struct call_record *r);
/* From when on its age counts: since it began, or since it was imported. */
int64_t record_age_from_us(const struct call_record *r);
/* An empty record with its arena and all "unknown" values set; NULL without memory. */
struct call_record *record_new(void);
void record_free(struct call_record *r);
/* A stream with all "unknown" values set. */
void record_stream_init(struct record_stream *s);
/* A message with all "unknown" values set. */
void record_message_init(struct record_message *m);
/* The 16 bytes of "0189abcd-..."; false when it is no uid. */
bool record_uid_bytes(const char *text, uint8_t ret_uid[16]);
/* The interned contract text for a stored or given text ("ringing" -> the constant), NULL when unknown. */
const char *record_text(const char *text);
const char *record_text_of(struct slice text);
/* What bit n of `nat` says: "sdp_private", "media_source", "via_received", "contact_private". */
const char *record_nat_text(unsigned n);
/* excellent, good, fair, poor, bad, unknown: by R on its scale (CONTRACT: quality band). */
const char *record_quality_band(double r, const char *scale);
