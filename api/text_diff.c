/* The table of the textbook, over what is left between the common beginning and the common end. Its
 * size is bounded, so that a body made of thousands of lines costs no more than a few milliseconds.
 */
#include "api/text_diff.h"

#include <assert.h>
#include <stdlib.h>

struct table {
    const struct diff_item *a, *b; /* of the middle */
    unsigned a_count, b_count;
    uint16_t *cells; /* cells[i][j]: what a from i and b from j have in common */
};

static bool item_equal(const struct diff_item *x, const struct diff_item *y)
{
    return slice_equal(x->text, y->text) && slice_equal_nocase(x->name, y->name);
}

static uint16_t *cell(const struct table *t, unsigned i, unsigned j)
{
    return &t->cells[(size_t)i * (t->b_count + 1) + j];
}

static void fill(struct table *t)
{
    for (unsigned i = t->a_count; i-- > 0;)
        for (unsigned j = t->b_count; j-- > 0;) {
            uint16_t down = *cell(t, i + 1, j), right = *cell(t, i, j + 1);
            *cell(t, i, j) = item_equal(&t->a[i], &t->b[j]) ? (uint16_t)(*cell(t, i + 1, j + 1) + 1)
                             : down > right                 ? down
                                                            : right;
        }
}

static void step(struct diff *d, enum diff_op op, const struct diff_item *a,
                 const struct diff_item *b)
{
    d->steps[d->count++] = (struct diff_step){.op = op, .a = a, .b = b};
}

/* Removed items of a run stand ahead of its added ones: `a` is used up first where both ways are as
 * good, and the added wait. */
static void walk(const struct table *t, struct diff *d)
{
    unsigned i = 0, j = 0, waiting = 0;

    while (i < t->a_count || j < t->b_count) {
        bool same = i < t->a_count && j < t->b_count && item_equal(&t->a[i], &t->b[j]);
        if (same) {
            for (; waiting; waiting--)
                step(d, DIFF_ADDED, NULL, &t->b[j - waiting]);
            step(d, DIFF_SAME, &t->a[i++], &t->b[j++]);
        } else if (j == t->b_count ||
                   (i < t->a_count && *cell(t, i + 1, j) >= *cell(t, i, j + 1))) {
            step(d, DIFF_REMOVED, &t->a[i++], NULL);
        } else {
            j++;
            waiting++;
        }
    }
    for (; waiting; waiting--)
        step(d, DIFF_ADDED, NULL, &t->b[j - waiting]);
}

static void coarse(const struct table *t, struct diff *d)
{
    for (unsigned i = 0; i < t->a_count; i++)
        step(d, DIFF_REMOVED, &t->a[i], NULL);
    for (unsigned j = 0; j < t->b_count; j++)
        step(d, DIFF_ADDED, NULL, &t->b[j]);
}

static bool middle(struct table *t, struct diff *d)
{
    size_t cells = ((size_t)t->a_count + 1) * (t->b_count + 1);

    d->exact = cells <= DIFF_CELLS_MAX || t->a_count == 0 || t->b_count == 0;
    if (cells > DIFF_CELLS_MAX || t->a_count == 0 || t->b_count == 0) {
        coarse(t, d);
        return true;
    }
    t->cells = calloc(cells, sizeof *t->cells);
    if (t->cells == NULL)
        return false;
    fill(t);
    walk(t, d);
    free(t->cells);
    return true;
}

bool text_diff(struct arena *arena, const struct diff_list *a, const struct diff_list *b,
               struct diff *ret_diff)
{
    unsigned shorter = a->count < b->count ? a->count : b->count, head = 0, tail = 0;

    assert(a->count <= DIFF_ITEMS_MAX && b->count <= DIFF_ITEMS_MAX);
    *ret_diff = (struct diff){.exact = true};
    ret_diff->steps =
        arena_alloc(arena, ((size_t)a->count + b->count + 1) * sizeof *ret_diff->steps);
    if (ret_diff->steps == NULL)
        return false;
    while (head < shorter && item_equal(&a->items[head], &b->items[head]))
        head++;
    while (tail < shorter - head &&
           item_equal(&a->items[a->count - 1 - tail], &b->items[b->count - 1 - tail]))
        tail++;
    struct table t = {.a = a->items + head,
                      .b = b->items + head,
                      .a_count = a->count - head - tail,
                      .b_count = b->count - head - tail};
    for (unsigned i = 0; i < head; i++)
        step(ret_diff, DIFF_SAME, &a->items[i], &b->items[i]);
    if (!middle(&t, ret_diff))
        return false;
    for (unsigned i = tail; i > 0; i--)
        step(ret_diff, DIFF_SAME, &a->items[a->count - i], &b->items[b->count - i]);
    return true;
}

/* Of the run that `at` begins: the added step of this name, or NULL. */
static struct diff_step *partner(struct diff *d, unsigned at)
{
    struct slice name = d->steps[at].a->name;

    for (unsigned i = at + 1; i < d->count && d->steps[i].op != DIFF_SAME; i++)
        if (d->steps[i].op == DIFF_ADDED && d->steps[i].b &&
            slice_equal_nocase(d->steps[i].b->name, name))
            return &d->steps[i];
    return NULL;
}

void text_diff_pair(struct diff *d)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < d->count; i++) {
        struct diff_step *found = d->steps[i].op == DIFF_REMOVED ? partner(d, i) : NULL;
        if (found) {
            d->steps[i].op = DIFF_CHANGED;
            d->steps[i].b = found->b;
            found->b = NULL; /* taken */
        }
    }
    for (unsigned i = 0; i < d->count; i++)
        if (d->steps[i].op != DIFF_ADDED || d->steps[i].b)
            d->steps[kept++] = d->steps[i];
    d->count = kept;
}

const char *diff_op_text(enum diff_op op)
{
    static const char *const TEXTS[] = {"same", "changed", "removed", "added"};

    return TEXTS[op];
}
