/* Signalling has segments of its own: a day each, kept by their own term; and the messages of a call
 * are read from there. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/storage/spool_help.h"

#define S  INT64_C(1000000000)
#define T0 (INT64_C(1700006400) * S) /* midnight (UTC) */

static char dir[HELP_DIR_SIZE];
static struct counters *counters;
static const uint8_t UID[16] = {1, 0x23, [6] = 0x80, [8] = 0x80};
static struct call_record call;

static void setup(void)
{
    help_dir_make(dir);
    counters = calloc(1, sizeof *counters);
    call = (struct call_record){.uid = "01230000-0000-8000-8000-000000000000"};
}

static void teardown(void)
{
    help_dir_remove(dir);
    free(counters);
}

TestSuite(spool_messages, .init = setup, .fini = teardown, .timeout = 60);

static struct spool *open_writer(unsigned writer)
{
    struct spool *s = NULL;
    struct why why = {""};
    const struct spool_config config = {.data_dir = dir, .writer = writer, .daily = true};
    cr_assert_eq(spool_open(&config, counters, &s, &why), 0, "%s", why.text);
    return s;
}

static struct spool_flow *open_flow(struct spool *s, int64_t now_ns)
{
    struct spool_flow_info info = {.kind = SPOOL_SIGNALLING, .descriptor = slice_str("sip\n")};
    memcpy(info.uid, UID, sizeof info.uid);
    return spool_flow_open(s, &info, now_ns);
}

static void keep(struct spool *s, struct spool_flow *f, const char *text, int64_t time_ns)
{
    struct spool_packet p = {.time_ns = time_ns, .transport = 6, .vlan_outer = 7};
    p.payload = slice_str(text);
    p.retransmission = text[0] == 'r';
    cr_assert(spool_flow_packet(s, f, &p));
    spool_tick(s, time_ns);
}

struct seen {
    unsigned count;
    char text[64];
};

static void describe(const struct call_record *of, const struct spool_packet *p,
                     struct record_message *m)
{
    cr_assert_eq(of, &call);
    cr_assert_eq(p->transport, 6);
    m->transport = "tcp";
    m->method = slice_of(m->raw.data, 1);
}

static void note(void *context, const struct record_message *m)
{
    struct seen *seen = context;
    cr_assert_eq(m->n, ++seen->count);
    cr_assert_str_eq(m->transport, "tcp");
    cr_assert_eq(m->vlan_outer, 7);
    cr_assert_eq(m->time_us, T0 / 1000 + m->n);
    cr_assert_eq(m->retransmission, m->raw.data[0] == 'r');
    cr_assert_eq(m->method.size, 1);
    strncat(seen->text, (const char *)m->raw.data, m->raw.size);
}

Test(spool_messages, a_chain_gives_its_messages_in_order)
{
    struct spool *s = open_writer(SPOOL_SIGNALLING_WRITER);
    struct spool_flow *f = open_flow(s, T0);
    keep(s, f, "one ", T0 + 1000);
    keep(s, f, "repeated ", T0 + 2000);
    (void)spool_flow_tail(s, f); /* the next one goes to a chunk of its own */
    keep(s, f, "three", T0 + 3000);
    struct record_chain chains[] = {{.party = "caller"}, {.tail = spool_flow_close(s, f)}};
    struct seen seen = {0};
    spool_flush(s);
    call.chains = chains;
    call.chain_count = 1;
    cr_assert_eq(spool_messages(dir, &call, describe, note, &seen), ERR_NOT_FOUND);
    call.chain_count = 2;
    cr_assert_eq(spool_messages(dir, &call, describe, note, &seen), 0);
    cr_assert_str_eq(seen.text, "one repeated three");
    call.uid[0] = '1'; /* the chain is another call's */
    cr_assert_eq(spool_messages(dir, &call, describe, note, &seen), ERR_NOT_FOUND);
    cr_assert_eq(seen.count, 3);
    spool_close(s);
}

static unsigned segments(unsigned kinds)
{
    struct spool_segment *list;
    unsigned found = 0;
    size_t count;
    cr_assert_eq(spool_segments(dir, &list, &count), 0);
    for (size_t i = 0; i < count; i++)
        found += (kinds & (list[i].signalling ? SPOOL_SIGNALLING : SPOOL_MEDIA)) != 0;
    free(list);
    return found;
}

Test(spool_messages, a_segment_ends_with_its_day)
{
    struct spool *s = open_writer(SPOOL_SIGNALLING_WRITER);
    struct spool_flow *f = open_flow(s, T0);
    spool_tick(s, T0);
    keep(s, f, "a", T0 + 1 * S);
    keep(s, f, "b", T0 + 86399 * S);
    cr_assert_eq(segments(SPOOL_SIGNALLING), 1);
    spool_tick(s, T0 + 86400 * S);
    cr_assert_eq(segments(SPOOL_SIGNALLING), 2);
    spool_tick(s, T0 + 2 * 86400 * S); /* nothing came: the same one serves */
    cr_assert_eq(segments(SPOOL_SIGNALLING), 2);
    keep(s, f, "c", T0 + 2 * 86400 * S + S);
    spool_tick(s, T0 + S); /* a capture of an older day */
    cr_assert_eq(segments(SPOOL_SIGNALLING), 2);
    keep(s, f, "d", T0 + 3 * 86400 * S);
    cr_assert_eq(segments(SPOOL_SIGNALLING), 3);
    spool_flow_close(s, f);
    spool_close(s);
}

Test(spool_messages, segments_say_whether_they_are_of_signalling_or_media)
{
    for (unsigned i = 0; i < 3; i++) {
        spool_close(open_writer(1));
        spool_close(open_writer(SPOOL_SIGNALLING_WRITER + 1));
    }
    cr_assert_eq(segments(SPOOL_MEDIA), 3);
    cr_assert_eq(segments(SPOOL_SIGNALLING), 3);
    cr_assert_eq(segments(SPOOL_MEDIA | SPOOL_SIGNALLING), 6);
}
