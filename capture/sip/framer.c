/* The framer: a state machine over a window of bytes.
 *
 *               start line           blank line          all of its bytes
 *   BETWEEN ---------------> HEAD ---------------> BODY ------------------> BETWEEN
 *    |   ^                     `--- over the limit ----> SKIPPING ------------^
 *    |   `-- a line begins --.
 *    `-- no start line ----> SEEKING          no SIP in the first 4 KiB: GAVE_UP
 *
 * The window is the chunk itself as long as nothing is left over from the one before: whole
 * messages are given out where they lie. What is left over is held, and the next chunk is added to
 * it in pieces, until the held message has been given out; then the window is the chunk again.
 *
 * A length is believed as a SIP peer would believe it, even where the body looks like another
 * message: a text may quote one. Only when what follows the body is no start line do we look back,
 * or when nothing follows. SDP quotes nothing: it ends where a start line stands, so a length that
 * is too large does not swallow what comes later.
 */
#include "capture/sip/framer.h"

#include <assert.h>
#include <stdlib.h>

#include "capture/sip/framer_head.h"

#define MESSAGE_MAX  (128u << 10)
#define SLACK        (16u << 10) /* held beyond message_max: a start line, a piece */
#define PIECE        2048u
#define NOT_SIP_SIZE 4096u
#define SKIP_FACTOR  8u
#define KEEP_ROOM    4096u /* memory kept while nothing is held ... */
#define KEEP_FEEDS   64u   /* ... and for how many chunks */

enum state { BETWEEN, HEAD, BODY, SKIPPING, SEEKING, GAVE_UP };

struct sip_framer {
    enum state state;
    bool sip;        /* a start line was seen */
    bool unsure;     /* BETWEEN: behind a hole, perhaps in the middle of a line */
    bool doubtful;   /* the start line was found by searching: it may be one quoted in a body */
    bool measured;   /* BODY: `want` is from Content-Length */
    uint32_t passed; /* bytes before the first start line */
    uint32_t quiet;  /* chunks since something was held */
    size_t message_max;
    struct framer_walk walk; /* HEAD */
    size_t head_size;        /* BODY */
    size_t looked;           /* BODY of SDP: lines that are no start lines */
    bool waited, sdp;        /* BODY: more bytes were asked for; then, is it SDP? */
    size_t want;             /* BODY: size of the message, or the most it may have */
    uint64_t left;           /* SKIPPING */
    struct buf held;         /* the beginning of the unfinished message or start line */
};

struct window {
    struct slice at; /* what has not been used of it */
    bool more;       /* the chunk goes on behind it */
    sip_framer_fn *fn;
    void *context;
};

static void advance(struct window *w, size_t n)
{
    w->at = slice_from(w->at, n);
}

static void deliver(struct sip_framer *f, struct window *w, size_t size, bool complete)
{
    w->fn(w->context, slice_sub(w->at, 0, size), complete);
    advance(w, size);
    f->doubtful = false;
    f->state = BETWEEN;
}

static void seek(struct sip_framer *f)
{
    f->state = SEEKING;
    f->doubtful = true;
}

/* How much may be seen without a start line: this and no more. */
static bool enough(const struct sip_framer *f, size_t n)
{
    return !f->sip && f->passed + n >= NOT_SIP_SIZE;
}

static void skip_line_ends(struct slice *at, bool *unsure)
{
    while (at->size && (*at->data == '\r' || *at->data == '\n')) {
        if (*at->data == '\n')
            *unsure = false;
        *at = slice_from(*at, 1);
    }
}

/* ---- the states: each uses bytes of the window, or changes the state, or asks for more bytes by
 * returning false ---- */

static bool between(struct sip_framer *f, struct window *w)
{
    skip_line_ends(&w->at, &f->unsure);
    if (w->at.size == 0)
        return false;
    size_t glued;
    switch (framer_start(w->at, f->unsure)) {
    case FRAMER_START_YES:
        /* "xBYE sip:b SIP/2.0": an unknown method, or the end of a body and BYE? */
        if (f->doubtful && (glued = framer_glued(w->at)) > 0)
            advance(w, glued);
        f->sip = true;
        f->unsure = false;
        f->state = HEAD;
        f->walk = (struct framer_walk){0};
        return true;
    case FRAMER_START_MORE:
        if (enough(f, w->at.size))
            f->state = GAVE_UP;
        return false;
    default:
        if (!f->sip && f->passed == 0 && framer_foreign(w->at))
            f->state = GAVE_UP;
        else
            seek(f);
        return true;
    }
}

/* Line by line, since a start line may stand at the end of one. */
static bool seeking(struct sip_framer *f, struct window *w)
{
    size_t end = slice_index(w->at, '\n');
    if (enough(f, end)) {
        f->state = GAVE_UP;
        return false;
    }
    if (end == w->at.size && end < FRAMER_LINE_MAX)
        return false;
    size_t glued = framer_glued(w->at);
    if (glued || end < w->at.size) {
        f->state = BETWEEN;
        f->unsure = false;
    }
    size_t n = glued ? glued : end < w->at.size ? end + 1 : end;
    if (!f->sip)
        f->passed += (uint32_t)n;
    advance(w, n);
    return true;
}

static bool skipping(struct sip_framer *f, struct window *w)
{
    size_t n = f->left < w->at.size ? (size_t)f->left : w->at.size;
    advance(w, n);
    f->left -= n;
    if (f->left == 0)
        f->state = BETWEEN;
    return true;
}

static void measure(struct sip_framer *f, struct window *w)
{
    uint32_t length;
    size_t room = f->message_max - f->head_size;
    f->measured = framer_content_length(slice_sub(w->at, 0, f->head_size), &f->walk, &length) &&
                  length / SKIP_FACTOR <= f->message_max;
    f->state = BODY;
    f->waited = false;
    f->want = f->message_max;
    if (f->measured && length <= room) {
        f->want = f->head_size + length;
    } else if (f->measured) {
        deliver(f, w, f->head_size, false);
        f->state = SKIPPING;
        f->left = length;
    }
}

static bool head(struct sip_framer *f, struct window *w)
{
    size_t size = framer_head_end(w->at, &f->walk);
    if (size == 0 && w->at.size < f->message_max)
        return false;
    if (size == 0 || size > f->message_max) {
        deliver(f, w, f->message_max, false);
        seek(f);
        return true;
    }
    if (f->doubtful) {
        size_t second = slice_index(w->at, '\n') + 1;
        size_t start = framer_find_start(w->at, second, size, false);
        if (start < size) {
            advance(w, start);
            f->state = BETWEEN;
            return true;
        }
    }
    f->head_size = size;
    measure(f, w);
    return true;
}

/* Line ends and then perhaps a start line. */
static enum framer_start following(struct slice at)
{
    bool unsure;
    skip_line_ends(&at, &unsure);
    return framer_start(at, false);
}

/* A body that is not all there yet. */
static bool unfinished_body(struct sip_framer *f, struct window *w)
{
    if (!f->waited) {
        f->waited = true;
        f->sdp = framer_says_sdp(slice_sub(w->at, 0, f->head_size));
        f->looked = f->head_size;
    }
    size_t size = f->sdp ? framer_start_in_sdp(w->at, &f->looked) : 0;
    if (size)
        deliver(f, w, size, false);
    return size > 0;
}

static bool measured_body(struct sip_framer *f, struct window *w)
{
    if (w->at.size < f->want)
        return unfinished_body(f, w);
    if (w->at.size == f->want && w->more)
        return false;
    size_t size = f->want;
    enum framer_start next = following(slice_from(w->at, size));
    if (next == FRAMER_START_NO)
        size = framer_find_start(w->at, f->head_size, size, true);
    else if (next == FRAMER_START_YES)
        size = framer_split_start(w->at, f->head_size, size);
    deliver(f, w, size, size == f->want);
    return true;
}

static bool unmeasured_body(struct sip_framer *f, struct window *w)
{
    enum framer_start next = following(slice_from(w->at, f->head_size));
    if (next != FRAMER_START_YES && w->more && w->at.size < f->message_max)
        return false;
    size_t size = f->head_size;
    if (next == FRAMER_START_NO)
        size = framer_find_start(w->at, size, w->at.size, true);
    if (size <= f->message_max) {
        deliver(f, w, size, true);
    } else {
        deliver(f, w, f->message_max, false);
        seek(f);
    }
    return true;
}

static bool step(struct sip_framer *f, struct window *w)
{
    switch (f->state) {
    case BETWEEN:
        return between(f, w);
    case HEAD:
        return head(f, w);
    case BODY:
        return f->measured ? measured_body(f, w) : unmeasured_body(f, w);
    case SKIPPING:
        return skipping(f, w);
    case SEEKING:
        return seeking(f, w);
    default:
        return false;
    }
}

static void run(struct sip_framer *f, struct window *w)
{
    while (w->at.size && step(f, w))
        ;
}

/* ---- what is held ---- */

static void release(struct sip_framer *f)
{
    size_t ceiling = f->held.ceiling;
    buf_fini(&f->held);
    buf_init(&f->held, ceiling);
}

static void hold_nothing(struct sip_framer *f)
{
    buf_clear(&f->held);
    if (f->held.room > KEEP_ROOM)
        release(f);
}

/* Without memory the message is dropped. */
static bool hold(struct sip_framer *f, struct slice bytes)
{
    buf_slice(&f->held, bytes);
    if (!f->held.failed)
        return true;
    hold_nothing(f);
    seek(f);
    return false;
}

static void drop_front(struct buf *b, size_t n)
{
    if (n == 0)
        return;
    memmove(b->data, b->data + n, b->size - n);
    b->size -= n;
}

static size_t piece(const struct sip_framer *f)
{
    size_t missing = f->state == BODY && f->want > f->held.size ? f->want - f->held.size : 0;
    return missing + PIECE;
}

/* Goes on with what is held and a piece of `bytes`; takes off the front of `bytes` what need not
 * be looked at again. */
static void run_held(struct sip_framer *f, struct slice *bytes, struct window *w)
{
    size_t before = f->held.size;
    struct slice added = slice_sub(*bytes, 0, piece(f));
    if (!hold(f, added)) {
        *bytes = slice_from(*bytes, added.size);
        return;
    }
    w->at = buf_view(&f->held);
    w->more = added.size < bytes->size;
    run(f, w);
    size_t used = f->held.size - w->at.size;
    if (used >= before) {
        *bytes = slice_from(*bytes, used - before);
        hold_nothing(f);
    } else {
        *bytes = slice_from(*bytes, added.size);
        drop_front(&f->held, used);
    }
}

static void run_chunk(struct sip_framer *f, struct slice bytes, struct window *w)
{
    w->at = bytes;
    w->more = false;
    run(f, w);
    if (w->at.size && f->state != GAVE_UP)
        hold(f, w->at);
}

static void tidy(struct sip_framer *f)
{
    if (f->state == GAVE_UP) {
        release(f);
    } else if (f->held.size) {
        f->quiet = 0;
    } else if (f->held.data && ++f->quiet >= KEEP_FEEDS) {
        release(f);
    }
}

/* ---- holes ---- */

/* Gives out a message whose body is not all there; returns how much of it is missing. */
static size_t cut_off(struct sip_framer *f, sip_framer_fn *fn, void *context)
{
    if (f->state != BODY)
        return 0;
    assert(f->measured && f->want > f->held.size);
    size_t missing = f->want - f->held.size;
    fn(context, buf_view(&f->held), false);
    return missing;
}

static void skip_hole(struct sip_framer *f, uint32_t lost, sip_framer_fn *fn, void *context)
{
    uint64_t missing = f->state == SKIPPING ? f->left : cut_off(f, fn, context);
    hold_nothing(f);
    if (lost != UINT32_MAX && missing >= lost) {
        f->left = missing - lost;
        f->state = f->left ? SKIPPING : BETWEEN;
        return;
    }
    f->state = BETWEEN;
    f->unsure = true;
    f->doubtful = true;
}

/* ---- for others ---- */

struct sip_framer *sip_framer_new(size_t message_max)
{
    struct sip_framer *f = calloc(1, sizeof *f);
    if (f == NULL)
        return NULL;
    f->message_max = message_max ? message_max : MESSAGE_MAX;
    f->doubtful = true;
    buf_init(&f->held, f->message_max + SLACK);
    return f;
}

void sip_framer_free(struct sip_framer *f)
{
    if (f == NULL)
        return;
    buf_fini(&f->held);
    free(f);
}

enum framer_verdict sip_framer_feed(struct sip_framer *f, struct slice bytes, uint32_t lost,
                                    sip_framer_fn *fn, void *context)
{
    struct window w = {.fn = fn, .context = context};
    if (lost && f->state != GAVE_UP)
        skip_hole(f, lost, fn, context);
    while (f->held.size && bytes.size && f->state != GAVE_UP)
        run_held(f, &bytes, &w);
    if (bytes.size && f->state != GAVE_UP)
        run_chunk(f, bytes, &w);
    tidy(f);
    if (f->state == GAVE_UP)
        return FRAMER_NOT_SIP;
    return f->sip ? FRAMER_SIP : FRAMER_MAYBE;
}

/* The stream is over inside a body: what stands in it like a message is taken for one. */
static void look_back(struct sip_framer *f, sip_framer_fn *fn, void *context)
{
    struct window w = {.at = buf_view(&f->held), .fn = fn, .context = context};
    while (f->state == BODY && f->measured) {
        size_t size = framer_find_start(w.at, f->head_size, w.at.size, true);
        deliver(f, &w, size, false);
        run(f, &w);
    }
}

void sip_framer_end(struct sip_framer *f, sip_framer_fn *fn, void *context)
{
    if (f->state == GAVE_UP)
        return;
    look_back(f, fn, context);
    release(f);
    f->state = BETWEEN;
}

size_t sip_framer_bytes(const struct sip_framer *f)
{
    return f->held.data ? f->held.room : 0;
}
