/* Related calls to bytes and back. Elements of lists cannot grow: what lies behind them has no mark
 * of its own. */
#include "storage/record_pack.h"

static void uid_pack(struct pack *p, char uid[RECORD_UID_SIZE])
{
    struct slice text = slice_str(uid);
    pack_text(p, &text);
    if (p->out == NULL)
        slice_copy_to(text, uid, RECORD_UID_SIZE);
}

static void link_pack(struct pack *p, void *item)
{
    struct record_link *v = item;
    pack_word(p, &v->kind);
    uid_pack(p, v->uid);
    pack_i64(p, &v->time_us);
    pack_text(p, &v->evidence);
}

static void transfer_pack(struct pack *p, void *item)
{
    struct record_transfer *v = item;
    pack_i64(p, &v->time_us);
    pack_i64(p, &v->done_us);
    pack_word(p, &v->referrer);
    pack_bool(p, &v->attended);
    pack_text(p, &v->refer_to);
    pack_text(p, &v->replaces);
    pack_int(p, &v->code);
    pack_int(p, &v->notify_code);
    pack_word(p, &v->outcome);
    uid_pack(p, v->uid);
}

static void participant_pack(struct pack *p, void *item)
{
    struct record_participant *v = item;
    pack_text(p, &v->user);
    pack_text(p, &v->uri);
    uid_pack(p, v->uid);
    pack_i64(p, &v->joined_us);
    pack_i64(p, &v->left_us);
}

void record_pack_related(struct pack *p, struct record_related *v)
{
    uid_pack(p, v->group_id);
    v->links = pack_items(p, v->links, &v->link_count, sizeof *v->links, link_pack);
    v->transfers =
        pack_items(p, v->transfers, &v->transfer_count, sizeof *v->transfers, transfer_pack);
    struct record_conference *c = &v->conference;
    pack_text(p, &c->focus_uri);
    pack_bool(p, &c->limited);
    c->participants = pack_items(p, c->participants, &c->participant_count, sizeof *c->participants,
                                 participant_pack);
    struct record_centre *q = &v->centre;
    pack_text(p, &q->queue);
    pack_text(p, &q->agent);
    pack_i64(p, &q->wait_ms);
    pack_i64(p, &q->talk_ms);
    pack_i64(p, &q->hold_ms);
    pack_bool(p, &q->abandoned);
}
