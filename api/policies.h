/* Recording rules, and recordings that somebody has to ask for: what the API asks of the program. */
#pragma once

#include "api/live.h"
#include "base/buf.h"
#include "base/error.h"
#include "storage/record.h"

struct policies; /* all three are known to the program alone */
struct policies_compare;
struct rules;

/* Recording rules; called from any HTTP thread. Where something is refused, `why` says it in one sentence. */
struct api_policies {
    struct policies *context;
    void (*show)(struct policies *context, struct buf *json); /* NULL: there are none */
    /* A set out of the JSON of a request; put() or let_go() takes it. `change` gets what would be another. */
    int (*read)(struct policies *context, struct slice body, struct rules **ret_set, struct buf *change, struct why *why);
    /* Stored and in force when it returns 0. */
    int (*put)(struct policies *context, struct rules *set, struct why *why);
    void (*let_go)(struct rules *set);
    /* Do the rules in force look at headers? Else nobody needs the INVITE. */
    bool (*by_headers)(struct policies *context);
    /* Of a stored call and its INVITE, or of what the body describes. */
    int (*dry_run)(struct policies *context, struct slice body, const struct call_record *r, struct slice invite, struct buf *json,
                   struct why *why);
    /* What other rules would change, {"policy": {..}}: begun, shown stored calls (and their INVITEs, if either set looks at headers), ended; `truncated`: there
     * were more calls than could be shown; without `json` it ends without a word. */
    int (*compare)(struct policies *context, struct slice body, struct policies_compare **ret_compare, struct why *why);
    void (*compare_call)(struct policies_compare *compare, const struct call_record *r, struct slice invite);
    bool (*compare_by_headers)(const struct policies_compare *compare);
    void (*compare_end)(struct policies_compare *compare, bool truncated, struct buf *json);
};

enum api_request_answer {
    API_REQUEST_TAKEN,
    API_REQUEST_ALREADY,  /* somebody has asked before, or it is recorded anyway */
    API_REQUEST_NOT_KEPT, /* the rules do not keep media of this call */
    API_REQUEST_TOO_LATE, /* dropped, or over for longer than looking back reaches */
    API_REQUEST_NO_CALL,
    API_REQUEST_FAILED
};

/* The recording of a call that is kept on demand; called from any HTTP thread. */
struct api_request_source {
    void *context;
    /* Of a call that goes on, if there is one; of one that is over, whose record is taken. */
    enum api_request_answer (*live)(void *context, const struct live_want *want);
    enum api_request_answer (*stored)(void *context, struct call_record *r);
};
