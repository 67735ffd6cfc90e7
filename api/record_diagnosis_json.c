/* record_json.c says how JSON is written here. */
#include "api/record_diagnosis_json.h"

#include "api/json_fields.h"

#define FIGURE_DECIMALS 3

static void label_evidence(struct json *j, const struct record_label *l)
{
    json_key(j, "evidence");
    json_object(j);
    for (uint32_t i = 0; i < l->evidence_count; i++) {
        const struct record_evidence *e = &l->evidence[i];
        if (e->text.size)
            json_kv_text(j, e->name, e->text);
        else
            json_kv_double(j, e->name, e->value, FIGURE_DECIMALS);
    }
    json_end(j);
}

static void label_json(struct json *j, const struct record_label *l)
{
    json_object(j);
    json_kv_str(j, "label", l->name);
    json_kv_str(j, "direction", l->direction);
    json_kv_str(j, "cause", l->cause);
    json_kv_str(j, "side", l->side);
    kv_positive(j, "sid", l->sid);
    json_kv_int(j, "from_ms", l->from_ms);
    json_kv_int(j, "to_ms", l->to_ms);
    json_key(j, "mos");
    json_object(j);
    json_kv_double(j, "with", l->mos_with, FIGURE_DECIMALS);
    json_kv_double(j, "without", l->mos_without, FIGURE_DECIMALS);
    json_end(j);
    label_evidence(j, l);
    json_end(j);
}

void record_json_diagnosis(struct json *j, const struct record_diagnosis *d)
{
    kv_known(j, "summary", d->summary);
    json_key(j, "diagnosis");
    json_array(j);
    for (uint32_t i = 0; i < d->label_count; i++)
        label_json(j, &d->labels[i]);
    json_end(j);
}

static void point_types(struct json *j, const struct record_announced *a)
{
    json_key(j, "payload_types");
    json_array(j);
    for (unsigned type = 0; type < 128; type++)
        if (a->types[type / 64] >> type % 64 & 1)
            json_uint(j, type);
    json_end(j);
}

static void point_json(struct json *j, const struct record_announced *a)
{
    json_object(j);
    json_kv_time(j, "at", a->time_us);
    json_kv_str(j, "party", a->party);
    kv_uint(j, "line", a->line);
    kv_endpoint(j, "media", &a->at);
    json_kv_bool(j, "abroad", a->abroad);
    json_kv_str(j, "direction", a->direction);
    kv_positive(j, "ptime_ms", a->ptime_ms);
    point_types(j, a);
    json_end(j);
}

void record_json_priority(struct json *j, const char *key, uint8_t priority)
{
    if (priority)
        kv_uint(j, key, priority - 1u);
    else
        json_kv_null(j, key);
}

static void dscp_json(struct json *j, const char *party, const struct record_dscp *q)
{
    json_key(j, party);
    if (!q->seen) {
        json_null(j);
        return;
    }
    json_object(j);
    kv_uint(j, "first", q->first);
    kv_uint(j, "min", q->least);
    kv_uint(j, "max", q->most);
    record_json_priority(j, "pcp_min", q->priority_least);
    record_json_priority(j, "pcp_max", q->priority_most);
    json_end(j);
}

static void unreachable_json(struct json *j, const struct record_unreachable *u)
{
    char by[ADDR_TEXT_SIZE];
    json_object(j);
    json_kv_str(j, "what", u->what);
    json_kv_str(j, "reason", u->reason);
    kv_endpoint(j, "src", &u->src);
    kv_endpoint(j, "dst", &u->dst);
    json_kv_str(j, "by", addr_text(u->by, by));
    kv_uint(j, "count", u->count);
    json_kv_time(j, "first_at", u->first_us);
    json_kv_time(j, "last_at", u->last_us);
    json_end(j);
}

void record_json_announced(struct json *j, const struct record_diagnosis *d)
{
    json_key(j, "unreachable");
    json_array(j);
    for (uint32_t i = 0; i < d->unreachable_count; i++)
        unreachable_json(j, &d->unreachable[i]);
    json_end(j);
    json_key(j, "media_points");
    json_array(j);
    for (uint32_t i = 0; i < d->announced_count; i++)
        point_json(j, &d->announced[i]);
    json_end(j);
    json_key(j, "sip_dscp");
    json_object(j);
    dscp_json(j, "caller", &d->dscp[0]);
    dscp_json(j, "callee", &d->dscp[1]);
    json_end(j);
}
