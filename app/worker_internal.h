/* Shared by worker.c (calls, flows), worker_records.c (records out), worker_media.c (packets) and worker_rtcp.c (reports). */
#pragma once

#include "app/bandwidth.h"
#include "app/worker.h"

struct worker {
    struct worker_config config;
    struct counters *counters;
    struct spool *spool;     /* media; NULL: nothing is kept */
    struct spool *sip_spool; /* signalling, in segments of its own; beside the other */
    struct wcall **calls;
    uint32_t calls_room;
    struct wflow **flows;
    uint32_t flows_room;
    struct pending_record *pending, **pending_end;
    struct wplace marked;    /* told last */
    int64_t marked_ns;       /* looked at last, tick time */
    bool lost_record;        /* only the spool has it: nothing more is told */
    struct bandwidth bandwidth; /* of worker 0 */
    struct sound_tap *taps;  /* of live listeners */
    struct wpause *pauses;   /* that end by themselves */
    struct tone_bank *key_bank; /* of worker_mask.c; NULL: not needed yet */
    int64_t now_ns;          /* of the newest tick */
    int disk_error;          /* what the log was told of last; 0: the spool is written */
    uint8_t *redacted; /* scratch of worker_redact.c */
};

#define CACHE_LINE 64

/* ---- worker_records.c ---- */

/* At once: it points to nothing in the spool. NULL is fine. */
void worker_emit(struct worker *w, struct call_record *record);
/* When what it points to is written, or is given up; of a call that began there. NULL: it could not be made. */
void worker_queue_record(struct worker *w, struct call_record *record, const struct wplace *begun);
void worker_emit_written(struct worker *w);
/* All that wait, whatever the disk says. */
void worker_emit_rest(struct worker *w);
/* Whether the disk refuses, or is slow, into the metrics. */
void worker_watch_disk(struct worker *w);
/* What waits begins no earlier than this. */
void worker_pending_place(const struct worker *w, struct wplace *least);

/* ---- worker_marks.c ---- */

/* Where the spools write now; zeros without any. */
struct wplace worker_place(const struct worker *w);
void worker_place_lower(struct wplace *least, const struct wplace *other);
/* Tells how far back a recovery would have to read, now and then and when it has changed. */
void worker_mark(struct worker *w);
/* The same at the end: nothing more is written. */
void worker_mark_end(struct worker *w);


/* Zeroed and aligned to a cache line; NULL without memory. */
void *worker_alloc(size_t size);
struct wcall *worker_find_call(struct worker *w, uint32_t number);
/* The packet, or its RTP headers alone, as the rules say. */
struct slice worker_kept_part(const struct wflow *f, const struct rtp_packet *p, struct slice packet);
/* Into the spool. `whole`: RTP of which nothing is withheld. */
void worker_keep_packet(struct worker *w, struct wflow *f, const struct event *event, struct slice payload, bool whole);
/* SIP text of the call as it may be stored: `text` itself, or a copy without secrets, valid until the next call. */
struct slice worker_redacted(struct worker *w, const struct wcall *wc, struct slice text);
/* Counts it and gives its place away; it is not in the record. */
void worker_forget_stream(struct worker *w, struct wstream *s);
void worker_media(struct worker *w, const struct event *event);
/* worker_tap.c: a packet of a flow that is tapped; the call is over. */
void worker_tap_packet(struct worker *w, const struct wflow *f, const struct rtp_codec *codec, const struct event *event);
void worker_taps_end(struct worker *w, const struct wcall *wc);
/* What of a call stands in the spool has a ceiling; sources that SDP did not name get the smaller one. */
#define KEPT_FLOWS_MAX   1024
#define KEPT_LEARNED_MAX 256
bool worker_flow_may_keep(const struct wflow *f);
/* Opens the flow's spool chain on its first packet; NULL when it cannot be kept. */
struct spool_flow *worker_flow_spool(struct worker *w, struct wflow *f, int64_t now_ns);
/* Adds what is new since the last time to the counters. */
/* The stream is over: closes statistics, counts them, fills the histograms. */
void worker_end_stream(struct worker *w, struct wstream *s);
/* An RTCP datagram of the flow. */
void worker_rtcp(struct worker *w, const struct wflow *f, const struct event *event);
/* The stream is over: its round trip and reported loss go into the histograms. */
void worker_end_rtcp(struct worker *w, const struct wstream *s);
/* Up to `frames` packets were lost by us since the report before; 0: nobody knows how many. */
void worker_rtcp_capture_lost(struct wstream *s, uint64_t frames);
void worker_free_rtcp(struct wstream *s);
/* We missed frames: what was measured meanwhile is suspect. */
void worker_capture_lost(struct worker *w, const struct event *event);
