/* Words that people type, into a query of GET /calls; those of the page's search box (web/src/query.ts) as far as the API has them:
 *
 *   +49301234  4930    numbers of either side that begin so (three digits and more)    mos<3.5  loss>2%  jitter>30  duration>60  duration<5
 *   10.1.2.3           an address of signalling or media                               code:486  outcome:busy  codec:opus  trunk:carrier-1
 *   a84b4c@host        a Call-ID                                                       failed  one-way  no-media  recorded  encrypted
 *   anything else      text in Call-ID, users or User-Agent                            name=value: as the API has it */
#pragma once

#include "base/buf.h"
#include "base/error.h"

#define WORDS_HELP                                                                                                      \
    "WORDs: a number or how it begins, an address, a Call-ID, mos<3.5 loss>2% jitter>30 duration>60 (seconds),\n"       \
    "       code:486 outcome:busy codec:opus trunk:NAME site:NAME tag:KEY:VALUE label:NAME, failed answered one-way\n"  \
    "       no-media recorded encrypted, or NAME=VALUE for any filter of the API. All of them must hold.\n"             \
    "TIME:  2025-11-21T10:00:00Z, or so long ago: 30m, 12h, 7d\n"

/* Adds "&name=value" to the query. ERR_INVALID: `why` says which word is none. */
int words_add(struct buf *query, const char *word, struct why *why);

struct words_span {
    const char *from, *to; /* NULL: not said */
    const char *to_option; /* what `to` is called on the command line */
};

/* Without `from` it is the day that ends with `to`, or now. `now_us` is what "ago" counts from. */
int words_add_span(struct buf *query, const struct words_span *span, int64_t now_us, struct why *why);
/* "&name=value", the value escaped. */
void words_pair(struct buf *query, const char *name, struct slice value);
