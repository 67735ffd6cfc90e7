/* The call of a path, or with `legs=all` the call and its legs: for what gives out the packets or messages of a whole
 * conversation. Legs that the asker may not see are not there. */
#pragma once

#include "api/handlers.h"

#define LEG_SET_MAX 16 /* the surest; a file or a drawing of more is for nobody */

struct leg_set {
    unsigned count;
    bool truncated;   /* there are more */
    unsigned self;    /* which one was asked for */
    struct call_record *record[LEG_SET_MAX]; /* whole, by their beginnings */
};

/* False: the problem is set and there is nothing to free. */
bool leg_set_of(struct exchange *x, struct leg_set *ret_set);
void leg_set_free(struct leg_set *set);
/* An audit entry each. False: the problem is set. */
bool leg_set_audit(struct exchange *x, const struct leg_set *set, const char *action);
