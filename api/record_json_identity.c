#include "api/record_json_identity.h"

#include "api/json_fields.h"

static void kv_number(struct json *j, const char *key, const struct record_number *n)
{
    json_key(j, key);
    json_object(j);
    kv_known(j, "number", n->number);
    json_kv_str(j, "source", n->source);
    kv_known(j, "raw", n->raw);
    json_kv_bool(j, "privacy", n->privacy);
    if (n->routing_number.size)
        json_kv_text(j, "routing_number", n->routing_number);
    if (n->ported)
        json_kv_bool(j, "ported", true);
    json_end(j);
}

static void diversions(struct json *j, const struct record_identity *d)
{
    json_key(j, "diversion");
    json_array(j);
    for (uint32_t i = 0; i < d->diversion_count; i++) {
        const struct record_diversion *v = &d->diversions[i];
        json_object(j);
        kv_known(j, "number", v->number);
        kv_known(j, "uri", v->uri);
        kv_known(j, "reason", v->reason);
        json_kv_int(j, "counter", v->counter);
        json_kv_bool(j, "privacy", v->privacy);
        json_end(j);
    }
    json_end(j);
}

static void history(struct json *j, const struct record_identity *d)
{
    json_key(j, "history");
    json_array(j);
    for (uint32_t i = 0; i < d->history_count; i++) {
        const struct record_history *v = &d->history[i];
        json_object(j);
        kv_known(j, "number", v->number);
        kv_known(j, "uri", v->uri);
        kv_known(j, "index", v->index);
        json_kv_str(j, "change", v->why);
        kv_known(j, "changed_from", v->origin);
        kv_positive(j, "cause", v->cause);
        json_kv_bool(j, "privacy", v->privacy);
        json_end(j);
    }
    json_end(j);
}

static void passports(struct json *j, const struct record_identity *d)
{
    json_key(j, "passports");
    json_array(j);
    for (uint32_t i = 0; i < d->passport_count; i++) {
        const struct record_passport *t = &d->passports[i];
        json_object(j);
        json_kv_str(j, "result", t->result);
        kv_known(j, "ppt", t->ppt);
        kv_known(j, "attest", t->attest);
        kv_known(j, "orig", t->orig);
        kv_known(j, "dest", t->dest);
        json_kv_time(j, "issued_at", t->iat_s * 1000000);
        kv_known(j, "origid", t->origid);
        kv_known(j, "x5u", t->x5u);
        kv_known(j, "alg", t->alg);
        json_end(j);
    }
    json_end(j);
}

static void headers(struct json *j, const struct record_identity *d)
{
    char name[128];
    bool cut = false;
    json_key(j, "headers");
    json_object(j);
    for (uint32_t i = 0; i < d->header_count; i++) {
        slice_copy_to(d->headers[i].name, name, sizeof name);
        json_kv_text(j, name, d->headers[i].value);
        cut |= d->headers[i].cut;
    }
    json_end(j);
    json_kv_bool(j, "headers_cut", cut);
}

static void reason_headers(struct json *j, const struct record_identity *d)
{
    json_key(j, "reason_headers");
    json_array(j);
    for (uint32_t i = 0; i < d->reason_count; i++) {
        const struct record_reason *v = &d->reasons[i];
        json_object(j);
        json_kv_time(j, "at", v->time_us);
        json_kv_str(j, "party", v->party);
        kv_known(j, "message", v->message);
        kv_known(j, "protocol", v->protocol);
        kv_positive(j, "cause", v->cause);
        kv_known(j, "text", v->text);
        json_end(j);
    }
    json_end(j);
}

void record_json_identity(struct json *j, const struct record_identity *d)
{
    kv_number(j, "caller", &d->caller);
    kv_number(j, "callee", &d->callee);
    kv_known(j, "q850_text", d->q850_text);
    if (d->privacy.size)
        json_kv_text(j, "privacy", d->privacy);
    if (d->referred_by.size)
        json_kv_text(j, "referred_by", d->referred_by);
    if (d->diversion_count)
        diversions(j, d);
    if (d->history_count)
        history(j, d);
    if (d->passport_count)
        passports(j, d);
    if (d->header_count)
        headers(j, d);
    if (d->reason_count)
        reason_headers(j, d);
}
