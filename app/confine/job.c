/* One visit per struct, as in storage/pack.h. Keys stand behind everything else, so that the service can build the rest
 * in a buffer that moves when it grows, and wipe the one of the keys. */
#include "app/confine/job.h"

#include <stdlib.h>

#include "base/crypto.h"
#include "storage/record_pack.h"

#define END 0x45

void job_end_pack(struct pack *p)
{
    uint8_t end = p->out ? END : 0;
    pack_u8(p, &end);
    p->failed |= end != END || (p->out == NULL && !pack_at_end(p));
}

/* A text with its NUL, reading into the arena. */
static void word_pack(struct pack *p, const char **v)
{
    struct slice text = slice_str(*v ? *v : "");
    pack_text(p, &text);
    if (p->out == NULL) {
        *v = arena_str(p->arena, text);
        p->failed |= *v == NULL;
    }
}

/* Whatever of struct sound_config decides how something sounds or is written. */
static void config_pack(struct pack *p, struct sound_config *c)
{
    word_pack(p, &c->data_dir);
    uint8_t codec = (uint8_t)c->codec, layout = (uint8_t)c->layout, tags = (uint8_t)c->tags;
    pack_u8(p, &codec);
    pack_u8(p, &layout);
    pack_u8(p, &tags);
    p->failed |= codec >= AUDIO_CODECS || layout > RENDER_SIDES || tags > SOUND_TAGS_NUMBERS;
    c->codec = codec;
    c->layout = layout;
    c->tags = tags;
    pack_i64(p, &c->rollover_ns);
    pack_i64(p, &c->rollover_bytes);
    pack_i64(p, &c->silence_max_ns);
    pack_bool(p, &c->listen);
    pack_bool(p, &c->mask_dtmf);
    pack_bool(p, &c->video);
    pack_bool(p, &c->peaks);
    pack_bool(p, &c->fax);
}

static void skips_pack(struct pack *p, struct job *job)
{
    uint32_t count = job->sound.skip_count;
    pack_count(p, &count);
    p->failed |= count > PIECES_MAX;
    for (uint32_t i = 0; i < count && !p->failed; i++) {
        struct render_skip s = p->out ? job->sound.skips[i] : (struct render_skip){0};
        pack_u32(p, &s.flow);
        pack_i64(p, &s.from_ns);
        pack_i64(p, &s.to_ns);
        job->skips[i] = s;
    }
    if (p->out == NULL) {
        job->sound.skips = job->skips;
        job->sound.skip_count = p->failed ? 0 : count;
    }
}

/* Streams without their series, which nobody hears. */
static void streams_pack(struct pack *p, struct call_record *r)
{
    pack_count(p, &r->stream_count);
    if (p->out == NULL && r->stream_count) {
        r->streams = arena_alloc(r->arena, r->stream_count * sizeof *r->streams);
        p->failed |= r->streams == NULL;
        for (uint32_t i = 0; i < r->stream_count && r->streams; i++)
            record_stream_init(&r->streams[i]);
    }
    for (uint32_t i = 0; i < r->stream_count && !p->failed; i++)
        record_pack_stream(p, &r->streams[i]);
    if (p->failed)
        r->stream_count = 0;
}

static void record_pack(struct pack *p, struct call_record *r)
{
    struct slice uid = slice_str(r->uid);
    pack_text(p, &uid);
    if (p->out == NULL)
        slice_copy_to(uid, r->uid, sizeof r->uid);
    record_pack_call(p, r);
    streams_pack(p, r);
    record_pack_chains(p, &r->chains, &r->chain_count);
    record_pack_events(p, &r->events, &r->event_count);
    record_pack_recording(p, &r->recording);
}

static uint32_t index_of(const struct job *job, const struct call_record *call)
{
    uint32_t i = 0;
    while (i < job->record_count && job->records[i] != call)
        i++;
    return i;
}

static void voice_pack(struct pack *p, struct job *job, struct sound_voice *v)
{
    uint32_t call = p->out ? index_of(job, v->call) : 0;
    pack_u32(p, &call);
    word_pack(p, &v->party);
    pack_int(p, &v->line);
    pack_text(p, &v->user);
    pack_text(p, &v->uri);
    p->failed |= call >= job->record_count;
    if (!p->failed)
        v->call = job->records[call];
}

/* ---- jobs ---- */

static void head_pack(struct pack *p, struct job *job)
{
    uint8_t kind = (uint8_t)job->kind;
    pack_u8(p, &kind);
    p->failed |= kind > JOB_PROBE;
    job->kind = kind;
    pack_u32(p, &job->probe);
    word_pack(p, &job->dir);
    word_pack(p, &job->path);
    config_pack(p, &job->sound);
    skips_pack(p, job);
}

void job_write(struct buf *out, struct job *job)
{
    struct pack p = pack_writer(out);
    pack_u32(&p, &job->record_count);
    head_pack(&p, job);
    for (uint32_t i = 0; i < job->record_count; i++)
        record_pack(&p, job->records[i]);
    pack_u32(&p, &job->voice_count);
    for (uint32_t i = 0; i < job->voice_count; i++)
        voice_pack(&p, job, &job->voices[i]);
    out->failed |= p.failed;
}

void job_write_keys(struct buf *out, const struct job *job)
{
    struct pack p = pack_writer(out);
    for (uint32_t i = 0; i < job->record_count; i++) {
        struct record_secrets *s = &job->records[i]->secrets;
        pack_u32(&p, &s->count);
        pack_bytes(&p, s->items, s->count * sizeof *s->items);
    }
    job_end_pack(&p);
}

static void keys_read(struct pack *p, struct call_record *r)
{
    uint32_t count = 0;
    pack_count(p, &count);
    if (p->failed || count == 0)
        return;
    r->secrets.items = arena_alloc(r->arena, count * sizeof *r->secrets.items);
    p->failed |= r->secrets.items == NULL;
    if (p->failed)
        return;
    r->secrets.count = count;
    pack_bytes(p, r->secrets.items, count * sizeof *r->secrets.items);
}

static bool make_records(struct pack *p, struct job *job)
{
    uint32_t count = 0;
    pack_u32(p, &count);
    if (p->failed || count == 0 || count > JOB_RECORDS_MAX)
        return false;
    for (; job->record_count < count; job->record_count++) {
        job->records[job->record_count] = record_new();
        if (job->records[job->record_count] == NULL)
            return false;
    }
    p->arena = job->records[0]->arena;
    return true;
}

bool job_read(struct slice bytes, struct job *ret_job)
{
    struct job *job = ret_job;
    struct pack p = pack_reader(bytes, NULL);
    *job = (struct job){0};
    if (!make_records(&p, job))
        return false;
    head_pack(&p, job);
    for (uint32_t i = 0; i < job->record_count && !p.failed; i++) {
        p.arena = job->records[i]->arena;
        record_pack(&p, job->records[i]);
    }
    p.arena = job->records[0]->arena;
    pack_count(&p, &job->voice_count);
    job->voices = arena_alloc(p.arena, (job->voice_count + 1) * sizeof *job->voices);
    p.failed |= job->voices == NULL;
    for (uint32_t i = 0; i < job->voice_count && !p.failed; i++)
        voice_pack(&p, job, &job->voices[i]);
    for (uint32_t i = 0; i < job->record_count && !p.failed; i++)
        keys_read(&p, job->records[i]);
    job_end_pack(&p);
    return !p.failed;
}

void job_free(struct job *job)
{
    for (uint32_t i = 0; i < job->record_count; i++)
        record_free(job->records[i]);
    job->record_count = 0;
}
