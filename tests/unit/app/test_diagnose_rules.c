/* The rules of the diagnosis one by one, on records made by hand. */
#include <criterion/criterion.h>

#include <math.h>

#include "app/diagnose/diagnose.h"
#include "app/settings.h"
#include "storage/record_pack.h"

TestSuite(diagnose_rules, .timeout = 60);

#define SECOND  INT64_C(1000000)
#define BEGIN   (1000 * SECOND)
#define SECONDS 60 /* of a call */
#define PACKETS (SECONDS * 50)

static struct diagnose_config config_of(const char *label, const char *threshold)
{
    struct settings s;
    struct diagnose_config config;
    struct why why = {0};
    settings_defaults(&s);
    if (label)
        cr_assert_eq(settings_set(&s, "diagnosis", label, threshold, &why), 0);
    cr_assert_eq(diagnose_configure(&s, &config, &why), 0);
    settings_free(&s);
    return config;
}

/* An answered call of a minute with a steady stream of each side, steps of `step_ms`. */
static struct call_record *a_call(uint32_t step_ms)
{
    struct call_record *r = record_new();
    r->kind = "call";
    r->state = "ended";
    r->end_reason = "bye";
    r->started_us = r->processed_us = BEGIN - 2 * SECOND;
    r->answered_us = BEGIN;
    r->ended_us = r->bye_us = BEGIN + SECONDS * SECOND;
    r->streams = arena_alloc(r->arena, 2 * sizeof *r->streams);
    r->diagnosis.announced = arena_alloc(r->arena, 2 * sizeof *r->diagnosis.announced);
    for (uint32_t i = 0; i < 2; i++) {
        struct record_stream *s = &r->streams[r->stream_count++];
        struct record_series *t = &s->series;
        record_stream_init(s);
        s->sid = i + 1;
        s->party = i ? "callee" : "caller";
        s->media_type = "audio";
        s->src = (struct endpoint){.addr = {0, 0xffff0a000001 + i}, .port = 4000};
        s->codec = slice_str("PCMU");
        s->ptime_ms = 20;
        s->first_us = BEGIN;
        s->last_us = BEGIN + SECONDS * SECOND;
        s->packets = s->expected = s->media_expected = PACKETS;
        t->start_us = BEGIN;
        t->step_ms = step_ms;
        t->step_count = SECONDS * 1000 / step_ms;
        t->packets = arena_alloc(r->arena, t->step_count * sizeof *t->packets);
        t->lost = arena_alloc(r->arena, t->step_count * sizeof *t->lost);
        t->discarded = arena_alloc(r->arena, t->step_count * sizeof *t->discarded);
        t->max_gap_ms = arena_alloc(r->arena, t->step_count * sizeof *t->max_gap_ms);
        t->jitter_ms = arena_alloc(r->arena, t->step_count * sizeof *t->jitter_ms);
        for (uint32_t k = 0; k < t->step_count; k++) {
            t->packets[k] = step_ms / 20;
            t->max_gap_ms[k] = 21;
            t->jitter_ms[k] = 1;
        }
        r->diagnosis.announced[r->diagnosis.announced_count++] =
            (struct record_announced){.party = s->party,
                                      .at = {.addr = {0, 0xffff0a000001 + i}, .port = 4000},
                                      .types = {1},
                                      .direction = "sendrecv"};
    }
    return r;
}

/* Nothing came of this side. */
static void silence(struct call_record *r, unsigned side)
{
    r->streams[side].packets = 0;
    r->streams[side].first_us = r->streams[side].last_us = 0;
    r->streams[side].orphan = true;
    r->streams[side].media_type = "video";
}

static const struct record_label *find(const struct call_record *r, const char *name)
{
    for (uint32_t i = 0; i < r->diagnosis.label_count; i++)
        if (strcmp(r->diagnosis.labels[i].name, name) == 0)
            return &r->diagnosis.labels[i];
    return NULL;
}

static void judge(struct call_record *r, const char *label, const char *threshold)
{
    struct diagnose_config config = config_of(label, threshold);
    diagnose(r, &config);
}

static const char *summary(const struct call_record *r)
{
    static char text[400];
    slice_copy_to(r->diagnosis.summary, text, sizeof text);
    return text;
}

Test(diagnose_rules, a_plain_call_has_no_label)
{
    struct call_record *r = a_call(1000);
    judge(r, NULL, NULL);
    cr_expect_eq(r->diagnosis.label_count, 0);
    cr_expect_not(r->one_way || r->no_rtp);
    record_free(r);
}

Test(diagnose_rules, when_nobody_was_heard_the_sentence_names_the_side_that_the_evidence_names)
{
    for (unsigned side = 0; side < 2; side++) {
        struct call_record *r = a_call(1000);
        silence(r, !side);
        r->streams[side].payload_type = 97;
        judge(r, NULL, NULL);
        const struct record_label *l = find(r, "no_rtp");
        cr_assert_not_null(l);
        cr_expect_str_eq(l->cause, "codec");
        cr_expect_str_eq(
            summary(r),
            side ? "nobody heard anybody: B sent payload type 97, which A had not announced"
                 : "nobody heard anybody: A sent payload type 97, which B had not announced");
        cr_expect(r->no_rtp && !r->one_way, "the flags follow the labels");
        record_free(r);
    }
}

static void only_noise(struct record_stream *s)
{
    s->packets = s->noise_packets = 100;
    for (uint32_t i = 0; i < s->series.step_count; i++)
        s->series.packets[i] = 1;
}

Test(diagnose_rules, nobody_was_heard_because_both_were_muted_but_not_because_one_was)
{
    struct call_record *r = a_call(1000);
    only_noise(&r->streams[0]);
    silence(r, 1);
    judge(r, NULL, NULL);
    cr_expect_str_eq(find(r, "no_rtp")->cause, "firewall", "B has no such excuse");
    record_free(r);

    r = a_call(1000);
    only_noise(&r->streams[0]);
    only_noise(&r->streams[1]);
    judge(r, NULL, NULL);
    cr_expect_str_eq(find(r, "no_rtp")->cause, "muted");
    cr_expect_str_eq(summary(r),
                     "nobody heard anybody: muted, both sent nothing but comfort noise");
    record_free(r);

    r = a_call(1000); /* and the caller's excuse counts as the callee's does */
    silence(r, 0);
    silence(r, 1);
    r->diagnosis.announced[0].direction = r->diagnosis.announced[1].direction = "inactive";
    judge(r, NULL, NULL);
    cr_expect_str_eq(find(r, "no_rtp")->cause, "muted");
    record_free(r);
}

static void lose(struct record_stream *s, uint32_t from, uint32_t to, uint32_t each)
{
    for (uint32_t i = from; i < to; i++) {
        s->series.lost[i] = each;
        s->series.packets[i] -= each;
        s->lost += each;
        s->media_lost += each;
        s->runs += each;
        s->packets -= each;
    }
}

Test(diagnose_rules, the_score_of_a_stretch_rests_on_the_values_that_the_stream_was_scored_with)
{
    struct call_record *r = a_call(1000);
    lose(&r->streams[0], 20, 30, 5);
    judge(r, NULL, NULL);
    cr_expect_float_eq(find(r, "loss")->mos_without, 4.409, 0.01);
    r->streams[0].quality.scale = "NB";
    r->streams[0].quality.ie = 30;
    r->streams[0].quality.bpl = 10;
    judge(r, NULL, NULL);
    cr_expect_lt(find(r, "loss")->mos_without, 3.4);
    cr_expect_lt(find(r, "loss")->mos_with, find(r, "loss")->mos_without - 0.5);
    record_free(r);
}

static void expect_worst(struct call_record *r, const char *name, int64_t from_s, const char *words)
{
    judge(r, NULL, NULL);
    cr_assert_gt(r->diagnosis.label_count, 1);
    const struct record_label *l = &r->diagnosis.labels[0];
    cr_expect_str_eq(l->name, name);
    cr_expect(l->from_ms >= from_s * 1000 - 1500 && l->from_ms <= from_s * 1000 + 1500, "%s from %lld ms", l->name, (long long)l->from_ms);
    cr_expect_not_null(strstr(summary(r), words), "%s", summary(r));
    record_free(r);
}

/* What it took from the call counts, not what came first, nor what sounds worst. */
Test(diagnose_rules, the_sentence_is_about_what_took_most_from_the_call)
{
    struct call_record *r = a_call(1000);
    r->streams[1].series.max_gap_ms[5] = 1200;
    lose(&r->streams[0], 20, 50, 15);
    expect_worst(r, "loss", 20, "30");
    r = a_call(1000);
    r->streams[1].series.max_gap_ms[30] = 8000;
    lose(&r->streams[0], 5, 7, 5);
    expect_worst(r, "long_gap", 22, "nothing came");
    r = a_call(1000);
    lose(&r->streams[0], 3, 4, 45);
    lose(&r->streams[0], 25, 55, 10);
    expect_worst(r, "loss", 25, "20");
    r = a_call(1000); /* the same trouble seen twice: the weight says which tells more */
    r->streams[0].series.max_gap_ms[30] = 7000;
    lose(&r->streams[0], 23, 30, 49);
    expect_worst(r, "long_gap", 23, "nothing came");
    r = a_call(1000); /* nobody heard the other at all */
    silence(r, 1);
    lose(&r->streams[0], 5, 55, 20);
    expect_worst(r, "one_way", 0, "did not hear");
}

Test(diagnose_rules, loss_behind_the_tap_is_rated_as_the_loss_here_is)
{
    struct call_record *r = a_call(1000);
    struct record_stream *s = &r->streams[0];
    lose(s, 10, 14, 1);
    s->discarded = 500;
    s->quality.mos_lq = 2.5; /* discards are in it */
    s->rtcp.receiver_reports = 10;
    s->rtcp.loss_ratio = 4.0 / PACKETS;
    judge(r, NULL, NULL);
    cr_expect_null(find(r, "loss"), "nothing more was lost there");
    s->rtcp.loss_ratio = 0.05;
    judge(r, NULL, NULL);
    const struct record_label *l = find(r, "loss");
    cr_assert_not_null(l);
    cr_expect_str_eq(l->side, "after_tap");
    cr_expect_float_eq(l->mos_without, 4.40, 0.02, "%g", l->mos_without);
    cr_expect_float_eq(l->mos_with, 3.92, 0.02, "%g", l->mos_with);
    record_free(r);
}

Test(diagnose_rules, what_our_capture_lost_is_ours_only_while_it_did)
{
    struct call_record *r = a_call(1000);
    struct record_suspect suspect = {BEGIN + 8 * SECOND, BEGIN + 13 * SECOND};
    lose(&r->streams[0], 9, 12, 5);
    lose(&r->streams[1], 30, 40, 5);
    r->capture_suspect = true;
    r->diagnosis.suspect = &suspect;
    r->diagnosis.suspect_count = 1;
    judge(r, NULL, NULL);
    unsigned seen = 0;
    for (uint32_t i = 0; i < r->diagnosis.label_count; i++) {
        const struct record_label *l = &r->diagnosis.labels[i];
        if (strcmp(l->name, "loss") != 0)
            continue;
        seen++;
        cr_expect_str_eq(l->side, l->sid == 1 ? "at_tap" : "before_tap");
    }
    cr_expect_eq(seen, 2);
    record_free(r);
}

Test(diagnose_rules, jitter_of_a_long_call_is_in_more_than_one_of_its_steps)
{
    struct call_record *r = a_call(10000);
    struct record_series *t = &r->streams[0].series;
    t->jitter_ms[2] = 30;
    judge(r, NULL, NULL);
    cr_expect_null(find(r, "jitter"));
    t->jitter_ms[3] = 30;
    judge(r, NULL, NULL);
    cr_expect_not_null(find(r, "jitter"));
    t->jitter_ms[3] = 1;
    t->jitter_ms[5] = 30;
    judge(r, NULL, NULL);
    cr_expect_null(find(r, "jitter"), "half a minute lies between");
    record_free(r);
    r = a_call(1000);
    for (unsigned i = 20; i < 23; i++)
        r->streams[0].series.jitter_ms[i] = 30;
    judge(r, NULL, NULL);
    cr_expect_not_null(find(r, "jitter"));
    record_free(r);
}

Test(diagnose_rules, so_many_calls_in_a_row_make_it_the_fault_of_the_tap)
{
    struct call_record *r = a_call(1000);
    silence(r, 1);
    r->diagnosis.one_sided_calls = 3;
    judge(r, NULL, NULL);
    cr_expect(find(r, "one_way") && !find(r, "capture_one_sided") && r->one_way);
    r->diagnosis.one_sided_calls = 4;
    judge(r, NULL, NULL);
    cr_expect(!find(r, "one_way") && find(r, "capture_one_sided") && !r->one_way);
    judge(r, "capture_one_sided", "5");
    cr_expect(find(r, "one_way") && !find(r, "capture_one_sided"));
    judge(r, "capture_one_sided", "0");
    cr_expect(find(r, "one_way") && !find(r, "capture_one_sided"));
    judge(r, "one_way", "61");
    cr_expect(!r->one_way || find(r, "one_way"), "the flag follows the label");
    record_free(r);
}

Test(diagnose_rules, a_hop_goes_on_by_the_name_of_its_party)
{
    struct call_record *r = a_call(1000);
    char party[] = "caller"; /* a text of its own, as a row of another version may give */
    for (unsigned i = 0; i < 2; i++) {
        r->streams[i].has_marks = true;
        r->streams[i].ssrc = 7;
        r->streams[i].dst.port = (uint16_t)(4000 + i);
    }
    r->streams[0].dscp_first = r->streams[0].dscp_least = r->streams[0].dscp_most = 46;
    judge(r, NULL, NULL);
    cr_expect_null(find(r, "dscp_remark"), "the other direction is no hop");
    r->streams[1].party = party;
    judge(r, NULL, NULL);
    cr_expect_not_null(find(r, "dscp_remark"));
    record_free(r);
}
