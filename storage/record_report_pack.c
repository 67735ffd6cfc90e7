/* Reports to bytes and back. Elements of lists cannot grow. */
#include "storage/record_pack.h"

static void report_pack(struct pack *p, void *item)
{
    struct record_report *v = item;
    pack_i64(p, &v->time_us);
    pack_word(p, &v->source);
    pack_word(p, &v->kind);
    pack_word(p, &v->side);
    pack_word(p, &v->party);
    pack_word(p, &v->match);
    pack_word(p, &v->buffer);
    pack_text(p, &v->reporter);
    pack_text(p, &v->user_agent);
    pack_text(p, &v->alert);
    pack_text(p, &v->codec);
    pack_text(p, &v->estimator);
    pack_i64(p, &v->started_us);
    pack_i64(p, &v->stopped_us);
    pack_endpoint(p, &v->src);
    pack_endpoint(p, &v->dst);
    pack_bool(p, &v->has_ssrc);
    pack_u32(p, &v->ssrc);
    pack_u32(p, &v->sid);
    for (unsigned i = 0; i < RECORD_REPORT_FIGURE_COUNT; i++)
        pack_double(p, &v->reported[i]);
}

void record_pack_reports(struct pack *p, struct record_reports *v)
{
    v->items = pack_items(p, v->items, &v->count, sizeof *v->items, report_pack);
    pack_u32(p, &v->over_limit);
}
