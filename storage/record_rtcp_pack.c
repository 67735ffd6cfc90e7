/* What RTCP said, as bytes. New fields go to the end of record_pack_rtcp(). */
#include "storage/record_pack.h"

static void spread_pack(struct pack *p, struct record_spread *v)
{
    pack_u32(p, &v->count);
    if (v->count == 0)
        return;
    pack_double(p, &v->min);
    pack_double(p, &v->median);
    pack_double(p, &v->max);
}

static void voip_pack(struct pack *p, struct record_voip *v)
{
    double *const numbers[] = {
        &v->loss_ratio,    &v->discard_ratio, &v->burst_density, &v->gap_density, &v->round_trip_ms,
        &v->end_system_ms, &v->signal_dbm0,   &v->noise_dbm0,    &v->rerl_db,     &v->r,
        &v->r_external,    &v->mos_lq,        &v->mos_cq};
    int64_t *const times[] = {&v->burst_ms, &v->gap_ms, &v->buffer_nominal_ms, &v->buffer_max_ms,
                              &v->buffer_limit_ms};
    pack_u32(p, &v->reports);
    if (v->reports == 0)
        return;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        pack_double(p, numbers[i]);
    for (size_t i = 0; i < sizeof times / sizeof *times; i++)
        pack_i64(p, times[i]);
    pack_u8(p, &v->gmin);
    pack_u8(p, &v->buffer_rate);
    pack_word(p, &v->plc);
    pack_word(p, &v->buffer);
}

static void places_pack(struct pack *p, struct record_places *v)
{
    pack_i64(p, &v->before_tap);
    pack_i64(p, &v->after_tap);
    pack_i64(p, &v->capture);
}

static void split_pack(struct pack *p, struct record_split *v)
{
    pack_bool(p, &v->given);
    if (!v->given)
        return;
    pack_u64(p, &v->packets);
    pack_u32(p, &v->intervals);
    pack_u32(p, &v->skipped);
    pack_u32(p, &v->suspect);
    places_pack(p, &v->best);
    places_pack(p, &v->lower);
    places_pack(p, &v->upper);
}

void record_pack_rtcp(struct pack *p, struct record_stream *s)
{
    struct record_rtcp *c = &s->rtcp;
    pack_text(p, &c->tool);
    spread_pack(p, &c->tap_caller);
    spread_pack(p, &c->tap_callee);
    spread_pack(p, &c->total);
    spread_pack(p, &c->chain);
    pack_bool(p, &c->dlsr_broken);
    pack_bool(p, &c->rtt_conflict);
    pack_bool(p, &c->guessed);
    pack_double(p, &c->fraction_lost);
    pack_double(p, &c->jitter_mean_ms);
    pack_double(p, &c->jitter_max_ms);
    voip_pack(p, &c->voip);
    pack_i64(p, &c->xr_discarded);
    pack_double(p, &c->xr_mos);
    pack_double(p, &c->xr_network_rtt_ms);
    pack_i64(p, &c->xr_concealed_ms);
    split_pack(p, &s->split);
    pack_double(p, &s->quality.mos_lq_total);
}

static void xr_block_pack(struct pack *p, void *item)
{
    struct record_xr_block *b = item;
    const struct xr_field_set *set = NULL;
    pack_u8(p, &b->type);
    pack_u8(p, &b->kind);
    pack_u8(p, &b->span);
    pack_u32(p, &b->reports);
    set = xr_field_set(b->type);
    for (unsigned i = 0; set && i < xr_field_count(set); i++)
        pack_double(p, &b->values[i]);
    p->failed |= set == NULL; /* nobody can say how long it is */
}

void record_pack_rtcp_said(struct pack *p, struct record_rtcp *c)
{
    c->xr_blocks =
        pack_items(p, c->xr_blocks, &c->xr_block_count, sizeof *c->xr_blocks, xr_block_pack);
    pack_i64(p, &c->sent_packets);
    pack_i64(p, &c->sent_octets);
    pack_i64(p, &c->bye_us);
    pack_text(p, &c->bye_reason);
    pack_u64(p, &c->app_packets);
    pack_text(p, &c->app_name);
}
