/* The live view: an immutable snapshot that the pipeline publishes and HTTP threads read. */
#pragma once

#include "api/http.h"

struct live_stream {
    uint32_t ssrc;
    const char *party;
    struct endpoint src, dst;
    char codec[24];
    uint64_t packets, expected, lost;
    double jitter_ms; /* NAN unknown */
    double mos;       /* last window, NAN unknown */
    double rtt_ms, remote_loss_ratio; /* so far, by RTCP; NAN: nobody told */
    int64_t last_us;
};

#define LIVE_STREAMS_MAX 8
#define LISTENERS_MAX    16 /* who listens at once */

struct live_call {
    char uid[40];
    const char *kind, *state, *direction;
    const char *tenant, *trunk, *site, *from_site, *to_site; /* NULL: unknown */
    int64_t started_us, ringing_us, answered_us;
    char call_id[128];
    char from_user[64], from_host[64], from_display[64], to_user[64], to_host[64];
    char user_agent[64];
    struct endpoint src, dst;
    int sip_code;
    bool recording;
    const char *paused;          /* whose voice is left out of the recording now: caller, callee, both; NULL: nobody's */
    int64_t paused_us, resumes_us; /* since when; 0: until somebody ends it */
    bool partial;
    unsigned stream_count;
    struct live_stream streams[LIVE_STREAMS_MAX];
};

enum live_format { LIVE_OGG, LIVE_WAV };

/* Which calls are asked for. */
struct live_want {
    const char *uid; /* NULL: all */
    /* NULL: every call may be seen. Called from any thread of the pipeline. */
    bool (*may_see)(const void *asker, const struct live_call *call);
    const void *asker;
    enum live_format format; /* of the sound of one */
};

/* A call as sound. The producer is the asker's; its run() ends with the call. */
struct live_audio_said {
    uint64_t dropped; /* packets not heard, because the client read too slowly */
    uint64_t skipped; /* times it was brought back to the present */
};
struct live_audio {
    struct http_producer producer;
    int sample_rate_hz;
    /* How it went; not while run() is under way. */
    void (*said)(void *producer_context, struct live_audio_said *ret_said);
};

/* Pausing the recording of a call, or going on with it. */
struct live_pause {
    bool resume;
    const char *sides;   /* caller, callee, both */
    int64_t not_before_us; /* resume: what was sent before is not kept, though it comes later; 0: now */
    int64_t duration_us; /* 0: until somebody ends it, or as the settings say */
    const char *actor, *reason; /* reason NULL: none was given */
};

/* Writes into *ret_calls a malloc'ed array of at most `max` of these calls that have not ended (the
 * caller frees it). The array is empty (NULL) when there are none. */
struct live_source {
    void *context;
    int (*snapshot)(void *context, const struct live_want *want, unsigned max, struct live_call **ret_calls,
                    unsigned *ret_count);
    /* Begins to listen to the one call of `want` (stereo). ERR_NOT_FOUND; ERR_FULL: too many listen; ERR_UNSUPPORTED: it
     * is encrypted and we have no key; ERR_BUSY. May be NULL. */
    int (*listen)(void *context, const struct live_want *want, struct live_audio *ret_audio);
    /* Done when it returns 0: what comes from then on is not kept. *ret_call: as it stands then. ERR_NOT_FOUND: no such live call;
     * ERR_INVALID: resume, and it is not paused; ERR_UNSUPPORTED: it is not recorded; ERR_BUSY. May be NULL. */
    int (*pause)(void *context, const struct live_want *want, const struct live_pause *ask, struct live_call *ret_call);
};
