/* One direction of a WebSocket: the upgrade, then frame after frame.
 *
 *   HANDSHAKE -- blank line --> HEADER -- header whole --> PAYLOAD -- its last byte --> HEADER
 *     |   ^                       |                          |
 *     |   `-- REFUSED (body of    `-- cannot be a header -->  | hole of unknown size
 *     |       an answer not 101)                 |            |
 *     `------------- bytes lost -------------> LOOKING <------'     close, nothing to find: ENDED
 *
 * A message in one unmasked frame that lies in one chunk is given out in place; others are gathered
 * (and unmasked on the way) in `held`. What cannot be read is passed by its length, so the frames
 * behind it stay in step. */
#include "capture/net/websocket.h"

#include <stdlib.h>

#include "capture/net/websocket_frame.h"
#include "capture/net/websocket_http.h"

#define MESSAGE_MAX  (128u << 10)
#define KEEP_ROOM    4096u /* memory kept between messages */
#define TRIES        64u   /* chunks in which LOOKING finds nothing */

enum state { HANDSHAKE, REFUSED, LOOKING, HEADER, PAYLOAD, ENDED };

/* The message that the frames now make up. */
enum gathering { NONE, GATHERED, DROPPED };

struct ws {
    enum ws_side_kind kind;
    enum state state;
    enum gathering message;
    bool framed; /* a frame was seen: no second handshake */
    size_t message_max;
    uint32_t unread;
    unsigned tries;
    size_t scanned;  /* HANDSHAKE: of http_head_end() */
    uint32_t refuse; /* REFUSED: bytes of the body left */

    struct ws_frame frame; /* PAYLOAD */
    uint32_t taken;        /* bytes of its payload so far */
    uint8_t header[WS_HEADER_MAX];
    size_t header_size;

    struct buf held;
};

struct input {
    struct slice bytes; /* what has not been used of the chunk */
    ws_message_fn *fn;
    void *context;
};

static void advance(struct input *in, size_t n)
{
    in->bytes = slice_from(in->bytes, n);
}

static void hold_nothing(struct ws *w)
{
    buf_clear(&w->held);
    if (w->held.room > KEEP_ROOM) {
        size_t ceiling = w->held.ceiling;
        buf_fini(&w->held);
        buf_init(&w->held, ceiling);
    }
}

/* ---- messages ---- */

static void drop_message(struct ws *w)
{
    if (w->message != GATHERED)
        return;
    w->unread++;
    w->message = DROPPED;
    hold_nothing(w);
}

/* In step no more: whatever the rest of the chunk is, a later chunk may begin with a frame. */
static void lose_track(struct ws *w)
{
    drop_message(w);
    hold_nothing(w);
    w->message = NONE;
    w->header_size = 0;
    w->state = LOOKING;
}

static bool data_frame(const struct ws *w)
{
    return w->frame.opcode < WS_CLOSE;
}

static void end_frame(struct ws *w, struct input *in)
{
    w->state = HEADER;
    if (!data_frame(w) || !w->frame.fin)
        return;
    if (w->message == GATHERED) {
        in->fn(in->context, buf_view(&w->held));
        hold_nothing(w);
    }
    w->message = NONE;
}

static void begin_message(struct ws *w)
{
    if (w->frame.opcode != WS_CONTINUATION) {
        drop_message(w); /* the one before has no end */
        w->message = GATHERED;
    } else if (w->message == NONE) {
        w->message = GATHERED; /* its beginning was not seen */
        drop_message(w);
    }
    if (w->message == GATHERED &&
        (w->frame.reserved || w->frame.size > w->message_max - w->held.size))
        drop_message(w);
}

static void begin_frame(struct ws *w, struct input *in)
{
    w->framed = true;
    w->tries = 0;
    w->header_size = 0;
    w->taken = 0;
    w->state = PAYLOAD;
    if (w->frame.opcode == WS_CLOSE) {
        w->state = ENDED;
        return;
    }
    if (data_frame(w))
        begin_message(w);
    if (w->frame.size == 0)
        end_frame(w, in);
}

/* ---- the states: each uses bytes; false when the rest of the chunk is of no use ---- */

static enum state after_request(struct slice head)
{
    return ws_guess(head) == WS_YES ? HEADER : ENDED;
}

/* 1xx: another answer follows. A refusal (401) may be followed by a second attempt. */
static enum state after_answer(struct ws *w, struct slice head)
{
    unsigned status = http_status(head);
    struct slice value;
    if (status == 101)
        return HEADER;
    if (status >= 100 && status < 200)
        return HANDSHAKE;
    if (status == 0 || !ws_http_header(head, "Content-Length", &value) ||
        !slice_to_u32(value, &w->refuse))
        return ENDED;
    return w->refuse ? REFUSED : HANDSHAKE;
}

static bool handshake(struct ws *w, struct input *in)
{
    size_t before = w->held.size, room = HTTP_HEAD_MAX - before;
    struct slice added = slice_sub(in->bytes, 0, room);
    buf_slice(&w->held, added);
    size_t end = w->held.failed ? 0 : http_head_end(buf_view(&w->held), &w->scanned);
    if (end == 0) {
        advance(in, added.size);
        if (w->held.failed || w->held.size == HTTP_HEAD_MAX)
            w->state = ENDED;
        return true;
    }
    advance(in, end - before); /* no end was there before these bytes came */
    struct slice head = slice_sub(buf_view(&w->held), 0, end);
    w->state = w->kind == WS_CLIENT ? after_request(head) : after_answer(w, head);
    w->scanned = 0;
    hold_nothing(w);
    return true;
}

static bool refused(struct ws *w, struct input *in)
{
    uint32_t n = w->refuse < in->bytes.size ? w->refuse : (uint32_t)in->bytes.size;
    w->refuse -= n;
    advance(in, n);
    if (w->refuse == 0)
        w->state = HANDSHAKE;
    return true;
}

static bool looking(struct ws *w, const struct input *in)
{
    if (ws_frame_plausible(in->bytes, w->message_max)) {
        w->state = HEADER;
        return true;
    }
    if (++w->tries >= TRIES)
        w->state = ENDED;
    return false;
}

static enum ws_header read_header(struct ws *w, struct input *in, bool *ret_endless)
{
    size_t size;
    if (w->header_size == 0) {
        enum ws_header got = ws_frame_read(in->bytes, &w->frame, &size, ret_endless);
        if (got == WS_HEADER_GOOD)
            advance(in, size);
        if (got != WS_HEADER_MORE)
            return got;
    }
    while (in->bytes.size) {
        w->header[w->header_size++] = *in->bytes.data;
        advance(in, 1);
        enum ws_header got =
            ws_frame_read(slice_of(w->header, w->header_size), &w->frame, &size, ret_endless);
        if (got != WS_HEADER_MORE)
            return got;
    }
    return WS_HEADER_MORE;
}

static bool header(struct ws *w, struct input *in)
{
    bool endless;
    if (w->kind == WS_CLIENT && !w->framed && w->header_size == 0 && *in->bytes.data == 'G') {
        w->state = HANDSHAKE; /* the server refused, it asks again */
        return true;
    }
    switch (read_header(w, in, &endless)) {
    case WS_HEADER_GOOD:
        begin_frame(w, in);
        return true;
    case WS_HEADER_MORE:
        return false;
    default:
        lose_track(w);
        if (endless || ++w->tries >= TRIES)
            w->state = ENDED;
        return false;
    }
}

static void gather(struct ws *w, struct slice part)
{
    uint8_t *to = buf_reserve(&w->held, part.size);
    if (to == NULL) {
        drop_message(w);
        return;
    }
    ws_unmask(&w->frame, w->taken, part.data, part.size, to);
    w->held.size += part.size;
}

static bool payload(struct ws *w, struct input *in)
{
    struct slice part = slice_sub(in->bytes, 0, w->frame.size - w->taken);
    advance(in, part.size);
    if (data_frame(w) && w->message == GATHERED) {
        if (w->frame.fin && !w->frame.masked && w->held.size == 0 && part.size == w->frame.size) {
            in->fn(in->context, part);
            w->message = NONE;
        } else {
            gather(w, part);
        }
    }
    w->taken += (uint32_t)part.size;
    if (w->taken == w->frame.size)
        end_frame(w, in);
    return true;
}

static bool step(struct ws *w, struct input *in)
{
    switch (w->state) {
    case HANDSHAKE:
        return handshake(w, in);
    case REFUSED:
        return refused(w, in);
    case LOOKING:
        return looking(w, in);
    case HEADER:
        return header(w, in);
    case PAYLOAD:
        return payload(w, in);
    default:
        return false;
    }
}

static void skip_hole(struct ws *w, uint32_t lost, struct input *in)
{
    if (w->state == PAYLOAD && lost <= w->frame.size - w->taken) {
        if (data_frame(w))
            drop_message(w);
        w->taken += lost;
        if (w->taken == w->frame.size)
            end_frame(w, in);
    } else if (w->state == REFUSED && lost <= w->refuse) {
        w->refuse -= lost;
        if (w->refuse == 0)
            w->state = HANDSHAKE;
    } else {
        lose_track(w);
    }
}

/* ---- for others ---- */

struct ws *ws_new(enum ws_side_kind kind, bool midstream, size_t message_max)
{
    struct ws *w = calloc(1, sizeof *w);
    if (w == NULL)
        return NULL;
    w->kind = kind;
    w->state = midstream ? LOOKING : HANDSHAKE;
    w->message_max = message_max ? message_max : MESSAGE_MAX;
    buf_init(&w->held, w->message_max > HTTP_HEAD_MAX ? w->message_max : HTTP_HEAD_MAX);
    return w;
}

void ws_free(struct ws *w)
{
    if (w == NULL)
        return;
    buf_fini(&w->held);
    free(w);
}

bool ws_feed(struct ws *w, struct slice bytes, uint32_t lost, ws_message_fn *fn, void *context)
{
    struct input in = {.bytes = bytes, .fn = fn, .context = context};
    if (lost && w->state != ENDED)
        skip_hole(w, lost, &in);
    while (in.bytes.size && step(w, &in))
        ;
    if (w->state != ENDED)
        return true;
    buf_fini(&w->held);
    return false;
}

uint32_t ws_unread(const struct ws *w)
{
    return w->unread;
}

size_t ws_bytes(const struct ws *w)
{
    return w->held.data ? w->held.room : 0;
}
