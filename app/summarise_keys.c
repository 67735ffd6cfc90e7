#include "app/summarise_keys.h"

static const char *kind_text(uint8_t kind)
{
    static const char *const TEXTS[CALL_KEY_KINDS] = {
        [CALL_KEY_SESSION_ID] = "session_id",
        [CALL_KEY_HEADER] = "header",
        [CALL_KEY_ICID] = "icid",
        [CALL_KEY_REPLACES] = "replaces",
        [CALL_KEY_JOIN] = "join",
        [CALL_KEY_SDP] = "sdp_origin",
        [CALL_KEY_MEDIA] = "media",
    };
    return TEXTS[kind];
}

void keys_fill(struct call_record *r, const struct call *call, const struct identity_config *config)
{
    uint32_t count = 0;
    r->call_id_chars = config->call_id_chars;
    for (const struct call_key *k = call ? call->keys : NULL; k; k = k->next)
        count++;
    if (count)
        r->keys = arena_alloc(r->arena, count * sizeof *r->keys);
    for (const struct call_key *k = r->keys ? call->keys : NULL; k; k = k->next)
        r->keys[r->key_count++] = (struct record_key){
            .kind = kind_text(k->kind),
            .name = k->name ? arena_copy(r->arena, slice_str(k->name)) : slice_none(),
            .value = arena_copy(r->arena, slice_of(k->value, k->size)),
        };
}
