/* The inside of a merge, for files.c: it adds inputs while the merge runs. */
#pragma once

#include "capture/source/reader.h"

/* One input, and the frame of it that waits for its turn. */
struct lane {
    struct source *source;
    int64_t offset_ns;
    bool idle; /* said so at the last look: it is live */
    bool has;  /* `held` waits */
    struct frame held;
    uint8_t *copy; /* its bytes, where the source does not keep them */
    size_t copy_room;
    double weight; /* its share in the progress: bytes of the file */
};

/* Inputs that are opened when their time has come. */
struct merge_queue {
    /* Time of the first frame that is still to come; INT64_MAX: none. */
    int64_t (*next_ns)(void *context);
    /* Opens the input whose time that is; NULL: it was not to be had, and trouble was told. */
    struct source *(*open)(void *context, int64_t *ret_offset_ns, double *ret_weight);
    void (*close)(void *context);
    void *context;
    double weight; /* of all inputs together */
};

struct merge {
    struct source source;
    struct lane lanes[SOURCE_MERGE_MAX];
    size_t count;
    struct merge_queue queue;
    source_trouble_fn *trouble;
    void *context;
    struct source_stats closed; /* of inputs that have ended */
    double closed_weight;
    int64_t offset_low_ns, offset_high_ns; /* of all offsets */
    int64_t stuck_ns;                      /* since when the held frames wait; 0: they do not */
    bool failed;                           /* the last live input is gone: `why` */
    struct why why;
    /* of the dispatch under way */
    struct delivery *out;
    struct delivery *in;
    struct lane *reading;
    int64_t bound_ns;
};

int merge_new(const char *name, source_trouble_fn *trouble, void *context, struct merge **ret_merge);
/* Takes the source over. ERR_FULL when there are too many. */
int merge_add(struct merge *m, struct source *source, int64_t offset_ns, double weight);
