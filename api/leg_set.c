#include "api/leg_set.h"

#include <stdlib.h>
#include <string.h>

#include "api/legs.h"

void leg_set_free(struct leg_set *set)
{
    for (unsigned i = 0; i < set->count; i++)
        record_free(set->record[i]);
    set->count = 0;
}

static bool read_choice(struct exchange *x, bool *ret_all)
{
    const char *text = http_query_value(&x->rq->query, "legs");
    *ret_all = text && strcmp(text, "all") == 0;
    if (text == NULL || *ret_all || strcmp(text, "own") == 0)
        return true;
    problem(x->rs, x->rq, 400, "invalid_value", "legs", "`legs` is own or all.");
    return false;
}

static int by_start(const void *a, const void *b)
{
    const struct call_record *x = *(struct call_record *const *)a,
                             *y = *(struct call_record *const *)b;
    if (x->started_us != y->started_us)
        return x->started_us < y->started_us ? -1 : 1;
    return strcmp(x->uid, y->uid);
}

/* Legs come without their series and events: the whole record is read again. One that went
 * meanwhile is no leg. */
static int take(struct exchange *x, const struct legs *legs, struct leg_set *set)
{
    for (unsigned i = 1; i < legs->count && set->count < LEG_SET_MAX; i++) {
        struct call_record *whole;
        int err = store_call(x->reader, legs->leg[i].record->uid, &whole);
        if (err == 0)
            set->record[set->count++] = whole;
        else if (err != ERR_NOT_FOUND)
            return err;
    }
    return 0;
}

static bool add_legs(struct exchange *x, enum correlate_level at_least, struct leg_set *set)
{
    struct call_record *self = set->record[0];
    struct legs *legs = legs_of(x, self, at_least);
    if (legs == NULL)
        return false;
    int err = take(x, legs, set);
    set->truncated = legs->truncated || legs->count > LEG_SET_MAX;
    store_legs_free(legs);
    if (err) {
        exchange_store_problem(x, err, "call");
        return false;
    }
    qsort(set->record, set->count, sizeof set->record[0], by_start);
    while (set->record[set->self] != self)
        set->self++;
    return true;
}

bool leg_set_of(struct exchange *x, struct leg_set *ret_set)
{
    enum correlate_level at_least;
    bool all;
    *ret_set = (struct leg_set){0};
    if (!read_choice(x, &all) || !legs_level(x, &at_least))
        return false;
    ret_set->record[0] = exchange_call(x);
    if (ret_set->record[0] == NULL)
        return false;
    ret_set->count = 1;
    if (!all || add_legs(x, at_least, ret_set))
        return true;
    leg_set_free(ret_set);
    return false;
}

bool leg_set_audit(struct exchange *x, const struct leg_set *set, const char *action)
{
    for (unsigned i = 0; i < set->count; i++)
        if (!exchange_audit_read(x, action, set->record[i]->uid, NULL))
            return false;
    return true;
}
