/* The volume of the data directory: how much is free, and whether we may write there. */
#pragma once

#include "base/error.h"

/* Bytes that we (not root) may still write, and the size of the volume (may be NULL). */
int disk_free(const char *dir, uint64_t *ret_free_bytes, uint64_t *ret_total_bytes);
/* Makes the directory (0700) when it is not there and writes, reads back and removes a small file in it. On failure `why` says what stands in
 * the way and who would have to be allowed what. */
int disk_check_writable(const char *dir, struct why *why);
