/* What tones mean: keys, bursts and pauses that make a fax or a telephone ring. Keeps what was found, at most so much. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define TONES_KEYS_MAX   256
#define TONES_EVENTS_MAX 32

/* A key that was heard. */
struct tone_key {
    int64_t at_ms;  /* from the start of the file */
    uint16_t length_ms;
    char digit;
    int8_t level_dbm0; /* of the louder tone */
};

enum tone_kind {
    TONE_CNG,       /* a fax calls: 1100 Hz, 0.5 s (T.30) */
    TONE_CED,       /* a fax or modem answers: 2100 Hz (T.30; ANS of V.25) */
    TONE_ANSAM,     /* the same, its level sways at 15 Hz (V.8) */
    TONE_PREAMBLE,  /* flags at 300 bit/s on channel 2 of V.21: T.30 begins */
    TONE_RINGBACK,
    TONE_BUSY,
    TONE_SIT,       /* three rising tones: special information (E.180) */
    TONE_KINDS
};

struct tone_event {
    uint8_t kind;
    bool reversed;       /* the phase turns: echo cancellers are to go off */
    int8_t level_dbm0;
    uint16_t bursts;
    int64_t at_ms, length_ms; /* all bursts and what is between them */
    uint16_t burst_ms, pause_ms; /* of the last burst, before it; 0: none */
};

/* A run that has ended. */
struct tone_burst {
    uint8_t class;   /* enum tone_class */
    bool sways;
    int turns;
    double hz[2];    /* the second 0: a single tone */
    double level_dbm0;
    int64_t from, to; /* samples */
};

struct tone_meaning {
    unsigned key_count, event_count;
    uint32_t keys_over_limit, events_over_limit;
    struct tone_key keys[TONES_KEYS_MAX];
    struct tone_event events[TONES_EVENTS_MAX];
    uint8_t sit_next;    /* which of the three is due */
    int64_t sit_from, sit_to;
    struct { /* bursts that could be progress of a call */
        int64_t from, to; /* of the first, of the last */
        int length_ms, pause_ms;
        unsigned count;
        bool pair;
    } low;
};

const char *tone_kind_text(unsigned kind); /* "cng" */
void tone_meaning_key(struct tone_meaning *m, const struct tone_burst *b);
void tone_meaning_burst(struct tone_meaning *m, const struct tone_burst *b);
void tone_meaning_preamble(struct tone_meaning *m, int64_t from, int64_t to, double level_dbm0);
