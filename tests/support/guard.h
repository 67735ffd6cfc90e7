/* Test inputs that end at an unmapped page: a parser that reads one byte too far crashes. */
#pragma once

#include "base/slice.h"

/* A copy of `bytes` whose last byte is the last one before an unmapped page. */
struct slice guard_copy(struct slice bytes);
void guard_free(struct slice copy);
