/* A fax call without a network. Both machines are spandsp's, and so is what they agree on. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { PAGE_WIDTH = 1728 };

/* Draws `pages` pages to a TIFF file; the same for the same number of rows. */
int pages_draw(const char *path, unsigned pages, unsigned rows);
/* A line of each page: width, rows, resolutions, SHA-256-free sum of its pixels (FNV-1a, 64 bits). */
int pages_print(const char *path);

struct fax_call {
    const char *sent, *received; /* TIFF files */
    const char *coding;          /* "mh", "mr", "mmr" */
    bool ecm;
    int version;                 /* of T.38 */
};

/* Prints each packet: milliseconds, side (0 calls and sends), how often it should stand on the wire, octets in hex. 0: all pages came. */
int fax_call(const struct fax_call *call);
