/* The world failed: 0 or one of these, passed up; only app/ decides what to do and logs.
 * (A bug of ours is an assert, strange input is a verdict and a counter: docs/style.md.) */
#pragma once

#include "base/slice.h"

enum {
    ERR_NOMEM = -1,   /* memory, or a ceiling of ours */
    ERR_IO = -2,      /* errno-like trouble of a file or device */
    ERR_FULL = -3,    /* disk or table full */
    ERR_INVALID = -4, /* input, configuration or schema is not what it should be */
    ERR_NOT_FOUND = -5,
    ERR_BUSY = -6,      /* somebody else holds it (port, lock) */
    ERR_DENIED = -7,    /* permission */
    ERR_TRUNCATED = -8, /* input ends in the middle; what was before it is good */
    ERR_UNSUPPORTED = -9,
    ERR_EXISTS = -10,
    ERR_LATE = -11, /* not done in the time that it may take */
};

/* A few words for an ERR_ code, never NULL. */
const char *err_text(int err);
/* ERR_ code nearest to an errno value. */
int err_of_errno(int errnum);

/* One sentence for people: what went wrong, with which file or setting, and what to do. The callee
 * that knows most fills it; callers pass it up untouched. */
struct why {
    char text[400];
};

__attribute__((format(printf, 2, 3))) void why_set(struct why *why, const char *format, ...);
