/* earshot-traffic: a capture file and the truth about it. */
#include <stdlib.h>

#include "base/json.h"
#include "tests/support/build/options.h"
#include "tests/support/build/pcap_out.h"

#define TRUTH_BYTES_MAX ((size_t)1 << 30)

/* Both lists grow at once, so each has its own text. */
struct truth {
    struct buf calls, streams;
    struct json calls_json, streams_json;
};

static void truth_init(struct truth *t)
{
    buf_init(&t->calls, TRUTH_BYTES_MAX);
    buf_init(&t->streams, TRUTH_BYTES_MAX);
    json_init(&t->calls_json, &t->calls);
    json_init(&t->streams_json, &t->streams);
    json_array(&t->calls_json);
    json_array(&t->streams_json);
}

static void kv_time(struct json *j, const char *key, int64_t us)
{
    if (us)
        json_kv_int(j, key, us);
    else
        json_kv_null(j, key);
}

static void on_call(void *ctx, const struct truth_call *call)
{
    struct json *j = &((struct truth *)ctx)->calls_json;
    json_object(j);
    json_kv_str(j, "call_id", call->call_id);
    json_kv_str(j, "outcome", call->outcome);
    kv_time(j, "sip_code", call->sip_code);
    kv_time(j, "started_us", call->started_us);
    kv_time(j, "ringing_us", call->ringing_us);
    kv_time(j, "answered_us", call->answered_us);
    kv_time(j, "ended_us", call->ended_us);
    if (call->answered_us)
        json_kv_int(j, "duration_ms", (call->ended_us - call->answered_us) / 1000);
    else
        json_kv_null(j, "duration_ms");
    json_kv_str(j, "released_by", call->released_by);
    json_kv_str(j, "from", call->from);
    json_kv_str(j, "to", call->to);
    json_end(j);
}

static void on_stream(void *ctx, const struct truth_stream *s)
{
    struct json *j = &((struct truth *)ctx)->streams_json;
    char ssrc[16];
    snprintf(ssrc, sizeof ssrc, "0x%08x", s->ssrc);
    json_object(j);
    json_kv_str(j, "call_id", s->call_id);
    json_kv_str(j, "src", s->src);
    json_kv_str(j, "dst", s->dst);
    json_kv_str(j, "ssrc", ssrc);
    json_kv_str(j, "party", s->party);
    json_kv_str(j, "codec", s->codec);
    json_kv_int(j, "speech_ms", s->speech_ms);
    json_kv_int(j, "packets", (int64_t)s->packets);
    json_kv_int(j, "expected", (int64_t)s->expected);
    json_kv_int(j, "lost", (int64_t)s->lost);
    json_kv_int(j, "duplicates", (int64_t)s->duplicates);
    json_end(j);
}

static int truth_write(struct truth *t, const char *path)
{
    json_end(&t->calls_json);
    json_end(&t->streams_json);
    if (t->calls.failed || t->streams.failed)
        return ERR_NOMEM;
    FILE *f = fopen(path, "w");
    if (f == NULL)
        return ERR_IO;
    fprintf(f, "{\"calls\":%s,\n\"streams\":%s}\n", buf_text(&t->calls), buf_text(&t->streams));
    return fclose(f) == 0 ? 0 : ERR_IO;
}

static int write_capture(struct traffic *t, const struct options *o, struct why *why)
{
    struct pcap_out out;
    struct frame f;
    int err = pcap_out_open(&out, o->out, o->nanoseconds, o->traffic.link_type);
    if (err == 0) {
        while (traffic_next(t, &f))
            pcap_out_frame(&out, &f);
        err = pcap_out_close(&out);
    }
    if (err)
        why_set(why, "cannot write %s", o->out);
    return err;
}

static int run(struct options *o, struct why *why)
{
    struct truth truth;
    struct traffic *t = NULL;
    truth_init(&truth);
    if (o->truth) {
        o->traffic.on_call = on_call;
        o->traffic.on_stream = on_stream;
        o->traffic.ctx = &truth;
    }
    int err = traffic_new(&o->traffic, &t, why);
    if (err == 0)
        err = write_capture(t, o, why);
    if (err == 0 && o->truth) {
        err = truth_write(&truth, o->truth);
        if (err)
            why_set(why, "cannot write %s", o->truth);
    }
    traffic_free(t);
    buf_fini(&truth.calls);
    buf_fini(&truth.streams);
    return err;
}

int main(int argc, char **argv)
{
    struct options o;
    struct why why = {{0}};
    if (options_parse(argc, argv, &o, &why) != 0) {
        fprintf(stderr, "earshot-traffic: %s\n", why.text);
        return 2;
    }
    if (o.help) {
        fputs(options_usage, stdout);
        return 0;
    }
    int err = run(&o, &why);
    if (err)
        fprintf(stderr, "earshot-traffic: %s\n", why.text[0] ? why.text : err_text(err));
    return err == 0 ? 0 : err == ERR_INVALID ? 2 : 1;
}
