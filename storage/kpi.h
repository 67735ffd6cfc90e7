/* The figures of telephony, exactly as their documents define them. Pure: a finished call becomes a `kpi_sample`, samples
 * fill a `kpi_cell`, cells of the same kind can be merged, a cell answers with its figures.
 *
 * What is counted is the ATTEMPT: one for all INVITEs of the calling side with one Call-ID and From tag, whatever was
 * repeated, challenged, redirected, forked or seen on another hop (QUALITY 6.1). t0 is its first INVITE, t0' the one that
 * was finally processed. Not attempts, and counted apart so that nothing disappears:
 *
 *   challenged  401 or 407 and no further try: scanners, keep-alives of strangers
 *   partial     the INVITE was not seen
 *   unfinished  no final response, and it was us who stopped (end of the capture, restart)
 *
 *   figure      definition                                                             source
 *   asr         answered / attempts (a seizure is an attempt)                          E.411, E.425
 *   ner         effective / attempts: answered; 480 486 600 603 607 608; 487 after an  E.425
 *               18x; the codes are a setting. A Q.850 cause of a Reason header wins
 *               over the code: 17 18 19 20 21 22 28, and 16 after an 18x
 *   ser         2xx / (attempts - those that end in 3xx)                               RFC 6076 4.6
 *   seer        2xx 480 486 600 603 / the same                                         RFC 6076 4.7
 *   isa         408 500 503 504, or no final response in time / attempts               RFC 6076 4.8
 *   scr         2xx, ACK, BYE and its 2xx all seen / attempts                          RFC 6076 4.9
 *   srd         t0' -> first provisional response but 100, else the 2xx; of            RFC 6076 4.3.1
 *               attempts that were answered
 *   srd_failed  t0' -> 4xx but 401 402 407, 5xx, 6xx                                   RFC 6076 4.3.2
 *   sdd         BYE -> its 2xx; a BYE without one is in sdd_failed                     RFC 6076 4.4
 *   sdt         2xx -> BYE that was answered with 2xx                                  RFC 6076 4.5.1
 *   sdt_failed  2xx -> expiry of Timer F (32 s) of a BYE that was not; without a BYE   RFC 6076 4.5.2
 *               the last sign of life and the media time-out
 *   rrd         REGISTER -> 200, challenges included                                   RFC 6076 4.1
 *   ira         4xx but 401 402 407 423, 5xx, 6xx, no answer / registrations           RFC 6076 4.2
 *   acd         2xx -> first BYE (or last sign of life); calls whose end is our own    QUALITY 6.3
 *               doing (cut, restart, too long) have none
 *   pdd         t0 -> 180, 183 with SDP or early media, the first; else the 2xx        QUALITY 6.3
 *   ring        180 or 183 with SDP -> 2xx or end                                      QUALITY 6.3
 *   setup       t0 -> 2xx                                                              QUALITY 6.3
 *   holding     t0 -> end, answered or not                                             QUALITY 6.3
 *   short       answered, and acd under 3, 5, 10 s / calls with an acd                 QUALITY 6.3
 *   abandon     cancelled by the caller / attempts                                     QUALITY 6.3
 *   loss        packets of sound that were lost / expected, of all counted calls       QUALITY 1
 *   mos         of the worse direction, apart by scale: NB, WB and FB do not compare   QUALITY 0.2
 *
 * A ratio without a denominator does not exist (NAN), it is never 0. Times are those at the tap. */
#pragma once

#include "storage/pack.h"
#include "storage/record.h"

/* ---- what is counted ---- */

/* name, text in JSON. Rows on disk hold them in this order: add at the end. */
#define KPI_COUNTS(X)                                                                              \
    X(ATTEMPTS, "attempts")                                                                        \
    X(ANSWERED, "answered")                                                                        \
    X(BUSY, "busy")                                                                                \
    X(NO_ANSWER, "no_answer")                                                                      \
    X(CANCELLED, "cancelled")                                                                      \
    X(REJECTED, "rejected")                                                                        \
    X(REDIRECTED, "redirected")                                                                    \
    X(FAILED, "failed")                                                                            \
    X(LOST, "lost")                                                                                \
    X(EFFECTIVE, "effective")            /* of NER */                                              \
    X(USER_EFFECTIVE, "user_effective")  /* of SEER */                                             \
    X(INEFFECTIVE, "ineffective")        /* of ISA */                                              \
    X(COMPLETED, "completed")            /* of SCR */                                              \
    X(ENDED_3XX, "ended_3xx")            /* taken from the denominator of SER and SEER */          \
    X(TIMED_OUT, "timed_out")            /* no final response */                                   \
    X(RANG, "rang")                                                                                \
    X(SHORT_3S, "short_3s")                                                                        \
    X(SHORT_5S, "short_5s")                                                                        \
    X(SHORT_10S, "short_10s")                                                                      \
    X(TALKED, "talked")                  /* of ACD */                                              \
    X(SDD_FAILED, "sdd_failed")                                                                    \
    X(BY_CALLER, "released_by_caller")                                                             \
    X(BY_CALLEE, "released_by_callee")                                                             \
    X(BY_NETWORK, "released_by_network")                                                           \
    X(BY_UNKNOWN, "released_by_unknown")                                                           \
    X(CHALLENGED, "challenged")                                                                    \
    X(PARTIAL, "partial")                                                                          \
    X(UNFINISHED, "unfinished")                                                                    \
    X(REGISTRATIONS, "registrations")                                                              \
    X(REGISTRATIONS_FAILED, "registrations_failed")                                                \
    X(REGISTRATIONS_CHALLENGED, "registrations_challenged")

#define KPI_DELAYS(X)                                                                              \
    X(PDD, "pdd")                                                                                  \
    X(SRD, "srd")                                                                                  \
    X(SRD_FAILED, "srd_failed")                                                                    \
    X(SDD, "sdd")                                                                                  \
    X(SDT, "sdt")                                                                                  \
    X(SDT_FAILED, "sdt_failed")                                                                    \
    X(TALK, "acd")                                                                                 \
    X(RING, "ring")                                                                                \
    X(SETUP, "setup")                                                                              \
    X(HOLDING, "holding")                                                                          \
    X(RRD, "rrd")

enum kpi_count {
#define KPI_ENUM(name, text) KPI_##name,
    KPI_COUNTS(KPI_ENUM)
#undef KPI_ENUM
    KPI_COUNT_COUNT
};
enum kpi_delay {
#define KPI_ENUM(name, text) KPI_DELAY_##name,
    KPI_DELAYS(KPI_ENUM)
#undef KPI_ENUM
    KPI_DELAY_COUNT
};
const char *kpi_count_text(enum kpi_count v);
const char *kpi_delay_text(enum kpi_delay v);

/* ---- the rules that are settings ---- */

#define KPI_CODES_MAX    64
#define KPI_PREFIXES_MAX 64
#define KPI_NAME_SIZE    48 /* of a dimension, "trunk:" and the like included */

struct kpi_rules {
    uint16_t ner_codes[KPI_CODES_MAX]; /* final responses that are effective; 487 only after an 18x */
    unsigned ner_code_count;
    uint8_t ner_causes[KPI_CODES_MAX]; /* Q.850 causes that are; 16 only after an 18x */
    unsigned ner_cause_count;
    char prefixes[KPI_PREFIXES_MAX][24]; /* groups of called numbers, the longest match wins */
    unsigned prefix_count;
    int64_t media_timeout_us; /* of sdt_failed */
};

void kpi_rules_defaults(struct kpi_rules *rules);
/* "480, 486 600": numbers in [low, high] between commas or blanks. ERR_INVALID, ERR_FULL; the rules are as before then. */
int kpi_rules_codes(struct kpi_rules *rules, const char *text);
int kpi_rules_causes(struct kpi_rules *rules, const char *text);
/* "+49, +4930, 00": digits with an optional +. */
int kpi_rules_prefixes(struct kpi_rules *rules, const char *text);

/* ---- a call ---- */

enum kpi_standing { KPI_IS_ATTEMPT, KPI_IS_CHALLENGED, KPI_IS_PARTIAL, KPI_IS_UNFINISHED };

struct kpi_sample {
    enum kpi_standing standing;
    uint64_t counts; /* bit n: one for enum kpi_count n */
    int64_t delay_us[KPI_DELAY_COUNT]; /* -1: none */
    int64_t start_us, end_us;          /* while it counts as concurrent */
    uint16_t code;                     /* final response; 0: none */
    uint8_t cause;                     /* Q.850; 0: none */
    uint64_t packets_expected, packets_lost; /* of all streams of sound */
    unsigned scale;                    /* of the score */
    uint16_t mos_milli;                /* 1000 to 5000; 0: no score */
};

/* False: not a SIP call, or its last word is not spoken. */
bool kpi_sample_of(const struct kpi_rules *rules, const struct call_record *r, struct kpi_sample *ret_sample);

/* ---- a cell: counts, sums and distributions ---- */

/* Log-linear: 16 buckets an octave over steps of 0.1 ms. Counts, sums (and so means), smallest and largest are exact; a
 * quantile is off by at most 1/32 of its value, or 0.05 ms below 1.6 ms. */
#define KPI_BUCKETS 464
struct kpi_histogram {
    uint64_t count;
    int64_t sum_us;
    int64_t min_us;
    int64_t max_us;
    uint32_t buckets[KPI_BUCKETS];
};

/* How often each number came. What finds no room is in `other`. */
struct kpi_tally {
    unsigned used;
    uint16_t key[KPI_CODES_MAX]; /* ascending */
    uint64_t count[KPI_CODES_MAX];
    uint64_t other;
};

/* Scores of one scale (NB, WB, FB). Count and sum are exact; a quantile is off by at most 0.025. */
#define KPI_SCALES    3
#define KPI_MOS_STEPS 81 /* of 0.05, from 1 to 5 */
struct kpi_scores {
    uint64_t count;
    uint64_t sum_milli;
    uint32_t steps[KPI_MOS_STEPS];
};

struct kpi_cell {
    uint64_t counts[KPI_COUNT_COUNT];
    struct kpi_histogram delays[KPI_DELAY_COUNT];
    struct kpi_tally codes;  /* of attempts: final responses, 0 for none */
    struct kpi_tally causes; /* of attempts: Q.850 */
    uint64_t packets_expected, packets_lost; /* this and the scores: of all calls that are counted */
    struct kpi_scores scores[KPI_SCALES];
};

void kpi_cell_clear(struct kpi_cell *cell);
void kpi_add(struct kpi_cell *cell, const struct kpi_sample *sample);
/* A registration that is over: `code` its final response, 0 for none in time; rrd_ms NAN unless it succeeded. A challenge
 * that nobody answered (401, 407) is counted apart. */
void kpi_add_registration(struct kpi_cell *cell, bool success, unsigned code, double rrd_ms);
void kpi_merge(struct kpi_cell *into, const struct kpi_cell *from);
/* Writes or reads a cell; reading needs a cleared one. Damage sets p->failed. */
void kpi_cell_pack(struct pack *p, struct kpi_cell *cell);

/* ---- figures ---- */

struct kpi_ratio {
    const char *name;
    uint64_t numerator;
    uint64_t denominator;
};
#define KPI_RATIOS 13
/* Fills all of them; *ret_value of one is kpi_ratio_value(). */
void kpi_ratios(const struct kpi_cell *cell, struct kpi_ratio ret_ratios[KPI_RATIOS]);
double kpi_ratio_value(const struct kpi_ratio *ratio); /* NAN without a denominator */

double kpi_mean_ms(const struct kpi_histogram *h);               /* NAN without a value, as below */
double kpi_quantile_ms(const struct kpi_histogram *h, double q); /* nearest rank */
double kpi_mos_mean(const struct kpi_scores *s);
double kpi_mos_quantile(const struct kpi_scores *s, double q);
const char *kpi_scale_text(unsigned scale); /* "NB", "WB", "FB" */

/* ---- load: concurrent calls and calls a second ---- */

/* One minute. A call is concurrent in every second that it touches; it starts in one. */
struct kpi_load {
    uint32_t active[60];
    uint32_t started[60];
};

/* The part of the sample that lies in the minute that begins at minute_us. */
void kpi_load_add(struct kpi_load *load, int64_t minute_us, const struct kpi_sample *sample);
void kpi_load_merge(struct kpi_load *into, const struct kpi_load *from);
uint32_t kpi_load_concurrent(const struct kpi_load *load); /* most in a second */
uint32_t kpi_load_started(const struct kpi_load *load);
void kpi_load_pack(struct pack *p, struct kpi_load *load);
