#include "app/call_table.h"

#include <math.h>
#include <time.h>

/* START FROM TO OUTCOME DURATION CODEC LOSS JITTER MOS RECORDING */
#define ROW "%-19s %-22.22s %-22.22s %-11s %8s %-8.8s %13s %13s %11s  %s\n"

void call_table_head(FILE *out)
{
    fprintf(out, ROW, "START (UTC)", "CALLER", "CALLEE", "OUTCOME", "DURATION", "CODEC", "LOSS %", "JITTER ms", "MOS-LQ",
            "RECORDING");
}

static void party_text(const struct record_party *p, const struct endpoint *fallback, char *out, size_t size)
{
    char text[ENDPOINT_TEXT_SIZE];
    if (p->user.size)
        snprintf(out, size, "%.*s", SLICE_ARGS(p->user));
    else if (p->host.size)
        snprintf(out, size, "%.*s", SLICE_ARGS(p->host));
    else
        snprintf(out, size, "%s", endpoint_text(fallback, text));
    for (char *c = out; *c; c++) /* wire bytes do not command terminals */
        if ((unsigned char)*c < 32 || (unsigned char)*c == 127)
            *c = '?';
}

static void duration_text(int64_t ms, char *out, size_t size)
{
    int64_t s = ms / 1000;
    if (ms < 0)
        snprintf(out, size, "-");
    else if (s >= 3600)
        snprintf(out, size, "%d:%02d:%02d", (int)(s / 3600), (int)(s / 60 % 60), (int)(s % 60));
    else
        snprintf(out, size, "%d:%04.1f", (int)(s / 60), (double)(ms % 60000) / 1000);
}

static bool sounds(const struct record_stream *s)
{
    return strcmp(s->media_type, "audio") == 0;
}

/* Of what a party sends the stream with the most packets, of sound if there is any; NULL: none. */
static const struct record_stream *stream_of(const struct call_record *r, const char *party)
{
    const struct record_stream *best = NULL;
    for (uint32_t i = 0; i < r->stream_count; i++) {
        const struct record_stream *s = &r->streams[i];
        if (strcmp(s->party, party) != 0)
            continue;
        if (best == NULL || sounds(s) > sounds(best) || (sounds(s) == sounds(best) && s->packets > best->packets))
            best = s;
    }
    return best;
}

static void number_text(double v, int decimals, char *out, size_t size)
{
    if (isnan(v))
        snprintf(out, size, "-");
    else
        snprintf(out, size, "%.*f", decimals, v);
}

static void pair_text(double a, double b, int decimals, char *out, size_t size)
{
    char left[24], right[24];
    number_text(a, decimals, left, sizeof left);
    number_text(b, decimals, right, sizeof right);
    snprintf(out, size, "%s/%s", left, right);
}

static double loss_percent(const struct record_stream *s)
{
    return s && s->expected ? 100.0 * (double)s->lost / (double)s->expected : NAN;
}

static const char *recording_text(const struct call_record *r)
{
    const struct record_recording *g = &r->recording;
    if (g->result == NULL || strcmp(g->result, "rule") == 0)
        return "-";
    if (g->path.size)
        return (const char *)g->path.data;
    return g->result;
}

void call_table_row(FILE *out, const struct call_record *r)
{
    char start[32], from[64], to[64], duration[24], loss[40], jitter[40], mos[40];
    time_t seconds = (time_t)(r->started_us / 1000000);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    strftime(start, sizeof start, "%Y-%m-%d %H:%M:%S", &tm);
    party_text(&r->from, &r->src, from, sizeof from);
    party_text(&r->to, &r->dst, to, sizeof to);
    duration_text(r->duration_ms, duration, sizeof duration);
    const struct record_stream *a = stream_of(r, "caller"), *b = stream_of(r, "callee");
    if (a == NULL && b == NULL && r->stream_count) {
        a = &r->streams[0];
        b = r->stream_count > 1 ? &r->streams[1] : NULL;
    }
    pair_text(loss_percent(a), loss_percent(b), 2, loss, sizeof loss);
    pair_text(a ? a->jitter_ms_mean : NAN, b ? b->jitter_ms_mean : NAN, 2, jitter, sizeof jitter);
    pair_text(a ? a->quality.mos_lq : NAN, b ? b->quality.mos_lq : NAN, 2, mos, sizeof mos);
    char codec[16];
    snprintf(codec, sizeof codec, "%.*s", r->codec.size ? (int)r->codec.size : 1, r->codec.size ? (const char *)r->codec.data : "-");
    fprintf(out, ROW, start, from, to, r->outcome ? r->outcome : r->kind, duration, codec, loss, jitter, mos,
            recording_text(r));
    if (r->diagnosis.summary.size) /* our own words: no bytes from the wire */
        fprintf(out, "    %.*s\n", SLICE_ARGS(r->diagnosis.summary));
}
