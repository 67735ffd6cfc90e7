/* Bytes of one side to records.
 *
 * A record that lies whole in what was fed is not copied; else its beginning waits in `part`. When
 * bytes were lost inside one record, that record is given up and the next begins where its length
 * says. When the loss goes over a border, the side is adrift: every place that could be a header is
 * tried with the sequence numbers the loss leaves possible, since only the right one opens. */
#include <assert.h>

#include "capture/net/tls_parts.h"

static uint32_t record_size(const uint8_t *header)
{
    return TLS_HEADER_SIZE + ((uint32_t)header[3] << 8 | header[4]);
}

static bool header_fits(const uint8_t *header)
{
    return header[0] >= TLS_CHANGE_CIPHER_SPEC && header[0] <= TLS_APPLICATION + 1 &&
           header[1] == 3 && header[2] <= 4 && record_size(header) <= TLS_RECORD_MAX;
}

static void add_part(struct tls *t, struct tls_conn *c, unsigned role, struct slice bytes)
{
    struct buf *part = &c->side[role].part;
    size_t room = part->room;
    buf_slice(part, bytes);
    if (part->failed)
        tls_conn_end(t, c, TLS_BROKEN);
    else
        tls_hold(t, c, part->room - room);
}

/* The part away from the side, which may be ended while it is in use. */
static struct buf take_part(struct tls_side *s)
{
    struct buf part = s->part;
    buf_init(&s->part, TLS_PART_MAX);
    s->header_size = 0;
    return part;
}

static void free_part(struct tls *t, struct tls_conn *c, struct buf *part)
{
    tls_release(t, c, part->room);
    buf_fini(part);
}

void tls_side_drop_part(struct tls *t, struct tls_conn *c, unsigned role)
{
    struct tls_side *s = &c->side[role];
    if (s->adrift) {
        s->lost = true;
        s->adrift = false;
    } else if (s->header_size == TLS_HEADER_SIZE) {
        s->skip = record_size(s->header) - (uint32_t)s->part.size;
        tls_conn_count_sealed(c, role, s->header[0], record_size(s->header) - TLS_HEADER_SIZE);
        s->header_size = 0;
    }
    free_part(t, c, &s->part);
    buf_init(&s->part, TLS_PART_MAX);
}

/* ---- gaps ---- */

static void one_missing(struct tls *t, struct tls_conn *c, unsigned role, int64_t time_ns)
{
    static const uint8_t header[TLS_HEADER_SIZE] = {TLS_MISSING};
    tls_conn_record(t, c, role, slice_of(header, sizeof header), time_ns);
}

static void go_adrift(struct tls *t, struct tls_conn *c, unsigned role, uint32_t lost)
{
    struct tls_side *s = &c->side[role];
    uint64_t gap = (uint64_t)(s->adrift ? s->gap : 0) + s->part.size + lost;
    if (s->epoch != TLS_SEALED || !s->keyed || c->queued[role] || gap > TLS_GAP_MAX) {
        tls_conn_end(t, c, TLS_BROKEN);
        s->lost = true;
        return;
    }
    if (!s->adrift)
        s->budget = TLS_GAP_BUDGET;
    s->adrift = true;
    s->gap = (uint32_t)gap;
    s->scanned = 0;
    s->skip = 0;
    s->header_size = 0;
    buf_clear(&s->part);
}

static void gap(struct tls *t, struct tls_conn *c, unsigned role, uint32_t lost, int64_t time_ns)
{
    struct tls_side *s = &c->side[role];
    if (s->skip >= lost && s->header_size == 0) {
        s->skip -= lost; /* inside a record that is given up already */
    } else if (tls_conn_ended(c)) {
        s->lost = true;
    } else if (s->header_size == TLS_HEADER_SIZE &&
               lost <= record_size(s->header) - (uint32_t)s->part.size) {
        s->skip = record_size(s->header) - (uint32_t)s->part.size - lost;
        struct buf part = take_part(s);
        free_part(t, c, &part);
        one_missing(t, c, role, time_ns);
    } else {
        go_adrift(t, c, role, lost);
    }
}

/* Finds the sequence number with which the record opens. */
static bool find_sequence(struct tls *t, struct tls_side *s, struct slice record)
{
    uint64_t before = s->opener.sequence;
    size_t least = TLS_HEADER_SIZE + tls_suite_overhead(&s->opener.suite);
    uint64_t most = s->gap / least + 1;
    uint8_t content;
    struct slice plain;
    for (uint64_t n = 1; n <= most && n <= TLS_GAP_RECORDS && s->budget >= record.size; n++) {
        s->budget -= (uint32_t)record.size;
        s->opener.sequence = before + n;
        if (tls_open(&s->opener, record, t->room, &content, &plain))
            return true;
    }
    s->opener.sequence = before;
    return false;
}

/* A record that opens was found: on from there. */
static void land(struct tls *t, struct tls_conn *c, unsigned role, int64_t time_ns)
{
    struct tls_side *s = &c->side[role];
    struct buf part = take_part(s);
    s->adrift = false;
    s->opener.sequence--; /* one_missing() counts the last of them */
    one_missing(t, c, role, time_ns);
    tls_side_feed(t, c, role, slice_from(buf_view(&part), s->scanned), 0, time_ns);
    free_part(t, c, &part);
}

static void drift(struct tls *t, struct tls_conn *c, unsigned role, struct slice bytes,
                  int64_t time_ns)
{
    struct tls_side *s = &c->side[role];
    add_part(t, c, role, bytes);
    while (!tls_conn_ended(c) && s->part.size - s->scanned >= TLS_HEADER_SIZE) {
        const uint8_t *at = s->part.data + s->scanned;
        if (header_fits(at)) {
            uint32_t size = record_size(at);
            if (s->part.size - s->scanned < size)
                return; /* more must come */
            if (find_sequence(t, s, slice_of(at, size))) {
                land(t, c, role, time_ns);
                return;
            }
        }
        s->scanned++;
        if (s->scanned > TLS_RECORD_MAX || s->budget == 0)
            tls_conn_end(t, c, TLS_BROKEN);
    }
}

/* ---- no gap ---- */

static void refuse_header(struct tls *t, struct tls_conn *c, struct tls_side *s)
{
    s->lost = true;
    s->header_size = 0;
    if (tls_conn_ended(c))
        return;
    tls_count_bad(t, "syntax");
    tls_conn_end(t, c, TLS_BROKEN);
}

/* Bytes taken towards the rest of a record whose header is known. */
static size_t take_rest(struct tls *t, struct tls_conn *c, unsigned role, struct slice bytes,
                        int64_t time_ns)
{
    struct tls_side *s = &c->side[role];
    uint32_t size = record_size(s->header);
    size_t n = size - s->part.size;
    if (n > bytes.size)
        n = bytes.size;
    add_part(t, c, role, slice_sub(bytes, 0, n));
    if (tls_conn_ended(c) || s->part.size < size)
        return n;
    struct buf part = take_part(s);
    tls_conn_record(t, c, role, buf_view(&part), time_ns);
    free_part(t, c, &part);
    return n;
}

/* Bytes taken towards a header; whole when header_size says so. */
static size_t take_header(struct tls *t, struct tls_conn *c, unsigned role, struct slice bytes,
                          int64_t time_ns)
{
    struct tls_side *s = &c->side[role];
    size_t n = TLS_HEADER_SIZE - s->header_size;
    if (n > bytes.size)
        n = bytes.size;
    memcpy(s->header + s->header_size, bytes.data, n);
    s->header_size = (uint8_t)(s->header_size + n);
    if (s->header_size < TLS_HEADER_SIZE)
        return n;
    if (!header_fits(s->header)) {
        refuse_header(t, c, s);
        return n;
    }
    if (tls_conn_ended(c)) {
        s->skip = record_size(s->header) - TLS_HEADER_SIZE;
        s->header_size = 0;
        tls_conn_count_sealed(c, role, s->header[0], s->skip);
    } else {
        add_part(t, c, role, slice_of(s->header, TLS_HEADER_SIZE));
        if (!tls_conn_ended(c))
            take_rest(t, c, role, slice_none(), time_ns); /* for a record of a header alone */
    }
    return n;
}

/* A record that lies whole in `bytes`; 0: none does. */
static size_t take_whole(struct tls *t, struct tls_conn *c, unsigned role, struct slice bytes,
                         int64_t time_ns)
{
    if (bytes.size < TLS_HEADER_SIZE || tls_conn_ended(c) || !header_fits(bytes.data) ||
        bytes.size < record_size(bytes.data))
        return 0;
    size_t size = record_size(bytes.data);
    tls_conn_record(t, c, role, slice_sub(bytes, 0, size), time_ns);
    return size;
}

static size_t take(struct tls *t, struct tls_conn *c, unsigned role, struct slice bytes,
                   int64_t time_ns)
{
    struct tls_side *s = &c->side[role];
    if (s->skip) {
        size_t n = bytes.size < s->skip ? bytes.size : s->skip;
        s->skip -= (uint32_t)n;
        return n;
    }
    if (s->adrift) {
        bytes = slice_sub(bytes, 0, TLS_DRIFT_STEP);
        drift(t, c, role, bytes, time_ns);
        return bytes.size;
    }
    if (s->header_size == TLS_HEADER_SIZE)
        return take_rest(t, c, role, bytes, time_ns);
    size_t n = s->header_size ? 0 : take_whole(t, c, role, bytes, time_ns);
    return n ? n : take_header(t, c, role, bytes, time_ns);
}

void tls_side_feed(struct tls *t, struct tls_conn *c, unsigned role, struct slice bytes,
                   uint32_t lost, int64_t time_ns)
{
    struct tls_side *s = &c->side[role];
    if (lost)
        gap(t, c, role, lost, time_ns);
    while (bytes.size && !s->lost) {
        size_t n = take(t, c, role, bytes, time_ns);
        assert(n > 0 && n <= bytes.size);
        bytes = slice_from(bytes, n);
    }
}
