/* File: header, then of each page its strip, its two fractions and its directory, at even places.
 */
#include "decode/tiff.h"

#include <string.h>

#define HEADER_BYTES 8
#define TAGS         17
#define LITERAL_MAX  128

enum { TYPE_SHORT = 3, TYPE_LONG = 4, TYPE_RATIONAL = 5 };

int tiff_open(struct tiff *t, const char *dir, const char *path, struct why *why)
{
    static const uint8_t header[HEADER_BYTES] = {'I', 'I', 42, 0};
    *t = (struct tiff){.file.fd = -1, .size = HEADER_BYTES, .link = 4};
    buf_init(&t->strip, TIFF_PAGE_MAX);
    int err = part_file_open(&t->file, dir, path, "part", why);
    return err ? err : part_file_write(&t->file, header, sizeof header);
}

/* ---- PackBits ---- */

static size_t run_at(const uint8_t *row, size_t size)
{
    size_t n = 1;
    while (n < size && n < LITERAL_MAX && row[n] == row[0])
        n++;
    return n;
}

static size_t literal_at(const uint8_t *row, size_t size)
{
    size_t n = 1;
    while (n < size && n < LITERAL_MAX && run_at(row + n, size - n) < 3)
        n++;
    return n;
}

void tiff_row(struct tiff *t, const uint8_t *row, size_t size)
{
    for (size_t at = 0; at < size;) {
        size_t run = run_at(row + at, size - at);
        if (run > 1) {
            buf_u8(&t->strip, (uint8_t)(257 - run));
            buf_u8(&t->strip, row[at]);
        } else {
            run = literal_at(row + at, size - at);
            buf_u8(&t->strip, (uint8_t)(run - 1));
            buf_add(&t->strip, row + at, run);
        }
        at += run;
    }
    t->rows++;
}

/* ---- directory ---- */

static void tag(struct buf *b, uint16_t name, uint16_t type, uint32_t count, uint32_t value)
{
    buf_u16_le(b, name);
    buf_u16_le(b, type);
    buf_u32_le(b, count);
    buf_u32_le(b, value); /* a SHORT stands in its first half */
}

static void directory(struct buf *b, const struct tiff *t, const struct tiff_page *p,
                      uint32_t strip_at, uint32_t fractions_at)
{
    buf_u16_le(b, TAGS);
    tag(b, 254, TYPE_LONG, 1, 2); /* a page of several */
    tag(b, 256, TYPE_LONG, 1, p->width);
    tag(b, 257, TYPE_LONG, 1, t->rows);
    tag(b, 258, TYPE_SHORT, 1, 1);
    tag(b, 259, TYPE_SHORT, 1, 32773);
    tag(b, 262, TYPE_SHORT, 1, 0); /* 0 is white */
    tag(b, 266, TYPE_SHORT, 1, 1);
    tag(b, 273, TYPE_LONG, 1, strip_at);
    tag(b, 274, TYPE_SHORT, 1, 1);
    tag(b, 277, TYPE_SHORT, 1, 1);
    tag(b, 278, TYPE_LONG, 1, t->rows);
    tag(b, 279, TYPE_LONG, 1, (uint32_t)t->strip.size);
    tag(b, 282, TYPE_RATIONAL, 1, fractions_at);
    tag(b, 283, TYPE_RATIONAL, 1, fractions_at + 8);
    tag(b, 284, TYPE_SHORT, 1, 1);
    tag(b, 296, TYPE_SHORT, 1, 2); /* inches */
    tag(b, 297, TYPE_SHORT, 2, t->pages);
    buf_u32_le(b, 0); /* the last, so far */
}

static int write_all(struct tiff *t, const struct buf *b)
{
    int err = b->failed ? ERR_NOMEM : part_file_write(&t->file, b->data, b->size);
    t->size += err ? 0 : (uint32_t)b->size;
    return err;
}

static int link_to(struct tiff *t, uint32_t directory_at)
{
    uint8_t at[4] = {(uint8_t)directory_at, (uint8_t)(directory_at >> 8),
                     (uint8_t)(directory_at >> 16), (uint8_t)(directory_at >> 24)};
    int err = part_file_write_at(&t->file, at, sizeof at, t->link);
    t->link = directory_at + 2 + 12 * TAGS;
    return err;
}

int tiff_page(struct tiff *t, const struct tiff_page *page)
{
    uint32_t strip_at = t->size,
             fractions_at = strip_at + (uint32_t)t->strip.size + (t->strip.size & 1);
    struct buf b;
    if (t->rows == 0)
        return 0;
    if (t->strip.failed || t->size > TIFF_FILE_MAX)
        return ERR_FULL;
    buf_init(&b, 1024);
    for (uint32_t i = strip_at + (uint32_t)t->strip.size; i < fractions_at; i++)
        buf_u8(&b, 0);
    buf_u32_le(&b, page->x_dpi);
    buf_u32_le(&b, 1);
    buf_u32_le(&b, page->y_dpi);
    buf_u32_le(&b, 1);
    directory(&b, t, page, strip_at, fractions_at);
    int err = write_all(t, &t->strip);
    err = err ? err : write_all(t, &b);
    err = err ? err : link_to(t, fractions_at + 16);
    buf_fini(&b);
    buf_clear(&t->strip);
    t->rows = 0;
    t->pages++;
    return err;
}

int tiff_finish(struct tiff *t, int64_t *ret_size_bytes, uint8_t ret_sha256[32], struct why *why)
{
    return part_file_finish(&t->file, ret_size_bytes, ret_sha256, why);
}

void tiff_fini(struct tiff *t)
{
    if (t->file.fd >= 0)
        part_file_abandon(&t->file);
    buf_fini(&t->strip);
}
