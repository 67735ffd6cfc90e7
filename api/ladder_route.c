/* GET /calls/{uid}/ladder: the events of a call from the store and the spool, as JSON or as text.
 */
#include "api/handlers.h"
#include "api/ladder.h"
#include "api/record_json.h"

static void give(struct exchange *x, const struct ladder *l, const struct call_record *r, bool text)
{
    struct json j;
    if (text) {
        ladder_text(&x->rs->body, l, r);
        x->rs->content_type = "text/plain; charset=us-ascii";
        return;
    }
    json_init(&j, &x->rs->body);
    ladder_json(&j, l, r);
    exchange_json_done(x);
}

void handle_ladder(struct exchange *x)
{
    struct ladder l = {0};
    bool media, rtcp, text;
    struct call_record *r;

    if (!exchange_flag(x, "rtp", true, &media) || !exchange_flag(x, "rtcp", false, &rtcp) ||
        !exchange_wants_text(x, &text) || (r = exchange_call(x)) == NULL)
        return;
    int err = store_messages(x->reader, r->uid, ladder_message, &l);
    if (media)
        ladder_streams(&l, r);
    ladder_dtmf(&l, r);
    if (rtcp)
        ladder_rtcp(&l, x->api->config->data_dir, r);
    ladder_arrange(&l);
    if (err == ERR_NOT_FOUND)
        err = 0; /* an orphan has none */
    if (l.failed)
        err = ERR_NOMEM;
    if (err)
        exchange_store_problem(x, err, "call");
    else if (exchange_audit(x, "messages.read", r->uid, "ok", "ladder"))
        give(x, &l, r, text);
    ladder_fini(&l);
    record_free(r);
}
