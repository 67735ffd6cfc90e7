/* Diagnosis to bytes and back. Elements of lists cannot grow. */
#include "storage/record_pack.h"

static void announced_pack(struct pack *p, void *item)
{
    struct record_announced *v = item;
    pack_i64(p, &v->time_us);
    pack_word(p, &v->party);
    pack_endpoint(p, &v->at);
    pack_bool(p, &v->abroad);
    pack_u64(p, &v->types[0]);
    pack_u64(p, &v->types[1]);
    pack_u32(p, &v->line);
    pack_u32(p, &v->ptime_ms);
    pack_word(p, &v->direction);
}

static void evidence_pack(struct pack *p, struct record_evidence *v)
{
    pack_word(p, &v->name);
    pack_double(p, &v->value);
    pack_text(p, &v->text);
}

static void label_pack(struct pack *p, void *item)
{
    struct record_label *v = item;
    pack_word(p, &v->name);
    pack_word(p, &v->direction);
    pack_word(p, &v->cause);
    pack_word(p, &v->side);
    pack_u32(p, &v->sid);
    pack_i64(p, &v->from_ms);
    pack_i64(p, &v->to_ms);
    pack_double(p, &v->mos_with);
    pack_double(p, &v->mos_without);
    pack_u32(p, &v->evidence_count);
    p->failed |= v->evidence_count > RECORD_EVIDENCE_MAX;
    for (uint32_t i = 0; i < v->evidence_count && !p->failed; i++)
        evidence_pack(p, &v->evidence[i]);
    if (p->failed)
        v->evidence_count = 0;
}

static void suspect_pack(struct pack *p, void *item)
{
    struct record_suspect *v = item;
    pack_i64(p, &v->from_us);
    pack_i64(p, &v->to_us);
}

void record_pack_diagnosis(struct pack *p, struct record_diagnosis *v)
{
    v->announced =
        pack_items(p, v->announced, &v->announced_count, sizeof *v->announced, announced_pack);
    for (unsigned i = 0; i < 2; i++) {
        pack_bool(p, &v->dscp[i].seen);
        pack_u8(p, &v->dscp[i].first);
        pack_u8(p, &v->dscp[i].least);
        pack_u8(p, &v->dscp[i].most);
        pack_u32(p, &v->unseen[i].reports);
        pack_u32(p, &v->unseen[i].empty);
        pack_u32(p, &v->unseen[i].blocks);
    }
    bool one_sided = v->one_sided_calls > 0; /* all that older rows have */
    pack_bool(p, &one_sided);
    v->labels = pack_items(p, v->labels, &v->label_count, sizeof *v->labels, label_pack);
    pack_text(p, &v->summary);
    for (unsigned i = 0; i < 2; i++) {
        pack_u8(p, &v->dscp[i].priority_least);
        pack_u8(p, &v->dscp[i].priority_most);
    }
}

void record_pack_diagnosis_time(struct pack *p, struct record_diagnosis *v)
{
    pack_u32(p, &v->one_sided_calls);
    v->suspect = pack_items(p, v->suspect, &v->suspect_count, sizeof *v->suspect, suspect_pack);
}

static void unreachable_pack(struct pack *p, void *item)
{
    struct record_unreachable *v = item;
    struct endpoint by = {.addr = v->by};
    pack_endpoint(p, &v->src);
    pack_endpoint(p, &v->dst);
    pack_endpoint(p, &by);
    v->by = by.addr;
    pack_word(p, &v->what);
    pack_word(p, &v->reason);
    pack_u32(p, &v->count);
    pack_i64(p, &v->first_us);
    pack_i64(p, &v->last_us);
}

void record_pack_unreachable(struct pack *p, struct record_diagnosis *v)
{
    v->unreachable = pack_items(p, v->unreachable, &v->unreachable_count, sizeof *v->unreachable,
                                unreachable_pack);
}
