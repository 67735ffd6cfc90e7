/* record_json.c says how JSON is written here. */
#include "api/record_dtmf_json.h"

#include "api/json_fields.h"

#define TEXT_ROOM 1024 /* 256 digits of each of three sources */

void record_json_digits(struct json *j, const struct record_dtmf *v)
{
    json_array(j);
    for (uint32_t i = 0; i < v->count; i++) {
        const struct record_digit *d = &v->digits[i];
        json_object(j);
        json_kv_time(j, "at", d->time_us);
        kv_known(j, "digit", d->digit);
        kv_positive(j, "duration_ms", d->duration_ms);
        json_kv_str(j, "source", d->source);
        json_kv_str(j, "party", d->party);
        kv_positive(j, "payload_type", d->payload_type);
        if (d->volume)
            json_kv_int(j, "volume_dbm0", 1 - d->volume);
        else
            json_kv_null(j, "volume_dbm0");
        json_kv_bool(j, "copy", d->copy);
        json_end(j);
    }
    json_end(j);
}

void record_json_dialled(struct json *j, const struct record_dtmf *v)
{
    static const char *const parties[] = {"caller", "callee"};
    char text[TEXT_ROOM];
    json_key(j, "digits");
    json_object(j);
    for (unsigned i = 0; i < 2; i++) {
        size_t length = record_dtmf_text(v, parties[i], text, sizeof text);
        kv_known(j, parties[i], slice_of(text, length));
    }
    json_end(j);
}

void record_json_dtmf(struct json *j, const struct call_record *r)
{
    const struct record_dtmf all = record_dtmf_of(&r->dtmf, &r->recording.inband, r->arena);
    if (all.count == 0)
        return;
    json_key(j, "dtmf");
    record_json_digits(j, &all);
    record_json_dialled(j, &all);
}
