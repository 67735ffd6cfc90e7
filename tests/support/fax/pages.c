#include <stdio.h>
#include <string.h>
#include <tiffio.h>

#include "fax.h"

static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

static void paint(uint8_t *row, unsigned from, unsigned to)
{
    for (unsigned x = from; x < to && x < PAGE_WIDTH; x++)
        row[x / 8] |= (uint8_t)(0x80 >> x % 8);
}

/* One page in three has runs of every length in both colours, one something like text, one nothing.
 */
static void draw_row(uint8_t *row, unsigned page, unsigned y, uint32_t *state)
{
    memset(row, 0, PAGE_WIDTH / 8);
    if (page % 3 == 0) {
        unsigned at = y % (PAGE_WIDTH + 1), length = (y * 7 + page) % (PAGE_WIDTH + 1);
        paint(row, at, at + length);
    } else if (page % 3 == 1 && y % 40 < 28) {
        for (unsigned x = next_random(state) % 60; x < PAGE_WIDTH;
             x += 3 + next_random(state) % 50) {
            unsigned length = 1 + next_random(state) % 9;
            paint(row, x, x + length);
            x += length;
        }
    }
}

int pages_draw(const char *path, unsigned pages, unsigned rows)
{
    TIFF *t = TIFFOpen(path, "w");
    uint8_t row[PAGE_WIDTH / 8];
    uint32_t state = 1;
    for (unsigned page = 0; t && page < pages; page++) {
        TIFFSetField(t, TIFFTAG_IMAGEWIDTH, (uint32_t)PAGE_WIDTH);
        TIFFSetField(t, TIFFTAG_IMAGELENGTH, rows);
        TIFFSetField(t, TIFFTAG_BITSPERSAMPLE, 1);
        TIFFSetField(t, TIFFTAG_SAMPLESPERPIXEL, 1);
        TIFFSetField(t, TIFFTAG_COMPRESSION, COMPRESSION_CCITTFAX4);
        TIFFSetField(t, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_MINISWHITE);
        TIFFSetField(t, TIFFTAG_ROWSPERSTRIP, rows);
        TIFFSetField(t, TIFFTAG_XRESOLUTION, 204.0f);
        TIFFSetField(t, TIFFTAG_YRESOLUTION, 196.0f);
        TIFFSetField(t, TIFFTAG_RESOLUTIONUNIT, RESUNIT_INCH);
        TIFFSetField(t, TIFFTAG_PAGENUMBER, page, pages);
        for (unsigned y = 0; y < rows; y++) {
            draw_row(row, page, y, &state);
            TIFFWriteScanline(t, row, y, 0);
        }
        TIFFWriteDirectory(t);
    }
    if (t)
        TIFFClose(t);
    return t ? 0 : 1;
}

int pages_print(const char *path)
{
    TIFF *t = TIFFOpen(path, "r");
    if (t == NULL)
        return 1;
    do {
        uint32_t width = 0, rows = 0;
        uint16_t photometric = 0;
        float x = 0, y = 0;
        uint8_t row[1024];
        uint64_t sum = 0xcbf29ce484222325u;
        TIFFGetField(t, TIFFTAG_IMAGEWIDTH, &width);
        TIFFGetField(t, TIFFTAG_IMAGELENGTH, &rows);
        TIFFGetField(t, TIFFTAG_PHOTOMETRIC, &photometric);
        TIFFGetField(t, TIFFTAG_XRESOLUTION, &x);
        TIFFGetField(t, TIFFTAG_YRESOLUTION, &y);
        if ((size_t)TIFFScanlineSize(t) > sizeof row)
            return 1;
        for (uint32_t i = 0; i < rows; i++) {
            if (TIFFReadScanline(t, row, i, 0) != 1)
                return 1;
            for (uint32_t k = 0; k < (width + 7) / 8; k++)
                sum = (sum ^ (uint8_t)(photometric == PHOTOMETRIC_MINISWHITE ? row[k] : ~row[k])) *
                      0x100000001b3u;
        }
        printf("%u %u %.0f %.0f %016llx\n", width, rows, (double)x, (double)y,
               (unsigned long long)sum);
    } while (TIFFReadDirectory(t));
    TIFFClose(t);
    return 0;
}
