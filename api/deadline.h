/* Connections with an absolute end: a client that sends one byte every few seconds is never idle,
 * but is cut off here. A thread looks once a second and shuts the sockets of those that are late;
 * the HTTP thread then finds them closed. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct deadlines;

struct deadline {
    struct deadline *next, *before;
    int fd;
    int64_t until_ns; /* monotonic */
};

struct deadlines *deadlines_new(void);
void deadlines_free(struct deadlines *ds);
/* Before the descriptor may be closed: deadline_remove(). */
void deadline_add(struct deadlines *ds, struct deadline *d, int fd, int64_t until_ns);
void deadline_set(struct deadlines *ds, struct deadline *d, int64_t until_ns);
void deadline_remove(struct deadlines *ds, struct deadline *d);
