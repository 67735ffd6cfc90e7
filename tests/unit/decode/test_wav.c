#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "decode/encoder_wav.h"
#include "decode/mix.h"

static const struct audio_spec SPEC = {.channels = 2, .rate_hz = 8000};

static char dir[200], path[256], part[280];

static void make_dir(void)
{
    const char *temporary = getenv("TMPDIR");
    snprintf(dir, sizeof dir, "%s/decode-wav-XXXXXX", temporary ? temporary : "/tmp");
    cr_assert(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/a.wav", dir);
    snprintf(part, sizeof part, "%s.part", path);
}

static void remove_dir(void)
{
    unlink(path);
    unlink(part);
    rmdir(dir);
}

TestSuite(wav, .init = make_dir, .fini = remove_dir);

Test(wav, file_takes_its_name_only_when_it_is_whole)
{
    struct audio_file w;
    struct why why;
    int64_t size;
    uint8_t digest[32];
    cr_assert_eq(audio_file_open(&w, NULL, path, &SPEC, &why), 0);
    cr_assert_eq(audio_file_write(&w, (const int16_t[]){1, 2, 3, 4}, 2), 0);
    cr_assert_eq(access(part, F_OK), 0);
    cr_assert_neq(access(path, F_OK), 0);
    cr_assert_eq(audio_file_finish(&w, &size, digest, &why), 0);
    cr_assert_eq(size, 88);
    cr_assert_neq(access(part, F_OK), 0);
    struct stat st;
    cr_assert_eq(stat(path, &st), 0);
    cr_assert_eq(st.st_size, 88);
    cr_assert_eq(st.st_mode & 0777, 0600);
}

Test(wav, what_a_crash_left_is_overwritten)
{
    FILE *old = fopen(part, "w");
    fputs("a longer piece of an unfinished file that is of no use to anybody any more, and is "
          "longer than what comes",
          old);
    fclose(old);
    struct audio_file w;
    struct why why;
    int64_t size;
    uint8_t digest[32];
    cr_assert_eq(audio_file_open(&w, NULL, path, &SPEC, &why), 0);
    cr_assert_eq(audio_file_write(&w, (const int16_t[]){1, 2}, 1), 0);
    cr_assert_eq(audio_file_finish(&w, &size, digest, &why), 0);
    struct stat st;
    cr_assert_eq(stat(path, &st), 0);
    cr_assert_eq(st.st_size, 84);
}

/* Files of ours; a link into somebody else's is not written through. */
Test(wav, what_a_crash_left_never_goes_away_before_the_new_one_is_there)
{
    struct audio_file w;
    struct why why;
    struct stat before, now;
    int fd = open(part, O_WRONLY | O_CREAT | O_EXCL, 0600);
    cr_assert_eq(write(fd, "half", 4), 4);
    cr_assert_eq(fstat(fd, &before), 0);
    close(fd);
    cr_assert_eq(audio_file_open(&w, NULL, path, &SPEC, &why), 0);
    cr_assert_eq(stat(part, &now), 0);
    cr_assert_eq(now.st_ino, before.st_ino, "it was removed and made anew");
    audio_file_abandon(&w);

    char other[300];
    snprintf(other, sizeof other, "%s.other", path);
    fd = open(other, O_WRONLY | O_CREAT | O_EXCL, 0600);
    cr_assert_eq(write(fd, "mine", 4), 4);
    close(fd);
    for (int hard = 0; hard < 2; hard++) {
        cr_assert_eq(hard ? link(other, part) : symlink(other, part), 0);
        cr_assert_eq(audio_file_open(&w, NULL, path, &SPEC, &why), 0, "%s", why.text);
        audio_file_abandon(&w);
        cr_assert_eq(stat(other, &now), 0);
        cr_assert_eq(now.st_size, 4);
    }
    unlink(other);
}

Test(wav, abandoned_file_is_gone)
{
    struct audio_file w;
    struct why why;
    cr_assert_eq(audio_file_open(&w, NULL, path, &SPEC, &why), 0);
    audio_file_abandon(&w);
    audio_file_abandon(&w);
    cr_assert_neq(access(part, F_OK), 0);
    cr_assert_neq(access(path, F_OK), 0);
}

Test(wav, folder_that_is_not_there_is_named)
{
    struct audio_file w;
    struct why why;
    cr_assert_neq(audio_file_open(&w, NULL, "/nonexistent/a.wav", &SPEC, &why), 0);
    cr_assert(strstr(why.text, "/nonexistent/a.wav"), "%s", why.text);
}

Test(wav, full_disk_is_told)
{
    struct part_file f = {.fd = open("/dev/full", O_WRONLY)};
    cr_assert_eq(part_file_write(&f, "abcd", 4), ERR_FULL);
    close(f.fd);
}

static uint64_t u64_at(const uint8_t *at)
{
    uint64_t v;
    memcpy(&v, at, 8);
    return v;
}

Test(wav, file_past_4_gib_is_rf64)
{
    struct audio_file w;
    struct why why;
    uint8_t head[80];
    const int64_t frames = 1200000000; /* 4.8 GB, as a hole */
    int64_t size;
    uint8_t digest[32];
    cr_assert_eq(audio_file_open(&w, NULL, path, &SPEC, &why), 0);
    cr_assert_eq(audio_file_skip(&w, frames), 0);
    cr_assert_eq(audio_file_write(&w, (const int16_t[]){1, 2}, 1), 0);
    cr_assert_eq(encoder_finish(&w.encoder), 0);
    struct stat st;
    cr_assert_eq(fstat(w.file.fd, &st), 0);
    size = st.st_size;
    cr_assert_eq(size, 80 + 4 * (frames + 1));
    cr_assert_lt(st.st_blocks * 512, 1000000);
    cr_assert_eq(pread(w.file.fd, head, 80, 0), 80);
    cr_assert_eq(memcmp(head, "RF64\xff\xff\xff\xffWAVEds64", 16), 0);
    cr_assert_eq(memcmp(head + 72, "data\xff\xff\xff\xff", 8), 0);
    cr_assert_eq(u64_at(head + 20), (uint64_t)size - 8);
    cr_assert_eq(u64_at(head + 28), 4 * ((uint64_t)frames + 1));
    cr_assert_eq(u64_at(head + 36), (uint64_t)frames + 1);
    audio_file_abandon(&w);
    (void)digest;
}

Test(wav, limit_of_riff_is_where_it_is)
{
    for (int more = 0; more < 2; more++) {
        struct audio_file w;
        struct why why;
        uint8_t head[80], digest[32];
        int64_t size;
        cr_assert_eq(audio_file_open(&w, NULL, path, &SPEC, &why), 0);
        encoder_wav_limit(&w.encoder, 72 + 400 + 4 * (uint64_t)(1 - more) - 4);
        cr_assert_eq(audio_file_skip(&w, 100), 0);
        cr_assert_eq(audio_file_finish(&w, &size, digest, &why), 0);
        cr_assert_eq(size, 480);
        int fd = open(path, O_RDONLY);
        cr_assert_eq(pread(fd, head, 80, 0), 80);
        close(fd);
        cr_assert_eq(memcmp(head, more ? "RF64" : "RIFF", 4), 0);
        cr_assert_eq(memcmp(head + 12, more ? "ds64" : "JUNK", 4), 0);
    }
}

Test(wav, tags_stand_behind_the_sound)
{
    const struct audio_tags tags = {.title = "100 to 200", .date = "2026-11-21", .comment = "abc"};
    struct audio_spec spec = SPEC;
    struct audio_file w;
    struct why why;
    uint8_t digest[32], all[400];
    int64_t size;
    spec.tags = &tags;
    cr_assert_eq(audio_file_open(&w, NULL, path, &spec, &why), 0);
    cr_assert_eq(audio_file_write(&w, (const int16_t[]){1, 2}, 1), 0);
    cr_assert_eq(audio_file_finish(&w, &size, digest, &why), 0);
    cr_assert_eq(size, (int64_t)(84 + encoder_wav_tags_size(&tags)));
    int fd = open(path, O_RDONLY);
    cr_assert_eq(read(fd, all, sizeof all), size);
    close(fd);
    cr_assert_eq(memcmp(all + 84, "LIST", 4), 0);
    cr_assert_eq(memcmp(all + 92, "INFOINAM\x0b\0\0\0" "100 to 200\0\0", 24), 0);
    uint32_t riff;
    memcpy(&riff, all + 4, 4);
    cr_assert_eq(riff, size - 8);
}

Test(wav, path_stays_below_its_folder)
{
    struct audio_file w;
    struct why why;
    char link_path[300];
    snprintf(link_path, sizeof link_path, "%s/out", dir);
    cr_assert_eq(symlink("/tmp", link_path), 0);
    cr_assert_neq(audio_file_open(&w, dir, "../a.wav", &SPEC, &why), 0);
    cr_assert_neq(audio_file_open(&w, dir, "/a.wav", &SPEC, &why), 0);
    cr_assert_eq(audio_file_open(&w, dir, "out/a.wav", &SPEC, &why), ERR_DENIED);
    unlink(link_path);
    cr_assert_eq(audio_file_open(&w, dir, "a.wav", &SPEC, &why), 0);
    audio_file_abandon(&w);
}

Test(wav, window_writes_any_order_and_skips_silence)
{
    struct output o;
    struct mix m;
    struct why why;
    struct render_result result = {0};
    const uint64_t heard[2] = {1, 1};
    const struct output_config config = {.path = path, .channels = 2, .rate_hz = 8000};
    int16_t pcm[100];
    for (int i = 0; i < 100; i++)
        pcm[i] = (int16_t)(i + 1);
    cr_assert_eq(output_open(&o, &config, &why), 0);
    cr_assert_eq(mix_init(&m, &o, 2, 8000), 0);
    mix_place(&m, 0, -50, pcm, 100, 0, MEASURE_SOUND);             /* half of it lies before the file */
    mix_place(&m, 1, 8000 * 3600 * 2, pcm, 100, 0, MEASURE_SOUND); /* two hours on */
    mix_place(&m, 0, 8000 * 3600 * 2 - 8000, pcm, 100, 0, MEASURE_SOUND);
    mix_place(&m, 0, 8000, pcm, 100, 0, MEASURE_SOUND); /* too late: gone */
    cr_assert_eq(mix_flush(&m), 0);
    cr_assert_eq(m.end, 8000 * 3600 * 2 + 100);
    mix_fini(&m);
    cr_assert_eq(output_finish(&o, heard, &result, &why), 0);
    output_abandon(&o);
    cr_assert_eq(result.size_bytes, 80 + 4 * (INT64_C(8000) * 3600 * 2 + 100));
    struct stat st;
    cr_assert_eq(stat(path, &st), 0);
    cr_assert_lt(st.st_blocks * 512, 2000000, "silence is a hole");
    int fd = open(path, O_RDONLY);
    int16_t frame[2];
    cr_assert_eq(pread(fd, frame, 4, 80), 4);
    cr_assert_eq(frame[0], 51);
    cr_assert_eq(pread(fd, frame, 4, 80 + 4 * 8000), 4);
    cr_assert_eq(frame[0], 0);
    cr_assert_eq(pread(fd, frame, 4, 80 + INT64_C(4) * (8000 * 3600 * 2 - 8000 + 9)), 4);
    cr_assert_eq(frame[0], 10);
    cr_assert_eq(pread(fd, frame, 4, 80 + INT64_C(4) * (8000 * 3600 * 2 + 99)), 4);
    cr_assert_eq(frame[1], 100);
    close(fd);
}
