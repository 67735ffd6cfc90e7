/* The ladder of the API (api/ladder.h), fed from a spool instead of the store. */
#include "app/read_ladder.h"

#include "api/ladder.h"
#include "app/messages.h"
#include "base/clock.h"

static void put_party(struct buf *out, const struct record_party *p, const struct endpoint *fallback)
{
    char text[ENDPOINT_TEXT_SIZE];
    struct slice name = p->user.size ? p->user : slice_str(endpoint_text(fallback, text));
    for (size_t i = 0; i < name.size && i < 64; i++) {
        bool printable = name.data[i] >= 0x20 && name.data[i] < 0x7f;
        buf_u8(out, printable ? name.data[i] : '?');
    }
}

/* "1001 -> 1002, answered, 2026-11-21T10:00:00.000000Z" */
static void put_title(struct buf *out, const struct call_record *r)
{
    char time[CLOCK_TEXT_SIZE];
    put_party(out, &r->from, &r->src);
    buf_str(out, " -> ");
    put_party(out, &r->to, &r->dst);
    buf_printf(out, ", %s, %s\n", r->outcome ? r->outcome : r->kind, clock_rfc3339_us(r->started_us, time));
}

void read_ladder(struct buf *out, const char *data_dir, const struct call_record *r, bool json)
{
    struct ladder l = {0};
    ladder_leg(&l, r);
    (void)spool_messages(data_dir, r, message_describe, ladder_message, &l); /* an orphan has none */
    ladder_streams(&l, r);
    ladder_dtmf(&l, r);
    ladder_pauses(&l, r);
    ladder_rtcp(&l, data_dir, r);
    ladder_arrange(&l);
    if (json) {
        struct json j;
        json_init(&j, out);
        ladder_json(&j, &l, r->uid, NULL);
    } else {
        put_title(out, r);
        ladder_text(out, &l);
    }
    buf_char(out, '\n');
    ladder_fini(&l);
}
