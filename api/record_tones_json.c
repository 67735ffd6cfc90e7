/* record_json.c says how JSON is written here. */
#include "api/record_tones_json.h"

#include "api/json_fields.h"

void record_json_tones(struct json *j, const struct call_record *r)
{
    const struct record_recording *g = &r->recording;
    if (g->sound.tone_count == 0)
        return;
    json_key(j, "tones");
    json_array(j);
    for (uint32_t i = 0; i < g->sound.tone_count; i++) {
        const struct record_tone *t = &g->sound.tones[i];
        int64_t at_us = g->started_us + t->at_ms * 1000;
        json_object(j);
        json_kv_str(j, "kind", t->kind);
        json_kv_str(j, "party", t->party);
        json_kv_time(j, "at", at_us);
        json_kv_int(j, "at_ms", t->at_ms);
        json_kv_int(j, "length_ms", t->length_ms);
        json_kv_int(j, "level_dbm0", t->level_dbm0);
        kv_uint(j, "bursts", t->bursts);
        kv_uint(j, "burst_ms", t->burst_ms);
        kv_positive(j, "pause_ms", t->pause_ms);
        json_kv_bool(j, "phase_reversals", t->reversed);
        json_kv_bool(j, "after_answer", r->answered_us && at_us >= r->answered_us);
        json_end(j);
    }
    json_end(j);
    kv_uint(j, "tones_over_limit", g->sound.tones_over_limit);
}
