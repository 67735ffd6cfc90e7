/* Which of two digits is a copy: presses are matched one to one, so that a key pressed twice in a
 * second still counts twice. */
#include "storage/record_dtmf.h"

#define SAME_PRESS_US  1000000
#define KPML_BEHIND_US 15000000 /* it tells keys once a pattern of them is whole */

enum { RFC4733, INFO, KPML, INBAND, SOURCES };

static int rank(const struct record_digit *d)
{
    static const char *const sources[] = {"rfc4733", "info", "kpml"};
    int i = 0;
    while (i < INBAND && strcmp(d->source, sources[i]) != 0)
        i++;
    return i;
}

static bool same_press(const struct record_digit *a, const struct record_digit *b)
{
    int64_t apart = b->time_us - a->time_us; /* so long is b behind a */
    int64_t most = rank(b) == KPML ? KPML_BEHIND_US : SAME_PRESS_US,
            least = rank(a) == KPML ? -KPML_BEHIND_US : -SAME_PRESS_US;
    return strcmp(a->party, b->party) == 0 && slice_equal(a->digit, b->digit) && apart <= most &&
           apart >= least;
}

/* Of one worse source and one better, each in order of time: the first that is still free takes the
 * copy. */
static void match(struct record_dtmf *v, int better, int worse, uint8_t *taken)
{
    for (uint32_t i = 0; i < v->count; i++) {
        struct record_digit *copy = &v->digits[i];
        if (rank(copy) != worse || copy->copy)
            continue;
        for (uint32_t k = 0; k < v->count && !copy->copy; k++) {
            const struct record_digit *d = &v->digits[k];
            if (rank(d) != better || d->copy || taken[k] >> worse & 1 || !same_press(d, copy))
                continue;
            taken[k] |= (uint8_t)(1 << worse);
            copy->copy = true;
        }
    }
}

static void insert(struct record_dtmf *v, const struct record_digit *d)
{
    uint32_t at = v->count++;
    for (; at && v->digits[at - 1].time_us > d->time_us; at--)
        v->digits[at] = v->digits[at - 1];
    v->digits[at] = *d;
}

struct record_dtmf record_dtmf_of(const struct record_dtmf *told, const struct record_dtmf *heard,
                                  struct arena *arena)
{
    uint32_t count = told->count + heard->count;
    struct record_dtmf v = {.over_limit = told->over_limit + heard->over_limit};
    v.digits = count ? arena_alloc(arena, count * sizeof *v.digits) : NULL;
    uint8_t *taken = count ? arena_alloc(arena, count) : NULL;
    if (v.digits == NULL || taken == NULL)
        return v;
    for (uint32_t i = 0; i < told->count; i++)
        insert(&v, &told->digits[i]);
    for (uint32_t i = 0; i < heard->count; i++)
        insert(&v, &heard->digits[i]);
    memset(taken, 0, count);
    for (int worse = INFO; worse < SOURCES; worse++)
        for (int better = RFC4733; better < worse; better++)
            match(&v, better, worse, taken);
    return v;
}

size_t record_dtmf_text(const struct record_dtmf *v, const char *party, char *ret_text, size_t room)
{
    size_t length = 0;
    for (uint32_t i = 0; i < v->count; i++) {
        const struct record_digit *d = &v->digits[i];
        if (d->copy || strcmp(d->party, party) != 0 || d->digit.size != 1 || length + 1 >= room)
            continue;
        ret_text[length++] = (char)d->digit.data[0];
    }
    ret_text[length] = '\0';
    return length;
}
