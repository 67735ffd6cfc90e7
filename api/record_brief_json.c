/* A call as a row of a table: what lists and wall boards show, a tenth of the whole object. Every member is one of the whole object,
 * with its name and its value, so that who reads rows reads calls as well; objects in it have only members that a table shows. Nothing
 * here comes from streams, messages or the spool: the store does not read them for it (store_query.brief). record_json.c says how JSON
 * is written here. */
#include "api/json_fields.h"
#include "api/record_json.h"

#define SCORE_DECIMALS 3
#define RATIO_DECIMALS 6

static void party(struct json *j, const char *key, const struct record_party *p)
{
    json_key(j, key);
    json_object(j);
    kv_known(j, "user", p->user);
    kv_known(j, "display", p->display);
    kv_known(j, "host", p->host);
    json_end(j);
}

static void numbered(struct json *j, const char *key, const struct record_number *n)
{
    json_key(j, key);
    json_object(j);
    kv_known(j, "number", n->number);
    json_kv_bool(j, "privacy", n->privacy);
    json_end(j);
}

static void course(struct json *j, const struct call_record *r)
{
    json_kv_time(j, "started_at", r->started_us);
    json_kv_time(j, "answered_at", r->answered_us);
    json_kv_time(j, "ended_at", r->ended_us);
    json_kv_str(j, "state", r->state);
    json_kv_str(j, "outcome", r->outcome);
    json_kv_str(j, "released_by", r->released_by);
    kv_positive(j, "sip_code", r->sip_code);
    kv_positive(j, "q850_cause", r->q850_cause);
    kv_natural(j, "duration_ms", r->duration_ms);
    kv_natural(j, "ring_ms", r->ring_ms);
    json_kv_double(j, "post_dial_delay_ms", r->post_dial_delay_ms, MS_DECIMALS);
    json_kv_double(j, "setup_ms", r->setup_ms, MS_DECIMALS);
    json_kv_bool(j, "partial", r->partial);
}

static void parties(struct json *j, const struct call_record *r)
{
    party(j, "from", &r->from);
    party(j, "to", &r->to);
    numbered(j, "caller", &r->identity.caller);
    numbered(j, "callee", &r->identity.callee);
    kv_known(j, "call_id", r->call_id);
    kv_known(j, "user_agent", r->user_agent);
    kv_endpoint(j, "src", &r->src);
    kv_endpoint(j, "dst", &r->dst);
    json_kv_str(j, "direction", r->direction);
    kv_known(j, "trunk", r->trunk);
    kv_known(j, "site", r->site);
    kv_known(j, "tenant", r->tenant);
}

static void quality(struct json *j, const struct call_record *r)
{
    json_key(j, "quality");
    json_object(j);
    json_kv_double(j, "mos_min", r->mos_min, SCORE_DECIMALS);
    json_kv_str(j, "scale", r->mos_scale);
    json_kv_double(j, "r_fb_min", r->r_fb_min, SCORE_DECIMALS);
    json_kv_str(j, "band", record_quality_band(r->r_min, r->mos_scale));
    json_kv_double(j, "loss_ratio", r->loss_ratio, RATIO_DECIMALS);
    json_kv_double(j, "jitter_ms_max", r->jitter_ms_max, MS_DECIMALS);
    json_kv_double(j, "max_gap_ms", r->max_gap_ms, MS_DECIMALS);
    json_kv_double(j, "rtt_ms", r->rtt_ms, MS_DECIMALS);
    json_kv_bool(j, "one_way", r->one_way);
    json_kv_bool(j, "no_rtp", r->no_rtp);
    json_end(j);
}

static void diagnosis(struct json *j, const struct record_diagnosis *d)
{
    kv_known(j, "summary", d->summary);
    json_key(j, "diagnosis");
    json_array(j);
    for (uint32_t i = 0; i < d->label_count; i++) {
        json_object(j);
        json_kv_str(j, "label", d->labels[i].name);
        json_kv_str(j, "direction", d->labels[i].direction);
        json_end(j);
    }
    json_end(j);
}

static void recording(struct json *j, const struct record_recording *g)
{
    json_key(j, "recording");
    if (g->id[0] == '\0' && g->result == NULL && g->state == NULL) {
        json_null(j);
        return;
    }
    json_object(j);
    json_kv_str(j, "id", g->id[0] ? g->id : NULL);
    json_kv_str(j, "result", g->result);
    json_kv_str(j, "state", g->state);
    json_end(j);
}

void record_json_brief(struct json *j, const struct call_record *r)
{
    json_object(j);
    json_kv_str(j, "uid", r->uid);
    json_kv_str(j, "kind", r->kind);
    course(j, r);
    parties(j, r);
    quality(j, r);
    diagnosis(j, &r->diagnosis);
    kv_known(j, "codec", r->codec);
    json_kv_str(j, "source", record_is_imported(r) ? "import" : "capture");
    recording(j, &r->recording);
    json_key(j, "tags");
    record_json_tags(j, r->tags);
    json_kv_int(j, "annotation_count", r->annotation_count);
    json_kv_bool(j, "has_transcript", r->has_transcript);
    json_end(j);
}
