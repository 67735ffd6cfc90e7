/* Adapts the chains of a record to the flows that the renderer takes. */
#include "app/decoder/sound_render.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "app/descriptor.h"
#include "app/decoder/sound_fax.h"
#include "app/decoder/sound_hops.h"
#include "app/decoder/sound_packing.h"
#include "app/decoder/sound_peaks.h"
#include "app/decoder/sound_report.h"
#include "app/decoder/sound_sealed.h"
#include "app/decoder/sound_tag.h"
#include "app/decoder/sound_tones.h"
#include "app/decoder/sound_video.h"
#include "app/worker.h"
#include "capture/rtp/rtp.h"
#include "decode/output.h"
#include "decode/srtp.h"
#include "storage/media_dir.h"
#include "storage/siprec_voice.h"
#include "storage/spool.h"

#define FLOWS_MAX 128
#define SEALED_NAME "SRTP" /* beside the names of codecs */
#define RTP_FIXED 12 /* what is kept of a packet in a pause (worker_pause.h) */
/* Nothing is cut out of a conference: its tracks would no longer be in step with its calls. */
#define TRACKS_SILENCE_NS (INT64_C(48) * 3600 * 1000000000)

struct source {
    struct spool_reader *reader;
    const uint8_t *described; /* the descriptor text that `codecs` was read from */
    size_t described_size;
    struct render_codec codecs[FLOW_CODECS_MAX];
    unsigned codec_count;
    bool secure;
    int64_t from_ns; /* what came before is not wanted */
    uint8_t party;
    struct sound_packing *packing; /* NULL: names are right */
    struct render_codec *renamed;  /* `codecs` of a stream whose names are not, */
    uint32_t renamed_ssrc;         /* of this one */
    bool renamed_now;
    const struct record_secrets *secrets;
    struct srtp_opener *opener; /* made with the first packet that needs it */
    struct counters *counters;
    uint64_t opened, unopened;
    struct sound_sealed sealed;
    bool looked; /* the first packet is read, but not taken: */
    int first_got;
    struct spool_packet first;
};

/* 1, 0 at the end or < 0, as spool_reader_next(). */
static int take_packet(struct source *s, struct spool_packet *ret_packet)
{
    if (!s->looked)
        return spool_reader_next(s->reader, ret_packet);
    s->looked = false;
    *ret_packet = s->first;
    return s->first_got;
}

static void read_descriptor(struct source *s, struct slice text)
{
    struct flow_media m;
    s->described = text.data;
    s->described_size = text.size;
    s->codec_count = 0;
    s->secure = s->renamed_now = false;
    if (!descriptor_read(text, &m))
        return;
    s->secure = m.secure;
    s->party = m.party;
    for (unsigned i = 0; i < m.codec_count; i++) {
        const struct rtp_codec *in = &m.codecs[i];
        struct render_codec *out = &s->codecs[s->codec_count++];
        memcpy(out->name, in->name, sizeof out->name);
        static_assert(sizeof out->fmtp == sizeof in->fmtp, "parameters are copied whole");
        memcpy(out->fmtp, in->fmtp, sizeof out->fmtp);
        out->clock_hz = in->clock_hz;
        out->payload_type = in->payload_type;
        out->channels = in->channels;
    }
}

/* Media in the clear, of a flow that may be protected; false: there is nothing to hear in it. */
static bool open_packet(struct source *s, struct slice *payload)
{
    if (!s->secure)
        return true;
    if (s->opener == NULL)
        s->opener = srtp_opener_new(s->secrets->items, s->secrets->count, s->party);
    enum srtp_verdict verdict = s->opener ? srtp_opener_packet(s->opener, *payload, payload) : SRTP_UNOPENED;
    s->opened += verdict == SRTP_OPENED;
    s->unopened += verdict == SRTP_UNOPENED;
    if (verdict == SRTP_UNOPENED && s->secrets->count && s->counters)
        counters_add(s->counters, C_SRTP_UNOPENED, 1);
    return verdict == SRTP_OPENED;
}

/* The codecs of the packet's stream, by the names that they should have. */
static const struct render_codec *codecs_of(struct source *s, struct slice datagram)
{
    struct rtp_packet p;
    if (s->packing == NULL || !rtp_parse(datagram, datagram.size, &p) || !sound_packing_has(s->packing, p.ssrc))
        return s->codecs;
    if (s->renamed == NULL)
        s->renamed = malloc(sizeof s->codecs);
    if (s->renamed == NULL)
        return s->codecs;
    if (!s->renamed_now || s->renamed_ssrc != p.ssrc) {
        memcpy(s->renamed, s->codecs, sizeof s->codecs);
        sound_packing_name(s->packing, p.ssrc, s->renamed, s->codec_count);
        s->renamed_ssrc = p.ssrc;
        s->renamed_now = true;
    }
    return s->renamed;
}

static int next_packet(void *context, struct render_packet *ret_packet)
{
    struct source *s = context;
    struct spool_packet p;
    for (;;) {
        int got = take_packet(s, &p);
        if (got <= 0)
            return got;
        if (p.rtcp || p.fax || p.time_ns < s->from_ns)
            continue;
        struct slice text = spool_reader_descriptor(s->reader);
        if (text.data != s->described || text.size != s->described_size)
            read_descriptor(s, text);
        bool withheld = p.payload.size == RTP_FIXED && p.wire_bytes > RTP_FIXED;
        bool open = withheld || open_packet(s, &p.payload);
        if (!withheld)
            sound_sealed_packet(&s->sealed, p.time_ns, open);
        if (!open)
            continue;
        *ret_packet = (struct render_packet){
            .time_ns = p.time_ns,
            .datagram = p.payload,
            .withheld = withheld,
            .codecs = codecs_of(s, p.payload),
            .codec_count = s->codec_count,
        };
        return 1;
    }
}

/* The m= line that a flow belongs to, as its first packet says. */
static unsigned line_of(struct source *s)
{
    struct flow_media m;
    s->first_got = spool_reader_next(s->reader, &s->first);
    s->looked = true;
    return s->first_got > 0 && descriptor_read(spool_reader_descriptor(s->reader), &m) ? m.media_index : 0;
}

/* Of a recording session a side is a participant, not an end of the call. */
static unsigned siprec_channel(const struct call_record *r, unsigned line)
{
    int stream = siprec_voice_of_line(r, line);
    return (stream < 0 ? line : (unsigned)stream) % 2;
}

static unsigned channel_of(const struct record_chain *c, unsigned media_index)
{
    if (strcmp(c->party, "caller") == 0)
        return 0;
    if (strcmp(c->party, "callee") == 0)
        return 1;
    return media_index % 2; /* orphans: the flow seen first is left */
}

/* Some audio stream of the record came on this chain's flow (video and images are no sound), and may be opened. */
static bool chain_sounds(const struct call_record *r, uint32_t chain)
{
    for (uint32_t i = 0; i < r->stream_count; i++) {
        const struct record_stream *s = &r->streams[i];
        if (s->flow_chain == chain + 1 && strcmp(s->media_type, "audio") == 0 && !record_stream_foreign(s) &&
            (!s->srtp || r->secrets.count))
            return true;
    }
    return false;
}

/* The flows of a render and what they read from. */
struct flows {
    unsigned count;
    bool truncated; /* some of them lack their beginning, or all */
    char packing[SOUND_PACKING_MAX]; /* those whose names were wrong */
    uint32_t chains[FLOWS_MAX]; /* of the call's record, from 0 */
    struct source sources[FLOWS_MAX];
    struct render_flow flows[FLOWS_MAX];
};

/* Some stream of the chain says that it is G.726. */
static bool may_be_packed_otherwise(const struct call_record *r, uint32_t chain)
{
    for (uint32_t i = 0; i < r->stream_count; i++)
        if (r->streams[i].flow_chain == chain + 1 &&
            (slice_starts(r->streams[i].codec, "G726") || slice_starts(r->streams[i].codec, "G721") || slice_starts(r->streams[i].codec, "AAL2")))
            return true;
    return false;
}

static void note_packing(struct flows *f, const char *party, const struct sound_packing *p)
{
    for (unsigned i = 0; i < p->count; i++) {
        const struct sound_packed *s = &p->streams[i];
        size_t used = strlen(f->packing);
        if (s->other && used + 80 < sizeof f->packing)
            snprintf(f->packing + used, sizeof f->packing - used, "%s%s %s as %s", used ? ", " : "", party, s->name, s->other);
    }
}

/* A pass of its own over the chain, for nobody hears what is wrong before it is found. */
static void look_at_packing(struct flows *f, struct source *s, const struct call_record *r, uint32_t chain, const struct sound_config *config)
{
    struct sound_config silent = *config;
    struct render_flow flow;
    silent.counters = NULL;
    struct sound_packets *packets = may_be_packed_otherwise(r, chain) ? sound_packets_open(r, chain, &silent, &flow) : NULL;
    if (packets == NULL)
        return;
    s->packing = sound_packing_look(&flow);
    sound_packets_close(packets);
    if (s->packing)
        note_packing(f, r->chains[chain].party, s->packing);
}

/* NULL when nothing of the chain can be read. */
static struct source *open_source(struct flows *f, const struct call_record *r, const struct record_chain *c,
                                  const struct sound_config *config)
{
    struct source *s = &f->sources[f->count];
    bool truncated = false;
    *s = (struct source){.secrets = &r->secrets, .counters = config->counters, .from_ns = r->recording.from_us * 1000};
    if (spool_reader_open(config->data_dir, c->tail, &s->reader, &truncated) != 0) {
        f->truncated = true;
        return NULL;
    }
    f->truncated |= truncated;
    return s;
}

/* A flow that carries what another one of its channel does goes under that one's number. */
static void join_hops(struct flows *f, const struct call_record *r, unsigned first, const char *data_dir)
{
    for (unsigned i = first; i < f->count; i++)
        for (unsigned k = first; k < i && f->flows[i].same_as == 0; k++)
            if (f->flows[k].same_as == 0 && f->flows[k].channel == f->flows[i].channel &&
                sound_is_hop(r, f->chains[k], f->chains[i], data_dir))
                f->flows[i].same_as = k + 1;
}

/* Flows of the call that can be heard, each into its side; with `voice` only those of it, into `channel`. Returns how many. */
static unsigned add_call(struct flows *f, const struct call_record *r, const struct sound_config *config,
                         const struct sound_voice *voice, unsigned channel)
{
    unsigned before = f->count;
    for (uint32_t k = 0; k < r->chain_count && f->count < FLOWS_MAX; k++) {
        const struct record_chain *c = &r->chains[k];
        if (c->party == NULL || c->rtcp || !chain_sounds(r, k) || (voice && strcmp(c->party, voice->party) != 0))
            continue;
        struct source *s = open_source(f, r, c, config);
        if (s == NULL)
            continue;
        if (voice && voice->line >= 0 && line_of(s) != (unsigned)voice->line) {
            spool_reader_close(s->reader);
            continue;
        }
        if (voice == NULL)
            channel = r->siprec.given ? siprec_channel(r, line_of(s)) : channel_of(c, f->count);
        look_at_packing(f, s, r, k, config);
        f->chains[f->count] = k;
        f->flows[f->count++] = (struct render_flow){.channel = channel, .context = s, .next = next_packet};
    }
    join_hops(f, r, before, config->data_dir);
    return f->count - before;
}

static void flows_free(struct flows *f)
{
    for (unsigned i = 0; f && i < f->count; i++) {
        spool_reader_close(f->sources[i].reader);
        srtp_opener_free(f->sources[i].opener);
        free(f->sources[i].packing);
        free(f->sources[i].renamed);
    }
    free(f);
}

/* There was media, and no key for any of it. */
static bool all_sealed(const struct call_record *r, const struct flows *f)
{
    uint64_t opened = 0, unopened = 0;
    for (uint32_t i = 0; i < r->stream_count; i++)
        unopened += r->streams[i].srtp && r->secrets.count == 0;
    for (unsigned i = 0; f && i < f->count; i++) {
        opened += f->sources[i].opened;
        unopened += f->sources[i].unopened;
    }
    return unopened && opened == 0;
}

static bool covered(const struct flows *f, unsigned flow, int64_t from_ns, int64_t to_ns)
{
    for (unsigned i = 0; i < f->count; i++)
        if (i != flow && f->flows[i].channel == f->flows[flow].channel && sound_sealed_stands_in(&f->sources[i].sealed, from_ns, to_ns))
            return true;
    return false;
}

/* Without any key the sources know nothing of it: what is sealed is not read. */
static bool covered_in_the_clear(const struct call_record *r, const struct record_stream *sealed)
{
    for (uint32_t i = 0; i < r->stream_count; i++) {
        const struct record_stream *s = &r->streams[i];
        const struct sound_sealed clear = {.heard = true, .heard_from_ns = s->first_us * 1000, .heard_to_ns = s->last_us * 1000};
        if (!s->srtp && strcmp(s->media_type, "audio") == 0 && strcmp(s->party, sealed->party) == 0 &&
            sound_sealed_stands_in(&clear, sealed->first_us * 1000, sealed->last_us * 1000))
            return true;
    }
    return false;
}

/* Something is heard, and something else would be had its key been told. */
static bool part_sealed(const struct call_record *r, const struct flows *f)
{
    int64_t from_ns, to_ns;
    for (unsigned i = 0; f && i < f->count; i++)
        if (sound_sealed_lacks(&f->sources[i].sealed, &from_ns, &to_ns) && !covered(f, i, from_ns, to_ns))
            return true;
    for (uint32_t i = 0; i < r->stream_count && r->secrets.count == 0; i++) {
        const struct record_stream *s = &r->streams[i];
        if (s->srtp && strcmp(s->media_type, "audio") == 0 && !record_stream_foreign(s) && s->packets >= SEALED_PACKETS_MIN &&
            !covered_in_the_clear(r, s))
            return true;
    }
    return false;
}

/* There was media, and the spool has none of it. */
static bool all_gone(const struct flows *f)
{
    return f && f->truncated && f->count == 0;
}

/* ---- files ---- */

struct files {
    struct call_record *r;
    const char *path; /* of the first, as the record has it */
    uint32_t room;
    struct record_files list;
};

static const char *kind_text(enum render_file_kind kind)
{
    return kind == RENDER_PART ? "part" : kind == RENDER_TRACK ? "track" : "mix";
}

static const char *side_text(enum render_side side)
{
    return side == RENDER_BOTH ? NULL : side == RENDER_CALLER ? "caller" : "callee";
}

/* Room doubles in the arena; without memory the list ends. */
static struct record_file *add_file(struct files *f)
{
    struct record_files *l = &f->list;
    if (l->count == f->room) {
        uint32_t more = f->room ? 2 * f->room : 4;
        struct record_file *items = arena_alloc(f->r->arena, more * sizeof *items);
        if (items == NULL)
            return NULL;
        if (l->count)
            memcpy(items, l->items, l->count * sizeof *items);
        l->items = items;
        f->room = more;
    }
    return &l->items[l->count++];
}

/* Below the data directory, which the renderer's path is too. */
static bool name_file(const struct files *f, const struct render_file *file, char *out, size_t size)
{
    char sided[MEDIA_PATH_MAX + 64];
    return output_side_path(f->path, file->side, sided, sizeof sided) && output_path(sided, file->kind, file->number, out, size);
}

static void take_file(void *context, const struct render_file *file)
{
    struct files *f = context;
    char path[MEDIA_PATH_MAX + 64];
    struct record_file *out = add_file(f);
    if (out == NULL)
        return;
    *out = (struct record_file){
        .kind = kind_text(file->kind),
        .result = "recorded",
        .number = file->number,
        .codec = audio_codec_text(file->codec),
        .side = side_text(file->side),
        .channels = file->channels,
        .first_sample = file->first_sample,
        .samples = file->samples,
        .size_bytes = file->size_bytes,
    };
    if (name_file(f, file, path, sizeof path))
        out->path = arena_copy(f->r->arena, slice_str(path));
    memcpy(out->sha256, file->sha256, sizeof out->sha256);
}

static void date_files(struct record_files *l, const struct render_result *result)
{
    for (uint32_t i = 0; i < l->count; i++) {
        struct record_file *f = &l->items[i];
        if (result->files == 1 && strcmp(f->kind, "part") == 0)
            f->kind = "call";
        f->sample_rate_hz = result->sample_rate_hz;
        f->started_us = result->start_ns / 1000 + f->first_sample * 1000000 / result->sample_rate_hz;
    }
}

/* ---- a call ---- */

static void note_gaps(struct call_record *r, const struct render_result *result)
{
    struct record_recording *g = &r->recording;
    unsigned count = result->gap_count < RENDER_GAPS_MAX ? result->gap_count : RENDER_GAPS_MAX;
    g->gap_count = 0;
    g->gaps = arena_alloc(r->arena, (count + 1) * sizeof *g->gaps);
    for (; g->gaps && g->gap_count < count; g->gap_count++) {
        const struct render_gap *in = &result->gaps[g->gap_count];
        g->gaps[g->gap_count] = (struct record_gap){in->at_ns / 1000000, in->length_ns / 1000000, in->cut_ns / 1000000};
    }
}

/* Of a recording that was made: it lacks what no key opened. */
static void note_sealed(struct call_record *r, const struct render_result *result, const struct flows *flows)
{
    char names[sizeof result->undecodable + sizeof SEALED_NAME + 2];
    if (!part_sealed(r, flows))
        return;
    snprintf(names, sizeof names, "%s%s" SEALED_NAME, result->undecodable, result->undecodable[0] ? ", " : "");
    r->recording.undecodable = arena_copy(r->arena, slice_str(names));
    r->recording.truncated = true;
}

static void describe(struct call_record *r, const struct render_result *result, const struct files *files, const struct flows *flows,
                     enum audio_codec codec, int err)
{
    struct record_recording *g = &r->recording;
    g->undecodable = arena_copy(r->arena, slice_str(result->undecodable));
    g->packing = flows && flows->packing[0] ? arena_copy(r->arena, slice_str(flows->packing)) : slice_none();
    g->repaired = 0;
    for (int c = 0; c < RENDER_TRACKS_MAX; c++)
        g->repaired += result->repaired[c];
    g->truncated |= (flows && flows->truncated) || result->damaged > 0;
    g->path = slice_none();
    g->files = (struct record_files){0};
    g->format = slice_str(audio_container(codec));
    if (err) {
        g->state = NULL;
        g->id[0] = '\0';
        g->result = err != ERR_NOT_FOUND     ? "failed"
                    : result->undecodable[0] ? "undecodable"
                    : all_sealed(r, flows)   ? "encrypted"
                    : all_gone(flows)        ? "failed"
                                             : "no_rtp";
        return;
    }
    note_sealed(r, result, flows);
    g->state = "ready";
    g->result = "recorded";
    g->path = files->list.count ? files->list.items[0].path : arena_copy(r->arena, slice_str(files->path));
    g->sample_rate_hz = result->sample_rate_hz;
    g->channels = result->channels;
    g->started_us = result->start_ns / 1000;
    g->duration_ms = result->sample_rate_hz ? result->samples * 1000 / result->sample_rate_hz : 0;
    g->size_bytes = files->list.count ? files->list.items[0].size_bytes : result->size_bytes;
    memcpy(g->sha256, result->sha256, sizeof g->sha256);
    g->files = files->list;
}

int sound_render(struct call_record *r, const struct sound_config *config, const char *dir, const char *path, struct why *why)
{
    struct flows *flows = calloc(1, sizeof *flows);
    struct render_result result = {0};
    struct files files = {.r = r, .path = path};
    struct hearing_report heard = {0};
    struct peaks peaks = {0};
    const enum audio_codec codec = sound_codec(r, config);
    struct audio_tags tags;
    int err = ERR_NOMEM;
    if (flows) {
        add_call(flows, r, config, NULL, 0);
        sound_tag(r, config->tags, &tags);
        struct render_request request = {
            .dir = dir,
            .path = path,
            .codec = codec,
            .layout = config->layout,
            .tags = config->tags == SOUND_TAGS_NONE ? NULL : &tags,
            .flows = flows->flows,
            .flow_count = flows->count,
            .silence_max_ns = config->silence_max_ns,
            .rollover_ns = r->recording.split_ms ? r->recording.split_ms * 1000000 : config->rollover_ns,
            .rollover_bytes = config->rollover_bytes,
            .file_context = &files,
            .file = take_file,
            .hearing = config->listen ? &heard : NULL,
            .peaks = config->peaks ? &peaks : NULL,
            .place = config->place,
            .skips = config->skips,
            .skip_count = config->skip_count,
            .counters = config->counters,
        };
        err = request.flow_count ? render_call(&request, &result, why) : ERR_NOT_FOUND;
    }
    if (err == 0)
        date_files(&files.list, &result);
    describe(r, &result, &files, flows, codec, err);
    note_gaps(r, &result);
    sound_report(r->arena, &heard, &r->recording.sound);
    const char *mask = r->recording.mask ? r->recording.mask : config->mask_dtmf ? "count" : "keep";
    sound_tones(&r->recording, r->arena, &heard, strcmp(mask, "keep") != 0);
    if (strcmp(mask, "drop") == 0)
        r->recording.inband = (struct record_dtmf){0};
    if (config->counters)
        counters_add(config->counters, C_DTMF_EVENTS + CALL_DIGIT_INBAND, r->recording.inband.count + r->recording.inband.over_limit);
    flows_free(flows);
    if (err == 0) /* without them they are made from the sound when somebody asks */
        (void)sound_peaks_write(&peaks, dir, r->recording.path, why);
    peaks_fini(&peaks);
    err = err == ERR_NOT_FOUND ? 0 : err;
    if (err == 0 && config->video)
        err = sound_video(r, config, dir, path, why);
    return err || !config->fax ? err : sound_fax(r, config, dir, path, why);
}

/* ---- packets for others ---- */

struct sound_packets {
    struct source source;
};

struct sound_packets *sound_packets_open(const struct call_record *r, uint32_t chain, const struct sound_config *config,
                                         struct render_flow *ret_flow)
{
    struct sound_packets *p = calloc(1, sizeof *p);
    bool truncated;
    if (p == NULL)
        return NULL;
    p->source = (struct source){.secrets = &r->secrets, .counters = config->counters};
    if (spool_reader_open(config->data_dir, r->chains[chain].tail, &p->source.reader, &truncated) != 0) {
        free(p);
        return NULL;
    }
    *ret_flow = (struct render_flow){.context = &p->source, .next = next_packet};
    return p;
}

void sound_packets_close(struct sound_packets *p)
{
    if (p == NULL)
        return;
    spool_reader_close(p->source.reader);
    srtp_opener_free(p->source.opener);
    free(p);
}

/* ---- a conference ---- */

/* Protected audio of this side came, and no key of the call is known. */
static bool lacks_keys(const struct call_record *r, const char *party)
{
    for (uint32_t i = 0; i < r->stream_count && r->secrets.count == 0; i++) {
        uint32_t chain = r->streams[i].flow_chain;
        if (chain && r->streams[i].srtp && r->chains[chain - 1].party && strcmp(r->chains[chain - 1].party, party) == 0)
            return true;
    }
    return false;
}

/* There was media of this voice, and none of it was opened. */
static bool voice_sealed(const struct flows *f, unsigned voice, const struct sound_voice *v)
{
    uint64_t opened = 0, unopened = 0;
    bool heard = false;
    for (unsigned i = 0; i < f->count; i++) {
        if (f->flows[i].channel != voice)
            continue;
        heard |= !f->sources[i].secure;
        opened += f->sources[i].opened;
        unopened += f->sources[i].unopened;
    }
    const char *result = v->call->recording.result;
    return (unopened && opened == 0 && !heard) || lacks_keys(v->call, v->party) || (result && strcmp(result, "encrypted") == 0);
}

static const char *silent_because(const struct flows *f, const struct sound_voice *v, unsigned number)
{
    if (number > RENDER_TRACKS_MAX)
        return "over_limit";
    if (voice_sealed(f, number - 1, v))
        return "encrypted";
    for (unsigned i = 0; i < f->count; i++)
        if (f->flows[i].channel == number - 1)
            return "undecodable";
    return "no_rtp";
}

/* A file, or the reason why there is none, for each voice, and the sum behind them. */
static void name_tracks(struct files *out, const struct files *made, const struct sound_voice *voices, const struct flows *flows, unsigned count)
{
    uint32_t next = 0;
    for (unsigned i = 0; i < count; i++) {
        const struct record_file *file = next < made->list.count ? &made->list.items[next] : NULL;
        struct record_file *track = add_file(out);
        if (track == NULL)
            return;
        bool heard = file && strcmp(file->kind, "track") == 0 && file->number == i + 1;
        next += heard;
        *track = heard ? *file : (struct record_file){.kind = "track", .number = i + 1, .result = silent_because(flows, &voices[i], i + 1)};
        track->user = arena_copy(out->r->arena, voices[i].user);
        track->uri = arena_copy(out->r->arena, voices[i].uri);
        snprintf(track->uid, sizeof track->uid, "%s", voices[i].call->uid);
    }
    struct record_file *mix = next < made->list.count ? add_file(out) : NULL;
    if (mix)
        *mix = made->list.items[next];
}

int sound_tracks(struct call_record *r, const struct sound_voice *voices, unsigned count, const struct sound_config *config, const char *dir,
                 const char *path, struct why *why)
{
    struct flows *flows = calloc(1, sizeof *flows);
    struct render_result result = {0};
    struct files made = {.r = r, .path = path}, named = {.r = r, .path = path};
    int err = ERR_NOMEM;
    if (flows) {
        for (unsigned i = 0; i < count && i < RENDER_TRACKS_MAX; i++)
            (void)add_call(flows, voices[i].call, config, &voices[i], i);
        struct render_request request = {
            .dir = dir,
            .path = path,
            .flows = flows->flows,
            .flow_count = flows->count,
            .tracks = count < RENDER_TRACKS_MAX ? count : RENDER_TRACKS_MAX,
            .silence_max_ns = TRACKS_SILENCE_NS,
            .file_context = &made,
            .file = take_file,
            .place = config->place,
            .skips = config->skips,
            .skip_count = config->skip_count,
            .counters = config->counters,
        };
        err = request.flow_count ? render_call(&request, &result, why) : ERR_NOT_FOUND;
    }
    if (err == 0) {
        date_files(&made.list, &result);
        name_tracks(&named, &made, voices, flows, count);
    }
    r->tracks = named.list;
    flows_free(flows);
    return err == ERR_NOT_FOUND ? 0 : err;
}
