/* Files that a render ends in: one after the other, and one beside the other. */
#include <criterion/criterion.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crypto.h"
#include "decode/encoder_wav.h"
#include "decode/mix.h"
#include "tests/unit/decode/call.h"

#define FILES   64
#define SECONDS 4
#define COUNT   (8000 * SECONDS)

static char dir[200], path[256];

static void make_dir(void)
{
    const char *temporary = getenv("TMPDIR");
    snprintf(dir, sizeof dir, "%s/decode-output-XXXXXX", temporary ? temporary : "/tmp");
    cr_assert(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/a.wav", dir);
}

static size_t each_file(void (*fn)(const char *))
{
    char pattern[256];
    glob_t found;
    snprintf(pattern, sizeof pattern, "%s/*", dir);
    if (glob(pattern, 0, NULL, &found) != 0)
        return 0;
    size_t count = found.gl_pathc;
    for (size_t i = 0; fn && i < count; i++)
        fn(found.gl_pathv[i]);
    globfree(&found);
    return count;
}

static void remove_one(const char *name)
{
    if (unlink(name) != 0)
        rmdir(name);
}

static void remove_dir(void)
{
    each_file(remove_one);
    rmdir(dir);
}

TestSuite(output, .init = make_dir, .fini = remove_dir);

/* ---- what a render told, with the samples of the files ---- */

struct told {
    unsigned count;
    struct render_file file[FILES];
    int16_t *samples[FILES]; /* without the header */
};

static void take(void *context, const struct render_file *file)
{
    struct told *t = context;
    uint8_t digest[32];
    cr_assert_lt(t->count, FILES);
    FILE *in = fopen(file->path, "rb");
    cr_assert(in, "%s is there", file->path);
    uint8_t *bytes = malloc((size_t)file->size_bytes + 1);
    cr_assert_eq(fread(bytes, 1, (size_t)file->size_bytes + 1, in), file->size_bytes);
    fclose(in);
    crypto_sha256(slice_of(bytes, (size_t)file->size_bytes), digest);
    cr_assert_eq(memcmp(digest, file->sha256, sizeof digest), 0, "digest of %s", file->path);
    cr_assert_eq(file->size_bytes, WAV_HEADER_BYTES + 2 * file->channels * file->samples);
    t->samples[t->count] = malloc((size_t)file->size_bytes);
    memcpy(t->samples[t->count], bytes + WAV_HEADER_BYTES,
           (size_t)file->size_bytes - WAV_HEADER_BYTES);
    t->file[t->count] = *file;
    t->file[t->count++].path = NULL;
    free(bytes);
}

static void told_fini(struct told *t)
{
    for (unsigned i = 0; i < t->count; i++)
        free(t->samples[i]);
    *t = (struct told){0};
}

/* All parts behind each other. */
static int16_t *joined(const struct told *t, int64_t *ret_frames)
{
    int64_t frames = 0;
    for (unsigned i = 0; i < t->count; i++)
        frames += t->file[i].samples;
    int16_t *all = malloc((size_t)frames * 4);
    int64_t at = 0;
    for (unsigned i = 0; i < t->count; i++) {
        cr_assert_eq(t->file[i].kind, RENDER_PART);
        cr_assert_eq(t->file[i].number, i + 1);
        cr_assert_eq(t->file[i].first_sample, at);
        memcpy(all + 2 * at, t->samples[i], (size_t)t->file[i].samples * 4);
        at += t->file[i].samples;
    }
    *ret_frames = frames;
    return all;
}

static int render(struct call_flow *flows, unsigned count, struct render_request request,
                  struct told *ret_told, struct render_result *ret_result)
{
    struct render_flow rf[RENDER_TRACKS_MAX];
    struct why why;
    for (unsigned i = 0; i < count; i++) {
        flows[i].at = 0;
        rf[i] =
            (struct render_flow){.channel = flows[i].channel, .context = &flows[i], .next = call_flow_next};
    }
    *ret_told = (struct told){0};
    request.path = path;
    request.flows = rf;
    request.flow_count = count;
    request.file = take;
    request.file_context = ret_told;
    return render_call(&request, ret_result, &why);
}

/* ---- parts ---- */

static void two_way(struct call_flow f[2])
{
    static int16_t pcm[COUNT];
    call_flow_init(&f[0], 0, "PCMU", 0, 8000, 1);
    call_flow_init(&f[1], 1, "PCMA", 8, 8000, 2);
    call_speech(pcm, COUNT, 8000, 1);
    call_send_pcmu(&f[0], pcm, COUNT);
    f[0].now_ns += 9 * 1000 * CALL_MS; /* silence of nine seconds: more than the window */
    f[0].timestamp += 72000;
    call_send_pcmu(&f[0], pcm, 8000);
    call_speech(pcm, COUNT, 8000, 5);
    call_send_pcma(&f[1], pcm, COUNT);
}

static void expect_same_sound(struct render_request request, unsigned parts)
{
    struct call_flow f[2];
    struct told whole, split;
    struct render_result result;
    int64_t frames;
    two_way(f);
    cr_assert_eq(render(f, 2, (struct render_request){0}, &whole, &result), 0);
    cr_assert_eq(whole.count, 1);
    cr_assert_eq(result.files, 1);
    each_file(remove_one);
    cr_assert_eq(render(f, 2, request, &split, &result), 0);
    cr_assert_eq(split.count, parts);
    cr_assert_eq(result.files, parts);
    cr_assert_eq(each_file(NULL), parts);
    int16_t *all = joined(&split, &frames);
    cr_assert_eq(frames, whole.file[0].samples);
    cr_assert_eq(frames, result.samples);
    cr_assert_eq(result.size_bytes, (int64_t)parts * WAV_HEADER_BYTES + 4 * frames);
    cr_assert_eq(memcmp(all, whole.samples[0], (size_t)frames * 4), 0, "to the last bit");
    free(all);
    told_fini(&whole);
    told_fini(&split);
    call_flow_fini(&f[0]);
    call_flow_fini(&f[1]);
}

Test(output, five_rollovers_by_time_lose_no_sample)
{
    expect_same_sound((struct render_request){.rollover_ns = 2400 * CALL_MS}, 6);
}

Test(output, rollover_by_size_keeps_each_file_below_it)
{
    expect_same_sound((struct render_request){.rollover_bytes = 100000}, 5);
    expect_same_sound(
        (struct render_request){.rollover_bytes = 100000, .rollover_ns = 60000 * CALL_MS}, 5);
    expect_same_sound((struct render_request){.rollover_bytes = 1 << 30}, 1);
}

Test(output, no_setting_makes_a_file_of_every_sample)
{
    struct output o;
    struct why why;
    struct output_config c = {.path = path, .channels = 2, .rate_hz = 8000, .rollover_bytes = 1};
    cr_assert_eq(output_open(&o, &c, &why), 0);
    cr_assert_eq(o.part_frames, 800);
    output_abandon(&o);
    c = (struct output_config){.path = path, .channels = 2, .rate_hz = 8000, .rollover_ns = 1};
    cr_assert_eq(output_open(&o, &c, &why), 0);
    cr_assert_eq(o.part_frames, 800);
    output_abandon(&o);
}

static void take_number(void *context, const struct render_file *file)
{
    struct told *t = context;
    t->file[t->count++] = *file;
}

Test(output, the_last_part_goes_on)
{
    struct output o;
    struct why why;
    struct render_result result = {0};
    struct told told = {0};
    const uint64_t heard[2] = {1, 1};
    const struct output_config c = {.path = path,
                                    .channels = 2,
                                    .rate_hz = 8000,
                                    .rollover_ns = 1000 * CALL_MS,
                                    .context = &told,
                                    .file = take_number};
    cr_assert_eq(output_open(&o, &c, &why), 0);
    o.parts = RENDER_PARTS_MAX - 1;
    cr_assert_eq(output_skip(&o, 50000), 0);
    cr_assert_eq(output_finish(&o, heard, &result, &why), 0);
    output_abandon(&o);
    cr_assert_eq(told.count, 2);
    cr_assert_eq(told.file[1].number, RENDER_PARTS_MAX);
    cr_assert_eq(told.file[1].samples, 42000);
}

Test(output, nothing_is_left_of_a_render_that_fails)
{
    struct call_flow f[2];
    struct told told;
    struct render_result result;
    char third[300];
    two_way(f);
    snprintf(third, sizeof third, "%s/a-p3.wav.part", dir);
    cr_assert_eq(mkdir(third, 0700), 0); /* in the way */
    cr_assert_neq(
        render(f, 2, (struct render_request){.rollover_ns = 2000 * CALL_MS}, &told, &result), 0);
    cr_assert_eq(each_file(NULL), 1, "but what was in the way");
    rmdir(third);
    told_fini(&told);
    snprintf(third, sizeof third, "%s/a-mix.wav.part", dir);
    cr_assert_eq(mkdir(third, 0700), 0);
    cr_assert_neq(render(f, 2, (struct render_request){.tracks = 2}, &told, &result), 0);
    cr_assert_eq(each_file(NULL), 1);
    told_fini(&told);
    call_flow_fini(&f[0]);
    call_flow_fini(&f[1]);
}

/* ---- tracks ---- */

#define PARTIES 4
static const double TONE[PARTIES] = {400, 700, 1000, 1300};

/* Four who come one after the other, each with a tone of their own, and one who says nothing. */
static void party(struct call_flow f[PARTIES], double amplitude)
{
    static int16_t pcm[COUNT];
    for (unsigned i = 0; i < PARTIES; i++) {
        call_flow_init(&f[i], i, i % 2 ? "PCMA" : "PCMU", i % 2 ? 8 : 0, 8000, 100 + i);
        f[i].now_ns += (int64_t)i * 500 * CALL_MS;
        call_tone(pcm, COUNT, 8000, TONE[i], amplitude);
        if (i % 2)
            call_send_pcma(&f[i], pcm, COUNT);
        else
            call_send_pcmu(&f[i], pcm, COUNT);
    }
}

static int64_t first_sound(const int16_t *pcm, int64_t count)
{
    int64_t i = 0;
    while (i < count && abs(pcm[i]) < 200)
        i++;
    return i;
}

static void expect_tones(const int16_t *pcm, unsigned only, double least)
{
    for (unsigned k = 0; k < PARTIES; k++) {
        double a = call_amplitude(pcm + 16000, 16000, 8000, TONE[k]); /* while all four talk */
        if (only == PARTIES || k == only)
            cr_assert_gt(a, least, "tone %u: %.0f", k, a);
        else
            cr_assert_lt(a, least / 50, "tone %u: %.0f", k, a);
    }
}

static void expect_party(double amplitude, double least_in_mix, int loudest_in_mix)
{
    struct call_flow f[PARTIES];
    struct told t;
    struct render_result result;
    party(f, amplitude);
    cr_assert_eq(render(f, PARTIES, (struct render_request){.tracks = PARTIES + 1}, &t, &result),
                 0);
    cr_assert_eq(t.count, PARTIES + 1, "no file of who said nothing");
    cr_assert_eq(each_file(NULL), PARTIES + 1);
    cr_assert_eq(result.channels, 1);
    int64_t length = COUNT + 3 * 4000;
    for (unsigned i = 0; i < PARTIES; i++) {
        cr_assert_eq(t.file[i].kind, RENDER_TRACK);
        cr_assert_eq(t.file[i].number, i + 1);
        cr_assert_eq(t.file[i].channels, 1);
        cr_assert_eq(t.file[i].samples, length, "all begin and end together");
        expect_tones(t.samples[i], i, 0.8 * amplitude);
        int64_t begin = first_sound(t.samples[i], length);
        cr_assert(begin >= 4000 * i && begin < 4000 * i + 8, "track %u begins at %ld", i,
                  (long)begin);
    }
    const struct render_file *mix = &t.file[PARTIES];
    cr_assert_eq(mix->kind, RENDER_MIX);
    cr_assert_eq(mix->samples, length);
    expect_tones(t.samples[PARTIES], PARTIES, least_in_mix);
    int loudest = 0;
    for (int64_t i = 0; i < length; i++)
        loudest = abs(t.samples[PARTIES][i]) > loudest ? abs(t.samples[PARTIES][i]) : loudest;
    cr_assert_leq(loudest, loudest_in_mix, "%d", loudest);
    cr_assert_eq(result.samples, length);
    told_fini(&t);
    for (unsigned i = 0; i < PARTIES; i++)
        call_flow_fini(&f[i]);
}

Test(output, four_parties_are_four_tracks_in_step_and_their_sum)
{
    expect_party(3000, 2400, 12100); /* as loud as they are */
    each_file(remove_one);
    expect_party(20000, 6000, 29204); /* would be twice too loud: turned down, not clipped */
}

Test(output, names_of_files)
{
    char out[64], small[8];
    cr_assert(output_path("/x.y/a.wav", RENDER_PART, 1, out, sizeof out));
    cr_assert_str_eq(out, "/x.y/a.wav");
    cr_assert(output_path("/x.y/a.wav", RENDER_PART, 12, out, sizeof out));
    cr_assert_str_eq(out, "/x.y/a-p12.wav");
    cr_assert(output_path("/x.y/a", RENDER_TRACK, 3, out, sizeof out));
    cr_assert_str_eq(out, "/x.y/a-t3");
    cr_assert(output_path("a.wav", RENDER_MIX, 0, out, sizeof out));
    cr_assert_str_eq(out, "a-mix.wav");
    cr_assert(!output_path("a.wav", RENDER_MIX, 0, small, sizeof small));
}

Test(output, more_tracks_than_there_may_be_are_refused)
{
    struct call_flow f[2];
    struct told t;
    struct render_result result;
    two_way(f);
    cr_assert_eq(
        render(f, 2, (struct render_request){.tracks = RENDER_TRACKS_MAX + 1}, &t, &result),
        ERR_INVALID);
    f[1].channel = 1;
    cr_assert_eq(render(f, 2, (struct render_request){.tracks = 1}, &t, &result), ERR_INVALID,
                 "a channel that is none");
    call_flow_fini(&f[0]);
    call_flow_fini(&f[1]);
}

/* The disk goes away between two parts: who asks is told which file could not be made. */
Test(output, an_error_between_two_parts_says_which_file_it_was)
{
    struct output o;
    struct why why;
    char second[256];
    const struct output_config c = {
        .path = path, .channels = 2, .rate_hz = 8000, .rollover_ns = 1000 * CALL_MS};
    cr_assert_eq(output_open(&o, &c, &why), 0);
    snprintf(second, sizeof second, "%s/a-p2.wav.part", dir);
    cr_assert_eq(mkdir(second, 0700), 0);
    cr_expect_lt(output_skip(&o, 50000), 0);
    cr_expect(strstr(o.why.text, "a-p2.wav"), "%s", o.why.text);
    output_abandon(&o);
}

/* Retention takes empty folders away. "Not found" says of a render that there is nothing to hear. */
Test(output, a_folder_that_has_gone_is_no_call_without_sound)
{
    struct call_flow f[2];
    struct told told;
    struct render_result result;
    two_way(f);
    cr_assert_eq(rmdir(dir), 0);
    cr_expect_eq(render(f, 2, (struct render_request){0}, &told, &result), ERR_FULL);
    cr_assert_eq(mkdir(dir, 0700), 0);
    cr_expect_eq(render(f, 2, (struct render_request){0}, &told, &result), 0);
    told_fini(&told);
    call_flow_fini(&f[0]);
    call_flow_fini(&f[1]);
}
