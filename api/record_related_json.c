/* record_related.h as JSON; record_json.c says how JSON is written here. */
#include "api/record_related_json.h"

#include "api/json_fields.h"

static void kv_uid(struct json *j, const char *key, const char *uid)
{
    json_kv_str(j, key, uid[0] ? uid : NULL);
}

static void kv_centre(struct json *j, const struct record_centre *c)
{
    json_key(j, "contact_centre");
    json_object(j);
    kv_known(j, "queue", c->queue);
    kv_known(j, "agent", c->agent);
    kv_natural(j, "wait_ms", c->wait_ms);
    kv_natural(j, "talk_ms", c->talk_ms);
    kv_natural(j, "hold_ms", c->hold_ms);
    json_kv_bool(j, "abandoned", c->abandoned);
    json_end(j);
}

void record_json_group(struct json *j, const struct record_related *v)
{
    if (v->group_id[0])
        json_kv_str(j, "group_id", v->group_id);
    if (v->centre.queue.size || v->centre.agent.size)
        kv_centre(j, &v->centre);
}

static void link_json(struct json *j, const struct record_link *v)
{
    json_object(j);
    json_kv_str(j, "kind", v->kind);
    kv_uid(j, "uid", v->uid);
    json_kv_time(j, "at", v->time_us);
    kv_known(j, "evidence", v->evidence);
    json_end(j);
}

static void transfer_json(struct json *j, const struct record_transfer *v)
{
    json_object(j);
    json_kv_time(j, "at", v->time_us);
    json_kv_str(j, "kind", v->attended ? "attended" : "blind");
    json_kv_str(j, "referrer", v->referrer);
    kv_known(j, "refer_to", v->refer_to);
    kv_known(j, "replaces_call_id", v->replaces);
    kv_positive(j, "sip_code", v->code);
    kv_positive(j, "notify_code", v->notify_code);
    json_kv_str(j, "outcome", v->outcome);
    json_kv_time(j, "done_at", v->done_us);
    kv_uid(j, "uid", v->uid);
    json_end(j);
}

static void participant_json(struct json *j, const struct record_participant *v)
{
    json_object(j);
    kv_known(j, "user", v->user);
    kv_known(j, "uri", v->uri);
    kv_uid(j, "uid", v->uid);
    json_kv_time(j, "joined_at", v->joined_us);
    json_kv_time(j, "left_at", v->left_us);
    json_end(j);
}

static void kv_conference(struct json *j, const struct record_conference *v)
{
    json_key(j, "conference");
    json_object(j);
    kv_known(j, "focus_uri", v->focus_uri);
    json_kv_bool(j, "limited", v->limited);
    json_key(j, "participants");
    json_array(j);
    for (uint32_t i = 0; i < v->participant_count; i++)
        participant_json(j, &v->participants[i]);
    json_end(j);
    json_end(j);
}

void record_json_related(struct json *j, const struct record_related *v)
{
    if (v->link_count) {
        json_key(j, "related");
        json_array(j);
        for (uint32_t i = 0; i < v->link_count; i++)
            link_json(j, &v->links[i]);
        json_end(j);
    }
    if (v->transfer_count) {
        json_key(j, "transfers");
        json_array(j);
        for (uint32_t i = 0; i < v->transfer_count; i++)
            transfer_json(j, &v->transfers[i]);
        json_end(j);
    }
    if (v->conference.focus_uri.size)
        kv_conference(j, &v->conference);
}
