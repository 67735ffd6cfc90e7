/* Session-Expires: 1800;refresher=uac */
#include "capture/call/session.h"

#include "capture/call/attempt.h"
#include "capture/call/emit.h"
#include "capture/call/flows.h"

#define SECOND_NS       INT64_C(1000000000)
#define GRACE_NS        (2 * SECOND_NS) /* a refresh on its way */
#define MEDIA_RECENT_NS (2 * SECOND_NS)
#define EXPIRES_MAX_S   UINT32_C(86400)

/* Who `uac` is depends on whose request is answered. */
static uint8_t refresher_of(const struct sighting *s, struct slice params)
{
    struct slice value;
    if (!sip_param(params, "refresher", &value))
        return CALL_PARTY_UNKNOWN;
    if (slice_is_nocase(value, "uac"))
        return s->transaction_of;
    return s->transaction_of == CALL_CALLER ? CALL_CALLEE : CALL_CALLER;
}

void session_take(struct calls *c, struct live *l, const struct sighting *s)
{
    const struct sip_msg *m = s->m;
    bool sets = !m->request && m->status >= 200 && m->status < 300 &&
                (m->method == SIP_INVITE || m->method == SIP_UPDATE);
    if (!sets)
        return;
    struct slice value = sip_header(m, SIP_H_SESSION_EXPIRES);
    size_t semicolon = slice_index(value, ';');
    uint32_t expires_s;
    if (!slice_to_u32(slice_trim(slice_sub(value, 0, semicolon)), &expires_s) || expires_s == 0) {
        l->session_until_ns = 0; /* a 2xx without it ends the timer */
        return;
    }
    if (expires_s > EXPIRES_MAX_S)
        expires_s = EXPIRES_MAX_S;
    l->session_until_ns = c->steady_ns + expires_s * SECOND_NS + GRACE_NS;
    l->call->session_expires_s = expires_s;
    l->call->session_refresher = refresher_of(s, slice_from(value, semicolon));
    l->call->session_expired = false;
}

int64_t session_deadline(const struct live *l)
{
    return l->session_until_ns ? l->session_until_ns : INT64_MAX;
}

void session_expire(struct calls *c, struct live *l)
{
    l->session_until_ns = 0;
    l->call->session_expired = true;
    emit_note(c, l, "session_expired", call_party_text(l->call->session_refresher));
    if (flows_last_seen(c, l) + MEDIA_RECENT_NS < c->steady_ns) {
        l->call->partial = true;
        attempt_cut(c, l, CALL_END_SIP_TIMEOUT);
        emit_call(c, l, EVENT_CALL_CHANGED);
    }
}
