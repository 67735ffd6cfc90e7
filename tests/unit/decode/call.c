#include "tests/unit/decode/call.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/crypto.h"
#include "base/cursor.h"

#define PACKETS_MAX 8192

void call_flow_init(struct call_flow *f, unsigned channel, const char *codec, uint8_t payload_type,
                    uint32_t clock_hz, uint32_t ssrc)
{
    *f = (struct call_flow){.channel = channel,
                            .codec_count = 1,
                            .payload_type = payload_type,
                            .sequence = 65500,
                            .timestamp = 4294960000u,
                            .ssrc = ssrc,
                            .now_ns = CALL_START_NS};
    snprintf(f->codecs[0].name, sizeof f->codecs[0].name, "%s", codec);
    f->codecs[0].clock_hz = clock_hz;
    f->codecs[0].payload_type = payload_type;
    f->codecs[0].channels = 1;
    f->packets = malloc(PACKETS_MAX * sizeof *f->packets);
    cr_assert(f->packets);
}

void call_flow_fini(struct call_flow *f)
{
    free(f->packets);
}

static void be16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static void be32(uint8_t *p, uint32_t v)
{
    be16(p, (uint16_t)(v >> 16));
    be16(p + 2, (uint16_t)v);
}

void call_put(struct call_flow *f, const void *payload, size_t size)
{
    cr_assert(f->count < PACKETS_MAX && size + 12 <= sizeof f->packets->data);
    struct call_packet *p = &f->packets[f->count++];
    p->time_ns = f->now_ns;
    p->size = (uint16_t)(size + 12);
    p->data[0] = 0x80;
    p->data[1] = f->payload_type;
    be16(p->data + 2, f->sequence);
    be32(p->data + 4, f->timestamp);
    be32(p->data + 8, f->ssrc);
    if (size)
        memcpy(p->data + 12, payload, size);
}

void call_send(struct call_flow *f, const void *payload, size_t size, uint32_t ticks, double ms)
{
    call_put(f, payload, size);
    f->sequence++;
    f->timestamp += ticks;
    f->now_ns += (int64_t)(ms * 1e6);
}

static uint8_t ulaw(int16_t v)
{
    int sign = v < 0 ? 0x80 : 0, size = (v < 0 ? -v : v) + 132, segment = 7;
    if (size > 32767)
        size = 32767;
    while (segment > 0 && size < 128 << segment)
        segment--;
    return (uint8_t) ~(sign | segment << 4 | (size >> (segment + 3) & 15));
}

static uint8_t alaw(int16_t v)
{
    int sign = v >= 0 ? 0x80 : 0, size = v < 0 ? -v - 1 : v, segment = 7;
    while (segment > 0 && size < 128 << segment)
        segment--;
    int step = segment ? size >> (segment + 3) & 15 : size >> 4 & 15;
    return (uint8_t)((sign | segment << 4 | step) ^ 0x55);
}

static void send_g711(struct call_flow *f, const int16_t *pcm, size_t count,
                      uint8_t (*code)(int16_t))
{
    for (size_t at = 0; at + 160 <= count; at += 160) {
        uint8_t payload[160];
        for (int i = 0; i < 160; i++)
            payload[i] = code(pcm[at + (size_t)i]);
        call_send(f, payload, sizeof payload, 160, 20);
    }
}

void call_send_pcmu(struct call_flow *f, const int16_t *pcm, size_t count)
{
    send_g711(f, pcm, count, ulaw);
}

void call_send_pcma(struct call_flow *f, const int16_t *pcm, size_t count)
{
    send_g711(f, pcm, count, alaw);
}

void call_send_l16(struct call_flow *f, const int16_t *pcm, size_t count, unsigned per_packet,
                   double ms)
{
    for (size_t at = 0; at + per_packet <= count; at += per_packet) {
        uint8_t payload[4000];
        for (unsigned i = 0; i < per_packet; i++)
            be16(payload + 2 * i, (uint16_t)pcm[at + i]);
        call_send(f, payload, 2 * per_packet, per_packet, ms);
    }
}

static int by_time(const void *a, const void *b)
{
    const struct call_packet *x = a, *y = b;
    return x->time_ns < y->time_ns ? -1 : x->time_ns > y->time_ns;
}

void call_sort(struct call_flow *f)
{
    qsort(f->packets, f->count, sizeof *f->packets, by_time);
}

int call_flow_next(void *context, struct render_packet *ret_packet)
{
    struct call_flow *f = context;
    if (f->damaged) {
        f->damaged--;
        return ERR_TRUNCATED;
    }
    if (f->at == f->count)
        return 0;
    const struct call_packet *p = &f->packets[f->at++];
    *ret_packet = (struct render_packet){.time_ns = p->time_ns,
                                         .datagram = slice_of(p->data, p->size),
                                         .codecs = f->codecs,
                                         .codec_count = f->codec_count};
    return 1;
}

static void check_digest(const uint8_t *file, size_t size, const struct render_result *r)
{
    uint8_t digest[32];
    crypto_sha256(slice_of(file, size), digest);
    cr_assert_eq(memcmp(digest, r->sha256, sizeof digest), 0, "digest of the file");
    cr_assert_eq((int64_t)size, r->size_bytes);
}

static void read_file(const char *path, struct call_sound *s)
{
    FILE *in = fopen(path, "rb");
    cr_assert(in, "the file is there");
    fseek(in, 0, SEEK_END);
    size_t size = (size_t)ftell(in);
    rewind(in);
    uint8_t *file = malloc(size);
    cr_assert_eq(fread(file, 1, size, in), size);
    fclose(in);
    check_digest(file, size, &s->result);
    struct cursor c = cursor_over(slice_of(file, size));
    cr_assert(slice_is(cursor_slice(&c, 4), "RIFF"));
    cr_assert_eq(cursor_u32_le(&c), size - 8);
    cursor_skip(&c, 4 + 36 + 8 + 4);
    s->rate_hz = (int)cursor_u32_le(&c);
    cursor_skip(&c, 8 + 4);
    cr_assert_eq(cursor_u32_le(&c), size - 80, "length of the data chunk");
    s->frames = (int64_t)(size - 80) / 4;
    cr_assert_eq(s->frames, s->result.samples);
    for (int ch = 0; ch < 2; ch++) {
        s->channel[ch] = calloc((size_t)s->frames + 1, sizeof(int16_t));
        for (int64_t i = 0; i < s->frames; i++)
            s->channel[ch][i] =
                (int16_t)(file[80 + i * 4 + ch * 2] | file[81 + i * 4 + ch * 2] << 8);
    }
    free(file);
}

int call_render_with(struct call_flow *flows, unsigned count, struct render_request request,
                     struct call_sound *ret_sound)
{
    char dir[200], path[256], part[280];
    const char *temporary = getenv("TMPDIR");
    snprintf(dir, sizeof dir, "%s/decode-test-XXXXXX", temporary ? temporary : "/tmp");
    cr_assert(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/call.wav", dir);
    snprintf(part, sizeof part, "%s.part", path);
    struct render_flow rf[16];
    for (unsigned i = 0; i < count; i++) {
        flows[i].at = 0;
        rf[i] =
            (struct render_flow){.channel = flows[i].channel, .context = &flows[i], .next = call_flow_next};
    }
    request.path = path;
    request.flows = rf;
    request.flow_count = count;
    *ret_sound = (struct call_sound){0};
    struct why why;
    int err = render_call(&request, &ret_sound->result, &why);
    cr_assert_neq(access(part, F_OK), 0, "no part is left");
    if (err == 0)
        read_file(path, ret_sound);
    else
        cr_assert_neq(access(path, F_OK), 0, "no file is left");
    unlink(path);
    rmdir(dir);
    return err;
}

int call_render(struct call_flow *flows, unsigned count, struct call_sound *ret_sound)
{
    return call_render_with(flows, count, (struct render_request){0}, ret_sound);
}

void call_sound_fini(struct call_sound *s)
{
    free(s->channel[0]);
    free(s->channel[1]);
}

void call_tone(int16_t *out, size_t count, int rate_hz, double hz, double amplitude)
{
    for (size_t i = 0; i < count; i++)
        out[i] = (int16_t)lrint(amplitude * sin(2 * M_PI * hz * (double)i / rate_hz));
}

void call_speech(int16_t *out, size_t count, int rate_hz, unsigned seed)
{
    double phase = 0;
    for (size_t i = 0; i < count; i++) {
        double t = (double)i / rate_hz;
        double pitch = 120 + 30 * sin(2 * M_PI * 0.7 * t + seed) + 13 * sin(2 * M_PI * 2.3 * t);
        double loud = fmax(0, sin(2 * M_PI * 1.9 * t + 1.3 * sin(2 * M_PI * 0.37 * t + seed)));
        double v = 0;
        phase += 2 * M_PI * pitch / rate_hz;
        for (int h = 1; h <= 20; h++)
            v += sin(h * phase + h * h) * exp(-fabs(h * pitch - 500 - 400 * sin(3.1 * t)) / 600);
        out[i] = (int16_t)lrint(2500 * loud * v);
    }
}

double call_rms(const int16_t *pcm, int64_t count)
{
    double sum = 0;
    for (int64_t i = 0; i < count; i++)
        sum += (double)pcm[i] * pcm[i];
    return count > 0 ? sqrt(sum / (double)count) : 0;
}

double call_amplitude(const int16_t *pcm, int64_t count, int rate_hz, double hz)
{
    double re = 0, im = 0;
    for (int64_t i = 0; i < count; i++) {
        double a = 2 * M_PI * hz * (double)i / rate_hz;
        re += pcm[i] * cos(a);
        im += pcm[i] * sin(a);
    }
    return count > 0 ? 2 * hypot(re, im) / (double)count : 0;
}

double call_correlation(const int16_t *a, int64_t a_count, const int16_t *b, int64_t b_count,
                        int lag)
{
    double ab = 0, aa = 1e-9, bb = 1e-9;
    for (int64_t i = 0; i < a_count; i++) {
        int64_t j = i + lag;
        if (j < 0 || j >= b_count)
            continue;
        ab += (double)a[i] * b[j];
        aa += (double)a[i] * a[i];
        bb += (double)b[j] * b[j];
    }
    return ab / sqrt(aa * bb);
}

int call_best_lag(const int16_t *a, int64_t a_count, const int16_t *b, int64_t b_count, int most)
{
    int best = 0;
    double top = -2;
    for (int lag = -most; lag <= most; lag++) {
        double c = call_correlation(a, a_count, b, b_count, lag);
        if (c > top) {
            top = c;
            best = lag;
        }
    }
    return best;
}
