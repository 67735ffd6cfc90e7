/* GET /calls/{uid}/ladder: the events of a call, or of all its legs, from the store and the spool,
 * as JSON or as text. */
#include "api/handlers.h"
#include "api/ladder.h"
#include "api/leg_set.h"
#include "api/record_json.h"

#include <assert.h>

static_assert(LADDER_LEGS_MAX >= LEG_SET_MAX, "all legs of a set fit on a ladder");

struct wish {
    bool media, rtcp, text;
};

static void give(struct exchange *x, const struct ladder *l, const struct leg_set *set, bool text)
{
    struct json j;
    if (text) {
        ladder_text(&x->rs->body, l);
        x->rs->content_type = "text/plain; charset=us-ascii";
        return;
    }
    json_init(&j, &x->rs->body);
    ladder_json(&j, l, set->record[set->self]->uid, &x->api->config->named);
    exchange_json_done(x);
}

static int add_leg(struct exchange *x, struct ladder *l, const struct call_record *r,
                   const struct wish *w)
{
    ladder_leg(l, r);
    int err = store_messages(x->reader, r, ladder_message, l);
    if (w->media)
        ladder_streams(l, r);
    ladder_dtmf(l, r);
    ladder_pauses(l, r);
    if (w->rtcp)
        ladder_rtcp(l, x->api->config->data_dir, r);
    if (l->failed)
        return ERR_NOMEM;
    return err == ERR_NOT_FOUND ? 0 : err; /* an orphan has none */
}

void handle_ladder(struct exchange *x)
{
    struct ladder l = {0};
    struct leg_set set;
    struct wish w;
    int err = 0;

    if (!exchange_flag(x, "rtp", true, &w.media) || !exchange_flag(x, "rtcp", false, &w.rtcp) ||
        !exchange_wants_text(x, &w.text) || !leg_set_of(x, &set))
        return;
    l.truncated = set.truncated;
    for (unsigned i = 0; i < set.count && err == 0; i++)
        err = add_leg(x, &l, set.record[i], &w);
    ladder_arrange(&l);
    if (err)
        exchange_store_problem(x, err, "call");
    else if (leg_set_audit(x, &set, "ladder.read"))
        give(x, &l, &set, w.text);
    ladder_fini(&l);
    leg_set_free(&set);
}
