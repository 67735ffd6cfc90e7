/* Several sources as one, in the order of time.
 *
 *     lane 0   held frame 10:00:00.020 <- next                 } the earliest is delivered; then
 * its lane 1   held frame 10:00:00.045                         } source is read on, straight to the
 *     queue    files that begin at 10:05:00, 10:10:00, ...     } receiver, up to the second
 * earliest
 *
 * One frame of each source is held back. That of a file lies in the file's window and stays there
 * until the file is read on; that of an interface is copied, because the kernel takes its ring
 * back. Within one source the order is that of the source: a clock that steps back is seen behind
 * us.
 *
 * A live source may be silent, and then nobody knows whether an earlier frame will still come from
 * it: the kernel hands over a block after some 10 ms. What its silence allows to deliver are frames
 * older than SOURCE_MERGE_WAIT_NS by the wall clock, which is looked at once a round and only here.
 * When that clock is set back, waiting ends after STUCK_NS all the same. */
#include "capture/source/merge.h"

#include <assert.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"

#define MS_NS INT64_C(1000000)
/* Held frames are looked at again this long after the first of them is due, so that many go at
 * once. */
#define BATCH_MS 10
/* How often a live source is asked that cannot be waited for. */
#define ASK_MS   10
#define STUCK_NS (2 * SOURCE_MERGE_WAIT_NS)
/* Then frames are let go as far ahead. */
#define LET_GO_NS (10 * SOURCE_MERGE_WAIT_NS)

static int64_t sum(int64_t a, int64_t b)
{
    int64_t r;
    return __builtin_add_overflow(a, b, &r) ? (a < 0 ? INT64_MIN : INT64_MAX) : r;
}

/* ---- frames in ---- */

static bool keep_bytes(struct lane *l, const struct frame *frame)
{
    size_t size = frame->bytes.size;
    if (l->source->kind->lasting)
        return true;
    if (size > l->copy_room) {
        uint8_t *grown = realloc(l->copy, size);
        if (grown == NULL)
            return false;
        l->copy = grown;
        l->copy_room = size;
    }
    if (size > 0)
        memcpy(l->copy, frame->bytes.data, size);
    l->held.bytes.data = l->copy;
    return true;
}

/* From a lane's source: straight on while it is its turn, else held. */
static void on_frame(void *context, const struct frame *frame)
{
    struct merge *m = context;
    struct lane *l = m->reading;
    struct frame shifted = *frame;
    shifted.time_ns = sum(frame->time_ns, l->offset_ns);
    /* A source that does not stop when it is asked to must not lose a frame by it. */
    if (shifted.time_ns <= m->bound_ns || m->in->stop) {
        source_deliver(&m->source, m->out, &shifted);
        return;
    }
    l->held = shifted;
    l->held.ahead = slice_none();
    l->has = keep_bytes(l, frame);
    if (!l->has)
        source_deliver(&m->source, m->out, &shifted);
    delivery_stop(m->in);
}

/* ---- lanes ---- */

/* Frames and bytes are counted when they are delivered. */
static void add_stats(struct source_stats *sums, const struct source_stats *more)
{
    sums->kernel_drops += more->kernel_drops;
    sums->nic_drops += more->nic_drops;
    for (unsigned i = 0; i < SOURCE_REFUSALS; i++)
        sums->refused[i] += more->refused[i];
}

static void close_lane(struct merge *m, struct lane *l)
{
    struct source_stats stats;
    source_stats(l->source, &stats);
    add_stats(&m->closed, &stats);
    m->closed_weight += l->weight;
    source_close(l->source);
    free(l->copy);
    *l = m->lanes[--m->count];
    m->lanes[m->count] = (struct lane){0};
}

/* A lane gives no more frames, and that is not its proper end. */
static void lost_lane(struct merge *m, const struct lane *l, enum source_state state,
                      const struct why *why)
{
    m->failed = state == SOURCE_FAILED && !l->source->kind->lasting;
    m->why = *why;
    if (m->trouble && !(m->failed && m->count == 1)) /* the last one is told by the state */
        m->trouble(m->context, state == SOURCE_FAILED ? ERR_IO : ERR_TRUNCATED, why);
}

static bool round_over(const struct merge *m)
{
    return m->out->frames >= m->out->frames_max || source_woken(&m->source);
}

/* One read() of a lane's source: frames up to m->bound_ns go out, the next is held. A source whose
 * bytes do not last is asked for one frame at a time: libpcap gives the rest of a block whatever it
 * is told. */
static enum source_state read_source(struct merge *m, struct lane *l, struct why *why)
{
    int room = m->out->frames_max - m->out->frames;
    struct delivery in = {
        .fn = on_frame, .context = m, .frames_max = l->source->kind->lasting ? room : 1};
    m->reading = l;
    m->in = &in;
    enum source_state state = l->source->kind->read(l->source, &in, 0, why);
    m->in = NULL;
    return state;
}

/* Reads on from a lane, up to `bound_ns`. False: it ended. */
static bool read_lane(struct merge *m, struct lane *l, int64_t bound_ns)
{
    struct why why = {0};
    enum source_state state = SOURCE_MORE;
    m->bound_ns = bound_ns;
    while (state == SOURCE_MORE && !l->has && !round_over(m)) {
        state = read_source(m, l, &why);
        if (l->source->kind->lasting)
            break;
    }
    l->idle = state == SOURCE_IDLE;
    if (state == SOURCE_MORE || state == SOURCE_IDLE || l->has)
        return true; /* an end comes up again behind the held frame */
    if (state != SOURCE_END)
        lost_lane(m, l, state, &why);
    close_lane(m, l);
    return false;
}

/* Its next frame is held, or it is idle, unless the round has to end. False: the lane ended. */
static bool fetch(struct merge *m, struct lane *l)
{
    do {
        if (!read_lane(m, l, INT64_MIN))
            return false;
    } while (!l->has && !l->idle && !round_over(m));
    return true;
}

/* The lane whose frame is the earliest, and the time of the earliest other one. */
static struct lane *earliest(struct merge *m, int64_t *ret_second_ns)
{
    struct lane *first = NULL;
    *ret_second_ns = INT64_MAX;
    for (size_t i = 0; i < m->count; i++) {
        struct lane *l = &m->lanes[i];
        if (!l->has)
            continue;
        if (first && l->held.time_ns >= first->held.time_ns) {
            if (l->held.time_ns < *ret_second_ns)
                *ret_second_ns = l->held.time_ns;
            continue;
        }
        if (first)
            *ret_second_ns = first->held.time_ns;
        first = l;
    }
    return first;
}

static int64_t next_in_queue(const struct merge *m)
{
    return m->queue.next_ns ? m->queue.next_ns(m->queue.context) : INT64_MAX;
}

/* Opens what begins before the earliest held frame. */
static void open_due(struct merge *m)
{
    int64_t second;
    while (!round_over(m)) {
        int64_t next = next_in_queue(m);
        struct lane *first = earliest(m, &second);
        if (next == INT64_MAX || (first && first->held.time_ns < next))
            return;
        int64_t offset_ns = 0;
        double weight = 0;
        struct source *s = m->queue.open(m->queue.context, &offset_ns, &weight);
        if (s == NULL) {
            m->closed_weight += weight;
            continue;
        }
        if (merge_add(m, s, offset_ns, weight) != 0) {
            struct why why;
            why_set(&why, "%s is not read: more than %d files overlap in time", s->name,
                    SOURCE_MERGE_MAX);
            if (m->trouble)
                m->trouble(m->context, ERR_FULL, &why);
            m->closed_weight += weight;
            source_close(s);
            continue;
        }
        fetch(m, &m->lanes[m->count - 1]);
    }
}

/* Every lane has a frame, or said that it has none; unless the round has to end. */
static void settle(struct merge *m)
{
    for (size_t i = 0; i < m->count && !round_over(m);)
        if (m->lanes[i].has || fetch(m, &m->lanes[i]))
            i++;
}

/* ---- a round ---- */

/* What the silence of idle sources allows to deliver. */
static int64_t silence_bound(const struct merge *m, int64_t wall_ns)
{
    int64_t bound = INT64_MAX;
    for (size_t i = 0; i < m->count; i++) {
        const struct lane *l = &m->lanes[i];
        int64_t passed = sum(wall_ns - SOURCE_MERGE_WAIT_NS, l->offset_ns);
        if (!l->has && passed < bound)
            bound = passed;
    }
    return bound;
}

static bool any_silent(const struct merge *m)
{
    for (size_t i = 0; i < m->count; i++)
        if (!m->lanes[i].has)
            return true;
    return false;
}

/* Up to which time frames may go, when `first` is the earliest. */
static int64_t bound_of(struct merge *m, const struct lane *first)
{
    if (!any_silent(m))
        return INT64_MAX;
    int64_t bound = silence_bound(m, clock_wall_ns());
    if (first->held.time_ns <= bound)
        return bound;
    int64_t now = clock_mono_ns();
    if (m->stuck_ns == 0)
        m->stuck_ns = now;
    if (now - m->stuck_ns <= STUCK_NS + m->offset_high_ns - m->offset_low_ns)
        return bound;
    return sum(first->held.time_ns, LET_GO_NS);
}

/* Delivers what may go. False: the earliest frame has to wait, or there is none. A round that has
 * to end early does nothing more, for it does not know every lane's frame. */
static bool round_of(struct merge *m)
{
    int64_t second;
    settle(m);
    open_due(m);
    if (round_over(m))
        return true;
    struct lane *first = earliest(m, &second);
    if (first == NULL)
        return false;
    int64_t bound = bound_of(m, first);
    if (first->held.time_ns > bound)
        return false;
    if (second < bound)
        bound = second;
    int64_t next = next_in_queue(m);
    if (next < bound)
        bound = next;
    m->stuck_ns = 0;
    first->has = false;
    source_deliver(&m->source, m->out, &first->held);
    if (!round_over(m))
        read_lane(m, first, bound);
    return true;
}

/* ---- waiting ---- */

/* Until when the earliest held frame is not to be delivered, in ms; `limit_ms` if nothing is held.
 */
static int due_ms(struct merge *m, int limit_ms)
{
    int64_t second;
    const struct lane *first = earliest(m, &second);
    if (first == NULL)
        return limit_ms;
    int64_t left = (first->held.time_ns - silence_bound(m, clock_wall_ns())) / MS_NS;
    left = (left < 0 ? 0 : left) + BATCH_MS;
    return left < limit_ms ? (int)left : limit_ms;
}

/* For a frame on any silent source, a wake, or `wait_ms`. */
static void wait_for_any(struct merge *m, int wait_ms)
{
    struct pollfd fds[SOURCE_MERGE_MAX + 1] = {{.fd = m->source.wake_fd, .events = POLLIN}};
    nfds_t n = 1;
    for (size_t i = 0; i < m->count; i++) {
        const struct lane *l = &m->lanes[i];
        if (l->has)
            continue; /* readable all the time: it waits for the others */
        if (l->source->poll_fd < 0 && wait_ms > ASK_MS)
            wait_ms = ASK_MS;
        fds[n++] = (struct pollfd){.fd = l->source->poll_fd, .events = POLLIN};
    }
    /* Whatever comes of it, EINTR and errors included, the next round finds out. */
    (void)poll(fds, n, wait_ms);
}

static enum source_state ended(struct merge *m, struct why *why)
{
    if (!m->failed)
        return SOURCE_END;
    *why = m->why;
    return SOURCE_FAILED;
}

static enum source_state merge_read(struct source *s, struct delivery *d, int timeout_ms,
                                    struct why *why)
{
    struct merge *m = (struct merge *)s;
    int64_t end_ns = clock_mono_ns() + timeout_ms * MS_NS;
    m->out = d;
    enum source_state state = SOURCE_MORE;
    while (d->frames < d->frames_max && !source_woken(s)) {
        if (round_of(m))
            continue;
        if (m->count == 0 && next_in_queue(m) == INT64_MAX)
            state = ended(m, why);
        else if (d->frames == 0)
            state = SOURCE_IDLE;
        int64_t left_ms = (end_ns - clock_mono_ns()) / MS_NS;
        if (state != SOURCE_IDLE || left_ms <= 0)
            break;
        wait_for_any(m, due_ms(m, (int)left_ms));
        state = SOURCE_MORE;
    }
    m->out = NULL;
    if (source_woken(s))
        source_wake_clear(s);
    /* What came before the end has to be told first: the end comes up again. */
    return d->frames ? SOURCE_MORE : state;
}

/* ---- the source ---- */

static void merge_stats(struct source *s)
{
    struct merge *m = (struct merge *)s;
    struct source_stats sums = m->closed;
    for (size_t i = 0; i < m->count; i++) {
        struct source_stats stats;
        source_stats(m->lanes[i].source, &stats);
        add_stats(&sums, &stats);
    }
    sums.frames = s->stats.frames;
    sums.bytes_on_wire = s->stats.bytes_on_wire;
    s->stats = sums;
}

static double merge_progress(const struct source *s)
{
    const struct merge *m = (const struct merge *)s;
    double done = m->closed_weight;
    for (size_t i = 0; i < m->count; i++)
        done += m->lanes[i].weight * source_progress(m->lanes[i].source);
    double share = m->queue.weight > 0 ? done / m->queue.weight : 0;
    return share > 1 ? 1 : share;
}

static int merge_filter(struct source *s, const char *text, struct why *why)
{
    struct merge *m = (struct merge *)s;
    for (size_t i = 0; i < m->count; i++) {
        struct source *part = m->lanes[i].source;
        int err = part->kind->filter ? part->kind->filter(part, text, why) : 0;
        if (err)
            return err;
    }
    return 0;
}

static void merge_close(struct source *s)
{
    struct merge *m = (struct merge *)s;
    while (m->count > 0)
        close_lane(m, &m->lanes[m->count - 1]);
    if (m->queue.close)
        m->queue.close(m->queue.context);
    if (s->wake_fd >= 0)
        close(s->wake_fd);
    free(m);
}

static const struct source_kind merge_kind = {
    .read = merge_read,
    .stats = merge_stats,
    .progress = merge_progress,
    .filter = merge_filter,
    .close = merge_close,
};

int merge_new(const char *name, source_trouble_fn *trouble, void *context, struct merge **ret_merge)
{
    struct merge *m = calloc(1, sizeof *m);
    if (m == NULL || source_init(&m->source, &merge_kind, name) != 0) {
        free(m);
        return ERR_NOMEM;
    }
    m->trouble = trouble;
    m->context = context;
    int err = source_wake_open(&m->source);
    if (err) {
        source_close(&m->source);
        return err;
    }
    *ret_merge = m;
    return 0;
}

int merge_add(struct merge *m, struct source *source, int64_t offset_ns, double weight)
{
    if (m->count == SOURCE_MERGE_MAX)
        return ERR_FULL;
    source->waker = &m->source;
    if (offset_ns < m->offset_low_ns)
        m->offset_low_ns = offset_ns;
    if (offset_ns > m->offset_high_ns)
        m->offset_high_ns = offset_ns;
    m->lanes[m->count++] =
        (struct lane){.source = source, .offset_ns = offset_ns, .weight = weight};
    return 0;
}

int source_open_merge(const struct source_input *inputs, size_t count, source_trouble_fn *trouble,
                      void *context, struct source **ret_source, struct why *why)
{
    struct merge *m = NULL;
    int err = merge_new("several sources", trouble, context, &m);
    if (err)
        why_set(why, "no memory or descriptor to merge %zu sources", count);
    else if (count > SOURCE_MERGE_MAX) {
        why_set(why, "at most %d sources can be read at once", SOURCE_MERGE_MAX);
        err = ERR_FULL;
    }
    for (size_t i = 0; i < count; i++)
        if (err)
            source_close(inputs[i].source);
        else
            merge_add(m, inputs[i].source, inputs[i].offset_ns, 0);
    if (err) {
        if (m)
            source_close(&m->source);
        return err;
    }
    *ret_source = &m->source;
    return 0;
}
