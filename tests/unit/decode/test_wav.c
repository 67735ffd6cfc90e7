#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "decode/mix.h"

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
    struct wav w;
    struct why why;
    int64_t size;
    uint8_t digest[32];
    cr_assert_eq(wav_open(&w, path, 2, 8000, &why), 0);
    cr_assert_eq(wav_write(&w, "abcdefgh", 8), 0);
    cr_assert_eq(access(part, F_OK), 0);
    cr_assert_neq(access(path, F_OK), 0);
    cr_assert_eq(wav_finish(&w, &size, digest, &why), 0);
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
    struct wav w;
    struct why why;
    int64_t size;
    uint8_t digest[32];
    cr_assert_eq(wav_open(&w, path, 2, 8000, &why), 0);
    cr_assert_eq(wav_write(&w, "abcd", 4), 0);
    cr_assert_eq(wav_finish(&w, &size, digest, &why), 0);
    struct stat st;
    cr_assert_eq(stat(path, &st), 0);
    cr_assert_eq(st.st_size, 84);
}

Test(wav, abandoned_file_is_gone)
{
    struct wav w;
    struct why why;
    cr_assert_eq(wav_open(&w, path, 2, 8000, &why), 0);
    wav_abandon(&w);
    wav_abandon(&w);
    cr_assert_neq(access(part, F_OK), 0);
    cr_assert_neq(access(path, F_OK), 0);
}

Test(wav, folder_that_is_not_there_is_named)
{
    struct wav w;
    struct why why;
    cr_assert_neq(wav_open(&w, "/nonexistent/a.wav", 2, 8000, &why), 0);
    cr_assert(strstr(why.text, "/nonexistent/a.wav"), "%s", why.text);
}

Test(wav, full_disk_is_told)
{
    struct wav w = {.fd = open("/dev/full", O_WRONLY)};
    cr_assert_eq(wav_write(&w, "abcd", 4), ERR_FULL);
    close(w.fd);
}

Test(wav, file_past_4_gib_is_rf64)
{
    struct wav w;
    struct why why;
    uint8_t head[80];
    cr_assert_eq(wav_open(&w, path, 2, 8000, &why), 0);
    w.data_bytes = INT64_C(5000000000) / 4 * 4; /* as if it had been written */
    int64_t size;
    uint8_t digest[32];
    cr_assert_eq(wav_finish(&w, &size, digest, &why), 0);
    FILE *f = fopen(path, "rb");
    cr_assert_eq(fread(head, 1, 80, f), 80);
    fclose(f);
    cr_assert_eq(memcmp(head, "RF64\xff\xff\xff\xffWAVEds64", 16), 0);
    cr_assert_eq(memcmp(head + 72, "data\xff\xff\xff\xff", 8), 0);
    uint64_t data;
    memcpy(&data, head + 28, 8);
    cr_assert_eq(data, 5000000000u);
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
