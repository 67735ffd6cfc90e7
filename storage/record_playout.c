/* Jitter buffers, bursts and delays of a stream to bytes and back. */
#include "storage/record_playout.h"

#include <math.h>

#include "storage/record_pack.h"

void record_playout_init(struct record_playout *v)
{
    *v = (struct record_playout){.pdv_p50_ms = NAN,
                                 .pdv_p95_ms = NAN,
                                 .pdv_p99_ms = NAN,
                                 .pdv_max_ms = NAN,
                                 .max_outage_ms = NAN,
                                 .skew_ppm = NAN};
    for (unsigned i = 0; i < RECORD_BUFFERS; i++) {
        struct record_buffer *b = &v->buffers[i];
        b->delay_ms = b->wait_ms = b->ppl = b->burst_r = b->r = b->mos_lq = NAN;
    }
}

static void buffer_pack(struct pack *p, struct record_buffer *v)
{
    pack_u64(p, &v->late);
    pack_u64(p, &v->early);
    pack_double(p, &v->delay_ms);
    pack_double(p, &v->wait_ms);
    pack_double(p, &v->ppl);
    pack_double(p, &v->burst_r);
    pack_double(p, &v->r);
    pack_double(p, &v->mos_lq);
}

static void burst_pack(struct pack *p, struct record_burst *v)
{
    pack_u8(p, &v->gap_min);
    pack_u64(p, &v->bursts);
    pack_double(p, &v->burst_density);
    pack_double(p, &v->gap_density);
    pack_double(p, &v->burst_ms);
    pack_double(p, &v->gap_ms);
    pack_double(p, &v->p);
    pack_double(p, &v->q);
    pack_double(p, &v->ratio_raw);
    pack_bool(p, &v->extrapolated);
    pack_u64(p, &v->runs);
    pack_u32(p, &v->longest_run);
    pack_u32(p, &v->outages);
    for (unsigned i = 0; i < RECORD_RUN_BINS; i++)
        pack_u32(p, &v->histogram[i]);
    pack_u8(p, &v->burst_density8);
    pack_u8(p, &v->gap_density8);
    pack_u8(p, &v->a2_burst_density8);
    pack_u8(p, &v->a2_gap_density8);
    pack_u8(p, &v->a2_loss8);
    pack_u8(p, &v->a2_discard8);
    pack_double(p, &v->a2_burst_ms);
    pack_double(p, &v->a2_gap_ms);
}

static void ipdv_pack(struct pack *p, void *item)
{
    struct record_ipdv *v = item;
    pack_int(p, &v->ms);
    pack_u32(p, &v->packets);
}

/* What is not given takes one byte. Fields cannot be added here: the stream goes on behind. */
void record_pack_playout(struct pack *p, struct record_playout *v)
{
    pack_bool(p, &v->given);
    if (!v->given)
        return;
    for (unsigned i = 0; i < RECORD_BUFFERS; i++)
        buffer_pack(p, &v->buffers[i]);
    burst_pack(p, &v->burst);
    pack_double(p, &v->pdv_p50_ms);
    pack_double(p, &v->pdv_p95_ms);
    pack_double(p, &v->pdv_p99_ms);
    pack_double(p, &v->pdv_max_ms);
    for (unsigned i = 0; i < RECORD_SPACINGS; i++)
        pack_u32(p, &v->spacings[i]);
    pack_double(p, &v->max_outage_ms);
    pack_double(p, &v->skew_ppm);
    pack_u32(p, &v->frozen);
    pack_double(p, &v->frozen_ms);
    v->ipdv = pack_items(p, v->ipdv, &v->ipdv_count, sizeof *v->ipdv, ipdv_pack);
}
