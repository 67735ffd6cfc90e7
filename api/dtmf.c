/* GET /calls/{uid}/dtmf: the keys that were pressed in a call. */
#include "api/handlers.h"
#include "api/json_fields.h"
#include "api/record_dtmf_json.h"

void handle_dtmf(struct exchange *x)
{
    struct json j;
    struct call_record *r = exchange_call(x);
    if (r == NULL)
        return;
    const struct record_dtmf all = record_dtmf_of(&r->dtmf, &r->recording.inband, r->arena);
    json_init(&j, &x->rs->body);
    json_object(&j);
    json_kv_str(&j, "call_uid", r->uid);
    json_key(&j, "data");
    record_json_digits(&j, &all);
    record_json_dialled(&j, &all);
    kv_uint(&j, "over_limit", all.over_limit);
    json_end(&j);
    record_free(r);
    exchange_json_done(x);
    exchange_etag(x);
}
