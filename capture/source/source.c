/* The functions that callers see: they open the right kind of source and hand everything else on to
 * it. */
#include "capture/source/source.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "capture/source/reader.h"

int source_init(struct source *s, const struct source_kind *kind, const char *name)
{
    s->kind = kind;
    s->wake_fd = -1;
    s->poll_fd = -1;
    s->waker = s;
    s->name = strdup(name);
    return s->name ? 0 : ERR_NOMEM;
}

void source_close(struct source *s)
{
    if (s == NULL)
        return;
    char *name = s->name;
    s->kind->close(s);
    free(name);
}

enum source_state source_dispatch(struct source *s, int max_frames, int timeout_ms,
                                  source_frame_fn *fn, void *context, struct why *why)
{
    assert(max_frames > 0);
    struct delivery d = {.fn = fn, .context = context, .frames_max = max_frames};
    return s->kind->read(s, &d, timeout_ms, why);
}

void source_wake(struct source *s)
{
    int saved = errno; /* of whatever a signal handler interrupted */
    atomic_store(&s->woken, true);
    uint64_t one = 1;
    /* A full counter (EAGAIN) wakes as well; there is nothing to do about any other failure. */
    if (s->wake_fd >= 0 && write(s->wake_fd, &one, sizeof one) < 0)
        errno = saved;
    errno = saved;
}

int source_wake_open(struct source *s)
{
    s->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    return s->wake_fd < 0 ? err_of_errno(errno) : 0;
}

void source_wake_clear(struct source *s)
{
    uint64_t count;
    atomic_store(&s->woken, false);
    while (s->wake_fd >= 0 && read(s->wake_fd, &count, sizeof count) < 0 && errno == EINTR)
        ;
}

int source_set_filter(struct source *s, const char *filter, struct why *why)
{
    if (s->kind->filter)
        return s->kind->filter(s, filter, why);
    why_set(why, "%s takes no filter", s->name);
    return ERR_UNSUPPORTED;
}

void source_stats(struct source *s, struct source_stats *ret_stats)
{
    if (s->kind->stats)
        s->kind->stats(s);
    *ret_stats = s->stats;
}

double source_progress(const struct source *s)
{
    return s->kind->progress ? s->kind->progress(s) : 0;
}

const char *source_name(const struct source *s)
{
    return s->name;
}
