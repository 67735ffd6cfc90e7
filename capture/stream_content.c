/* Guesses once what a connection carries, then hands its bytes to whoever reads that. */
#include "capture/stream_content.h"

void content_init(struct content *c, struct conn *conn, bool secure)
{
    *c = (struct content){.conn = conn, .secure = secure};
    for (unsigned i = 0; i < 2; i++)
        buf_init(&c->side[i].head, CONTENT_HEAD_MAX);
}

static void side_fini(struct content_side *s)
{
    buf_fini(&s->head);
    sip_framer_free(s->framer);
    ws_free(s->ws);
    s->framer = NULL;
    s->ws = NULL;
}

void content_fini(struct content *c)
{
    side_fini(&c->side[0]);
    side_fini(&c->side[1]);
}

static bool give_up(struct content *c)
{
    content_fini(c);
    c->kind = CONTENT_NOTHING;
    return false;
}

/* ---- SIP ---- */

static void on_framed(void *context, struct slice message, bool complete)
{
    struct content *c = context;
    conn_message(c->conn, c->secure, false, message, complete);
}

static bool feed_sip(struct content *c, unsigned side, struct slice bytes, uint32_t lost)
{
    struct content_side *s = &c->side[side];
    if (s->framer == NULL)
        s->framer = sip_framer_new(c->conn->streams->config.message_max);
    if (s->framer == NULL)
        return give_up(c);
    enum framer_verdict verdict = sip_framer_feed(s->framer, bytes, lost, on_framed, c);
    if (verdict == FRAMER_SIP)
        c->kind = CONTENT_SIP;
    return verdict != FRAMER_NOT_SIP || c->kind == CONTENT_SIP;
}

/* ---- WebSocket ---- */

static void on_web_message(void *context, struct slice message)
{
    struct content *c = context;
    conn_message(c->conn, c->secure, true, message, true);
}

static bool feed_web(struct content *c, unsigned side, struct slice bytes, uint32_t lost)
{
    struct content_side *s = &c->side[side];
    struct counters *counters = c->conn->streams->counters;
    uint32_t unread = s->ws ? ws_unread(s->ws) : 0;
    bool goes_on = s->ws && ws_feed(s->ws, bytes, lost, on_web_message, c);
    if (s->ws && counters)
        counters_add(counters,
                     C_PARSE_ERRORS + LABEL_PROTO_OTHER * LABEL_COUNT_PARSE_REASON +
                         LABEL_PARSE_UNSUPPORTED,
                     ws_unread(s->ws) - unread);
    return goes_on || give_up(c);
}

static bool start_web(struct content *c, unsigned client, bool midstream)
{
    size_t most = c->conn->streams->config.message_max;
    for (unsigned i = 0; i < 2; i++) {
        sip_framer_free(c->side[i].framer);
        c->side[i].framer = NULL;
    }
    c->side[client].ws = ws_new(WS_CLIENT, midstream, most);
    c->side[!client].ws = ws_new(WS_SERVER, midstream, most);
    if (c->side[0].ws == NULL || c->side[1].ws == NULL)
        return give_up(c);
    c->kind = CONTENT_WEB;
    return true;
}

/* ---- the guess ---- */

/* What the first bytes of a side say; CONTENT_UNKNOWN: more are needed. */
static enum content_kind guess(const struct content *c, struct slice head)
{
    int tls = c->secure ? 0 : tls_guess(head);
    if (tls > 0)
        return CONTENT_TLS;
    enum ws_guess web = ws_guess(head);
    if (web == WS_YES)
        return CONTENT_WEB;
    return tls < 0 || web == WS_MORE ? CONTENT_UNKNOWN : CONTENT_SIP;
}

static bool start(struct content *c, unsigned side, enum content_kind kind, struct slice head)
{
    switch (kind) {
    case CONTENT_TLS:
        if (!conn_start_tls(c->conn))
            return give_up(c);
        c->kind = CONTENT_TLS;
        return conn_feed_tls(c->conn, side, head, 0);
    case CONTENT_WEB:
        return start_web(c, side, false) && feed_web(c, side, head, 0);
    default:
        break;
    }
    /* First, since its heads are told from SIP by their first bytes, and the framer waits for more.
     */
    if (!c->secure && conn_foreign(c->conn, side, head, true)) {
        content_fini(c);
        c->kind = CONTENT_FOREIGN;
        return true;
    }
    return feed_sip(c, side, head, 0) || give_up(c);
}

static bool look(struct content *c, unsigned side, struct slice bytes, uint32_t lost)
{
    struct content_side *s = &c->side[side];
    if (s->framer)
        return feed_sip(c, side, bytes, lost) || give_up(c);
    if (lost)
        buf_clear(&s->head);
    bool gathered = s->head.size > 0;
    if (gathered)
        buf_slice(&s->head, bytes);
    struct slice head = gathered ? buf_view(&s->head) : bytes;
    enum content_kind kind = guess(c, head);
    if (kind == CONTENT_UNKNOWN && head.size < CONTENT_HEAD_MAX) {
        if (!gathered)
            buf_slice(&s->head, bytes);
        return !s->head.failed || give_up(c);
    }
    bool wanted = start(c, side, kind == CONTENT_UNKNOWN ? CONTENT_SIP : kind, head);
    buf_fini(&s->head);
    return wanted;
}

bool content_feed(struct content *c, unsigned side, struct slice bytes, uint32_t lost)
{
    switch (c->kind) {
    case CONTENT_UNKNOWN:
        return look(c, side, bytes, lost);
    case CONTENT_SIP:
        return feed_sip(c, side, bytes, lost) || give_up(c);
    case CONTENT_WEB:
        return feed_web(c, side, bytes, lost);
    case CONTENT_TLS:
        return conn_feed_tls(c->conn, side, bytes, lost);
    case CONTENT_FOREIGN:
        return conn_foreign(c->conn, side, bytes, false);
    case CONTENT_NOTHING:
        break;
    }
    return false;
}

void content_lost(struct content *c, unsigned side)
{
    struct content_side *s = &c->side[side];
    if (s->framer)
        (void)sip_framer_feed(s->framer, slice_none(), UINT32_MAX, on_framed, c);
    else if (s->ws)
        (void)feed_web(c, side, slice_none(), UINT32_MAX);
    buf_clear(&s->head);
}

size_t content_bytes(const struct content *c)
{
    size_t bytes = 0;
    for (unsigned i = 0; i < 2; i++) {
        const struct content_side *s = &c->side[i];
        bytes += s->head.room + (s->framer ? sip_framer_bytes(s->framer) : 0) +
                 (s->ws ? ws_bytes(s->ws) : 0);
    }
    return bytes;
}

void content_forget(struct content *c)
{
    if (c->kind == CONTENT_WEB)
        c->kind = CONTENT_NOTHING;
    content_fini(c);
}

void content_end(struct content *c)
{
    for (unsigned i = 0; i < 2; i++) {
        c->conn->now_side = c->secure ? i ^ tls_conn_client(c->conn->tls) : i;
        if (c->side[i].framer)
            sip_framer_end(c->side[i].framer, on_framed, c);
    }
}
