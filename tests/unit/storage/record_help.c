/* See record_help.h. */
#include "tests/unit/storage/record_help.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "storage/store_db.h"

void help_store_begin(char ret_dir[HELP_DIR_SIZE], struct counters **ret_counters, struct store **ret_store,
                      struct store_reader **ret_reader)
{
    struct why why = {""};
    crypto_start();
    help_dir_make(ret_dir);
    *ret_counters = calloc(1, sizeof **ret_counters);
    cr_assert_eq(store_open(ret_dir, *ret_counters, ret_store, &why), 0, "%s", why.text);
    cr_assert_eq(store_reader_open(ret_dir, ret_reader), 0);
}

void help_store_end(const char *dir, struct counters *counters, struct store *store, struct store_reader *reader)
{
    store_reader_close(reader);
    store_close(store);
    help_dir_remove(dir);
    free(counters);
}

struct slice help_text(struct arena *arena, const char *text)
{
    return arena_copy(arena, slice_str(text));
}

#define PARTY_FIELDS(X) X(TEXT, display) X(TEXT, user) X(TEXT, host) X(TEXT, uri) X(TEXT, tag)
#define QUALITY_FIELDS(X)                                                                          \
    X(REAL, r)                                                                                     \
    X(REAL, mos_lq)                                                                                \
    X(REAL, mos_cq)                                                                                \
    X(REAL, r_fb) X(REAL, ppl) X(REAL, burst_r) X(WORD, scale) X(WORD, basis) X(WORD, playout)     \
        X(WORD, delay_basis) X(WORD, loss_basis) X(REAL, mos_lq_total)
#define RTCP_FIELDS(X)                                                                             \
    X(NUMBER, sender_reports)                                                                      \
    X(NUMBER, receiver_reports)                                                                    \
    X(REAL, rtt_ms)                                                                                \
    X(REAL, loss_ratio) X(NUMBER, cumulative_lost) X(FLAG, has_cumulative_lost) X(REAL, jitter_ms) \
        X(TEXT, cname) X(TEXT, tool) X(FLAG, dlsr_broken) X(FLAG, rtt_conflict) X(FLAG, guessed)   \
            X(REAL, fraction_lost) X(REAL, jitter_mean_ms) X(REAL, jitter_max_ms)                  \
                X(NUMBER, xr_discarded) X(REAL, xr_mos) X(REAL, xr_network_rtt_ms)                 \
                    X(NUMBER, xr_concealed_ms) X(NUMBER, sent_packets) X(NUMBER, sent_octets)      \
                        X(NUMBER, bye_us) X(TEXT, bye_reason) X(NUMBER, app_packets)               \
                            X(TEXT, app_name)
#define SPREAD_FIELDS(X) X(REAL, min) X(REAL, median) X(REAL, max) X(NUMBER, count)
#define VOIP_FIELDS(X)                                                                             \
    X(NUMBER, reports)                                                                             \
    X(REAL, loss_ratio)                                                                            \
    X(REAL, discard_ratio)                                                                         \
    X(REAL, burst_density)                                                                         \
    X(REAL, gap_density)                                                                           \
    X(NUMBER, burst_ms)                                                                            \
    X(NUMBER, gap_ms)                                                                              \
    X(REAL, round_trip_ms)                                                                         \
    X(REAL, end_system_ms)                                                                         \
    X(REAL, signal_dbm0)                                                                           \
    X(REAL, noise_dbm0)                                                                            \
    X(REAL, rerl_db)                                                                               \
    X(TINY, gmin)                                                                                  \
    X(REAL, r)                                                                                     \
    X(REAL, r_external)                                                                            \
    X(REAL, mos_lq)                                                                                \
    X(REAL, mos_cq)                                                                                \
    X(WORD, plc)                                                                                   \
    X(WORD, buffer)                                                                                \
    X(TINY, buffer_rate)                                                                           \
    X(NUMBER, buffer_nominal_ms)                                                                   \
    X(NUMBER, buffer_max_ms)                                                                       \
    X(NUMBER, buffer_limit_ms)
#define SPLIT_FIELDS(X)                                                                            \
    X(FLAG, given)                                                                                 \
    X(NUMBER, packets)                                                                             \
    X(NUMBER, intervals)                                                                           \
    X(NUMBER, skipped)                                                                             \
    X(NUMBER, suspect)                                                                             \
    X(NUMBER, best.before_tap)                                                                     \
    X(NUMBER, best.after_tap)                                                                      \
    X(NUMBER, best.capture)                                                                        \
    X(NUMBER, lower.before_tap)                                                                    \
    X(NUMBER, lower.after_tap)                                                                     \
    X(NUMBER, lower.capture)                                                                       \
    X(NUMBER, upper.before_tap)                                                                    \
    X(NUMBER, upper.after_tap)                                                                     \
    X(NUMBER, upper.capture)
#define BUFFER_FIELDS(X)                                                                           \
    X(NUMBER, late)                                                                                \
    X(NUMBER, early)                                                                               \
    X(REAL, delay_ms) X(REAL, wait_ms) X(REAL, ppl) X(REAL, burst_r) X(REAL, r) X(REAL, mos_lq)
#define BURST_FIELDS(X)                                                                            \
    X(TINY, gap_min)                                                                               \
    X(NUMBER, bursts)                                                                              \
    X(REAL, burst_density)                                                                         \
    X(REAL, gap_density)                                                                           \
    X(REAL, burst_ms) X(REAL, gap_ms) X(REAL, p) X(REAL, q) X(REAL, ratio_raw)                     \
        X(FLAG, extrapolated) X(NUMBER, runs) X(NUMBER, longest_run) X(NUMBER, outages)            \
            X(TINY, burst_density8) X(TINY, gap_density8) X(TINY, a2_burst_density8)               \
                X(TINY, a2_gap_density8) X(TINY, a2_loss8) X(TINY, a2_discard8)                    \
                    X(REAL, a2_burst_ms) X(REAL, a2_gap_ms)
#define PLAYOUT_FIELDS(X)                                                                          \
    X(REAL, pdv_p50_ms)                                                                            \
    X(REAL, pdv_p95_ms)                                                                            \
    X(REAL, pdv_p99_ms)                                                                            \
    X(REAL, pdv_max_ms)                                                                            \
    X(REAL, max_outage_ms) X(REAL, skew_ppm) X(NUMBER, frozen) X(REAL, frozen_ms)
#define STREAM_FIELDS(X)                                                                           \
    X(NUMBER, sid)                                                                                 \
    X(WORD, party)                                                                                 \
    X(WORD, media_type)                                                                            \
    X(WORD, redundancy)                                                                            \
    X(NUMBER, ssrc)                                                                                \
    X(ENDPOINT, src) X(ENDPOINT, dst) X(SMALL, vlan) X(TEXT, codec) X(NUMBER, clock_hz)            \
        X(TINY, payload_type) X(TEXT, negotiated) X(REAL, ptime_ms) X(TINY, dscp) X(               \
            TINY, dscp_changes) X(NUMBER, first_us) X(NUMBER, last_us) X(NUMBER, packets)          \
            X(NUMBER, expected) X(NUMBER, lost) X(NUMBER, media_expected) X(NUMBER, media_lost) X( \
                NUMBER, discarded) X(NUMBER, duplicates) X(NUMBER, reordered) X(NUMBER, restarts)  \
                X(NUMBER, conflicts) X(NUMBER, payload_changes) X(NUMBER, timestamp_jumps)         \
                    X(NUMBER, event_packets) X(NUMBER, noise_packets) X(NUMBER, bytes)             \
                        X(NUMBER, runs) X(NUMBER, longest_run) X(NUMBER, capture_refused)          \
                            X(REAL, jitter_ms_last) X(REAL, jitter_ms_mean) X(REAL, jitter_ms_max) \
                                X(REAL, jitter_ms_p95) X(REAL, max_gap_ms) X(NUMBER, rfc_expected) \
                                    X(SIGNED, rfc_lost) X(NUMBER, rfc_jitter_ticks) X(FLAG, srtp)  \
                                        X(FLAG, early) X(FLAG, announced) X(FLAG, orphan)          \
                                            X(WORD, confidence) X(NUMBER, flow_chain)  \
                                                X(REAL, min_gap_ms) X(NUMBER, marker_packets)      \
                                                X(NUMBER, padded_packets)                          \
                                                X(NUMBER, extended_packets)                        \
                                                X(NUMBER, mixed_packets) X(TINY, sources_most)
#define SERIES_FIELDS(X)                                                                           \
    X(NUMBER, start_us)                                                                            \
    X(NUMBER, step_ms) X(NUMBER, step_count) X(NUMBER, window_ms) X(NUMBER, window_count)
#define CHAIN_FIELDS(X)                                                                            \
    X(NUMBER, tail.segment)                                                                        \
    X(NUMBER, tail.offset)                                                                         \
    X(ENDPOINT, src) X(ENDPOINT, dst) X(WORD, party) X(FLAG, rtcp) X(NUMBER, packets)
#define EVENT_FIELDS(X) X(NUMBER, time_us) X(TEXT, kind) X(TEXT, detail)
#define RECORDING_FIELDS(X)                                                                        \
    X(WORD, result)                                                                                \
    X(WORD, state)                                                                                 \
    X(TEXT, format)                                                                                \
    X(TEXT, path)                                                                                  \
    X(TEXT, undecodable) X(TEXT, packing) X(NUMBER, repaired) X(NUMBER, fax.packets) X(TEXT, fax.path) X(NUMBER, fax.size_bytes) X(NUMBER, sample_rate_hz) X(NUMBER, channels) X(NUMBER, started_us)       \
        X(NUMBER, duration_ms) X(NUMBER, size_bytes) X(FLAG, one_way) X(FLAG, partial)             \
            X(FLAG, truncated) X(FLAG, recovered) X(NUMBER, deleted_us) X(WORD, deleted_why)
#define FILE_FIELDS(X)                                                                             \
    X(WORD, kind)                                                                                  \
    X(WORD, result)                                                                                \
    X(NUMBER, number)                                                                              \
    X(TEXT, path)                                                                                  \
    X(TEXT, user)                                                                                  \
    X(TEXT, uri)                                                                                   \
    X(NUMBER, sample_rate_hz)                                                                      \
    X(NUMBER, channels)                                                                            \
    X(NUMBER, started_us) X(NUMBER, first_sample) X(NUMBER, samples) X(NUMBER, size_bytes)
#define HOP_FIELDS(X)                                                                              \
    X(NUMBER, from)                                                                                \
    X(ENDPOINT, src)                                                                               \
    X(ENDPOINT, dst)                                                                               \
    X(WORD, transport)                                                                             \
    X(SMALL, vlan)                                                                                 \
    X(NUMBER, cseq)                                                                                \
    X(TEXT, request_uri)                                                                           \
    X(NUMBER, invite_us)                                                                           \
    X(NUMBER, response_us) X(NUMBER, final_us) X(NUMBER, cancelled_us) X(NUMBER, code)
#define LEG_FIELDS(X)                                                                              \
    X(NUMBER, hop)                                                                                 \
    X(TEXT, tag)                                                                                   \
    X(TEXT, target)                                                                                \
    X(TEXT, reason_phrase)                                                                         \
    X(NUMBER, progress_us)                                                                         \
    X(NUMBER, ringing_us)                                                                          \
    X(NUMBER, answered_us)                                                                         \
    X(NUMBER, ended_us)                                                                            \
    X(NUMBER, code) X(WORD, end) X(NUMBER, repeats) X(FLAG, winner) X(FLAG, acked)
#define ATTEMPT_FIELDS(X) X(NUMBER, hop) X(NUMBER, ended_us) X(WORD, reason)
#define PATH_FIELDS(X)                                                                             \
    X(NUMBER, hops_over_limit)                                                                     \
    X(NUMBER, route_advances)                                                                      \
    X(TEXT, q850_text)                                                                             \
    X(NUMBER, sip_cause)                                                                           \
    X(TEXT, sip_cause_text)                                                                        \
    X(FLAG, ack_missing)                                                                           \
    X(NUMBER, session_expires_s)                                                                   \
    X(WORD, session_refresher)                                                                     \
    X(FLAG, session_expired) X(NUMBER, spoofed_bye_us) X(ENDPOINT, spoofed_bye_src)
#define CALL_FIELDS(X)                                                                             \
    X(WORD, kind)                                                                                  \
    X(WORD, state)                                                                                 \
    X(WORD, outcome)                                                                               \
    X(WORD, end_reason)                                                                            \
    X(WORD, released_by) X(WORD, direction) X(FLAG, partial) X(FLAG, capture_suspect) X(           \
        TEXT, probe) X(TEXT, call_id) X(TEXT, request_uri) X(TEXT, user_agent) X(TEXT, server)     \
        X(TEXT, asserted_identity) X(ENDPOINT, src) X(ENDPOINT, dst) X(SMALL, vlan)                \
            X(NUMBER, sip_code) X(TEXT, reason_phrase) X(NUMBER, q850_cause) X(                    \
                NUMBER, auth_attempts) X(NUMBER, reinvites) X(NUMBER, updates) X(NUMBER, branches) \
                X(NUMBER, holds) X(NUMBER, held_us) X(NUMBER, messages) X(                         \
                    NUMBER, messages_over_limit) X(NUMBER, retransmissions) X(NUMBER, started_us)  \
                    X(NUMBER, ringing_us) X(NUMBER, answered_us) X(NUMBER, ended_us) X(            \
                        NUMBER, progress_us) X(NUMBER, acked_us) X(NUMBER, bye_us) X(NUMBER,       \
                                                                                     cancelled_us) \
                        X(NUMBER, early_media_us) X(NUMBER, processed_us) X(FLAG, final)           \
                            X(NUMBER, duration_ms) X(NUMBER, ring_ms) X(REAL, post_dial_delay_ms)  \
                                X(REAL, setup_ms) X(REAL, disconnect_delay_ms) X(REAL, mos_min)    \
                                    X(REAL, mos_avg) X(REAL, r_min)                                \
                                        X(REAL, r_fb_min) X(WORD, mos_scale) X(WORD, mos_basis)    \
                                            X(WORD, mos_playout) X(REAL, loss_ratio)               \
                                                X(REAL, jitter_ms_max) X(REAL, max_gap_ms)         \
                                                    X(REAL, rtt_ms)                                \
                                                        X(FLAG, one_way) X(FLAG, no_rtp) X(        \
                                                            TEXT, codec) X(NUMBER, stream_count)   \
                                                            X(NUMBER, chain_count) X(TINY, nat)    \
                                                                X(REAL, trying_delay_ms)           \
                                                                    X(REAL, bits_per_s)            \
                                                                        X(REAL, bits_per_s_peak)

#define SIPREC_FIELDS(X)                                                                           \
    X(FLAG, complete)                                                                              \
    X(FLAG, limited)                                                                               \
    X(NUMBER, sessions)                                                                            \
    X(TEXT, session_id)                                                                            \
    X(TEXT, sip_session_id)
#define SIPREC_PARTICIPANT_FIELDS(X)                                                               \
    X(TEXT, id) X(TEXT, aor) X(TEXT, name) X(TEXT, joined_at) X(TEXT, left_at)
#define SIPREC_STREAM_FIELDS(X) X(TEXT, id) X(TEXT, label) X(NUMBER, participant)

/* ---- filling: values that differ from the "unknown" ones ---- */

static struct help_random rnd;
static struct arena *arena;

/* Bytes as the wire has them: with a NUL, and no UTF-8. */
static struct slice wild_text(void)
{
    uint8_t bytes[24];
    size_t n = 1 + help_below(&rnd, sizeof bytes);
    for (size_t i = 0; i < n; i++)
        bytes[i] = (uint8_t)help_next(&rnd);
    return arena_copy(arena, slice_of(bytes, n));
}

static struct endpoint wild_endpoint(void)
{
    struct endpoint e = {.port = (uint16_t)(1 + help_below(&rnd, 65535)),
                         .space = (uint32_t)help_below(&rnd, 5)};
    if (help_below(&rnd, 2))
        e.addr = addr_v4((uint32_t)help_next(&rnd) | 1);
    else
        e.addr = (struct addr){help_next(&rnd), help_next(&rnd)};
    return e;
}

static const char *wild_word(void)
{
    static const char *const WORDS[] = {"call",   "ended", "answered", "bye",
                                        "caller", "WB",    "AD",       "tap"};
    return record_text(WORDS[help_below(&rnd, 8)]);
}

#define SET_NUMBER       (1 + (int32_t)help_below(&rnd, 1000000000))
#define SET_SIGNED       (-1 - (int32_t)help_below(&rnd, 100000))
#define SET_SMALL        (uint16_t)(1 + help_below(&rnd, 65535))
#define SET_TINY         (uint8_t)(1 + help_below(&rnd, 255))
#define SET_FLAG         true
#define SET_REAL         (double)help_next(&rnd) / 1e13
#define SET_TEXT         wild_text()
#define SET_WORD         wild_word()
#define SET_ENDPOINT     wild_endpoint()
#define SET(type, field) v->field = SET_##type;

static void fill_series(struct record_series *v)
{
    SERIES_FIELDS(SET)
    v->step_count = 1 + (uint32_t)help_below(&rnd, 200);
    v->window_count = 1 + v->step_count / 10;
    uint32_t **counts[] = {&v->packets, &v->lost, &v->discarded};
    for (int c = 0; c < 3; c++) {
        *counts[c] = arena_alloc(arena, v->step_count * sizeof **counts[c]);
        for (uint32_t i = 0; i < v->step_count; i++)
            (*counts[c])[i] = help_below(&rnd, 4) ? 50 : (uint32_t)help_next(&rnd);
    }
    uint32_t **places[] = {&v->lost_before, &v->lost_after, &v->lost_capture};
    for (int c = 0; c < 3; c++) {
        *places[c] = arena_alloc(arena, v->window_count * sizeof **places[c]);
        for (uint32_t i = 0; i < v->window_count; i++)
            (*places[c])[i] = help_below(&rnd, 3) ? (uint32_t)help_below(&rnd, 9) : SERIES_UNKNOWN;
    }
    float **floats[] = {&v->max_gap_ms, &v->jitter_ms, &v->mos, &v->r, &v->mos_f50, &v->mos_f200,
                        &v->ppl, &v->burst_r, &v->pdv_p95_ms};
    for (int c = 0; c < 9; c++) {
        uint32_t n = c < 2 ? v->step_count : v->window_count;
        *floats[c] = arena_alloc(arena, n * sizeof **floats[c]);
        for (uint32_t i = 0; i < n; i++)
            (*floats[c])[i] = help_below(&rnd, 5) ? (float)help_next(&rnd) / 1e17f : NAN;
    }
}

static void fill_quality(struct record_quality *v)
{
    QUALITY_FIELDS(SET)
}

static void fill_spread(struct record_spread *v)
{
    SPREAD_FIELDS(SET)
}

static void fill_voip(struct record_voip *v)
{
    VOIP_FIELDS(SET)
}

static void fill_split(struct record_split *v)
{
    SPLIT_FIELDS(SET)
}

static void fill_rtcp(struct record_rtcp *v)
{
    static const uint8_t types[] = {1, 6, 23, 24, 35};
    RTCP_FIELDS(SET)
    v->xr_block_count = help_next(&rnd) % 6;
    v->xr_blocks = arena_alloc(arena, (v->xr_block_count + 1) * sizeof *v->xr_blocks);
    for (uint32_t i = 0; i < v->xr_block_count; i++) {
        struct record_xr_block *b = &v->xr_blocks[i];
        *b = (struct record_xr_block){types[i], i & 3, i & 3, i * 100, {0}};
        for (unsigned n = 0; n < xr_field_count(xr_field_set(b->type)); n++)
            b->values[n] = n + i * 0.5;
    }
    fill_spread(&v->tap_caller);
    fill_spread(&v->tap_callee);
    fill_spread(&v->total);
    fill_spread(&v->chain);
    fill_voip(&v->voip);
}

static void fill_chain(struct record_chain *v)
{
    CHAIN_FIELDS(SET)
}

static void fill_event(struct record_event *v)
{
    EVENT_FIELDS(SET)
}

static void fill_buffer(struct record_buffer *v)
{
    BUFFER_FIELDS(SET)
}

static void fill_burst(struct record_burst *v)
{
    BURST_FIELDS(SET)
    for (unsigned i = 0; i < RECORD_RUN_BINS; i++)
        v->histogram[i] = (uint32_t)help_next(&rnd);
}

static void fill_playout(struct record_playout *v)
{
    v->given = help_next(&rnd) % 4 != 0;
    if (!v->given)
        return;
    PLAYOUT_FIELDS(SET)
    for (unsigned i = 0; i < RECORD_BUFFERS; i++)
        fill_buffer(&v->buffers[i]);
    fill_burst(&v->burst);
    for (unsigned i = 0; i < RECORD_SPACINGS; i++)
        v->spacings[i] = (uint32_t)help_next(&rnd);
    v->ipdv_count = help_next(&rnd) % 5;
    v->ipdv = arena_alloc(arena, (v->ipdv_count + 1) * sizeof *v->ipdv);
    for (uint32_t i = 0; i < v->ipdv_count; i++)
        v->ipdv[i] = (struct record_ipdv){.ms = (int)i - 2, .packets = i * 1000};
}

static void fill_stream(struct record_stream *v)
{
    record_stream_init(v);
    STREAM_FIELDS(SET)
    fill_series(&v->series);
    fill_quality(&v->quality);
    fill_rtcp(&v->rtcp);
    fill_split(&v->split);
    fill_playout(&v->playout);
}

static void fill_party(struct record_party *v)
{
    PARTY_FIELDS(SET)
}

static void fill_file(struct record_file *v)
{
    FILE_FIELDS(SET)
    snprintf(v->uid, sizeof v->uid, "call-%u", v->number);
    for (size_t i = 0; i < sizeof v->sha256; i++)
        v->sha256[i] = (uint8_t)help_next(&rnd);
}

void help_files(struct call_record *r, struct record_files *files, uint32_t count)
{
    struct arena *before = arena;
    arena = r->arena;
    files->items = arena_alloc(arena, (count + 1) * sizeof *files->items);
    files->count = count;
    for (uint32_t i = 0; i < count; i++)
        fill_file(&files->items[i]);
    arena = before;
}

static void fill_recording(struct record_recording *v, uint64_t seed)
{
    RECORDING_FIELDS(SET)
    snprintf(v->id, sizeof v->id, "rec-%llu", (unsigned long long)seed);
    for (size_t i = 0; i < sizeof v->sha256; i++)
        v->sha256[i] = (uint8_t)help_next(&rnd);
}

static void fill_hop(struct record_hop *v)
{
    HOP_FIELDS(SET)
}

static void fill_leg(struct record_leg *v)
{
    LEG_FIELDS(SET)
}

static void fill_attempt(struct record_attempt *v)
{
    ATTEMPT_FIELDS(SET)
}

static void fill_siprec_participant(struct record_siprec_participant *v)
{
    SIPREC_PARTICIPANT_FIELDS(SET)
}

static void fill_siprec_stream(struct record_siprec_stream *v)
{
    SIPREC_STREAM_FIELDS(SET)
}

static void fill_siprec(struct record_siprec *v)
{
    SIPREC_FIELDS(SET)
    v->given = true;
    v->participant_count = v->stream_count = 3;
    v->participants = arena_alloc(arena, 3 * sizeof *v->participants);
    v->streams = arena_alloc(arena, 3 * sizeof *v->streams);
    for (int i = 0; i < 3; i++) {
        fill_siprec_participant(&v->participants[i]);
        fill_siprec_stream(&v->streams[i]);
    }
}

static void fill_path(struct record_path *v)
{
    PATH_FIELDS(SET)
    v->hop_count = v->leg_count = v->attempt_count = 3;
    v->hops = arena_alloc(arena, 3 * sizeof *v->hops);
    v->legs = arena_alloc(arena, 3 * sizeof *v->legs);
    v->attempts = arena_alloc(arena, 3 * sizeof *v->attempts);
    for (int i = 0; i < 3; i++) {
        fill_hop(&v->hops[i]);
        fill_leg(&v->legs[i]);
        fill_attempt(&v->attempts[i]);
    }
}

struct call_record *help_record(uint64_t seed)
{
    struct call_record *v = record_new();

    rnd.state = seed;
    arena = v->arena;
    CALL_FIELDS(SET)
    snprintf(v->uid, sizeof v->uid, "00000000-0000-8000-8000-%012llx", (unsigned long long)seed);
    fill_party(&v->from);
    fill_party(&v->to);
    if (help_below(&rnd, 2)) {
        snprintf(v->import.id, sizeof v->import.id, "00000000-0000-4000-8000-%012llx", (unsigned long long)seed);
        v->import.at_us = HELP_T0_US + SET_NUMBER;
    }
    v->state = "ended";
    v->kind = "call";
    v->started_us = HELP_T0_US + (int64_t)help_below(&rnd, 1000000000);
    v->stream_count = 2;
    v->streams = arena_alloc(arena, 2 * sizeof *v->streams);
    v->chain_count = 3;
    v->chains = arena_alloc(arena, 3 * sizeof *v->chains);
    v->event_count = 3;
    v->events = arena_alloc(arena, 3 * sizeof *v->events);
    fill_recording(&v->recording, seed);
    help_files(v, &v->recording.files, (uint32_t)help_below(&rnd, 4));
    fill_path(&v->path);
    fill_siprec(&v->siprec);
    for (int i = 0; i < 2; i++)
        fill_stream(&v->streams[i]);
    for (int i = 0; i < 3; i++) {
        fill_chain(&v->chains[i]);
        fill_event(&v->events[i]);
    }
    return v;
}

struct call_record *help_call(unsigned n, int64_t started_us)
{
    struct call_record *r = record_new();
    char text[64];

    snprintf(r->uid, sizeof r->uid, "00000000-0000-8000-8000-%012x", n);
    r->state = "ended";
    r->outcome = "answered";
    r->end_reason = "bye";
    r->started_us = started_us;
    r->answered_us = started_us + 3000000;
    r->ended_us = started_us + 63000000;
    r->duration_ms = 60000;
    snprintf(text, sizeof text, "call-%u@example", n);
    r->call_id = help_text(r->arena, text);
    snprintf(text, sizeof text, "+4310%u", n);
    r->from.user = help_text(r->arena, text);
    snprintf(text, sizeof text, "+4920%u", n);
    r->to.user = help_text(r->arena, text);
    r->src = (struct endpoint){.addr = addr_v4(0x0a000001 + n), .port = 5060};
    r->dst = (struct endpoint){.addr = addr_v4(0x0a010001 + n), .port = 5060};
    r->sip_code = 200;
    return r;
}

/* ---- comparing ---- */

static bool same_real(double a, double b)
{
    return (isnan(a) && isnan(b)) || a == b;
}

static bool same_word(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

#define SAME_NUMBER(x, y)   ((x) == (y))
#define SAME_SIGNED(x, y)   ((x) == (y))
#define SAME_SMALL(x, y)    ((x) == (y))
#define SAME_TINY(x, y)     ((x) == (y))
#define SAME_FLAG(x, y)     ((x) == (y))
#define SAME_REAL(x, y)     same_real(x, y)
#define SAME_TEXT(x, y)     slice_equal(x, y)
#define SAME_WORD(x, y)     same_word(x, y)
#define SAME_ENDPOINT(x, y) endpoint_equal(&(x), &(y))
#define COMPARE(type, field)                                                                       \
    if (!SAME_##type(a->field, b->field))                                                          \
        return #field;

static const char *party_differs(const struct record_party *a, const struct record_party *b)
{
    PARTY_FIELDS(COMPARE)
    return NULL;
}

static const char *hop_differs(const struct record_hop *a, const struct record_hop *b)
{
    HOP_FIELDS(COMPARE)
    return NULL;
}

static const char *leg_differs(const struct record_leg *a, const struct record_leg *b)
{
    LEG_FIELDS(COMPARE)
    return NULL;
}

static const char *attempt_differs(const struct record_attempt *a, const struct record_attempt *b)
{
    ATTEMPT_FIELDS(COMPARE)
    return NULL;
}

static const char *path_differs(const struct record_path *a, const struct record_path *b)
{
    const char *what = NULL;
    PATH_FIELDS(COMPARE)
    if (a->hop_count != b->hop_count || a->leg_count != b->leg_count ||
        a->attempt_count != b->attempt_count)
        return "path counts";
    for (uint32_t i = 0; what == NULL && i < a->hop_count; i++)
        what = hop_differs(&a->hops[i], &b->hops[i]);
    for (uint32_t i = 0; what == NULL && i < a->leg_count; i++)
        what = leg_differs(&a->legs[i], &b->legs[i]);
    for (uint32_t i = 0; what == NULL && i < a->attempt_count; i++)
        what = attempt_differs(&a->attempts[i], &b->attempts[i]);
    return what;
}

static const char *siprec_participant_differs(const struct record_siprec_participant *a,
                                              const struct record_siprec_participant *b)
{
    SIPREC_PARTICIPANT_FIELDS(COMPARE)
    return NULL;
}

static const char *siprec_stream_differs(const struct record_siprec_stream *a,
                                         const struct record_siprec_stream *b)
{
    SIPREC_STREAM_FIELDS(COMPARE)
    return NULL;
}

static const char *siprec_differs(const struct record_siprec *a, const struct record_siprec *b)
{
    const char *what = NULL;
    if (a->given != b->given)
        return "siprec";
    SIPREC_FIELDS(COMPARE)
    if (a->participant_count != b->participant_count || a->stream_count != b->stream_count)
        return "siprec counts";
    for (uint32_t i = 0; what == NULL && i < a->participant_count; i++)
        what = siprec_participant_differs(&a->participants[i], &b->participants[i]);
    for (uint32_t i = 0; what == NULL && i < a->stream_count; i++)
        what = siprec_stream_differs(&a->streams[i], &b->streams[i]);
    return what;
}

static const char *quality_differs(const struct record_quality *a, const struct record_quality *b)
{
    QUALITY_FIELDS(COMPARE)
    return NULL;
}

static const char *spread_differs(const struct record_spread *a, const struct record_spread *b)
{
    SPREAD_FIELDS(COMPARE)
    return NULL;
}

static const char *voip_differs(const struct record_voip *a, const struct record_voip *b)
{
    VOIP_FIELDS(COMPARE)
    return NULL;
}

static const char *split_differs(const struct record_split *a, const struct record_split *b)
{
    SPLIT_FIELDS(COMPARE)
    return NULL;
}

static const char *rtcp_differs(const struct record_rtcp *a, const struct record_rtcp *b)
{
    RTCP_FIELDS(COMPARE)
    const char *differs = voip_differs(&a->voip, &b->voip);
    if (a->xr_block_count != b->xr_block_count)
        return "xr blocks";
    for (uint32_t i = 0; i < a->xr_block_count; i++) {
        const struct record_xr_block *x = &a->xr_blocks[i], *y = &b->xr_blocks[i];
        if (x->type != y->type || x->kind != y->kind || x->span != y->span ||
            x->reports != y->reports || memcmp(x->values, y->values, sizeof x->values) != 0)
            return "xr block";
    }
    const struct record_spread *pairs[][2] = {{&a->tap_caller, &b->tap_caller},
                                              {&a->tap_callee, &b->tap_callee},
                                              {&a->total, &b->total},
                                              {&a->chain, &b->chain}};
    for (unsigned i = 0; i < 4 && differs == NULL; i++)
        differs = spread_differs(pairs[i][0], pairs[i][1]);
    return differs;
}

static const char *buffer_differs(const struct record_buffer *a, const struct record_buffer *b)
{
    BUFFER_FIELDS(COMPARE)
    return NULL;
}

static const char *burst_differs(const struct record_burst *a, const struct record_burst *b)
{
    BURST_FIELDS(COMPARE)
    return memcmp(a->histogram, b->histogram, sizeof a->histogram) ? "run histogram" : NULL;
}

static const char *playout_differs(const struct record_playout *a, const struct record_playout *b)
{
    if (a->given != b->given)
        return "playout";
    if (!a->given)
        return NULL;
    PLAYOUT_FIELDS(COMPARE)
    const char *field = burst_differs(&a->burst, &b->burst);
    for (unsigned i = 0; i < RECORD_BUFFERS && field == NULL; i++)
        field = buffer_differs(&a->buffers[i], &b->buffers[i]);
    if (memcmp(a->spacings, b->spacings, sizeof a->spacings) != 0)
        field = "spacings";
    if (a->ipdv_count != b->ipdv_count)
        return "ipdv";
    for (uint32_t i = 0; i < a->ipdv_count; i++)
        if (a->ipdv[i].ms != b->ipdv[i].ms || a->ipdv[i].packets != b->ipdv[i].packets)
            field = "ipdv";
    return field;
}

static bool same_column(const void *a, const void *b, size_t bytes)
{
    return (a == NULL) == (b == NULL) && (a == NULL || memcmp(a, b, bytes) == 0);
}

static const char *series_differs(const struct record_series *a, const struct record_series *b)
{
    SERIES_FIELDS(COMPARE)
    size_t steps = a->step_count * 4, windows = a->window_count * 4;
    if (!same_column(a->packets, b->packets, steps) || !same_column(a->lost, b->lost, steps) ||
        !same_column(a->discarded, b->discarded, steps))
        return "series counts";
    if (!same_column(a->max_gap_ms, b->max_gap_ms, steps) ||
        !same_column(a->jitter_ms, b->jitter_ms, steps))
        return "series floats";
    if (!same_column(a->mos, b->mos, windows) || !same_column(a->r, b->r, windows) ||
        !same_column(a->mos_f50, b->mos_f50, windows) ||
        !same_column(a->mos_f200, b->mos_f200, windows) ||
        !same_column(a->ppl, b->ppl, windows) || !same_column(a->burst_r, b->burst_r, windows) ||
        !same_column(a->pdv_p95_ms, b->pdv_p95_ms, windows))
        return "series scores";
    if (!same_column(a->lost_before, b->lost_before, windows) ||
        !same_column(a->lost_after, b->lost_after, windows) ||
        !same_column(a->lost_capture, b->lost_capture, windows))
        return "series places";
    return NULL;
}

static const char *stream_differs(const struct record_stream *a, const struct record_stream *b,
                                  bool full)
{
    STREAM_FIELDS(COMPARE)
    const char *field = quality_differs(&a->quality, &b->quality);
    if (field == NULL)
        field = rtcp_differs(&a->rtcp, &b->rtcp);
    if (field == NULL)
        field = split_differs(&a->split, &b->split);
    if (field == NULL)
        field = playout_differs(&a->playout, &b->playout);
    if (field == NULL && full)
        field = series_differs(&a->series, &b->series);
    return field;
}

static const char *file_differs(const struct record_file *a, const struct record_file *b)
{
    FILE_FIELDS(COMPARE)
    if (strcmp(a->uid, b->uid) != 0)
        return "file uid";
    return memcmp(a->sha256, b->sha256, sizeof a->sha256) ? "file sha256" : NULL;
}

const char *help_files_differ(const struct record_files *a, const struct record_files *b)
{
    const char *field = a->count != b->count ? "files" : NULL;
    for (uint32_t i = 0; i < a->count && !field; i++)
        field = file_differs(&a->items[i], &b->items[i]);
    return field;
}

static const char *recording_differs(const struct record_recording *a,
                                     const struct record_recording *b)
{
    RECORDING_FIELDS(COMPARE)
    if (strcmp(a->id, b->id) != 0)
        return "recording id";
    if (help_files_differ(&a->files, &b->files))
        return help_files_differ(&a->files, &b->files);
    return memcmp(a->sha256, b->sha256, sizeof a->sha256) ? "sha256" : NULL;
}

static const char *chain_differs(const struct record_chain *a, const struct record_chain *b)
{
    CHAIN_FIELDS(COMPARE)
    return NULL;
}

static const char *event_differs(const struct record_event *a, const struct record_event *b)
{
    EVENT_FIELDS(COMPARE)
    return NULL;
}

const char *help_record_differs(const struct call_record *a, const struct call_record *b, bool full)
{
    CALL_FIELDS(COMPARE)
    if (strcmp(a->uid, b->uid) != 0)
        return "uid";
    if (strcmp(a->import.id, b->import.id) != 0 || a->import.at_us != b->import.at_us)
        return "import";
    const char *field = party_differs(&a->from, &b->from);
    field = field ? field : party_differs(&a->to, &b->to);
    field = field ? field : recording_differs(&a->recording, &b->recording);
    field = field ? field : path_differs(&a->path, &b->path);
    field = field ? field : siprec_differs(&a->siprec, &b->siprec);
    for (uint32_t i = 0; i < a->stream_count && !field; i++)
        field = stream_differs(&a->streams[i], &b->streams[i], full);
    for (uint32_t i = 0; i < a->chain_count && !field; i++)
        field = chain_differs(&a->chains[i], &b->chains[i]);
    if (full && !field && a->event_count != b->event_count)
        return "event_count";
    for (uint32_t i = 0; full && i < a->event_count && !field; i++)
        field = event_differs(&a->events[i], &b->events[i]);
    return field;
}

static unsigned drop_kind(struct store *s, bool messages, int64_t before_us, int64_t imported_since_us)
{
    struct day *days, first_kept = day_of(before_us);
    size_t count;
    unsigned gone = 0;
    cr_assert_eq(day_list(s->set.data_dir, messages ? DB_MESSAGES : DB_CALLS, &days, &count), 0);
    for (size_t i = 0; i < count && before_us && strcmp(days[i].text, first_kept.text) < 0; i++) {
        int64_t day_us = before_us;
        while (strcmp(day_of(day_us).text, days[i].text) != 0)
            day_us -= HELP_DAY_US;
        struct store_day_drop d = {.day_us = day_us, .messages = messages, .imported_since_us = imported_since_us, .calls = 2};
        do
            (void)store_drop_day(s, &d);
        while (d.more);
        gone += d.gone;
    }
    free(days);
    return gone;
}

unsigned help_drop_days(struct store *s, int64_t calls_before_us, int64_t messages_before_us, int64_t imported_since_us)
{
    unsigned calls = drop_kind(s, false, calls_before_us, imported_since_us);
    return calls + drop_kind(s, true, messages_before_us, 0);
}
