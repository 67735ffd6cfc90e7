#include "storage/record_fax.h"

#include <stdio.h>

#include "storage/record_pack.h"

static void page_pack(struct pack *p, void *item)
{
    struct record_fax_page *g = item;
    pack_u32(p, &g->number);
    pack_u32(p, &g->picture);
    pack_word(p, &g->side);
    pack_word(p, &g->coding);
    pack_word(p, &g->answer);
    pack_bool(p, &g->ecm);
    pack_bool(p, &g->whole);
    pack_u16(p, &g->width);
    pack_u16(p, &g->x_dpi);
    pack_u16(p, &g->y_dpi);
    pack_u32(p, &g->rows);
    pack_u32(p, &g->bad_rows);
    pack_u32(p, &g->missing);
    pack_i64(p, &g->started_us);
    pack_i64(p, &g->duration_ms);
}

void record_pack_fax(struct pack *p, struct record_fax *f)
{
    pack_u64(p, &f->packets);
    pack_u64(p, &f->repaired);
    pack_u64(p, &f->lost);
    pack_u32(p, &f->over_limit);
    f->pages = pack_items(p, f->pages, &f->page_count, sizeof *f->pages, page_pack);
    pack_text(p, &f->path);
    pack_i64(p, &f->size_bytes);
    pack_bytes(p, f->sha256, sizeof f->sha256);
}

void record_fax_id(const struct call_record *r, char *out, size_t size)
{
    snprintf(out, size, "%s-f1", r->uid);
}
