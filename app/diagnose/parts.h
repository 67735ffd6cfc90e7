/* What the families share: the call on its time line, the two directions, a label under way. */
#pragma once

#include "app/diagnose/diagnose.h"

/* No quartz is that wrong: time stamps are counted by another clock than SDP says. */
#define DIAGNOSE_OTHER_CLOCK_PPM 10000.0

#define HOLDS_MAX 32
#define HOLD_SLACK_US INT64_C(1000000) /* around a hold nobody sends in step with the signalling */

struct span {
    int64_t from_us, to_us;
};

/* A call while it is looked at. */
struct look {
    struct call_record *r;
    const struct diagnose_config *config;
    int64_t begin_us;       /* answer; of a call without one its INVITE; 0: neither was seen */
    int64_t end_us;         /* BYE, or the last sign of life */
    bool answered, whole;   /* `whole`: its beginning was seen */
    unsigned hold_count;
    struct span hold[HOLDS_MAX];
    const char *held_by[HOLDS_MAX];
};

/* Who speaks: index of a direction. */
enum way { WAY_CALLER, WAY_CALLEE, WAYS };

static inline enum way way_back(enum way w)
{
    return w == WAY_CALLER ? WAY_CALLEE : WAY_CALLER;
}

/* "caller", "callee": who speaks. */
const char *way_party(enum way w);
/* WAYS: nobody knows who sends it. */
enum way way_of(const struct record_stream *s);
bool is_sound_stream(const struct record_stream *s);
/* The direction's stream with the most packets; NULL: none. */
const struct record_stream *way_stream(const struct look *k, enum way w);

/* Answered time without holds. */
int64_t talk_us(const struct look *k);
bool held_during(const struct look *k, struct span at);
/* Packets of sound (neither comfort noise nor telephone events) that came after the answer, about. */
uint64_t sound_after_answer(const struct look *k, const struct record_stream *s);
/* The receiver of `s` announced its payload type, or announced nothing that we know. */
bool type_is_announced(const struct look *k, const struct record_stream *s);
/* What `party` said last about where it receives sound, while it had a line; NULL: nothing. */
const struct record_announced *announced_last(const struct look *k, enum way party);
/* We lost packets ourselves in most of that time, or what is missing in it went missing then: the tap is to blame. Else
 * it was missing when it came here. */
const char *side_of_loss(const struct look *k, const struct record_stream *s, struct span at);

/* ICMP said for most of the time in which the stream came after the answer that it did not arrive; NULL: no. */
const struct record_unreachable *unreached(const struct look *k, const struct record_stream *s);

static inline struct span life(const struct record_stream *s)
{
    return (struct span){s->first_us, s->last_us};
}

static inline bool label_on(const struct look *k, enum diagnose_label label)
{
    return k->config->threshold[label] > 0;
}

/* A new label, `w` WAYS: of the call as a whole. NULL: off, or RECORD_LABELS_MAX are there. */
struct record_label *label_add(struct look *k, enum diagnose_label label, enum way w, struct span at);
struct record_label *label_add_stream(struct look *k, enum diagnose_label label,
                                      const struct record_stream *s, struct span at);
/* How much it says about what people heard (labels.def). */
int label_weight(const struct record_label *l);
/* NULL label: does nothing. */
void evidence_number(struct record_label *l, const char *name, double value);
void evidence_text(struct look *k, struct record_label *l, const char *name, const char *text);
/* MOS-LQ of the stream's codec at that loss; NAN: none honest. */
double mos_at(const struct record_stream *s, double expected, double lost, double runs);

/* The cause why nothing of direction `w` was heard (WAYS: of both), and the label's evidence for it. */
const char *cause_of_silence(struct look *k, enum way w, struct record_label *l);

void look_silent(struct look *k);
void look_loss(struct look *k);
void look_pace(struct look *k);
void look_format(struct look *k);
void look_address(struct look *k);
void look_marks(struct look *k);
void look_ends(struct look *k);
void look_sound(struct look *k);

/* One sentence about the worst label, into the record's arena; empty: nothing that somebody hears. */
struct slice sentence(const struct call_record *r);
