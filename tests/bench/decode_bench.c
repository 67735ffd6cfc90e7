/* What rendering costs against the least that anybody could do with the same payloads:
 *
 *   G.711   two sides, to a WAV file, against a bare loop: table, interleave, write. Rendering also
 *           takes the SHA-256 of the file and waits for the disk (the seal), which the loop does
 * not owe: the digest alone, of bytes in memory, costs about what the loop does. So there are two
 * limits: `unsealed` is rendering without the seal against the loop, `sealed` is all of it against
 * the loop and such a digest. `ratio`, all of it against the loop alone, is printed others  one
 * side, to a WAV file of the codec's rate, against libavcodec decoding the payloads, keeping
 * nothing
 *
 *     decode_bench [SECONDS [RUNS [CODEC]]]
 *
 * CPU seconds (user and system), the median of RUNS runs in turns; files go to TMPDIR. */
#include <libavcodec/avcodec.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/crypto.h"
#include "decode/av.h"
#include "decode/codec.h"
#include "decode/part_file.h"
#include "decode/render.h"
#include "tests/support/encode/encode.h"

#define SPEECH_S   10
#define RUNS_MAX   21
#define OTHER_SIDE 100 /* frames that it is ahead */

struct row {
    const char *name, *fmtp;
    uint32_t clock_hz, ticks;
    struct encode_as as;
    const char *decoder; /* of libavcodec */
    double most;         /* ratio; 0: printed only. Of G.711 of both, unsealed and sealed */
};

/* clang-format off */
static const struct row rows[] = {
    {"opus", "", 48000, 960, {.encoder = "libopus direct", .rate_hz = 48000, .frame = 960, .bit_rate = 32000}, "libopus", 1.3},
    {"G722", "", 8000, 160, {.encoder = "g722", .rate_hz = 16000, .frame = 320, .bit_rate = 64000}, "g722", 1.3},
    {"G729", "", 8000, 80, {.encoder = "g729", .rate_hz = 8000, .frame = 80}, "g729", 1.3},
    {"AMR-WB", "octet-align=1", 16000, 320, {.encoder = "amrwb", .rate_hz = 16000, .frame = 320, .mode = 8}, "amrwb", 1.3},
    {"AMR", "octet-align=1", 8000, 160, {.encoder = "amrnb", .rate_hz = 8000, .frame = 160, .mode = 7}, "amrnb", 0},
    {"GSM", "", 8000, 160, {.encoder = "libgsm", .rate_hz = 8000, .frame = 160, .bit_rate = 13000}, "gsm", 0},
    {"G723", "", 8000, 240, {.encoder = "g723_1", .rate_hz = 8000, .frame = 240, .bit_rate = 6300}, "g723_1", 0},
    {"G726-32", "", 8000, 160, {.encoder = "g726le", .rate_hz = 8000, .frame = 160, .bits = 4, .bit_rate = 32000}, "g726le", 0},
    {"speex", "", 16000, 320, {.encoder = "libspeex", .rate_hz = 16000, .frame = 320, .bit_rate = 27800}, "libspeex", 0},
    {"PCMU", "", 8000, 160, {.encoder = "pcm_mulaw", .rate_hz = 8000, .frame = 160}, NULL, 1.5},
};
/* clang-format on */

static struct encoded encoded;
static char path[300];

static double cpu_s(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

/* ---- a flow out of memory: the frames over and over ---- */

struct flow {
    const struct row *row;
    struct render_codec codec;
    unsigned at, count;
    unsigned ahead; /* of the other side, so that the two say different things */
};

/* Each frame behind room for its RTP header; only that is written anew. */
static struct packet {
    size_t size;
    uint8_t data[13 + ENCODED_BYTES];
} packets[ENCODED_MAX];

static void make_packets(const struct row *row)
{
    bool storage =
        strncmp(row->name, "AMR", 3) == 0; /* the header octet is the table of contents */
    for (unsigned i = 0; i < encoded.count; i++) {
        struct packet *p = &packets[i];
        p->data[12] = 0xf0;
        p->size = 12u + storage + encoded.size[i];
        memcpy(p->data + 12 + storage, encoded.data[i], encoded.size[i]);
    }
}

static int next(void *context, struct render_packet *ret_packet)
{
    struct flow *f = context;
    if (f->at == f->count)
        return 0;
    struct packet *p = &packets[(f->at + f->ahead) % encoded.count];
    uint32_t timestamp = f->at * f->row->ticks;
    const uint8_t head[12] = {0x80,
                              96,
                              (uint8_t)(f->at >> 8),
                              (uint8_t)f->at,
                              (uint8_t)(timestamp >> 24),
                              (uint8_t)(timestamp >> 16),
                              (uint8_t)(timestamp >> 8),
                              (uint8_t)timestamp,
                              0,
                              0,
                              0,
                              1};
    memcpy(p->data, head, sizeof head);
    *ret_packet = (struct render_packet){
        .time_ns = (int64_t)f->at * f->row->ticks * 1000000000 / f->row->clock_hz,
        .datagram = slice_of(p->data, p->size),
        .codecs = &f->codec,
        .codec_count = 1,
    };
    f->at++;
    return 1;
}

static void flow_init(struct flow *f, const struct row *row, unsigned count)
{
    *f = (struct flow){.row = row, .count = count};
    f->codec = (struct render_codec){.clock_hz = row->clock_hz, .payload_type = 96, .channels = 1};
    slice_copy_to(slice_str(row->name), f->codec.name, sizeof f->codec.name);
    slice_copy_to(slice_str(row->fmtp), f->codec.fmtp, sizeof f->codec.fmtp);
}

static double render(const struct row *row, unsigned count, unsigned sides, bool measures)
{
    static struct flow flows[2];
    struct render_flow rf[2];
    struct hearing_report heard;
    struct render_result result;
    struct why why;
    for (unsigned i = 0; i < sides; i++) {
        flow_init(&flows[i], row, count);
        flows[i].ahead = i * OTHER_SIDE;
        rf[i] = (struct render_flow){.channel = i, .context = &flows[i], .next = next};
    }
    struct render_request request = {
        .path = path, .flows = rf, .flow_count = sides, .hearing = measures ? &heard : NULL};
    double from = cpu_s();
    int err = render_call(&request, &result, &why);
    double took = cpu_s() - from;
    if (err || result.decode_errors) {
        fprintf(stderr, "decode_bench: %s: %s, %lu errors\n", row->name, err ? why.text : "",
                (unsigned long)result.decode_errors);
        exit(1);
    }
    unlink(path);
    return took;
}

/* ---- the yardsticks ---- */

static double decode_alone(const struct row *row, unsigned count)
{
    const AVCodec *codec = avcodec_find_decoder_by_name(row->decoder);
    AVCodecContext *ctx = avcodec_alloc_context3(codec);
    AVPacket *packet = av_packet_alloc();
    AVFrame *frame = av_frame_alloc();
    static uint8_t data[ENCODED_BYTES + AV_INPUT_BUFFER_PADDING_SIZE];
    ctx->sample_rate = row->as.rate_hz;
    ctx->bits_per_coded_sample = row->as.bits;
    ctx->block_align = encoded.size[0];
    ctx->request_sample_fmt = AV_SAMPLE_FMT_S16;
    ctx->thread_count = 1;
    av_channel_layout_default(&ctx->ch_layout, 1);
    if (avcodec_open2(ctx, codec, NULL) != 0)
        exit(1);
    double from = cpu_s();
    for (unsigned i = 0; i < count; i++) {
        unsigned k = i % encoded.count;
        memcpy(data, encoded.data[k], encoded.size[k]);
        packet->data = data;
        packet->size = encoded.size[k];
        avcodec_send_packet(ctx, packet);
        while (avcodec_receive_frame(ctx, frame) == 0)
            av_frame_unref(frame);
    }
    double took = cpu_s() - from;
    packet->data = NULL;
    packet->size = 0;
    av_frame_free(&frame);
    av_packet_free(&packet);
    avcodec_free_context(&ctx);
    return took;
}

/* Table, interleave, write. */
static double table_alone(unsigned count)
{
    static int16_t table[256], out[2 * 160];
    struct decoder d = {.type = &codec_pcmu, .rate_hz = 8000, .channels = 1};
    int16_t one[CODEC_MAX_SAMPLES];
    for (int i = 0; i < 256; i++) {
        uint8_t code = (uint8_t)i;
        decoder_decode(&d, slice_of(&code, 1), 0, one);
        table[i] = one[0];
    }
    double from = cpu_s();
    FILE *f = fopen(path, "wb");
    for (unsigned i = 0; f && i < count; i++) {
        const uint8_t *left = encoded.data[i % encoded.count],
                      *right = encoded.data[(i + OTHER_SIDE) % encoded.count];
        for (int k = 0; k < 160; k++) {
            out[2 * k] = table[left[k]];
            out[2 * k + 1] = table[right[k]];
        }
        fwrite(out, sizeof out, 1, f);
    }
    if (f == NULL || fclose(f) != 0)
        exit(1);
    double took = cpu_s() - from;
    unlink(path);
    return took;
}

static const int16_t silence[2 * 160 * 400];

static int64_t loop_bytes(unsigned count)
{
    return (int64_t)count * 2 * 160 * 2;
}

static size_t piece(int64_t left)
{
    return left < (int64_t)sizeof silence ? (size_t)left : sizeof silence;
}

/* Of as many bytes as the loop writes, out of the cache. */
static double digest_alone(unsigned count)
{
    struct crypto_sha256_state sha;
    uint8_t sha256[32];
    double from = cpu_s();
    crypto_sha256_init(&sha);
    for (int64_t left = loop_bytes(count); left > 0; left -= (int64_t)piece(left))
        crypto_sha256_update(&sha, slice_of((const uint8_t *)silence, piece(left)));
    crypto_sha256_final(&sha, sha256);
    return cpu_s() - from;
}

/* Digest, sync and name of a file as large as the loop's. */
static double seal_alone(unsigned count)
{
    struct part_file f;
    struct why why;
    int64_t size = loop_bytes(count);
    uint8_t sha256[32];
    int err = part_file_open(&f, NULL, path, "part", &why);
    for (int64_t left = size; left > 0 && err == 0; left -= (int64_t)piece(left))
        err = part_file_write(&f, silence, piece(left));
    double from = cpu_s();
    if (err == 0)
        err = part_file_finish(&f, &size, sha256, &why);
    if (err)
        exit(1);
    double took = cpu_s() - from;
    unlink(path);
    return took;
}

/* ---- rows ---- */

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static double median(double *v, int count)
{
    qsort(v, (size_t)count, sizeof *v, by_value);
    return v[count / 2];
}

static void speech(const struct row *row)
{
    static int16_t raw[16000 * SPEECH_S], pcm[48000 * SPEECH_S];
    int rate = row->as.rate_hz;
    FILE *f = fopen(TEST_DATA "/speech/speech-16k.raw", "rb");
    size_t got = f ? fread(raw, 2, 16000 * SPEECH_S, f) : 0;
    if (f)
        fclose(f);
    for (int i = 0; got && i < rate * SPEECH_S; i++)
        pcm[i] = raw[(size_t)i * 16000 / (size_t)rate % got];
    if (got == 0 || !encode(&row->as, pcm, (size_t)(rate * SPEECH_S), &encoded))
        exit(1);
}

static bool within(const struct row *row, double ratio)
{
    return row->most == 0 || ratio < row->most + 0.005; /* as printed */
}

struct figures { /* medians, CPU seconds */
    double least, ours, measured;
    double seal, digest; /* of G.711 */
};

static void print(const struct row *row, double seconds, const struct figures *f, bool good)
{
    printf("%-8s %9.3f %9.3f %8.2f %8.2f %9.0f  %s\n", row->name, f->least, f->ours,
           f->ours / f->least, f->measured / f->least, seconds / f->ours,
           row->most == 0 ? ""
           : good         ? "within"
                          : "ABOVE");
    if (row->decoder == NULL)
        printf("%-8s digest alone %.3f s, seal %.3f s: unsealed %.2f, sealed %.2f\n", "", f->digest,
               f->seal, (f->ours - f->seal) / f->least, f->ours / (f->least + f->digest));
    fflush(stdout);
}

static bool run(const struct row *row, double seconds, int runs)
{
    double ours[RUNS_MAX], theirs[RUNS_MAX], measured[RUNS_MAX], seals[RUNS_MAX], digests[RUNS_MAX];
    unsigned count = (unsigned)(seconds * row->clock_hz / row->ticks), sides = row->decoder ? 1 : 2;
    speech(row);
    make_packets(row);
    for (int i = 0; i < runs; i++) {
        theirs[i] = row->decoder ? decode_alone(row, count) : table_alone(count);
        seals[i] = row->decoder ? 0 : seal_alone(count);
        digests[i] = row->decoder ? 0 : digest_alone(count);
        ours[i] = render(row, count, sides, false);
        measured[i] = render(row, count, sides, true);
    }
    const struct figures f = {.least = median(theirs, runs),
                              .ours = median(ours, runs),
                              .measured = median(measured, runs),
                              .seal = median(seals, runs),
                              .digest = median(digests, runs)};
    bool good = row->decoder ? within(row, f.ours / f.least)
                             : within(row, (f.ours - f.seal) / f.least) &&
                                   within(row, f.ours / (f.least + f.digest));
    print(row, seconds, &f, good);
    return good;
}

int main(int argc, char **argv)
{
    double seconds = argc > 1 ? atof(argv[1]) : 600;
    int runs = argc > 2 ? atoi(argv[2]) : 5;
    const char *dir = getenv("TMPDIR");
    bool good = true;
    if (seconds < 1 || runs < 1 || runs > RUNS_MAX) {
        fprintf(stderr, "usage: decode_bench [SECONDS [RUNS, at most %d [CODEC]]]\n", RUNS_MAX);
        return 2;
    }
    snprintf(path, sizeof path, "%s/decode-bench-%ld.wav", dir ? dir : "/tmp", (long)getpid());
    printf("codec      least s    ours s    ratio measured real time\n");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (argc < 4 || strcmp(argv[3], rows[i].name) == 0)
            good &= run(&rows[i], seconds, runs);
    return good ? 0 : 1;
}
