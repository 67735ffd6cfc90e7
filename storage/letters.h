/* What waits to be delivered, on the disk: letters are added to one file and crossed off in it, so that those of before a
 * restart are there again. It only grows at its end until all of it is replaced. One thread uses it; a batch is gathered
 * elsewhere.
 *
 *   file    "ESLETTR1" | entry, entry, ...
 *   entry   body bytes u32 | checksum of number and body u32 | number u64 | body      numbers in network byte order
 *
 * An entry without a body crosses the letter of that number off. What is damaged, or torn by a crash, ends the file. */
#pragma once

#include "base/buf.h"
#include "base/error.h"

#define LETTER_BODY_MAX (64u << 10)
#define LETTERS_EMPTY   8u /* bytes of a file without letters */

struct letters;

typedef void letters_fn(void *context, uint64_t number, struct slice body);
/* Makes the file (0600) and its directory (0700), or reads it: `fn` gets each letter that was not crossed off, in order. */
int letters_open(const char *path, letters_fn *fn, void *context, struct letters **ret_letters, struct why *why);
void letters_close(struct letters *l);
/* Higher than every number in the file. */
uint64_t letters_next(const struct letters *l);
uint64_t letters_bytes(const struct letters *l);

/* Into a batch. The body is no larger than LETTER_BODY_MAX and not empty. */
void letters_add(struct buf *batch, uint64_t number, struct slice body);
void letters_cross_off(struct buf *batch, uint64_t number);
/* The batch is on the disk (0) or the file is as it was before. */
int letters_write(struct letters *l, struct slice batch);
/* The batch is all there is from now on. */
int letters_replace(struct letters *l, struct slice batch);
