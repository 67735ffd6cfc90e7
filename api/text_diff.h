/* What two lists of items have in common: their longest common subsequence, as steps from one to
 * the other. */
#pragma once

#include "base/arena.h"

/* After the common ends are set aside: more cells than that are not compared item by item. */
#define DIFF_CELLS_MAX (1u << 20)
#define DIFF_ITEMS_MAX 4096

enum diff_op { DIFF_SAME, DIFF_CHANGED, DIFF_REMOVED, DIFF_ADDED };

/* Equal when the names are (ASCII case does not count) and the texts are, byte by byte. */
struct diff_item {
    struct slice name;
    struct slice text;
};

struct diff_list {
    struct diff_item *items; /* at most DIFF_ITEMS_MAX */
    unsigned count;
};

struct diff_step {
    enum diff_op op;
    const struct diff_item *a; /* NULL when added */
    const struct diff_item *b; /* NULL when removed */
};

struct diff {
    struct diff_step *steps;
    unsigned count;
    bool exact; /* false: the middle was too large, it is all removed and all added */
};

/* The steps lie in the arena and point into the lists. Within a run of differences the removed
 * stand ahead of the added. False without memory. */
bool text_diff(struct arena *arena, const struct diff_list *a, const struct diff_list *b,
               struct diff *ret_diff);
/* Makes one step of a removed item and the next added one of its name within the same run. */
void text_diff_pair(struct diff *d);
const char *diff_op_text(enum diff_op op);
