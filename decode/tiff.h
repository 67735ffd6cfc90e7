/* A TIFF file of pages in black and white, while they are made: page behind page, each one strip of PackBits, which every reader knows. The
 * same pages give the same bytes. */
#pragma once

#include "base/buf.h"
#include "decode/part_file.h"

#define TIFF_PAGE_MAX (16u << 20) /* octets of a packed page */
#define TIFF_FILE_MAX (1u << 30)  /* no page begins behind it */

struct tiff {
    struct part_file file;
    struct buf strip;   /* of the page that is being made */
    uint32_t size;      /* of the file so far */
    uint32_t link;      /* where the place of the next directory is to be written */
    uint32_t rows;
    uint16_t pages;
};

struct tiff_page {
    unsigned width;
    unsigned x_dpi, y_dpi;
};

int tiff_open(struct tiff *t, const char *dir, const char *path, struct why *why);
/* A row of the page: 1 is black, the first pixel in the highest bit. */
void tiff_row(struct tiff *t, const uint8_t *row, size_t size);
/* The rows since the page before. Without any nothing is written. ERR_FULL: TIFF_FILE_MAX; or what the disk said. */
int tiff_page(struct tiff *t, const struct tiff_page *page);
int tiff_finish(struct tiff *t, int64_t *ret_size_bytes, uint8_t ret_sha256[32], struct why *why);
/* Frees all; deletes a file that was not finished. Harmless on a zeroed struct whose file.fd is -1. */
void tiff_fini(struct tiff *t);
