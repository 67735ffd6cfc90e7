#include "api/note_json.h"

static void name_json(struct json *j, const char *key, struct slice name)
{
    if (name.size)
        json_kv_text(j, key, name);
    else
        json_kv_null(j, key);
}

static void ms_json(struct json *j, const char *key, int64_t ms, bool known)
{
    if (known)
        json_kv_int(j, key, ms);
    else
        json_kv_null(j, key);
}

void annotation_json(struct json *j, const struct record_annotation *a)
{
    json_object(j);
    json_kv_int(j, "n", a->n);
    ms_json(j, "at_ms", a->at_ms, a->timed);
    ms_json(j, "length_ms", a->length_ms, a->timed);
    json_kv_text(j, "text", a->text);
    json_kv_text(j, "author", a->author);
    name_json(j, "edited_by", a->edited_by);
    json_kv_time(j, "created_at", a->created_us);
    json_kv_time(j, "updated_at", a->updated_us);
    json_end(j);
}

static void segment_json(struct json *j, const struct record_segment *s)
{
    json_object(j);
    ms_json(j, "start_ms", s->start_ms, s->start_ms >= 0);
    ms_json(j, "end_ms", s->end_ms, s->end_ms >= 0);
    json_kv_str(j, "party", s->party);
    json_kv_text(j, "text", s->text);
    json_end(j);
}

void annotations_json(struct json *j, const char *call_uid, const struct record_notes *notes)
{
    json_object(j);
    json_kv_str(j, "call_uid", call_uid);
    json_key(j, "data");
    json_array(j);
    for (uint32_t i = 0; i < notes->annotation_count; i++)
        annotation_json(j, &notes->annotations[i]);
    json_end(j);
    json_end(j);
}

void transcript_json(struct json *j, const char *call_uid, const struct record_transcript *t)
{
    json_object(j);
    json_kv_str(j, "call_uid", call_uid);
    name_json(j, "language", t->language);
    name_json(j, "engine", t->engine);
    json_kv_text(j, "author", t->author);
    json_kv_time(j, "created_at", t->created_us);
    json_kv_time(j, "updated_at", t->updated_us);
    json_key(j, "segments");
    json_array(j);
    for (uint32_t i = 0; i < t->segment_count; i++)
        segment_json(j, &t->segments[i]);
    json_end(j);
    json_end(j);
}
