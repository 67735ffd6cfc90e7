/* What goes between the service and the process that decodes: jobs there, answers back that nobody believes. */
#include <criterion/criterion.h>

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/confine/job_files.h"
#include "app/confine/process.h"
#include "app/decoder/child.h"
#include "tests/support/guard.h"

#define SECOND INT64_C(1000000000)

/* ---- the first words ---- */

Test(confine, another_build_is_told_before_anything_else_is_read, .timeout = 60)
{
    struct walls w = {.read_dir = "/spool", .write_dir = "/audio", .memory_bytes = 5, .none = true}, got = {0};
    struct arena *a = arena_new(1024, 8192);
    struct buf out;
    bool same = false;
    buf_init(&out, 4096);
    struct pack to = pack_writer(&out);
    hello_walls_pack(&to, &w, &same);
    struct pack from = pack_reader(buf_view(&out), a);
    hello_walls_pack(&from, &got, &same);
    cr_expect(same && !from.failed && got.none && got.memory_bytes == 5);
    cr_expect_str_eq(got.write_dir, "/audio");
    for (size_t i = 0; i < strlen(EARSHOT_VERSION) + 8; i++) { /* any letter of the build, or its length */
        struct walls none = {0};
        out.data[i] ^= 1;
        from = pack_reader(buf_view(&out), a);
        hello_walls_pack(&from, &none, &same);
        out.data[i] ^= 1;
        cr_expect(!same && none.read_dir == NULL, "byte %zu", i);
    }
    arena_free(a);
    buf_fini(&out);
}

/* ---- without a process ---- */

Test(confine, who_is_linked_to_the_decoder_may_decode_without_a_process, .timeout = 60)
{
    const struct process_program program = {.here = &decoder_here};
    const struct process_config config = {.program = &program};
    const struct process_bounds bounds = {.cpu_ns = SECOND, .stop_fd = -1};
    struct process *p = NULL;
    struct why why = {0};
    struct slice answer;
    struct buf body, keys;
    struct job job = {.kind = JOB_PROBE, .probe = 0, .dir = "/nowhere", .path = "", .sound.data_dir = "/nowhere", .record_count = 1};
    int err = 0;
    cr_assert_eq(process_start(&config, &p, &why), 0);
    cr_expect(!process_is_apart(p) && process_walls(p) == 0);
    job.records[0] = record_new();
    buf_init(&body, 1 << 20);
    buf_init(&keys, 1 << 10);
    job_write(&body, &job);
    job_write_keys(&keys, &job);
    const struct slice parts[] = {buf_view(&body), buf_view(&keys)};
    for (int i = 0; i < 2; i++) {
        cr_assert_eq(process_ask(p, parts, 2, &bounds, &answer), PROCESS_ANSWERED);
        cr_expect(answer_read(answer, &job, NULL, &err, &why));
        cr_expect_eq(err, ERR_NOT_FOUND, "there is no such folder: %s", why.text);
    }
    job_free(&job);
    buf_fini(&body);
    buf_fini(&keys);
    process_free(p);
}

Test(confine, a_program_that_is_not_there_is_a_sentence_with_what_to_do, .timeout = 60)
{
    struct process_program program = {.path = "/nowhere/earshot-decoder"};
    const struct process_config config = {.program = &program};
    struct process *p = NULL;
    struct why why = {0};
    cr_expect_eq(process_start(&config, &p, &why), ERR_NOT_FOUND);
    cr_expect_str_eq(why.text, "the program that decodes, /nowhere/earshot-decoder, is not there: install it, or say in [recording] decoder where it is");
    cr_expect_eq(process_program_open(&program, &why), ERR_NOT_FOUND);
    process_program_close(&program);
}

/* ---- jobs ---- */

static struct call_record *call(const char *uid)
{
    struct call_record *r = record_new();
    cr_assert_not_null(r);
    snprintf(r->uid, sizeof r->uid, "%s", uid);
    r->kind = record_text("call");
    r->final = true;
    r->stream_count = 2;
    r->streams = arena_alloc(r->arena, 2 * sizeof *r->streams);
    r->chain_count = 1;
    r->chains = arena_alloc(r->arena, sizeof *r->chains);
    r->chains[0] = (struct record_chain){.tail = {.segment = 3, .offset = 77}, .party = record_text("callee"), .packets = 9};
    for (int i = 0; i < 2; i++) {
        record_stream_init(&r->streams[i]);
        r->streams[i].media_type = record_text("audio");
        r->streams[i].ssrc = 0x1000u + (unsigned)i;
        r->streams[i].srtp = true;
        r->streams[i].flow_chain = 1;
    }
    r->recording.state = record_text("spooling");
    r->recording.result = record_text("recorded");
    r->secrets.count = 2;
    r->secrets.items = arena_alloc(r->arena, 2 * sizeof *r->secrets.items);
    memset(r->secrets.items, 0x5a, 2 * sizeof *r->secrets.items);
    return r;
}

static struct job a_job(struct sound_voice *voices)
{
    static const struct render_skip skips[] = {{1, 2 * SECOND, 3 * SECOND}, {2, -5, 5}};
    struct job job = {
        .kind = voices ? JOB_TRACKS : JOB_CALL,
        .dir = "/data",
        .path = "audio/2026/11/21/10/first.wav",
        .sound = {.data_dir = "/data", .rollover_ns = 7, .silence_max_ns = 8, .listen = true, .skips = skips, .skip_count = 2},
        .record_count = voices ? 2 : 1,
        .records = {call("first"), voices ? call("second") : NULL},
    };
    for (int i = 0; voices && i < 2; i++)
        voices[i] = (struct sound_voice){job.records[i], i ? "callee" : "caller", i - 1, slice_str("anna"), slice_str("sip:anna@x")};
    job.voices = voices;
    job.voice_count = voices ? 2 : 0;
    return job;
}

static struct buf written(struct job *job)
{
    struct buf out;
    buf_init(&out, 1 << 20);
    job_write(&out, job);
    job_write_keys(&out, job);
    cr_assert_not(out.failed);
    return out;
}

Test(confine, a_job_arrives_as_it_was_given, .timeout = 60)
{
    struct sound_voice voices[2];
    struct job job = a_job(voices), got;
    struct buf bytes = written(&job);
    cr_assert(job_read(buf_view(&bytes), &got));
    cr_expect_eq(got.kind, JOB_TRACKS);
    cr_expect_str_eq(got.path, job.path);
    cr_expect_str_eq(got.sound.data_dir, "/data");
    cr_expect_eq(got.sound.rollover_ns, 7);
    cr_expect(got.sound.listen && !got.sound.mask_dtmf);
    cr_assert_eq(got.sound.skip_count, 2);
    cr_expect_eq(got.sound.skips[1].from_ns, -5);
    cr_assert_eq(got.record_count, 2);
    const struct call_record *r = got.records[1];
    cr_expect_str_eq(r->uid, "second");
    cr_expect(r->final && r->streams[1].srtp);
    cr_expect_eq(r->streams[1].ssrc, 0x1001);
    cr_expect_eq(r->chains[0].tail.offset, 77);
    cr_expect_str_eq(r->chains[0].party, "callee");
    cr_assert_eq(r->secrets.count, 2);
    cr_expect_arr_eq(r->secrets.items, job.records[1]->secrets.items, 2 * sizeof *r->secrets.items);
    cr_assert_eq(got.voice_count, 2);
    cr_expect_eq(got.voices[1].call, r);
    cr_expect_eq(got.voices[0].line, -1);
    cr_expect(slice_equal(got.voices[1].user, slice_str("anna")));
    job_free(&got);
    job_free(&job);
    buf_fini(&bytes);
}

Test(confine, every_truncation_of_a_job_is_refused, .timeout = 60)
{
    struct sound_voice voices[2];
    struct job job = a_job(voices), got;
    struct buf bytes = written(&job);
    for (size_t n = 0; n < bytes.size; n++) {
        struct slice cut = guard_copy(slice_of(bytes.data, n));
        cr_expect_not(job_read(cut, &got), "%zu of %zu bytes", n, bytes.size);
        job_free(&got);
        guard_free(cut);
    }
    job_free(&job);
    buf_fini(&bytes);
}

/* ---- answers ---- */

static void made(struct call_record *r)
{
    struct record_recording *g = &r->recording;
    g->state = "ready";
    g->result = "recorded";
    g->format = slice_str("wav");
    g->path = slice_str("audio/2026/11/21/10/first.wav");
    g->sample_rate_hz = 8000;
    g->channels = 2;
    g->started_us = INT64_C(1700000000000000);
    g->duration_ms = 5000;
    g->size_bytes = 160080;
    g->files.count = 1;
    g->files.items = arena_alloc(r->arena, sizeof *g->files.items);
    g->files.items[0] =
        (struct record_file){.kind = "call", .result = "recorded", .number = 1, .path = g->path, .sample_rate_hz = 8000, .channels = 2};
    g->sound.channel_count = 2;
    g->sound.channels = arena_alloc(r->arena, 2 * sizeof *g->sound.channels);
    g->sound.stretch_count = 1;
    g->sound.stretches = arena_alloc(r->arena, sizeof *g->sound.stretches);
    g->sound.stretches[0] = (struct record_sound_stretch){.channel = 1, .kind = "silence", .at_ms = 10, .length_ms = 20, .ratio = 1};
    g->sound.tone_count = 1;
    g->sound.tones = arena_alloc(r->arena, sizeof *g->sound.tones);
    g->sound.tones[0] = (struct record_tone){.kind = "cng", .party = "caller", .at_ms = 1, .length_ms = 2};
    g->inband.count = 1;
    g->inband.digits = arena_alloc(r->arena, sizeof *g->inband.digits);
    g->inband.digits[0] =
        (struct record_digit){.time_us = g->started_us, .digit = slice_str("5"), .duration_ms = 80, .source = "inband", .party = "caller"};
    g->gap_count = 1;
    g->gaps = arena_alloc(r->arena, sizeof *g->gaps);
    g->gaps[0] = (struct record_gap){1, 2, 3};
    g->fax.page_count = 1;
    g->fax.pages = arena_alloc(r->arena, sizeof *g->fax.pages);
    g->fax.pages[0] = (struct record_fax_page){.number = 1, .picture = 1, .side = "caller", .coding = "MMR", .answer = "confirmed", .rows = 7};
}

/* What a process that did `change` to its recording would answer. */
static struct buf answer(void (*change)(struct call_record *r), struct counters *counted, int err)
{
    struct call_record *r = record_new();
    struct why why = {0};
    struct buf out;
    why_set(&why, "%s", err ? "no\nroom" : "");
    made(r);
    if (change)
        change(r);
    buf_init(&out, 1 << 20);
    answer_write(&out, err, &why, r, JOB_CALL, counted);
    cr_assert_not(out.failed);
    record_free(r);
    return out;
}

static struct counters zero;

static bool believed(struct slice bytes)
{
    struct job job = a_job(NULL);
    struct why why = {0};
    int err = 0;
    bool good = answer_read(bytes, &job, NULL, &err, &why);
    if (!good)
        cr_expect_str_eq(job.records[0]->recording.state, "spooling", "nothing is taken of what is refused");
    job_free(&job);
    return good;
}

Test(confine, what_was_made_arrives_and_what_the_service_knows_stays, .timeout = 60)
{
    static struct counters counted, here;
    struct job job = a_job(NULL);
    struct why why = {0};
    int err = 1;
    counters_add(&counted, C_DECODE_ERRORS + 2, 5);
    struct buf bytes = answer(NULL, &counted, ERR_FULL);
    struct record_recording *g = &job.records[0]->recording;
    snprintf(g->id, sizeof g->id, "first");
    g->partial = true;
    g->rule = slice_str("sales");
    cr_assert(answer_read(buf_view(&bytes), &job, &here, &err, &why));
    cr_expect_eq(err, ERR_FULL);
    cr_expect_str_eq(why.text, "no?room", "nothing that a log would stumble over");
    cr_expect_str_eq(g->state, "ready");
    cr_expect_str_eq(g->id, "first");
    cr_expect(g->partial && slice_equal(g->rule, slice_str("sales")));
    cr_expect_eq(g->size_bytes, 160080);
    cr_expect_eq(g->files.count, 1);
    cr_expect_str_eq(g->sound.stretches[0].kind, "silence");
    cr_expect_str_eq(g->sound.tones[0].kind, "cng");
    cr_expect_eq(g->gaps[0].cut_ms, 3);
    cr_expect_eq(g->inband.count, 1);
    cr_expect(g->fax.page_count == 1 && g->fax.pages[0].rows == 7);
    cr_expect_eq(atomic_load(&here.cell[C_DECODE_ERRORS + 2]), 5);
    job_free(&job);
    buf_fini(&bytes);
}

Test(confine, every_truncation_of_an_answer_is_refused, .timeout = 60)
{
    struct buf bytes = answer(NULL, &zero, 0);
    cr_assert(believed(buf_view(&bytes)));
    for (size_t n = 0; n < bytes.size; n++) {
        struct slice cut = guard_copy(slice_of(bytes.data, n));
        cr_expect_not(believed(cut), "%zu of %zu bytes", n, bytes.size);
        guard_free(cut);
    }
    buf_u8(&bytes, 0);
    cr_expect_not(believed(buf_view(&bytes)), "more than an answer is none");
    buf_fini(&bytes);
}

/* clang-format off */
static void elsewhere(struct call_record *r) { r->recording.path = slice_str("audio/2026/11/21/10/other.wav"); }
static void above(struct call_record *r) { r->recording.path = slice_str("audio/2026/11/21/10/first/../../x.wav"); }
static void dots(struct call_record *r) { r->recording.path = slice_str("audio/2026/11/21/10/first..wav"); }
static void odd_name(struct call_record *r) { r->recording.files.items[0].path = slice_str("audio/2026/11/21/10/first-p2 .wav"); }
static void neighbour(struct call_record *r) { r->recording.path = slice_str("audio/2026/11/21/10/first-carol.wav"); }
static void longer(struct call_record *r) { r->recording.files.items[0].path = slice_str("audio/2026/11/21/10/first.smith.wav"); }
static void its_track(struct call_record *r) { r->recording.files.items[0].path = slice_str("audio/2026/11/21/10/first-t1.wav"); }
static void sidecar(struct call_record *r) { r->recording.path = slice_str("audio/2026/11/21/10/first.json"); }
static void half(struct call_record *r) { r->recording.path = slice_str("audio/2026/11/21/10/first.wav.part"); }
static void no_file(struct call_record *r) { r->recording.path = slice_none(); }
static void own_state(struct call_record *r) { r->recording.state = "deleted"; }
static void own_word(struct call_record *r) { r->recording.result = "<script>"; }
static void not_made(struct call_record *r) { r->recording.result = "no_rtp"; }
static void negative(struct call_record *r) { r->recording.size_bytes = -1; }
static void endless(struct call_record *r) { r->recording.duration_ms = INT64_MAX; }
static void channels(struct call_record *r) { r->recording.channels = 200; }
static void no_rate(struct call_record *r) { r->recording.sample_rate_hz = -8000; }
static void other_age(struct call_record *r) { r->recording.started_us = INT64_MIN; }
static void third_side(struct call_record *r) { r->recording.sound.stretches[0].channel = 2; }
static void nameless(struct call_record *r) { r->recording.sound.stretches[0].kind = NULL; }
static void overflow(struct call_record *r) { r->recording.sound.tones[0].at_ms = INT64_MAX; }
static void nobody(struct call_record *r) { r->recording.inband.digits[0].party = NULL; }
static void long_key(struct call_record *r) { r->recording.inband.digits[0].digit = slice_str("5555"); }
static void own_format(struct call_record *r) { r->recording.format = slice_str("../../x"); }
static void own_kind(struct call_record *r) { r->recording.files.items[0].kind = "ready"; }
static void track(struct call_record *r) { r->recording.files.items[0].kind = "track"; r->recording.files.items[0].number = 4; }
static void own_page(struct call_record *r) { r->recording.fax.pages[0].coding = "audio"; }
static void page_elsewhere(struct call_record *r) { r->recording.fax.path = slice_str("audio/2026/11/21/10/first-f1.tif"); }
static void more_pictures(struct call_record *r) { r->recording.fax.pages[0].picture = 2; }
/* clang-format on */

Test(confine, answers_that_no_sound_process_gives_are_refused, .timeout = 60)
{
    static void (*const changes[])(struct call_record *) = {
        elsewhere, above, dots,    odd_name,  neighbour, longer,   its_track, sidecar, half, no_file,    own_state, own_word, not_made, negative, endless,    channels,
        no_rate,   other_age, third_side, nameless, overflow,  nobody,   long_key, own_format, own_kind, track,
        own_page, page_elsewhere, more_pictures,
    };
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        struct buf bytes = answer(changes[i], &zero, 0);
        cr_expect_not(believed(buf_view(&bytes)), "number %zu", i);
        buf_fini(&bytes);
    }
}

Test(confine, only_what_decoding_counts_is_counted, .timeout = 60)
{
    static struct counters counted;
    static const unsigned foreign[] = {C_DECODER_CRASHES, C_RECORDINGS, C_RENDER_GONE, C_DECODER_CONFINED};
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++) {
        memset(&counted, 0, sizeof counted);
        counters_add(&counted, foreign[i], 1);
        struct buf bytes = answer(NULL, &counted, 0);
        cr_expect_not(believed(buf_view(&bytes)), "cell %u", foreign[i]);
        buf_fini(&bytes);
    }
    memset(&counted, 0, sizeof counted);
    counters_add(&counted, C_DECODE_ERRORS, UINT64_C(1) << 60);
    struct buf bytes = answer(NULL, &counted, 0);
    cr_expect_not(believed(buf_view(&bytes)), "more than can be");
    buf_fini(&bytes);
}

Test(confine, whose_voice_a_track_is_the_service_knows, .timeout = 60)
{
    struct sound_voice voices[2];
    struct job job = a_job(voices);
    struct call_record *theirs = record_new();
    struct why why = {0};
    struct buf out;
    int err = 0;
    theirs->tracks.count = 2;
    theirs->tracks.items = arena_alloc(theirs->arena, 2 * sizeof *theirs->tracks.items);
    theirs->tracks.items[0] = (struct record_file){.kind = "track", .result = "recorded", .number = 2, .user = slice_str("eve"), .uid = "stolen",
                                                   .path = slice_str("audio/2026/11/21/10/first-t2.wav")};
    theirs->tracks.items[1] = (struct record_file){.kind = "mix", .result = "recorded", .uid = "stolen"};
    buf_init(&out, 1 << 16);
    answer_write(&out, 0, &why, theirs, JOB_TRACKS, &zero);
    cr_assert(answer_read(buf_view(&out), &job, NULL, &err, &why));
    const struct record_file *f = job.records[0]->tracks.items;
    cr_expect(slice_equal(f[0].user, slice_str("anna")));
    cr_expect_str_eq(f[0].uid, "second");
    cr_expect_str_eq(f[1].uid, "");
    job_free(&job);
    record_free(theirs);
    buf_fini(&out);
}

/* ---- files ---- */

/* What is in the folder of "bob.wav" and is of its job, done or not: c, t or w: of a call, of tracks, the call's waveform. */
static const struct {
    const char *name;
    char of;
} beside[] = {
    {"bob.wav", 'c'},          {"bob.wav.part", 'c'},       {"bob-p2.wav", 'c'},         {"bob-p1000.wav.part", 'c'},
    {"bob-caller.wav", 'c'},   {"bob-callee.wav.part", 'c'}, {"bob-caller-p3.wav", 'c'}, {"bob-v1.mkv", 'c'},
    {"bob-v64.mkv.part", 'c'}, {"bob-t1.wav", 't'},         {"bob-t32.wav.part", 't'},   {"bob-mix.wav", 't'},
    {"bob-mix.wav.part", 't'},  {"bob.wav.pcm.part", 'c'},   {"bob-p2.wav.pcm.part", 'c'},
    /* the name that is taken, and what lies beside recordings */
    {"bob.json", 0},           {"bob.wav.json", 0},         {"bob.peaks", 'w'},          {"bob.wav.peaks", 0},
    {"bob.json.part", 0},      {"bob-p2.json", 0},          {"bob-v1.mkv.json", 0},      {"bob-caller.peaks", 'w'},   {"bob.peaks.part", 'w'},     {"bob-carol.peaks", 0},      {"bob.smith.peaks", 0},
    /* those of others: parties that are called so, and names with the uid behind them */
    {"bob-carol.wav", 0},      {"bob.smith.wav", 0},        {"bob-peter.wav", 0},        {"bob-c.wav", 0},
    {"bob-vera.wav", 0},       {"bob-tom.wav", 0},          {"bob-mixer.wav", 0},        {"bob-p.wav", 0},
    {"bob-p2x.wav", 0},        {"bob-p2.smith.wav", 0},     {"bob-p2-carol.wav", 0},     {"bob-p02.wav", 0},
    {"bob-p2-p3.wav", 0},      {"bob-caller-carol.wav", 0}, {"bob-caller-callee.wav", 0}, {"bob-callers.wav", 0},
    {"bob-v1.wav", 0},         {"bob-v1-p2.mkv", 0},        {"bob.mkv", 0},              {"bob.flac", 0},
    {"bob.wav.partial", 0},    {"bob.wav.pcm", 0},          {"bob.pcm.part", 0},         {"bob.wav.part.pcm", 0},    {"bob.wav.part.part", 0},    {"bob.part", 0},             {"bob", 0},
    {"bobby.wav", 0},          {"bo.wav", 0},               {"bob-0198f12a-1111-8222-8333-444455556666.wav", 0},
    {"bob-p9999999999.wav", 0},
};

Test(confine, files_of_a_job_are_told_from_those_of_others_that_begin_like_it, .timeout = 60)
{
    for (size_t i = 0; i < sizeof beside / sizeof *beside; i++) {
        char path[100];
        struct slice name = slice_of(path, (size_t)snprintf(path, sizeof path, "audio/bob.d/%s", beside[i].name));
        bool whole = strstr(beside[i].name, ".part") == NULL;
        cr_expect_eq(job_file_is_ours(JOB_CALL, "audio/bob.d/bob.wav", name, !whole), beside[i].of == 'c', "%s", path);
        cr_expect_eq(job_file_is_ours(JOB_TRACKS, "audio/bob.d/bob.wav", name, !whole), beside[i].of == 't', "%s", path);
        cr_expect_not(job_file_is_ours(JOB_CALL, "audio/bob.d/bob.wav", name, whole), "%s", path);
        cr_expect_not(job_file_is_ours(JOB_CALL, "audio/bob.d/ann.wav", name, !whole), "%s", path);
    }
    cr_expect(job_file_is_ours(JOB_CALL, "a.b/bob", slice_str("a.b/bob-p2"), false), "no ending is one");
}

Test(confine, a_crash_takes_the_files_of_its_job_and_no_others, .timeout = 60)
{
    char dir[] = "/tmp/earshot-job-XXXXXX", path[200];
    struct stat st;
    cr_assert_not_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/audio", dir);
    cr_assert_eq(mkdir(path, 0700), 0);
    for (size_t i = 0; i < sizeof beside / sizeof *beside; i++) {
        snprintf(path, sizeof path, "%s/audio/%s", dir, beside[i].name);
        int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        cr_assert_geq(fd, 0);
        close(fd);
    }
    job_files_remove(JOB_CALL, dir, "audio/bob.wav");
    for (size_t i = 0; i < sizeof beside / sizeof *beside; i++) {
        snprintf(path, sizeof path, "%s/audio/%s", dir, beside[i].name);
        cr_expect_eq(stat(path, &st) == 0, beside[i].of != 'c' && beside[i].of != 'w', "%s", path);
        (void)unlink(path);
    }
    snprintf(path, sizeof path, "%s/audio", dir);
    cr_expect(rmdir(path) == 0 && rmdir(dir) == 0);
}

/* ---- pieces ---- */

Test(confine, a_piece_grows_while_it_crashes_near_it_and_others_begin_elsewhere, .timeout = 60)
{
    struct pieces p = {0};
    const int64_t ms = 1000000;
    pieces_add(&p, 0, 5 * SECOND);
    cr_expect_eq(p.count, 0, "no packet was at fault");
    pieces_add(&p, 1, INT64_MAX);
    pieces_add(&p, 1, INT64_MIN);
    cr_expect_eq(p.count, 0, "a place that cannot be");
    pieces_add(&p, 1, 60 * SECOND);
    cr_expect(p.count == 1 && p.skip[0].from_ns == 60 * SECOND && p.skip[0].to_ns == 60 * SECOND + 200 * ms);
    pieces_add(&p, 2, 60 * SECOND);
    pieces_add(&p, 1, 90 * SECOND);
    cr_expect_eq(p.count, 3, "another flow, another time");
    pieces_add(&p, 1, 61 * SECOND);
    cr_expect_eq(p.count, 3);
    cr_expect_eq(p.skip[0].from_ns, 60 * SECOND - 400 * ms);
    cr_expect_eq(p.skip[0].to_ns, 61 * SECOND + 400 * ms);
    for (int i = 0; i < 4; i++)
        pieces_add(&p, 1, 61 * SECOND);
    cr_expect_eq(p.count, 3);
    cr_expect(p.skip[0].from_ns < 50 * SECOND && p.skip[0].to_ns > 70 * SECOND, "it reaches what was decoded seconds before");
    cr_expect_eq(p.skip[1].to_ns, 60 * SECOND + 200 * ms, "the other flow's is as it was");
}
