/* One pass over the packets of a call: the flows are merged by arrival time, each packet goes to
 * its channel, the channels write into one window (mix.h), the window runs out into the files
 * (output.h).
 *
 *   flow --\             channel 0: source (SSRC): reorder -> decoder -> timeline -> resample -\
 *   flow ---+- by time -<                                                         mix -> output
 *   flow --/             channel 1: ... ------------------------------------------------------/
 *
 * The file is begun at the first packet that can be heard; its rate is the highest that the flows
 * begin with. */
#include "decode/render.h"

#include <stdio.h>
#include <stdlib.h>

#include "capture/rtp/red.h"
#include "capture/rtp/rtp.h"
#include "decode/av.h"
#include "decode/channel.h"

#define FLOWS_MAX     128
#define STEREO        2
#define SECOND_NS     INT64_C(1000000000)
#define DAY_NS        (24 * 3600 * SECOND_NS)
#define LENGTH_MAX_NS (2 * DAY_NS)

struct head { /* the next packet of a flow */
    bool there;
    struct render_packet packet;
    /* What is known of the payload type of the packet before: it seldom changes. */
    struct render_codec codec;
    enum codec_kind kind;
    bool heard;
};

struct render {
    const struct render_request *request;
    struct render_result *result;
    struct head heads[FLOWS_MAX];
    unsigned channel_count;
    struct channel channels[RENDER_TRACKS_MAX];
    struct sound sound;
    struct output output;
    int64_t last_ns; /* arrival before this one, pauses cut */
    bool begun;
};

/* ---- reading ---- */

static void read_head(struct render *r, unsigned flow)
{
    const struct render_flow *f = &r->request->flows[flow];
    int got;
    while ((got = f->next(f->context, &r->heads[flow].packet)) < 0)
        r->result->damaged++;
    r->heads[flow].there = got > 0;
}

/* The flow whose head came first; flow_count when all are at their end. */
static unsigned earliest(const struct render *r)
{
    unsigned best = r->request->flow_count;
    for (unsigned i = 0; i < r->request->flow_count; i++)
        if (r->heads[i].there && (best == r->request->flow_count ||
                                  r->heads[i].packet.time_ns < r->heads[best].packet.time_ns))
            best = i;
    return best;
}

/* RFC 3551 table 4, for what the descriptor does not name. */
static const struct render_codec static_types[] = {
    {"PCMU", "", 8000, 0, 1},   {"G726-32", "", 8000, 2, 1}, {"GSM", "", 8000, 3, 1},
    {"G723", "", 8000, 4, 1},   {"PCMA", "", 8000, 8, 1},    {"G722", "", 8000, 9, 1},
    {"L16", "", 44100, 10, 2},  {"L16", "", 44100, 11, 1},   {"CN", "", 8000, 13, 1},
    {"G729", "", 8000, 18, 1},  {"DVI4", "", 8000, 5, 1},    {"DVI4", "", 16000, 6, 1},
    {"DVI4", "", 11025, 16, 1}, {"DVI4", "", 22050, 17, 1},
};

static const struct render_codec *codec_of(const struct render_packet *packet, uint8_t payload_type)
{
    for (unsigned i = 0; i < packet->codec_count; i++)
        if (packet->codecs[i].payload_type == payload_type && packet->codecs[i].name[0])
            return &packet->codecs[i];
    for (size_t i = 0; i < sizeof static_types / sizeof *static_types; i++)
        if (static_types[i].payload_type == payload_type)
            return &static_types[i];
    return NULL;
}

/* Where the payload type is RED's: the codec of its last block. NULL: damaged, or of
 * *ret_payload_type nothing is known. */
static const struct render_codec *codec_inside(const struct render_packet *packet,
                                               struct slice payload, uint8_t *ret_payload_type)
{
    struct red_block blocks[RED_BLOCKS_MAX];
    unsigned count = red_blocks(payload, blocks);
    if (count == 0)
        return NULL;
    *ret_payload_type = blocks[count - 1].payload_type;
    return codec_of(packet, *ret_payload_type);
}

/* ---- what cannot be heard ---- */

static void count_undecodable(struct render *r, const char *name)
{
    struct render_result *result = r->result;
    result->undecodable_packets++;
    if (r->request->counters)
        counters_add(r->request->counters,
                     C_UNDECODABLE + label_find(LABELS_CODEC, slice_str(name)) * LABEL_COUNT_NONE,
                     1);
    size_t size = strlen(name), used = strlen(result->undecodable);
    for (const char *at = result->undecodable; (at = strstr(at, name)) != NULL; at += size)
        if ((at == result->undecodable || at[-1] == ',') && (at[size] == ',' || at[size] == 0))
            return;
    if (used + size + 2 <= sizeof result->undecodable)
        snprintf(result->undecodable + used, sizeof result->undecodable - used, "%s%s",
                 used ? "," : "", name);
}

static void count_unnamed(struct render *r, uint8_t payload_type)
{
    char name[8];
    snprintf(name, sizeof name, "PT%u", payload_type & 0x7f);
    count_undecodable(r, name);
}

/* ---- beginning ---- */

/* Rate of the audio that a flow begins with; events and noise tell it by their clock. */
static int head_rate(const struct render *r, unsigned flow)
{
    const struct head *head = &r->heads[flow];
    struct rtp_packet packet;
    if (!head->there || !rtp_parse(head->packet.datagram, head->packet.datagram.size, &packet))
        return 0;
    const struct render_codec *codec = codec_of(&head->packet, packet.payload_type);
    if (codec && codec_kind(codec) == CODEC_KIND_RED)
        codec = codec_inside(&head->packet, packet.payload, &packet.payload_type);
    if (codec == NULL)
        return 0;
    int rate = codec_rate(codec);
    if (rate == 0 && codec_kind(codec) < CODEC_KIND_RED && codec_rate_known(codec->clock_hz))
        rate = (int)codec->clock_hz;
    return rate;
}

static int file_rate(const struct render *r)
{
    if (r->request->sample_rate_hz)
        return r->request->sample_rate_hz;
    int rate = 8000;
    for (unsigned i = 0; i < r->request->flow_count; i++) {
        int own = head_rate(r, i);
        rate = own > rate ? own : rate;
    }
    return rate;
}

/* Whether the flows begin with one law of G.711; what comes later adds to it (source.c). */
static void head_laws(struct render *r)
{
    for (unsigned i = 0; i < r->request->flow_count; i++) {
        const struct head *head = &r->heads[i];
        struct rtp_packet packet;
        if (!head->there || !rtp_parse(head->packet.datagram, head->packet.datagram.size, &packet))
            continue;
        const struct render_codec *codec = codec_of(&head->packet, packet.payload_type);
        if (codec && codec_kind(codec) == CODEC_KIND_RED)
            codec = codec_inside(&head->packet, packet.payload, &packet.payload_type);
        if (codec)
            r->sound.laws[r->request->flows[i].channel] |= source_law(codec);
    }
    if (r->request->tracks == 0)
        for (unsigned c = 0; c < STEREO; c++) /* nothing yet: as the other side */
            if (r->sound.laws[c] == 0)
                r->sound.laws[c] = r->sound.laws[1 - c];
}

static int begin(struct render *r, int64_t time_ns, struct why *why)
{
    int rate = audio_rate(r->request->codec, file_rate(r));
    head_laws(r);
    const struct output_config config = {.dir = r->request->dir,
                                         .path = r->request->path,
                                         .channels = (int)r->channel_count,
                                         .rate_hz = rate,
                                         .tracks = r->request->tracks > 0,
                                         .codec = r->request->tracks ? AUDIO_PCM : r->request->codec,
                                         .layout = r->request->tracks ? RENDER_STEREO : r->request->layout,
                                         .laws = r->sound.laws,
                                         .tags = r->request->tags,
                                         .rollover_ns = r->request->rollover_ns,
                                         .rollover_bytes = r->request->rollover_bytes,
                                         .context = r->request->file_context,
                                         .file = r->request->file};
    int err = output_open(&r->output, &config, why);
    if (err)
        return err;
    r->sound.rate_hz = rate;
    r->result->sample_rate_hz = rate;
    r->result->channels = r->request->tracks || r->request->layout != RENDER_STEREO ? 1 : STEREO;
    r->result->start_ns = time_ns;
    r->sound.pool = av_pool_new();
    if (r->sound.pool == NULL || mix_init(&r->sound.mix, &r->output, config.channels, rate) != 0) {
        why_set(why, "no memory to render %s", r->request->path);
        return ERR_NOMEM;
    }
    if (r->request->hearing && r->request->tracks == 0)
        r->sound.mix.hearing = hearing_new(r->channel_count, rate);
    if (r->request->peaks && r->request->tracks == 0 && peaks_init(r->request->peaks, r->channel_count, rate))
        r->sound.mix.peaks = r->request->peaks;
    for (unsigned c = 0; c < r->channel_count; c++)
        channel_init(&r->channels[c], c, &r->sound);
    r->begun = true;
    return 0;
}

/* ---- the loop ---- */

static void note_gap(struct render *r, int64_t length_ns, int64_t cut_ns)
{
    struct render_result *result = r->result;
    if (result->gap_count < RENDER_GAPS_MAX)
        result->gaps[result->gap_count] = (struct render_gap){r->last_ns, length_ns, cut_ns};
    result->gap_count++;
}

/* Arrival on the time of the file; false: beyond what a file may hold. */
static bool arrival(struct render *r, int64_t time_ns, int64_t *ret_ns)
{
    int64_t pause_max = r->request->silence_max_ns > 0 ? r->request->silence_max_ns : DAY_NS;
    int64_t at;
    if (__builtin_sub_overflow(time_ns, r->result->start_ns, &at) ||
        __builtin_sub_overflow(at, r->result->cut_ns, &at) || at < -LENGTH_MAX_NS)
        return false;
    int64_t pause = at - r->last_ns, cut = pause > pause_max ? pause - pause_max : 0;
    if (pause >= RENDER_LONG_GAP_NS)
        note_gap(r, pause, cut);
    r->result->cut_ns += cut;
    at -= cut;
    if (at > LENGTH_MAX_NS)
        return false;
    if (at > r->last_ns)
        r->last_ns = at;
    *ret_ns = at;
    return true;
}

static enum codec_kind know_codec(struct head *head, const struct render_codec *codec)
{
    if (codec_equal(&head->codec, codec))
        return head->kind;
    head->codec = *codec;
    head->kind = codec_kind(codec);
    head->heard = head->kind == CODEC_KIND_AUDIO && codec_rate(codec) > 0;
    return head->kind;
}

static bool is_left_out(const struct render_request *request, unsigned stream, int64_t at_ns)
{
    for (unsigned i = 0; i < request->skip_count; i++) {
        const struct render_skip *s = &request->skips[i];
        if (s->flow == stream + 1 && at_ns >= s->from_ns && at_ns < s->to_ns)
            return true;
    }
    return false;
}

static void to_channel(struct render *r, unsigned flow, const struct rtp_packet *packet,
                       int64_t at_ns, const struct render_codec *codec, bool red, bool withheld)
{
    const struct render_flow *f = &r->request->flows[flow];
    unsigned stream = f->same_as ? f->same_as - 1 : flow;
    if (r->request->skip_count && is_left_out(r->request, stream, at_ns))
        return;
    sound_is_at(&r->sound, stream, at_ns);
    channel_packet(&r->channels[f->channel], stream, packet, at_ns, codec, red, withheld);
}

static int take(struct render *r, unsigned flow, struct why *why)
{
    struct head *head = &r->heads[flow];
    struct slice datagram = head->packet.datagram;
    struct rtp_packet packet;
    if (!rtp_parse(datagram, datagram.size, &packet)) {
        r->result->damaged++;
        return 0;
    }
    uint8_t payload_type = packet.payload_type;
    const struct render_codec *codec = codec_of(&head->packet, payload_type);
    bool withheld = head->packet.withheld;
    if (withheld && codec && codec_kind(codec) == CODEC_KIND_RED)
        codec = head->heard ? &head->codec : NULL; /* what is inside nobody knows */
    if (withheld && codec == NULL)
        return 0;
    bool red = codec && know_codec(head, codec) == CODEC_KIND_RED;
    if (red)
        codec = codec_inside(&head->packet, packet.payload, &payload_type);
    if (codec == NULL) {
        count_unnamed(r, payload_type);
        return 0;
    }
    if (red)
        know_codec(head, codec);
    if (!withheld && (head->kind == CODEC_KIND_OTHER || (head->kind == CODEC_KIND_AUDIO && !head->heard)))
        count_undecodable(r, codec->name);
    if (!r->begun && !head->heard)
        return 0;
    int err = r->begun ? 0 : begin(r, head->packet.time_ns, why);
    int64_t at_ns;
    if (err == 0 && arrival(r, head->packet.time_ns, &at_ns))
        to_channel(r, flow, &packet, at_ns, codec, red, withheld);
    return err ? err : r->sound.mix.err;
}

static int all_packets(struct render *r, struct why *why)
{
    for (unsigned i = 0; i < r->request->flow_count; i++)
        read_head(r, i);
    for (unsigned flow; (flow = earliest(r)) < r->request->flow_count; read_head(r, flow)) {
        int err = take(r, flow, why);
        if (err)
            return err;
    }
    return 0;
}

static void count_file(const struct render *r)
{
    struct counters *c = r->request->counters;
    if (c == NULL)
        return;
    unsigned audio = label_find(LABELS_WRITTEN, slice_str("audio"));
    counters_add(c, C_RECORDING_SECONDS,
                 (uint64_t)(r->result->samples / r->result->sample_rate_hz));
    counters_add(c, C_WRITTEN_BYTES + audio * LABEL_COUNT_NONE, (uint64_t)r->result->size_bytes);
}

/* What stopped the writing: the output knows more where it changed files. */
static void say_disk(const struct render *r, int err, struct why *why)
{
    if (r->output.why.text[0])
        *why = r->output.why;
    else
        why_set(why, "cannot write %s: %s", r->request->path, err_text(err));
}

static int complete(struct render *r, struct why *why)
{
    for (unsigned c = 0; c < r->channel_count; c++)
        channel_fini(&r->channels[c]);
    uint64_t heard = 0;
    for (unsigned c = 0; c < r->channel_count; c++)
        heard += r->result->packets[c];
    if (!r->begun || heard == 0) {
        why_set(why, "nothing in the call could be decoded");
        return ERR_NOT_FOUND;
    }
    int err = mix_flush(&r->sound.mix);
    if (err) {
        say_disk(r, err, why);
        return err;
    }
    r->result->samples = r->sound.mix.end;
    if (r->sound.mix.hearing)
        hearing_finish(r->sound.mix.hearing, r->request->hearing);
    if (r->sound.mix.peaks)
        peaks_finish(r->sound.mix.peaks);
    err = output_finish(&r->output, r->result->packets, r->result, why);
    if (err == 0)
        count_file(r);
    return err;
}

static unsigned channels_of(const struct render_request *request)
{
    return request->tracks ? request->tracks : STEREO;
}

static bool request_valid(const struct render_request *request)
{
    if (request->flow_count > FLOWS_MAX || request->tracks > RENDER_TRACKS_MAX ||
        (request->sample_rate_hz && !codec_rate_known((uint32_t)request->sample_rate_hz)))
        return false;
    for (unsigned i = 0; i < request->flow_count; i++)
        if (request->flows[i].channel >= channels_of(request) ||
            request->flows[i].same_as > request->flow_count)
            return false;
    return true;
}

int render_call(const struct render_request *request, struct render_result *ret_result,
                struct why *why)
{
    *ret_result = (struct render_result){0};
    if (request->hearing)
        *request->hearing = (struct hearing_report){0};
    if (!request_valid(request)) {
        why_set(why, "more than %d flows or %d tracks, or a sampling rate that is not supported",
                FLOWS_MAX, RENDER_TRACKS_MAX);
        return ERR_INVALID;
    }
    struct render *r = calloc(1, sizeof *r);
    if (r == NULL) {
        why_set(why, "no memory to render %s", request->path);
        return ERR_NOMEM;
    }
    r->request = request;
    r->result = ret_result;
    r->channel_count = channels_of(request);
    r->sound.counters = request->counters;
    r->sound.result = ret_result;
    r->sound.place = request->place;
    int err = all_packets(r, why);
    if (err == 0)
        err = complete(r, why);
    else if (r->sound.mix.err)
        say_disk(r, err, why);
    for (unsigned c = 0; c < r->channel_count; c++)
        channel_fini(&r->channels[c]); /* harmless on a finished one */
    mix_fini(&r->sound.mix);
    av_pool_free(r->sound.pool);
    output_abandon(&r->output);
    free(r);
    return err;
}
