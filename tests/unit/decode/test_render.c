/* Where sound lands in the file: whole calls of G.711 and L16. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/decode/call.h"

#define SECONDS 4
#define COUNT   (8000 * SECONDS)

static int16_t speech[COUNT], answer[COUNT];

static void signals(void)
{
    call_speech(speech, COUNT, 8000, 1);
    call_speech(answer, COUNT, 8000, 5);
}

TestSuite(render, .init = signals);

static double like(const struct call_sound *s, int channel, int64_t at, const int16_t *what,
                   int64_t count)
{
    cr_assert_leq(at + count, s->frames);
    return call_correlation(what, count, s->channel[channel] + at, count, 0);
}

#define EXPECT_LIKE(s, channel, at, what, count)                                                   \
    do {                                                                                           \
        double like_ = like(s, channel, at, what, count);                                          \
        cr_assert_geq(like_, 0.98, "correlation %.4f", like_);                                     \
    } while (0)

static void expect_silence(const struct call_sound *s, int channel, int64_t from, int64_t to)
{
    for (int64_t i = from; i < to; i++)
        cr_assert_eq(s->channel[channel][i], 0, "sample %ld is %d", (long)i,
                     s->channel[channel][i]);
}

Test(render, two_way_call_comes_out_as_it_went_in)
{
    struct call_flow f[2];
    struct call_sound s;
    call_flow_init(&f[0], 0, "PCMU", 0, 8000, 1);
    call_flow_init(&f[1], 1, "PCMA", 8, 8000, 2);
    call_send_pcmu(&f[0], speech, COUNT);
    call_send_pcma(&f[1], answer, COUNT);
    cr_assert_eq(call_render(f, 2, &s), 0);
    cr_assert_eq(s.rate_hz, 8000);
    cr_assert_eq(s.frames, COUNT);
    cr_assert_eq(s.result.start_ns, CALL_START_NS);
    cr_assert_eq(s.result.packets[0], 200);
    cr_assert_eq(s.result.packets[1], 200);
    cr_assert_eq(s.result.concealed[0] + s.result.concealed[1] + s.result.decode_errors, 0);
    EXPECT_LIKE(&s, 0, 0, speech, COUNT);
    EXPECT_LIKE(&s, 1, 0, answer, COUNT);
    cr_assert_eq(call_best_lag(speech, 4000, s.channel[0], s.frames, 200), 0);
    call_sound_fini(&s);
    call_flow_fini(&f[0]);
    call_flow_fini(&f[1]);
}

Test(render, late_channel_starts_where_it_arrived)
{
    struct call_flow f[2];
    struct call_sound s;
    call_flow_init(&f[0], 0, "PCMU", 0, 8000, 1);
    call_flow_init(&f[1], 1, "PCMU", 0, 8000, 2);
    f[1].now_ns += 1234 * CALL_MS;
    call_send_pcmu(&f[0], speech, COUNT);
    call_send_pcmu(&f[1], answer, COUNT);
    cr_assert_eq(call_render(f, 2, &s), 0);
    cr_assert_eq(s.frames, COUNT + 1234 * 8);
    EXPECT_LIKE(&s, 0, 0, speech, COUNT);
    EXPECT_LIKE(&s, 1, 1234 * 8, answer, COUNT);
    expect_silence(&s, 1, 0, 1234 * 8);
    expect_silence(&s, 0, COUNT, s.frames);
    call_sound_fini(&s);
    call_flow_fini(&f[0]);
    call_flow_fini(&f[1]);
}

Test(render, one_way_call_is_silent_on_the_other_side)
{
    struct call_flow f;
    struct call_sound s;
    call_flow_init(&f, 1, "PCMA", 8, 8000, 1);
    call_send_pcma(&f, speech, COUNT);
    cr_assert_eq(call_render(&f, 1, &s), 0);
    cr_assert_eq(s.result.channels, 2);
    expect_silence(&s, 0, 0, s.frames);
    EXPECT_LIKE(&s, 1, 0, speech, COUNT);
    call_sound_fini(&s);
    call_flow_fini(&f);
}

Test(render, gap_of_200_ms_stays_200_ms)
{
    struct call_flow f;
    struct call_sound s;
    int cut = 8000; /* in the middle of a loud syllable */
    while (call_rms(speech + cut - 160, 160) < 1000)
        cut += 160;
    call_flow_init(&f, 0, "PCMU", 0, 8000, 1);
    call_send_pcmu(&f, speech, (size_t)cut);
    f.sequence += 10; /* ten packets lost */
    f.timestamp += 1600;
    f.now_ns += 200 * CALL_MS;
    call_send_pcmu(&f, speech + cut + 1600, (size_t)(COUNT - cut - 1600));
    cr_assert_eq(call_render(&f, 1, &s), 0);
    cr_assert_eq(s.frames, COUNT);
    cr_assert_eq(s.result.concealed[0], 10);
    EXPECT_LIKE(&s, 0, 0, speech, cut);
    EXPECT_LIKE(&s, 0, cut + 1600, speech + cut + 1600, COUNT - cut - 1600);
    expect_silence(&s, 0, cut + 8 * 60, cut + 1600);
    cr_assert_gt(call_rms(s.channel[0] + cut, 80), 500, "the hole begins concealed");
    call_sound_fini(&s);
    call_flow_fini(&f);
}

Test(render, pause_in_sending_is_silence_and_not_loss)
{
    struct call_flow f;
    struct call_sound s;
    call_flow_init(&f, 0, "PCMU", 0, 8000, 1);
    call_send_pcmu(&f, speech, 16000);
    f.timestamp += 8 * 700; /* DTX: the clock runs on, the numbers do not */
    f.now_ns += 700 * CALL_MS;
    call_send_pcmu(&f, answer, 16000);
    cr_assert_eq(call_render(&f, 1, &s), 0);
    cr_assert_eq(s.frames, 32000 + 5600);
    cr_assert_eq(s.result.concealed[0], 0);
    expect_silence(&s, 0, 16000, 21600);
    EXPECT_LIKE(&s, 0, 21600, answer, 16000);
    call_sound_fini(&s);
    call_flow_fini(&f);
}

Test(render, sender_whose_clock_stood_still_goes_on_at_its_arrival)
{
    struct call_flow f;
    struct call_sound s;
    call_flow_init(&f, 0, "PCMU", 0, 8000, 1);
    call_send_pcmu(&f, speech, 16000);
    f.now_ns += 3000 * CALL_MS; /* hold: neither clock nor numbers move */
    call_send_pcmu(&f, answer, 16000);
    cr_assert_eq(call_render(&f, 1, &s), 0);
    cr_assert_eq(s.frames, 32000 + 24000);
    expect_silence(&s, 0, 16000, 40000);
    EXPECT_LIKE(&s, 0, 40000, answer, 16000);
    call_sound_fini(&s);
    call_flow_fini(&f);
}

Test(render, packets_that_the_network_held_back_keep_their_place)
{
    struct call_flow f;
    struct call_sound s;
    call_flow_init(&f, 0, "PCMU", 0, 8000, 1);
    call_send_pcmu(&f, speech, COUNT);
    for (unsigned i = 50; i < 150; i++) /* all at once when the 150th is due */
        f.packets[i].time_ns = CALL_START_NS + 3000 * CALL_MS + i * 1000;
    cr_assert_eq(call_render(&f, 1, &s), 0);
    cr_assert_eq(s.frames, COUNT);
    EXPECT_LIKE(&s, 0, 0, speech, COUNT);
    call_sound_fini(&s);
    call_flow_fini(&f);
}

/* As a telephone on a busy machine sends: it stands still, says a packet, stands still again, then
 * makes up for it, quickly or slowly. */
Test(render, packets_that_come_in_two_stumbles_keep_their_place)
{
    for (int pace_ms = 1; pace_ms <= 5; pace_ms += 2) {
        struct call_flow f;
        struct call_sound s;
        call_flow_init(&f, 0, "PCMU", 0, 8000, 1);
        call_send_pcmu(&f, speech, COUNT);
        int64_t due_ns = f.packets[50].time_ns + 270 * CALL_MS;
        for (unsigned i = 50; i < f.count; i++) {
            if (f.packets[i].time_ns < due_ns)
                f.packets[i].time_ns = due_ns;
            due_ns += i == 50 ? 270 * CALL_MS : pace_ms * CALL_MS;
        }
        cr_assert_eq(call_render(&f, 1, &s), 0);
        cr_assert_eq(s.frames, COUNT);
        EXPECT_LIKE(&s, 0, 0, speech, COUNT);
        call_sound_fini(&s);
        call_flow_fini(&f);
    }
}

Test(render, packets_held_back_for_long_that_come_slowly_keep_their_place)
{
    struct call_flow f;
    struct call_sound s;
    call_flow_init(&f, 0, "PCMU", 0, 8000, 1);
    call_send_pcmu(&f, speech, COUNT);
    int64_t due_ns = f.packets[20].time_ns + 2500 * CALL_MS;
    for (unsigned i = 20; i < f.count; i++, due_ns += 9 * CALL_MS)
        if (f.packets[i].time_ns < due_ns)
            f.packets[i].time_ns = due_ns;
    cr_assert_eq(call_render(&f, 1, &s), 0);
    EXPECT_LIKE(&s, 0, 0, speech, COUNT);
    call_sound_fini(&s);
    call_flow_fini(&f);
}

Test(render, jitter_does_not_move_the_sound)
{
    struct call_flow f;
    struct call_sound s;
    call_flow_init(&f, 0, "PCMU", 0, 8000, 1);
    call_send_pcmu(&f, speech, COUNT);
    for (unsigned i = 1; i < f.count; i++)
        f.packets[i].time_ns += i * 7919 % 90 * CALL_MS; /* reorders as well */
    call_sort(&f);
    cr_assert_eq(call_render(&f, 1, &s), 0);
    cr_assert_eq(s.frames, COUNT);
    cr_assert_eq(s.result.concealed[0], 0);
    EXPECT_LIKE(&s, 0, 0, speech, COUNT);
    call_sound_fini(&s);
    call_flow_fini(&f);
}

Test(render, reordered_and_doubled_packets_change_nothing)
{
    struct call_flow f;
    struct call_sound s;
    call_flow_init(&f, 0, "PCMU", 0, 8000, 1);
    call_send_pcmu(&f, speech, COUNT);
    for (unsigned i = 3; i + 12 < 200; i += 17)
        f.packets[i].time_ns += 190 * CALL_MS; /* nine places back */
    for (unsigned i = 0; i < 200; i += 3) {
        f.packets[f.count] = f.packets[i];
        f.packets[f.count++].time_ns += 15 * CALL_MS;
    }
    call_sort(&f);
    cr_assert_eq(call_render(&f, 1, &s), 0);
    cr_assert_eq(s.frames, COUNT);
    cr_assert_eq(s.result.packets[0], 200);
    cr_assert_eq(s.result.concealed[0], 0);
    EXPECT_LIKE(&s, 0, 0, speech, COUNT);
    call_sound_fini(&s);
    call_flow_fini(&f);
}

Test(render, loss_is_concealed_in_place)
{
    struct call_flow f;
    struct call_sound s;
    call_flow_init(&f, 0, "PCMU", 0, 8000, 1);
    for (size_t at = 0; at < COUNT; at += 160) {
        if (at / 160 % 20 == 7) { /* 5 % */
            f.sequence++;
            f.timestamp += 160;
            f.now_ns += 20 * CALL_MS;
        } else {
            call_send_pcmu(&f, speech + at, 160);
        }
    }
    cr_assert_eq(call_render(&f, 1, &s), 0);
    cr_assert_eq(s.frames, COUNT);
    cr_assert_eq(s.result.concealed[0], 10);
    double concealed = like(&s, 0, 0, speech, COUNT);
    cr_assert_geq(concealed, 0.95, "%.4f", concealed);
    call_sound_fini(&s);
    call_flow_fini(&f);
}

Test(render, new_ssrc_goes_on_in_the_same_channel)
{
    struct call_flow f;
    struct call_sound s;
    call_flow_init(&f, 0, "PCMU", 0, 8000, 1);
    call_send_pcmu(&f, speech, 16000);
    f.ssrc = 99;
    f.sequence = 7;
    f.timestamp = 123456;
    call_send_pcmu(&f, speech + 16000, 16000);
    cr_assert_eq(call_render(&f, 1, &s), 0);
    cr_assert_eq(s.frames, COUNT);
    EXPECT_LIKE(&s, 0, 0, speech, COUNT);
    call_sound_fini(&s);
    call_flow_fini(&f);
}

Test(render, second_flow_of_a_channel_takes_over)
{
    struct call_flow f[2];
    struct call_sound s;
    call_flow_init(&f[0], 0, "PCMU", 0, 8000, 1); /* early media goes on for a while */
    call_flow_init(&f[1], 0, "PCMA", 8, 8000, 2);
    f[1].now_ns += 2000 * CALL_MS;
    call_send_pcmu(&f[0], speech, COUNT);
    call_send_pcma(&f[1], answer, COUNT);
    cr_assert_eq(call_render(f, 2, &s), 0);
    cr_assert_eq(s.frames, COUNT + 16000);
    EXPECT_LIKE(&s, 0, 0, speech, 16000 - 400);
    EXPECT_LIKE(&s, 0, 16000, answer, COUNT);
    call_sound_fini(&s);
    call_flow_fini(&f[0]);
    call_flow_fini(&f[1]);
}

Test(render, stray_packet_of_another_ssrc_is_not_heard)
{
    struct call_flow f;
    struct call_sound s;
    call_flow_init(&f, 0, "PCMU", 0, 8000, 1);
    call_send_pcmu(&f, speech, 16000);
    struct call_flow before = f;
    f.ssrc = 77;
    f.sequence += 3000;
    call_send_pcmu(&f, answer + 8000, 160);
    f.ssrc = before.ssrc;
    f.sequence = before.sequence;
    f.timestamp = before.timestamp;
    f.now_ns = before.now_ns;
    call_send_pcmu(&f, speech + 16000, 16000);
    cr_assert_eq(call_render(&f, 1, &s), 0);
    cr_assert_eq(s.frames, COUNT);
    cr_assert_eq(s.result.packets[0], 200);
    EXPECT_LIKE(&s, 0, 0, speech, COUNT);
    call_sound_fini(&s);
    call_flow_fini(&f);
}

Test(render, restart_of_the_numbers_goes_on_at_arrival)
{
    struct call_flow f;
    struct call_sound s;
    call_flow_init(&f, 0, "PCMU", 0, 8000, 1);
    call_send_pcmu(&f, speech, 16000);
    f.sequence = 20000;
    f.timestamp = 5;
    call_send_pcmu(&f, speech + 16000, 16000);
    cr_assert_eq(call_render(&f, 1, &s), 0);
    cr_assert_eq(s.frames, COUNT);
    cr_assert_eq(s.result.concealed[0], 0);
    EXPECT_LIKE(&s, 0, 0, speech, COUNT);
    call_sound_fini(&s);
    call_flow_fini(&f);
}

Test(render, jumps_of_the_timestamp_make_no_silence)
{
    static const uint32_t jumps[] = {1u << 31, 0x7fffffff, 8000 * 3600, -8000u * 3600u,
                                     -160u * 40u};
    for (size_t j = 0; j < sizeof jumps / sizeof *jumps; j++) {
        struct call_flow f;
        struct call_sound s;
        call_flow_init(&f, 0, "PCMU", 0, 8000, 1);
        call_send_pcmu(&f, speech, 16000);
        f.timestamp += jumps[j];
        call_send_pcmu(&f, speech + 16000, 16000);
        cr_assert_eq(call_render(&f, 1, &s), 0);
        cr_assert_eq(s.frames, COUNT, "jump %u: %ld", jumps[j], (long)s.frames);
        EXPECT_LIKE(&s, 0, 0, speech, COUNT);
        call_sound_fini(&s);
        call_flow_fini(&f);
    }
}

Test(render, no_numbers_make_a_channel_longer_than_its_arrivals)
{
    srand(4711);
    for (int round = 0; round < 300; round++) {
        struct call_flow f;
        struct call_sound s;
        uint8_t payload[320];
        memset(payload, 0x55, sizeof payload);
        call_flow_init(&f, 0, "PCMU", 0, 8000, 1);
        for (int i = 0; i < 200; i++) {
            if (rand() % 8 == 0)
                f.timestamp = (uint32_t)rand() * 2u + (uint32_t)rand() % 2;
            if (rand() % 8 == 0)
                f.timestamp += (uint32_t)(rand() % 16000);
            if (rand() % 8 == 0)
                f.sequence = (uint16_t)rand();
            if (rand() % 16 == 0)
                f.ssrc = (uint32_t)rand() % 3;
            call_send(&f, payload, 1 + (size_t)rand() % sizeof payload, (uint32_t)rand() % 1000,
                      rand() % 64 == 0 ? rand() % 3000 : rand() % 30);
        }
        cr_assert_eq(call_render(&f, 1, &s), 0);
        int64_t span_ns = f.packets[f.count - 1].time_ns - CALL_START_NS;
        cr_assert_leq(s.frames, (span_ns / CALL_MS + 1300) * 8, "round %d", round);
        call_sound_fini(&s);
        call_flow_fini(&f);
    }
}

/* Rewrites the time stamps from packet `from` on, so that they go on `times` as fast. */
static void count_at(struct call_flow *f, unsigned from, double times)
{
    uint32_t first = 0, begin = 0;
    for (unsigned i = from; i < f->count; i++) {
        uint8_t *p = f->packets[i].data + 4;
        uint32_t ts = (uint32_t)p[0] << 24 | (uint32_t)(p[1] << 16 | p[2] << 8 | p[3]);
        if (i == from)
            first = begin = ts;
        ts = begin + (uint32_t)((ts - first) * times + 0.5);
        for (int b = 0; b < 4; b++)
            p[b] = (uint8_t)(ts >> (24 - 8 * b));
    }
}

static void send_with(struct call_flow *f, double jitter_ms, bool losing)
{
    call_flow_init(f, 0, "PCMU", 0, 8000, 1);
    for (size_t at = 0; at < COUNT; at += 160) {
        int64_t due_ns = f->now_ns;
        if (losing && at / 160 % 20 == 7) {
            f->sequence++;
            f->timestamp += 160;
            f->now_ns += 20 * CALL_MS;
            continue;
        }
        f->now_ns += (int64_t)((double)(at / 160 * 7 % 5) / 4 * jitter_ms * (double)CALL_MS);
        call_send_pcmu(f, speech + at, 160);
        f->now_ns = due_ns + 20 * CALL_MS;
    }
}

/* G.722 counted at 16 kHz, wideband speech at 8, Opus at 16, milliseconds, packets: to the ear it
 * is the same call. */
Test(render, clock_of_another_rate_than_was_said_is_followed)
{
    static const double times[] = {2, 0.5, 0.3, 0.25, 0.125, 1 / 160.0, 0.9, 1.1, 3, 6, 11.25};
    for (size_t i = 0; i < 3 * sizeof times / sizeof *times; i++) {
        struct call_flow f, plain;
        struct call_sound s, wanted;
        double jitter_ms = i % 3 == 1 ? 4 : 0, rate = times[i / 3];
        send_with(&f, jitter_ms, i % 3 == 2);
        send_with(&plain, jitter_ms, i % 3 == 2);
        count_at(&f, 0, rate);
        cr_assert_eq(call_render(&f, 1, &s), 0);
        cr_assert_eq(call_render(&plain, 1, &wanted), 0);
        cr_assert_eq(s.frames, wanted.frames, "%.4f: %ld", rate, (long)s.frames);
        unsigned more = jitter_ms > 0 ? 2 : 0; /* a tenth off takes longer to tell from jitter */
        cr_assert_leq(s.result.concealed[0], wanted.result.concealed[0] + more, "%.4f: %u", rate,
                      s.result.concealed[0]);
        cr_assert_geq(like(&s, 0, 0, wanted.channel[0], COUNT), more ? 0.95 : 0.98);
        call_sound_fini(&s);
        call_sound_fini(&wanted);
        call_flow_fini(&f);
        call_flow_fini(&plain);
    }
}

Test(render, clock_that_changes_its_rate_is_followed_both_ways)
{
    for (int silence_ms = 0; silence_ms <= 700; silence_ms += 700) {
        struct call_flow f;
        struct call_sound s;
        int64_t behind = 16000 + 8 * silence_ms;
        call_flow_init(&f, 0, "PCMU", 0, 8000, 1);
        call_send_pcmu(&f, speech, 16000);
        f.timestamp += 8 * (uint32_t)silence_ms;
        f.now_ns += silence_ms * CALL_MS;
        call_send_pcmu(&f, answer, 16000);
        count_at(&f, 30, 2);
        count_at(&f, 130, 0.5);
        cr_assert_eq(call_render(&f, 1, &s), 0);
        cr_assert_eq(s.frames, behind + 16000);
        EXPECT_LIKE(&s, 0, 0, speech, 16000);
        expect_silence(&s, 0, 16000, behind);
        EXPECT_LIKE(&s, 0, behind, answer, 16000);
        call_sound_fini(&s);
        call_flow_fini(&f);
    }
}

/* 20 ms of sound every 40 ms: by the pace of time stamps alone it could be a clock twice as fast.
 */
Test(render, sender_who_leaves_out_every_other_packet_is_believed)
{
    for (int held_back = 0; held_back < 2; held_back++) {
        struct call_flow f;
        struct call_sound s;
        call_flow_init(&f, 0, "PCMU", 0, 8000, 1);
        for (size_t at = 0; at + 320 <= COUNT; at += 320) {
            call_send_pcmu(&f, speech + at, 160);
            f.timestamp += 160;
            f.now_ns += 20 * CALL_MS;
        }
        for (unsigned i = 20; held_back && i < 60; i++) /* and the network held some back */
            f.packets[i].time_ns = f.packets[60].time_ns - (60 - i) * 2 * CALL_MS;
        cr_assert_eq(call_render(&f, 1, &s), 0);
        cr_assert_eq(s.frames, COUNT - 160);
        for (size_t at = 0; at + 320 <= COUNT; at += 320)
            if (call_rms(speech + at + 40, 120) > 1000)
                EXPECT_LIKE(&s, 0, (int64_t)at + 40, speech + at + 40, 120); /* behind the blend */
        call_sound_fini(&s);
        call_flow_fini(&f);
    }
}

Test(render, drifting_clock_is_followed)
{
    struct call_flow f;
    struct call_sound s;
    uint8_t payload[160];
    memset(payload, 0xd5, sizeof payload);
    call_flow_init(&f, 0, "PCMA", 8, 8000, 1);
    for (int i = 0; i < 6000; i++) /* 120 s of media take 0.1 % longer to arrive */
        call_send(&f, payload, sizeof payload, 160, 20.02);
    cr_assert_eq(call_render(&f, 1, &s), 0);
    int64_t span = (int64_t)(6000 * 20.02 * 8);
    cr_assert(s.frames > span - 8 * 60 && s.frames <= span + 8, "%ld of %ld", (long)s.frames,
              (long)span);
    call_sound_fini(&s);
    call_flow_fini(&f);
}

Test(render, change_of_codec_in_the_middle_is_heard)
{
    struct call_flow f;
    struct call_sound s;
    call_flow_init(&f, 0, "PCMU", 0, 8000, 1);
    f.codecs[1] = (struct render_codec){"PCMA", "", 8000, 8, 1};
    f.codec_count = 2;
    call_send_pcmu(&f, speech, 16000);
    f.payload_type = 8;
    call_send_pcma(&f, speech + 16000, 16000);
    cr_assert_eq(call_render(&f, 1, &s), 0);
    EXPECT_LIKE(&s, 0, 0, speech, COUNT);
    call_sound_fini(&s);
    call_flow_fini(&f);
}

Test(render, static_types_need_no_name)
{
    struct call_flow f;
    struct call_sound s;
    call_flow_init(&f, 0, "", 8, 0, 1);
    f.codec_count = 0;
    call_send_pcma(&f, speech, COUNT);
    cr_assert_eq(call_render(&f, 1, &s), 0);
    EXPECT_LIKE(&s, 0, 0, speech, COUNT);
    call_sound_fini(&s);
    call_flow_fini(&f);
}

Test(render, wideband_side_lifts_the_rate_of_the_file)
{
    static int16_t wide[2 * COUNT];
    struct call_flow f[2];
    struct call_sound s;
    call_speech(wide, 2 * COUNT, 16000, 3);
    call_flow_init(&f[0], 0, "PCMU", 0, 8000, 1);
    call_flow_init(&f[1], 1, "L16", 96, 16000, 2);
    call_send_pcmu(&f[0], speech, COUNT);
    call_send_l16(&f[1], wide, 2 * COUNT, 320, 20);
    cr_assert_eq(call_render(f, 2, &s), 0);
    cr_assert_eq(s.rate_hz, 16000);
    cr_assert_eq(s.frames, 2 * COUNT);
    EXPECT_LIKE(&s, 1, 0, wide, 2 * COUNT);
    int16_t *half = calloc(COUNT, sizeof *half); /* every second sample is the narrowband signal */
    for (int i = 0; i < COUNT; i++)
        half[i] = s.channel[0][2 * i];
    cr_assert_geq(call_correlation(speech, COUNT, half, COUNT, 0), 0.98);
    free(half);
    call_sound_fini(&s);
    call_flow_fini(&f[0]);
    call_flow_fini(&f[1]);
}

Test(render, every_rate_keeps_pitch_level_and_length)
{
    static const int rates[] = {8000, 11025, 16000, 22050, 24000, 32000, 44100, 48000};
    for (size_t in = 0; in < sizeof rates / sizeof *rates; in++)
        for (size_t out = 0; out < sizeof rates / sizeof *rates; out++) {
            struct call_flow f;
            struct call_sound s;
            int count = rates[in];
            int16_t *tone = calloc((size_t)count, sizeof *tone);
            call_tone(tone, (size_t)count, rates[in], 1000, 8000);
            call_flow_init(&f, 0, "L16", 96, (uint32_t)rates[in], 1);
            call_send_l16(&f, tone, (size_t)count, (unsigned)rates[in] / 100, 10);
            struct render_request request = {.sample_rate_hz = rates[out]};
            cr_assert_eq(call_render_with(&f, 1, request, &s), 0);
            cr_assert_eq(s.rate_hz, rates[out]);
            cr_assert(llabs(s.frames - rates[out]) <= rates[out] / 50, "%d to %d: %ld", rates[in],
                      rates[out], (long)s.frames);
            double level =
                call_amplitude(s.channel[0] + rates[out] / 10, rates[out] / 2, rates[out], 1000);
            cr_assert_float_eq(level, 8000, 150, "%d to %d: %.1f", rates[in], rates[out], level);
            call_sound_fini(&s);
            call_flow_fini(&f);
            free(tone);
        }
}

Test(render, comfort_noise_fills_the_pause_quietly)
{
    struct call_flow f;
    struct call_sound s;
    call_flow_init(&f, 0, "PCMU", 0, 8000, 1);
    call_send_pcmu(&f, speech, 16000);
    f.payload_type = 13;
    uint8_t level = 60;
    call_send(&f, &level, 1, 8000, 1000);
    f.payload_type = 0;
    call_send_pcmu(&f, answer, 16000);
    cr_assert_eq(call_render(&f, 1, &s), 0);
    cr_assert_eq(s.frames, 40000);
    double rms = call_rms(s.channel[0] + 16000, 8000);
    cr_assert_float_eq(rms, 32.768, 3, "rms %.2f", rms);
    EXPECT_LIKE(&s, 0, 24000, answer, 16000);
    call_sound_fini(&s);
    call_flow_fini(&f);
}

Test(render, telephone_events_are_not_heard)
{
    struct call_flow f;
    struct call_sound s;
    call_flow_init(&f, 0, "PCMU", 0, 8000, 1);
    f.codecs[1] = (struct render_codec){"telephone-event", "0-16", 8000, 101, 1};
    f.codec_count = 2;
    call_send_pcmu(&f, speech, 16000);
    f.payload_type = 101;
    for (int i = 0; i < 10; i++)
        call_send(&f, "\x05\x0a\x00\xa0", 4, 0, 20);
    f.payload_type = 0;
    f.timestamp += 1600;
    call_send_pcmu(&f, speech + 17600, COUNT - 17600);
    cr_assert_eq(call_render(&f, 1, &s), 0);
    cr_assert_eq(s.frames, COUNT);
    cr_assert_eq(s.result.undecodable_packets, 0);
    expect_silence(&s, 0, 16000, 17600);
    EXPECT_LIKE(&s, 0, 17600, speech + 17600, COUNT - 17600);
    call_sound_fini(&s);
    call_flow_fini(&f);
}

Test(render, what_cannot_be_decoded_is_named_and_counted)
{
    struct call_flow f;
    struct call_sound s;
    call_flow_init(&f, 0, "EVS", 96, 16000, 1);
    f.codecs[1] = (struct render_codec){"SILK", "", 16000, 97, 1};
    f.codec_count = 2;
    for (int i = 0; i < 30; i++) {
        f.payload_type = i < 10 ? 96 : i < 20 ? 97 : 120;
        call_send(&f, speech, 33, 320, 20);
    }
    cr_assert_eq(call_render(&f, 1, &s), ERR_NOT_FOUND);
    cr_assert_eq(s.result.undecodable_packets, 30);
    cr_assert_str_eq(s.result.undecodable, "EVS,SILK,PT120");
    call_sound_fini(&s);
    call_flow_fini(&f);
}

Test(render, many_names_do_not_overflow_the_list)
{
    struct call_flow f;
    struct call_sound s;
    call_flow_init(&f, 0, "", 96, 8000, 1);
    for (int i = 0; i < 200; i++) {
        f.payload_type = (uint8_t)(i % 64 + 20);
        call_send(&f, "x", 1, 1, 1);
    }
    cr_assert_eq(call_render(&f, 1, &s), ERR_NOT_FOUND);
    cr_assert_lt(strlen(s.result.undecodable), sizeof s.result.undecodable);
    call_flow_fini(&f);
}

Test(render, empty_call_leaves_no_file)
{
    struct call_sound s;
    cr_assert_eq(call_render(NULL, 0, &s), ERR_NOT_FOUND);
}

Test(render, damaged_pieces_and_packets_are_counted)
{
    struct call_flow f;
    struct call_sound s;
    call_flow_init(&f, 0, "PCMU", 0, 8000, 1);
    f.damaged = 3;
    call_send_pcmu(&f, speech, 1600);
    f.packets[4].data[0] = 0x40; /* not version 2 */
    f.packets[5].size = 7;
    cr_assert_eq(call_render(&f, 1, &s), 0);
    cr_assert_eq(s.result.damaged, 5);
    cr_assert_eq(s.result.packets[0], 8);
    call_sound_fini(&s);
    call_flow_fini(&f);
}

Test(render, long_pause_of_everybody_is_cut_when_asked)
{
    struct call_flow f;
    struct call_sound s;
    call_flow_init(&f, 0, "PCMU", 0, 8000, 1);
    call_send_pcmu(&f, speech, 16000);
    f.now_ns += 60000 * CALL_MS;
    f.timestamp += 8 * 60000;
    call_send_pcmu(&f, answer, 16000);
    struct render_request request = {.silence_max_ns = 5000 * CALL_MS};
    cr_assert_eq(call_render_with(&f, 1, request, &s), 0);
    cr_assert(llabs(s.frames - (32000 + 8 * 5000)) <= 8 * 40, "%ld", (long)s.frames);
    cr_assert_float_eq((double)s.result.cut_ns / 1e9, 55, 0.1);
    call_sound_fini(&s);
    cr_assert_eq(call_render(&f, 1, &s), 0);
    cr_assert_eq(s.frames, 32000 + 8 * 60000);
    EXPECT_LIKE(&s, 0, 16000 + 8 * 60000, answer, 16000);
    call_sound_fini(&s);
    call_flow_fini(&f);
}

Test(render, times_of_other_years_do_not_fill_the_disk)
{
    struct call_flow f;
    struct call_sound s;
    call_flow_init(&f, 0, "PCMU", 0, 8000, 1);
    call_send_pcmu(&f, speech, 1600);
    f.now_ns -= INT64_C(1600000000000000000);
    call_send_pcmu(&f, speech, 1600);
    f.now_ns = INT64_MIN;
    call_send_pcmu(&f, speech, 160);
    struct render_request request = {.silence_max_ns = 1000 * CALL_MS};
    cr_assert_eq(call_render_with(&f, 1, request, &s), 0);
    cr_assert_leq(s.frames, 1600 + 8000 * 2);
    call_sound_fini(&s);
    f.packets[f.count - 1].time_ns = INT64_MAX;
    cr_assert_eq(call_render_with(&f, 1, request, &s), 0);
    cr_assert_leq(s.frames, 1600 + 8000 * 3);
    call_sound_fini(&s);
    call_flow_fini(&f);
}

Test(render, counters_tell_what_was_done)
{
    struct call_flow f;
    struct call_sound s;
    static struct counters counters;
    call_flow_init(&f, 0, "PCMU", 0, 8000, 1);
    f.codecs[1] = (struct render_codec){"EVS", "", 16000, 96, 1};
    f.codec_count = 2;
    call_send_pcmu(&f, speech, 16000);
    f.payload_type = 96;
    call_send(&f, "x", 1, 160, 20);
    struct render_request request = {.counters = &counters};
    cr_assert_eq(call_render_with(&f, 1, request, &s), 0);
    cr_assert_eq(counters.cell[C_UNDECODABLE + label_find(LABELS_CODEC, slice_str("EVS"))], 1);
    cr_assert_eq(counters.cell[C_RECORDING_SECONDS], 2);
    cr_assert_eq(counters.cell[C_WRITTEN_BYTES], (uint64_t)s.result.size_bytes);
    call_sound_fini(&s);
    call_flow_fini(&f);
}

Test(render, missing_folder_is_said)
{
    struct call_flow f;
    call_flow_init(&f, 0, "PCMU", 0, 8000, 1);
    struct render_result result;
    struct why why = {""};
    struct render_request request = {.path = "/nonexistent/folder/x.wav"};
    cr_assert_eq(render_call(&request, &result, &why), ERR_NOT_FOUND);
    call_flow_fini(&f);
}

Test(render, unsupported_rate_is_refused)
{
    struct call_sound s;
    struct render_request request = {.sample_rate_hz = 7999};
    cr_assert_eq(call_render_with(NULL, 0, request, &s), ERR_INVALID);
}
