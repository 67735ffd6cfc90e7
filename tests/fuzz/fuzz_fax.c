/* T.38 of two strangers, up to rows of pixels, without the file.
 * Input: how fields are packed (bit 0 of octet 0), then datagrams: side and milliseconds since the
 * one before (1), size (2), octets. */
#include <assert.h>
#include <stdlib.h>

#include "base/cursor.h"
#include "decode/fax_dialogue.h"
#include "decode/t4.h"
#include "decode/tiff.h"
#include "decode/udptl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct way {
    struct fax_dialogue *dialogue;
    unsigned side;
    enum ifp_packing packing;
    int64_t now_ns;
    struct udptl udptl;
};

struct paper {
    struct tiff tiff;
    size_t row;
    unsigned rows;
};

static void take_row(void *context, const uint8_t *row, size_t size)
{
    struct paper *p = context;
    assert(size == p->row);
    p->rows++;
    tiff_row(&p->tiff, row, size);
}

static void take_page(void *context, const struct fax_page *page)
{
    struct paper p = {.tiff.file.fd = -1, .row = (page->width + 7u) / 8};
    struct t4_result got = {0};
    (void)context;
    assert(page->gap_count <= FAX_GAPS_MAX && page->data.size <= FAX_PAGE_MAX);
    if (page->coding > FAX_MMR || page->width == 0)
        return;
    struct t4_page t4 = {(enum t4_coding)page->coding,
                         page->width,
                         page->data,
                         page->gaps,
                         page->gap_count,
                         &p,
                         take_row};
    buf_init(&p.tiff.strip, TIFF_PAGE_MAX);
    assert(t4_decode(&t4, &got) == 0);
    assert(got.rows == p.rows && got.rows <= T4_ROWS_MAX && got.bad_rows <= got.rows &&
           !p.tiff.strip.failed);
    assert(page->missing == 0 || page->ecm || page->gap_count || got.rows == 0);
    buf_fini(&p.tiff.strip);
}

static void take_ifp(void *context, const struct slice *packet, unsigned lost)
{
    struct way *w = context;
    struct ifp ifp;
    assert(packet || lost);
    if (packet && ifp_parse(*packet, w->packing, &ifp))
        fax_dialogue_ifp(w->dialogue, w->side, &ifp, w->now_ns);
    else
        fax_dialogue_lost(w->dialogue, w->side, packet ? 1 : lost);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cursor in = cursor_over(slice_of(data, size));
    struct fax_dialogue *d = malloc(sizeof *d);
    struct way *ways = calloc(FAX_SIDES, sizeof *ways);
    int64_t now_ns = 0;
    enum ifp_packing packing = cursor_u8(&in) & 1;
    if (d && ways && fax_dialogue_init(d, take_page, NULL)) {
        for (unsigned i = 0; i < FAX_SIDES; i++) {
            ways[i].dialogue = d;
            ways[i].side = i;
            ways[i].packing = packing;
            udptl_init(&ways[i].udptl, take_ifp, &ways[i]);
        }
        while (cursor_left(&in) >= 3) {
            uint8_t head = cursor_u8(&in);
            struct way *w = &ways[head & 1];
            struct slice datagram = cursor_slice(&in, cursor_u16(&in) & 0x7ff);
            if (in.failed)
                break;
            now_ns += (head >> 1) * INT64_C(10000000);
            ways[0].now_ns = ways[1].now_ns = now_ns;
            udptl_packet(&w->udptl, datagram, now_ns);
        }
        for (unsigned i = 0; i < FAX_SIDES; i++)
            udptl_end(&ways[i].udptl);
        fax_dialogue_end(d);
    }
    if (d)
        fax_dialogue_fini(d);
    free(d);
    free(ways);
    return 0;
}
