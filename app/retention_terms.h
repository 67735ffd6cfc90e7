/* The terms of retention in force: those of the configuration, or those that were put through the API. The latter stand in
 * <data>/retention-terms.json, as GET /policies/retention shows them, and take the place of the configuration's until the file is deleted. */
#pragma once

#include "app/retention_plan.h"
#include "app/writer.h"
#include "base/buf.h"

#define TERMS_FIELD_SIZE 48

/* The configuration's, or what was put in the data directory. */
int terms_in_force(const struct settings *s, const char *data_dir, struct retention_limits *ret_limits, struct why *why);
/* What is another than at the last start (at the first: than without a configuration) is audited. */
void terms_begin(const char *data_dir, struct writer *writer, const struct retention_limits *now);
/* Stored; they are in force after the next start. */
int terms_store(const char *data_dir, const struct retention_limits *limits);

/* Terms out of the JSON of a request, all of them: `growing` is that of `now`. `field` gets the name of the one at fault. */
int terms_parse(struct slice body, const struct retention_limits *now, struct retention_limits *ret_limits, char field[TERMS_FIELD_SIZE],
                struct why *why);
/* {"classes": {"audio": {"max_age_s": .., "max_bytes": ..}, ..}, "min_free_bytes": ..}; null: without bound. The same terms, the same text. */
void terms_print(const struct retention_limits *limits, struct buf *out);
/* "audio age 90d -> 30d, ..."; nothing when none is another. */
void terms_tell_change(const struct retention_limits *before, const struct retention_limits *after, struct buf *out);
/* Of the terms, or of the way from these to those. */
void terms_tag(const struct retention_limits *from, const struct retention_limits *to, char out[33]);
/* By `after` something may go that stays by `before`. */
bool terms_are_shorter(const struct retention_limits *before, const struct retention_limits *after);
