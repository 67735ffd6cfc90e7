/* Range requests (RFC 9110 14): what a header asks of a file, and several ranges as one body (multipart/byteranges). */
#pragma once

#include <sys/types.h>

#include "api/http.h"

#define BYTE_RANGES_MAX 16

struct byte_range {
    uint64_t first, count;
};

struct byte_ranges {
    unsigned count;
    struct byte_range range[BYTE_RANGES_MAX];
};

/* `header`: the Range header or NULL. Those that can be had, in the order in which they were asked for. Other units, bad syntax, more
 * than BYTE_RANGES_MAX or together more than the file give the whole. */
enum http_range byte_ranges_parse(const char *header, uint64_t size, struct byte_ranges *ret_ranges);

struct multipart;

/* Of at least two ranges of a file of that size and type; `boundary` is a word that is not in the file but by chance. NULL without
 * memory. */
struct multipart *multipart_new(const struct byte_ranges *ranges, uint64_t size, const char *type, const char *boundary);
/* NULL is fine. */
void multipart_free(struct multipart *m);
uint64_t multipart_size(const struct multipart *m);
/* Bytes of the body from `position` on, at least one while there are any; -1: the file cannot be read, or has less than it had. */
ssize_t multipart_read(const struct multipart *m, int fd, uint64_t position, void *out, size_t max);
