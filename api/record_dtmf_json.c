/* record_json.c says how JSON is written here. */
#include "api/record_dtmf_json.h"

#include "api/json_fields.h"

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
        json_end(j);
    }
    json_end(j);
}

void record_json_dtmf(struct json *j, const struct record_dtmf *v)
{
    if (v->count == 0)
        return;
    json_key(j, "dtmf");
    record_json_digits(j, v);
}
