#include "decode/fax_render.h"

#include <stdlib.h>
#include <string.h>

#include "decode/t4.h"
#include "decode/tiff.h"
#include "decode/udptl.h"

struct way { /* of one side's packets */
    struct fax *fax;
    unsigned side;
    struct udptl udptl;
};

struct fax {
    const struct fax_request *request;
    struct fax_result *result;
    struct why *why;
    struct fax_dialogue dialogue;
    struct way ways[FAX_SIDES];
    struct tiff tiff;
    bool opened;
    int64_t now_ns;
    int err;
};

/* ---- pages ---- */

static void take_row(void *context, const uint8_t *row, size_t size)
{
    struct fax *f = context;
    tiff_row(&f->tiff, row, size);
}

static bool is_drawable(const struct fax_page *p)
{
    return p->width && p->coding <= FAX_MMR && p->data.size;
}

static void draw(struct fax *f, const struct fax_page *p, struct fax_made *m)
{
    static const enum t4_coding codings[] = {
        [FAX_MH] = T4_MH, [FAX_MR] = T4_MR, [FAX_MMR] = T6_MMR};
    struct t4_page page = {.coding = codings[p->coding],
                           .width = p->width,
                           .data = p->data,
                           .gaps = p->gaps,
                           .gap_count = p->gap_count,
                           .context = f,
                           .row = take_row};
    struct t4_result got;
    if (!f->opened) {
        f->err = tiff_open(&f->tiff, f->request->dir, f->request->path, f->why);
        f->opened = true;
    }
    if (f->err == 0)
        f->err = t4_decode(&page, &got);
    if (f->err)
        return;
    struct tiff_page look = {p->width, p->x_dpi, p->y_dpi};
    int err = tiff_page(&f->tiff, &look);
    m->rows = got.rows;
    m->bad_rows = got.bad_rows;
    m->whole = !p->cut && !got.cut && p->missing == 0 && got.bad_rows == 0 && got.rows > 0;
    if (err && err != ERR_FULL)
        f->err = err;
    else if (err == 0 && got.rows)
        m->picture = ++f->result->pictures;
}

static void take_page(void *context, const struct fax_page *p)
{
    static const char *const codings[] = {"MH", "MR", "MMR", "JPEG", "JBIG", "unknown"};
    static const char *const answers[] = {NULL, "confirmed", "retrain", "refused"};
    struct fax *f = context;
    if (f->err)
        return;
    if (f->result->pages == FAX_PAGES_MAX) {
        f->result->over_limit++;
        return;
    }
    struct fax_made m = {.number = ++f->result->pages,
                         .side = p->side,
                         .coding = codings[p->coding],
                         .answer = answers[p->answer],
                         .ecm = p->ecm,
                         .width = p->width,
                         .x_dpi = p->x_dpi,
                         .y_dpi = p->y_dpi,
                         .missing = p->missing,
                         .from_ns = p->from_ns,
                         .to_ns = p->to_ns};
    if (is_drawable(p))
        draw(f, p, &m);
    f->request->made(f->request->context, &m);
}

/* ---- packets ---- */

static void take_ifp(void *context, const struct slice *packet, unsigned lost)
{
    struct way *w = context;
    struct fax *f = w->fax;
    struct ifp ifp;
    if (packet == NULL)
        fax_dialogue_lost(&f->dialogue, w->side, lost);
    else if (ifp_parse(*packet, f->request->packing, &ifp))
        fax_dialogue_ifp(&f->dialogue, w->side, &ifp, f->now_ns);
    else
        fax_dialogue_lost(&f->dialogue, w->side, 1); /* whatever it was */
}

static void run(struct fax *f)
{
    struct fax_packet p;
    int got;
    while (f->err == 0 && (got = f->request->next(f->request->context, &p)) != 0) {
        if (got < 0)
            continue;
        f->now_ns = p.time_ns;
        for (unsigned i = 0; i < FAX_SIDES; i++)
            udptl_tick(&f->ways[i].udptl, p.time_ns);
        udptl_packet(&f->ways[p.side].udptl, p.datagram, p.time_ns);
    }
    for (unsigned i = 0; i < FAX_SIDES; i++)
        udptl_end(&f->ways[i].udptl);
    fax_dialogue_end(&f->dialogue);
}

static void finish(struct fax *f)
{
    struct fax_result *r = f->result;
    for (unsigned i = 0; i < FAX_SIDES; i++) {
        r->repaired += f->ways[i].udptl.repaired;
        r->lost += f->ways[i].udptl.lost;
    }
    if (f->err == 0 && r->pictures)
        f->err = tiff_finish(&f->tiff, &r->size_bytes, r->sha256, f->why);
}

int fax_render(const struct fax_request *request, struct fax_result *ret_result, struct why *why)
{
    struct fax *f = calloc(1, sizeof *f);
    *ret_result = (struct fax_result){0};
    if (f == NULL)
        return ERR_NOMEM;
    f->request = request;
    f->result = ret_result;
    f->why = why;
    f->tiff.file.fd = -1;
    for (unsigned i = 0; i < FAX_SIDES; i++) {
        f->ways[i].fax = f;
        f->ways[i].side = i;
        udptl_init(&f->ways[i].udptl, take_ifp, &f->ways[i]);
    }
    f->err = fax_dialogue_init(&f->dialogue, take_page, f) ? 0 : ERR_NOMEM;
    if (f->err == 0) {
        run(f);
        finish(f);
    }
    if (f->opened)
        tiff_fini(&f->tiff);
    fax_dialogue_fini(&f->dialogue);
    int err = f->err;
    free(f);
    return err;
}
