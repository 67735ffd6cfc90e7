/* Recordings in another form for the API (struct api_sound): a process each, so many at once. */
#pragma once

#include "api/live.h"
#include "api/sound.h"
#include "app/confine/confine.h"
#include "app/settings.h"

#define CONVERSIONS_MAX 16
/* Who asks for a waveform waits for it, in a thread that answers others as well: so many of them may wait, whatever else is converted. */
#define CONVERSIONS_PEAKS_MAX 2

struct conversions_config {
    unsigned max;              /* 0: there are none */
    int64_t peaks_ns;          /* that a waveform may take, whatever it waits for; 0: half a minute */
    struct counters *counters; /* of no other thread */
    const struct confine_config *confine; /* borrowed but for its stop_fd, which is ours */
    const char *data_dir;
};

struct conversions;

/* 0 or ERR_INVALID with a sentence. */
int conversions_check(const struct settings *s, struct why *why);
/* Borrows the configuration's texts. NULL without memory. */
struct conversions *conversions_new(const struct conversions_config *config);
/* What is under way ends soon, and what is asked for later. NULL is fine. */
void conversions_stop(struct conversions *c);
/* When there is none under way. NULL is fine. */
void conversions_free(struct conversions *c);
/* How many are under way. Any thread; NULL: none. */
unsigned conversions_busy(struct conversions *c);
/* As struct api_sound_source has them. */
int conversions_open(void *context, const struct api_sound_want *want, struct http_producer *ret_producer);
int conversions_peaks(void *context, const struct api_sound_want *want, struct buf *out);
