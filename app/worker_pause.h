/* Pauses of a recording, in the worker's thread: who asked, for which side, since when; what of the call must not be told because it
 * came meanwhile. During a pause a packet of RTP is kept without its payload: its number and time stay, so that
 * the recording has silence of the same length there, and nothing that was said is in any file.
 *
 *   API -> worker_pause_ask()          \
 *   SIP -> EVENT_CONTROL -> who may? ---+-> flows of these sides: withhold, what they still hold: cut
 *   RTP event -> key ----/              /
 *   tick, packet -> time is up --------/ */
#pragma once

#include "app/worker.h"

/* wflow.withhold */
enum {
    WITHHOLD_PAUSED = 1, /* no payload */
    WITHHOLD_MASKED = 2, /* keys neither as events nor as tones */
    WITHHOLD_KEYS = 4,   /* no events of keys that pause */
    WITHHOLD_REPLAYED = 8, /* what is withheld was already (worker_pause_replay.c) */
};

struct pause_ask {
    bool resume;
    uint8_t sides;        /* enum pause_sides */
    int64_t since_ns;     /* packet time: of a pause since when, of its end not before; 0: now */
    int64_t duration_ns;  /* 0: as the setting says */
    const char *actor;    /* "token:crm", "dtmf:caller", "sip:192.0.2.1:5060" */
    const char *reason;   /* NULL: none */
    bool keys;            /* pressed within the call: they end what keys began */
};

struct pause_state {
    uint8_t sides;        /* paused now; 0: none */
    int64_t since_ns, resume_ns; /* 0: none; of two sides with an end the next */
};

/* ERR_NOT_FOUND: resume, and no such side is paused; ERR_UNSUPPORTED: the call is not recorded; ERR_FULL; ERR_NOMEM. */
int worker_pause_ask(struct worker *w, struct wcall *wc, const struct pause_ask *ask, struct pause_state *ret_state);
void worker_pause_state(const struct wcall *wc, struct pause_state *ret_state);
void worker_pause_control(struct worker *w, const struct event *event);
/* A key that was pressed in RTP. */
void worker_pause_key(struct worker *w, struct wflow *f, char key, int64_t time_ns);
/* What comes of this side now is not told, either. */
bool worker_pause_hides(const struct wcall *wc, unsigned party);
void worker_pause_tick(struct worker *w, int64_t now_ns);
/* A flow is new, or its party changed; or the rules decided. */
void worker_withhold(struct worker *w, struct wflow *f);
/* A packet of a flow that withholds something came: what it waited for may have come to pass. */
void worker_pause_arrive(struct worker *w, const struct wflow *f, int64_t time_ns);
/* A packet of a flow that withholds something: keeps what may be kept. `event`: RTP that is no duplicate. */
void worker_keep_less(struct worker *w, struct wflow *f, const struct event *event, const struct rtp_codec *outer,
                      const struct rtp_packet *p);
void worker_pause_free(struct worker *w, struct wcall *wc);
/* Into the record: the pauses as events, keys out that came meanwhile. Ahead of what becomes of the recording. */
void summarise_pause(struct call_record *r, const struct wcall *wc, const struct worker_config *config);
/* Media came, all of it in pauses. */
bool worker_pause_took_all(const struct wcall *wc);
