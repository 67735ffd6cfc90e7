#include "api/record_files_json.h"

#include <stdio.h>
#include <string.h>

#include "api/json_fields.h"
#include "base/crypto.h"
#include "storage/siprec_voice.h"

void record_json_channels(struct json *j, const struct call_record *r, int channels)
{
    static const char *const CALL[] = {"caller", "callee"};
    json_key(j, "channels");
    json_array(j);
    if (channels == 1)
        json_str(j, "all");
    for (int i = 0; channels == 2 && i < 2; i++) {
        if (!r->siprec.given || r->siprec.stream_count < 2)
            json_str(j, CALL[i]);
        else if (r->siprec.stream_count == 2 && siprec_voice_line(r, (unsigned)i) >= 0)
            json_text(j, siprec_voice_name(r, (unsigned)i));
        else
            json_str(j, "participants");
    }
    json_end(j);
}

const char *record_file_format(const struct record_file *f)
{
    const char *codec = record_file_codec(f);
    return strncmp(codec, "pcm_", 4) == 0 ? "wav" : strcmp(codec, "opus") == 0 ? "ogg" : codec;
}

const char *record_file_codec(const struct record_file *f)
{
    return f->codec ? f->codec : "pcm_s16le";
}

static void kv_channels(struct json *j, const struct call_record *r, const struct record_file *f)
{
    if (f->uid[0] == '\0' && f->side == NULL && strcmp(f->kind, "mix") != 0) {
        record_json_channels(j, r, f->channels);
        return;
    }
    json_key(j, "channels");
    json_array(j);
    json_str(j, f->side ? f->side : f->uid[0] ? "participant" : "all");
    json_end(j);
}

static void kv_participant(struct json *j, const struct record_file *f)
{
    if (f->uid[0] == '\0')
        return;
    json_key(j, "participant");
    json_object(j);
    kv_known(j, "user", f->user);
    kv_known(j, "uri", f->uri);
    json_kv_str(j, "uid", f->uid);
    json_end(j);
}

static void kv_sound(struct json *j, const struct call_record *r, const struct record_file *f)
{
    char hex[65];
    json_kv_str(j, "format", record_file_format(f));
    json_kv_str(j, "codec", record_file_codec(f));
    kv_channels(j, r, f);
    kv_positive(j, "sample_rate_hz", f->sample_rate_hz);
    json_kv_time(j, "started_at", f->started_us);
    json_kv_int(j, "first_sample", f->first_sample);
    json_kv_int(j, "samples", f->samples);
    json_kv_int(j, "duration_ms", f->sample_rate_hz ? f->samples * 1000 / f->sample_rate_hz : 0);
    json_kv_int(j, "size_bytes", f->size_bytes);
    json_kv_str(j, "sha256", crypto_hex(slice_of(f->sha256, sizeof f->sha256), hex));
}

void record_file_json(struct json *j, const struct call_record *r, const struct record_file *f,
                      bool links)
{
    char id[RECORD_FILE_ID_SIZE], url[RECORD_FILE_ID_SIZE + 40];
    bool there = f->path.size > 0;
    record_file_id(r, f, id);
    json_object(j);
    json_kv_str(j, "id", there ? id : NULL);
    json_kv_str(j, "kind", f->kind);
    kv_positive(j, "number", f->number);
    json_kv_str(j, "result", f->result);
    kv_participant(j, f);
    if (there)
        kv_sound(j, r, f);
    snprintf(url, sizeof url, "/api/v1/recordings/%s/audio", id);
    if (links)
        json_kv_str(j, "url", there ? url : NULL);
    json_end(j);
}

void record_json_parts(struct json *j, const struct call_record *r, bool links)
{
    const struct record_files *parts = &r->recording.files;
    if (parts->count < 2)
        return;
    json_key(j, "parts");
    json_array(j);
    for (uint32_t i = 0; i < parts->count; i++)
        record_file_json(j, r, &parts->items[i], links);
    json_end(j);
}
