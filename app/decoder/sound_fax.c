/* Of several hops that carry the same fax the pair of endpoints with most packets is followed.
 * Nothing in a packet says how its fields are packed, so a first pass tries both ways. */
#include "app/decoder/sound_fax.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decode/fax_render.h"
#include "decode/udptl.h"
#include "storage/media_dir.h"
#include "storage/spool.h"

#define CHAINS_MAX 8  /* of one pair of endpoints */
#define LOOKED_AT  64 /* chains of a call */

struct tally { /* of a chain */
    uint64_t packets;
    uint64_t fits[2]; /* by enum ifp_packing */
};

struct lane {
    struct spool_reader *reader;
    struct spool_packet packet;
    bool ready;
    int64_t from_ns; /* what came before is not wanted */
    unsigned side;
};

struct pages {
    struct call_record *r;
    const char *parties[FAX_SIDES];
    struct lane lanes[CHAINS_MAX];
    unsigned lane_count;
    struct record_fax_page items[FAX_PAGES_MAX];
    uint32_t count;
};

/* ---- which chains ---- */

static void tally_of(const struct record_chain *c, const char *data_dir, struct tally *ret)
{
    struct spool_reader *reader = NULL;
    struct spool_packet p;
    bool truncated;
    *ret = (struct tally){0};
    if (c->party == NULL || c->rtcp ||
        spool_reader_open(data_dir, c->tail, &reader, &truncated) != 0)
        return;
    for (int got; (got = spool_reader_next(reader, &p)) != 0;) {
        struct slice ifp;
        struct ifp parsed;
        if (got < 0 || !p.fax || !udptl_primary(p.payload, &ifp))
            continue;
        ret->packets++;
        for (unsigned i = 0; i < 2; i++)
            ret->fits[i] += ifp_parse(ifp, i, &parsed);
    }
    spool_reader_close(reader);
}

static bool same_pair(const struct record_chain *a, const struct record_chain *b)
{
    return (endpoint_equal(&a->src, &b->src) && endpoint_equal(&a->dst, &b->dst)) ||
           (endpoint_equal(&a->src, &b->dst) && endpoint_equal(&a->dst, &b->src));
}

/* A chain of the pair with most packets, and how its fields are packed; false: no T.38. */
static bool choose(const struct call_record *r, const struct tally *tallies, uint32_t count,
                   uint32_t *ret_chain, enum ifp_packing *ret_packing)
{
    uint64_t most = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct tally sum = {0};
        for (uint32_t k = 0; k < count; k++) {
            if (!same_pair(&r->chains[i], &r->chains[k]))
                continue;
            sum.packets += tallies[k].packets;
            sum.fits[0] += tallies[k].fits[0];
            sum.fits[1] += tallies[k].fits[1];
        }
        if (sum.packets <= most)
            continue;
        most = sum.packets;
        *ret_chain = i;
        *ret_packing = sum.fits[IFP_HALVES] > sum.fits[IFP_OCTETS] ? IFP_HALVES : IFP_OCTETS;
    }
    return most > 0;
}

/* ---- packets ---- */

static void advance(struct lane *l)
{
    int got;
    while ((got = spool_reader_next(l->reader, &l->packet)) != 0)
        if (got > 0 && l->packet.fax && l->packet.time_ns >= l->from_ns)
            break;
    l->ready = got > 0;
}

static void open_lanes(struct pages *g, const struct tally *tallies, uint32_t count,
                       uint32_t chosen, const char *data_dir)
{
    const struct record_chain *first = &g->r->chains[chosen];
    for (uint32_t k = 0; k < count && g->lane_count < CHAINS_MAX; k++) {
        const struct record_chain *c = &g->r->chains[k];
        struct lane *l = &g->lanes[g->lane_count];
        bool truncated;
        if (tallies[k].packets == 0 || !same_pair(first, c) ||
            spool_reader_open(data_dir, c->tail, &l->reader, &truncated) != 0)
            continue;
        l->from_ns = g->r->recording.from_us * 1000;
        l->side = !endpoint_equal(&first->src, &c->src);
        g->parties[l->side] = c->party;
        g->lane_count++;
        advance(l);
    }
}

struct walk { /* of all lanes, in order of time */
    struct pages *pages;
    struct lane *last;
};

static int next_packet(void *context, struct fax_packet *ret_packet)
{
    struct walk *w = context;
    struct lane *best = NULL;
    if (w->last) /* what it pointed to was to stay until now */
        advance(w->last);
    for (unsigned i = 0; i < w->pages->lane_count; i++) {
        struct lane *l = &w->pages->lanes[i];
        if (l->ready && (best == NULL || l->packet.time_ns < best->packet.time_ns))
            best = l;
    }
    w->last = best;
    if (best == NULL)
        return 0;
    *ret_packet = (struct fax_packet){best->packet.time_ns, best->side, best->packet.payload};
    return 1;
}

/* ---- pages ---- */

static void take_page(void *context, const struct fax_made *m)
{
    struct pages *g = ((struct walk *)context)->pages;
    g->items[g->count++] = (struct record_fax_page){
        .number = m->number,
        .picture = m->picture,
        .side = g->parties[m->side] ? g->parties[m->side] : "unknown",
        .coding = m->coding,
        .answer = m->answer,
        .ecm = m->ecm,
        .whole = m->whole,
        .width = m->width,
        .x_dpi = m->x_dpi,
        .y_dpi = m->y_dpi,
        .rows = m->rows,
        .bad_rows = m->bad_rows,
        .missing = m->missing,
        .started_us = m->from_ns / 1000,
        .duration_ms = (m->to_ns - m->from_ns) / 1000000,
    };
}

static void describe(struct pages *g, const struct fax_result *made, const char *path)
{
    struct record_fax *f = &g->r->recording.fax;
    f->repaired = made->repaired;
    f->lost = made->lost;
    f->over_limit = made->over_limit;
    f->pages = arena_alloc(g->r->arena, (g->count + 1) * sizeof *f->pages);
    f->page_count = f->pages ? g->count : 0;
    memcpy(f->pages, g->items, f->page_count * sizeof *f->pages);
    if (made->pictures == 0)
        return;
    f->path = arena_copy(g->r->arena, slice_str(path));
    f->size_bytes = made->size_bytes;
    memcpy(f->sha256, made->sha256, sizeof f->sha256);
}

/* Nothing of it can be heard: the pages are what there is of the call. */
static void stand_in(struct call_record *r)
{
    struct record_recording *g = &r->recording;
    const struct record_fax *f = &g->fax;
    if (g->state || f->path.size == 0)
        return;
    snprintf(g->id, sizeof g->id, "%s", r->uid);
    g->result = "recorded";
    g->state = "ready";
    g->format = slice_str("tiff");
    g->path = f->path;
    g->size_bytes = f->size_bytes;
    g->duration_ms = g->sample_rate_hz = g->channels = 0;
    g->started_us = f->pages[0].started_us;
    memcpy(g->sha256, f->sha256, sizeof g->sha256);
}

static int draw(struct pages *g, enum ifp_packing packing, const char *dir, const char *path,
                struct why *why)
{
    char name[MEDIA_PATH_MAX + 64];
    const char *ending = strrchr(path, '.');
    struct walk walk = {.pages = g};
    struct fax_result made;
    snprintf(name, sizeof name, "%.*s-f1.tiff",
             (int)(ending ? (size_t)(ending - path) : strlen(path)), path);
    struct fax_request request = {.dir = dir,
                                  .path = name,
                                  .context = &walk,
                                  .next = next_packet,
                                  .packing = packing,
                                  .made = take_page};
    int err = fax_render(&request, &made, why);
    if (err == 0)
        describe(g, &made, name);
    return err;
}

int sound_fax(struct call_record *r, const struct sound_config *config, const char *dir,
              const char *path, struct why *why)
{
    struct tally tallies[LOOKED_AT];
    uint32_t count = r->chain_count < LOOKED_AT ? r->chain_count : LOOKED_AT, chosen = 0;
    enum ifp_packing packing = IFP_OCTETS;
    r->recording.fax = (struct record_fax){.packets = r->recording.fax.packets};
    if (r->recording.fax.packets == 0)
        return 0;
    if (config->place)
        atomic_store(&config->place->flow, RENDER_PLACE_FAX);
    for (uint32_t i = 0; i < count; i++)
        tally_of(&r->chains[i], config->data_dir, &tallies[i]);
    struct pages *g = choose(r, tallies, count, &chosen, &packing) ? calloc(1, sizeof *g) : NULL;
    if (g == NULL)
        return 0;
    g->r = r;
    open_lanes(g, tallies, count, chosen, config->data_dir);
    int err = draw(g, packing, dir, path, why);
    for (unsigned i = 0; i < g->lane_count; i++)
        spool_reader_close(g->lanes[i].reader);
    free(g);
    if (err == 0)
        stand_in(r);
    return err;
}
