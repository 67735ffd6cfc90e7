/* Messages of the kinds that RFC 4475 and RFC 5118 warn of: what a probe makes of them. */
#include <stdlib.h>

#include "capture/sip/sdp.h"
#include "tests/support/guard.h"
#include "tests/unit/sip/expect.h"

#define TAIL                                                                                       \
    "Via: SIP/2.0/UDP h.example.com;branch=z9hG4bKx\r\nFrom: <sip:a@example.com>;tag=1\r\n"        \
    "To: <sip:b@example.com>\r\nCall-ID: t@x\r\n"

static const struct {
    const char *what;
    const char *text;
    enum sip_verdict verdict;
    uint32_t flags;
} kinds[] = {
    {"token method with every odd byte",
     "i!n-_te%.*`'~+ sip:1_!~*'()&=+$,;?/%C2%80:&it+$,@[2001:db8::1]:5 SIP/2.0\r\n" TAIL
     "CSeq: 1 i!n-_te%.*`'~+\r\n\r\n",
     SIP_OK, 0},
    {"method that does not begin with a letter", "!in sip:h SIP/2.0\r\n" TAIL "CSeq: 1 !in\r\n\r\n",
     SIP_OK, 0},
    {"escapes that are none",
     "RE%47IST%45R sip:h SIP/2.0\r\n" TAIL "CSeq: 1 RE%47IST%45R\r\nC%6Fntact: <sip:x>\r\n\r\n",
     SIP_OK, 0},
    {"escaped NUL", "REGISTER sip:null-%00-null@h SIP/2.0\r\n" TAIL "CSeq: 1 REGISTER\r\n\r\n",
     SIP_OK, 0},
    {"no reason phrase", "SIP/2.0 100 \r\n" TAIL "CSeq: 1 INVITE\r\n\r\n", SIP_OK, 0},
    {"extra content behind the message",
     "REGISTER sip:h SIP/2.0\r\n" TAIL
     "CSeq: 1 REGISTER\r\nContent-Length: 0\r\n\r\nINVITE sip:joe@h SIP/2.0\r\n\r\n",
     SIP_OK, 0},
    {"Content-Length larger than the datagram",
     "INVITE sip:h SIP/2.0\r\n" TAIL "CSeq: 1 INVITE\r\nl: 9999\r\n\r\nv=0\r\n", SIP_OK,
     SIP_FLAG_TRUNCATED},
    {"negative Content-Length",
     "INVITE sip:h SIP/2.0\r\n" TAIL "CSeq: 1 INVITE\r\nl: -999\r\n\r\nv=0\r\n", SIP_OK,
     SIP_FLAG_BAD_CONTENT_LENGTH},
    {"CSeq out of range",
     "REGISTER sip:h SIP/2.0\r\n" TAIL "CSeq: 36893488147419103232 REGISTER\r\n\r\n", SIP_OK,
     SIP_FLAG_NO_CSEQ},
    {"status out of range", "SIP/2.0 4294967301 Better Not\r\n" TAIL "CSeq: 1 INVITE\r\n\r\n",
     SIP_BAD, 0},
    {"open quote in To",
     "INVITE sip:h SIP/2.0\r\nTo: \"Mr. J. User <sip:j@h>\r\nFrom: <sip:a>;tag=1\r\nVia: "
     "SIP/2.0/UDP h\r\n"
     "Call-ID: x\r\nCSeq: 1 INVITE\r\n\r\n",
     SIP_OK, SIP_FLAG_SYNTAX},
    {"white space in the request URI",
     "INVITE sip:b@h; lr SIP/2.0\r\n" TAIL "CSeq: 1 INVITE\r\n\r\n", SIP_OK, SIP_FLAG_SYNTAX},
    {"several spaces in the start line",
     "INVITE  sip:b@h  SIP/2.0\r\n" TAIL "CSeq: 1 INVITE\r\n\r\n", SIP_OK, SIP_FLAG_SYNTAX},
    {"white space behind the start line",
     "OPTIONS sip:b@h SIP/2.0  \r\n" TAIL "CSeq: 1 OPTIONS\r\n\r\n", SIP_OK, SIP_FLAG_SYNTAX},
    {"URI in brackets", "INVITE <sip:b@h> SIP/2.0\r\n" TAIL "CSeq: 1 INVITE\r\n\r\n", SIP_OK,
     SIP_FLAG_SYNTAX},
    {"unknown version", "OPTIONS sip:b@h SIP/7.0\r\n" TAIL "CSeq: 1 OPTIONS\r\n\r\n", SIP_BAD, 0},
    {"CSeq of another method", "OPTIONS sip:b@h SIP/2.0\r\n" TAIL "CSeq: 1 INVITE\r\n\r\n", SIP_OK,
     SIP_FLAG_CSEQ_MISMATCH},
    {"unknown method, CSeq of another",
     "NEWMETHOD sip:b@h SIP/2.0\r\n" TAIL "CSeq: 1 INVITE\r\n\r\n", SIP_OK, SIP_FLAG_CSEQ_MISMATCH},
    {"nothing but the start line matters", "INVITE sip:b@h SIP/2.0\r\nContent-Length: 0\r\n\r\n",
     SIP_BAD, 0},
    {"single headers twice",
     "INVITE sip:b@h SIP/2.0\r\n" TAIL
     "CSeq: 1 INVITE\r\nCSeq: 59 INVITE\r\nCall-ID: y\r\nTo: sip:o@h\r\n\r\n",
     SIP_OK, SIP_FLAG_DUPLICATE},
    {"unknown schemes",
     "OPTIONS unknown:opaque SIP/2.0\r\nFrom: <http://h/x>;tag=1\r\nTo: isbn:2983792873\r\n"
     "Via: SIP/2.0/UDP h\r\nCall-ID: x\r\nCSeq: 1 OPTIONS\r\n\r\n",
     SIP_OK, 0},
    {"the manner of RFC 2543",
     "INVITE sip:b@h SIP/2.0\r\nVia: SIP/2.0/UDP h\r\nFrom: <sip:+1303@h;user=phone>\r\n"
     "To: sip:+1650@h;user=phone\r\nCall-ID: x\r\nCSeq: 56 INVITE\r\n\r\nv=0\r\n",
     SIP_OK, 0},
    {"IPv6 without brackets",
     "REGISTER sip:2001:db8::10 SIP/2.0\r\n" TAIL "CSeq: 1 REGISTER\r\n\r\n", SIP_OK,
     SIP_FLAG_SYNTAX},
    {"NUL in a header",
     "INVITE sip:b@h SIP/2.0\r\n" TAIL "CSeq: 1 INVITE\r\nSubject: a\x01z\r\n\r\n", SIP_OK, 0},
};

Test(sip_torture, each_kind_gets_its_verdict)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct sip_msg m;
        enum sip_verdict verdict = sip_parse(slice_str(kinds[i].text), &m);
        cr_expect(verdict == kinds[i].verdict, "%s: verdict %d", kinds[i].what, verdict);
        cr_expect(verdict != SIP_OK || m.flags == kinds[i].flags, "%s: flags %x", kinds[i].what,
                  m.flags);
    }
}

Test(sip_torture, a_body_of_both_families_is_read)
{
    const struct sip_msg *m =
        parsed("INVITE sip:user@[2001:db8::10] SIP/2.0\r\n"
               "Via: SIP/2.0/UDP [::ffff:192.0.2.10]:19823;branch=z9hG4bKbh\r\n"
               "From: sip:a@h;tag=1\r\nTo: sip:user@[2001:db8::10]\r\n"
               "Call-ID: x\r\nCSeq: 8912 INVITE\r\nContent-Type: application/sdp\r\n\r\n"
               "v=0\r\no=bob 1 2 IN IP4 host.example.com\r\ns=\r\nt=0 0\r\n"
               "m=audio 22334 RTP/AVP 0\r\nc=IN IP4 192.0.2.1\r\n"
               "m=video 6024 RTP/AVP 107\r\nc=IN IP6 2001:db8::1\r\n"
               "a=rtpmap:107 H263-1998/90000",
               SIP_OK);
    EXPECT_TEXT(m->via.host, "::ffff:192.0.2.10");
    EXPECT_TEXT(m->to.host, "2001:db8::10");
    struct sdp s;
    cr_assert(sdp_parse(sip_body_part(m, "application/sdp"), &s) == SDP_OK && s.media_count == 2);
    cr_expect(addr_is_v4(s.media[0].address) && !addr_is_v4(s.media[1].address));
    EXPECT_TEXT(s.media[1].formats[0].encoding, "H263-1998");
}

/* ---- the messages of RFC 4475 and RFC 5118: tests/data/torture/ ---- */

enum {
    NAME,
    RFC,
    KIND,
    VERDICT,
    FLAGS,
    METHOD,
    STATUS,
    CSEQ,
    CALL_ID,
    FROM_TAG,
    TO_TAG,
    BODY,
    MEDIA,
    WHAT,
    COLUMNS
};

struct row {
    struct slice cell[COLUMNS];
};

static const struct {
    const char *name;
    uint32_t flag;
} flag_names[] = {
    {"truncated", SIP_FLAG_TRUNCATED},
    {"call_id", SIP_FLAG_NO_CALL_ID},
    {"cseq", SIP_FLAG_NO_CSEQ},
    {"from", SIP_FLAG_NO_FROM},
    {"to", SIP_FLAG_NO_TO},
    {"content_length", SIP_FLAG_BAD_CONTENT_LENGTH},
    {"duplicate", SIP_FLAG_DUPLICATE},
    {"mismatch", SIP_FLAG_CSEQ_MISMATCH},
    {"syntax", SIP_FLAG_SYNTAX},
};

static uint32_t flags_of(struct slice text)
{
    uint32_t flags = 0;
    if (slice_is(text, "-"))
        return 0;
    while (text.size) {
        struct slice name = slice_cut(&text, ',');
        uint32_t flag = 0;
        for (size_t i = 0; i < sizeof flag_names / sizeof flag_names[0]; i++) {
            if (slice_is(name, flag_names[i].name))
                flag = flag_names[i].flag;
        }
        cr_assert(flag, "unknown flag %.*s", SLICE_ARGS(name));
        flags |= flag;
    }
    return flags;
}

/* "-" stands for nothing. */
static struct slice value_of(struct slice cell)
{
    return slice_is(cell, "-") ? slice_none() : cell;
}

static uint32_t number_of(struct slice cell)
{
    uint32_t n = 0;
    cr_assert(slice_is(cell, "-") || slice_to_u32(cell, &n));
    return n;
}

/* A file in a buffer that the next one overwrites; false when there is none. */
static bool load(const char *path, char *buffer, size_t room, struct slice *ret_bytes)
{
    FILE *f = fopen(path, "rb");
    if (f == NULL)
        return false;
    size_t n = fread(buffer, 1, room, f);
    cr_assert(feof(f), "%s is larger than %zu bytes", path, room);
    fclose(f);
    *ret_bytes = slice_of(buffer, n);
    return true;
}

typedef void row_function(const struct row *row, struct slice message);

static unsigned each_row(row_function *function)
{
    static char table_bytes[32768], message_bytes[16384];
    struct slice table, message;
    unsigned rows = 0;
    cr_assert(load(TEST_DATA "/torture/table.tsv", table_bytes, sizeof table_bytes, &table));
    slice_cut(&table, '\n');
    for (; table.size; rows++) {
        struct slice line = slice_cut(&table, '\n');
        struct row row;
        char path[512];
        for (int i = 0; i < COLUMNS; i++)
            row.cell[i] = slice_cut(&line, '\t');
        cr_assert(row.cell[WHAT].size && line.size == 0, "%.*s", SLICE_ARGS(row.cell[NAME]));
        snprintf(path, sizeof path, TEST_DATA "/torture/%.*s.sip", SLICE_ARGS(row.cell[NAME]));
        cr_assert(load(path, message_bytes, sizeof message_bytes, &message), "%s", path);
        function(&row, message);
    }
    return rows;
}

#define EXPECT_SAME(row, column, actual)                                                           \
    cr_expect(slice_equal(value_of((row)->cell[column]), (actual)), "%.*s: %s is \"%.*s\"",        \
              SLICE_ARGS((row)->cell[NAME]), #column, SLICE_ARGS(actual))
#define EXPECT_NUMBER(row, column, actual)                                                         \
    cr_expect_eq(number_of((row)->cell[column]), (uint32_t)(actual), "%.*s: %s is %u",             \
                 SLICE_ARGS((row)->cell[NAME]), #column, (unsigned)(actual))

static void verdict_matches(const struct row *row, struct slice message)
{
    struct slice guarded = guard_copy(message);
    struct sip_msg m;
    struct sdp s = {0};
    enum sip_verdict wanted = slice_is(row->cell[VERDICT], "ok") ? SIP_OK : SIP_BAD;
    cr_expect(sip_looks_like(guarded), "%.*s", SLICE_ARGS(row->cell[NAME]));
    enum sip_verdict got = sip_parse(guarded, &m);
    cr_expect_eq(got, wanted, "%.*s: verdict %d", SLICE_ARGS(row->cell[NAME]), got);
    if (got == SIP_OK && wanted == SIP_OK) {
        cr_expect_eq(m.flags, flags_of(row->cell[FLAGS]), "%.*s: flags %x",
                     SLICE_ARGS(row->cell[NAME]), m.flags);
        EXPECT_SAME(row, METHOD, slice_str(sip_method_name(m.method)));
        EXPECT_NUMBER(row, STATUS, m.status);
        EXPECT_NUMBER(row, CSEQ, m.flags & SIP_FLAG_NO_CSEQ ? 0 : m.cseq);
        EXPECT_SAME(row, CALL_ID, m.call_id);
        EXPECT_SAME(row, FROM_TAG, m.from.tag);
        EXPECT_SAME(row, TO_TAG, m.to.tag);
        EXPECT_NUMBER(row, BODY, m.body.size);
        struct slice text = sip_body_part(&m, "application/sdp");
        cr_expect(text.size == 0 || sdp_parse(text, &s) == SDP_OK);
        EXPECT_NUMBER(row, MEDIA, s.media_count);
    }
    guard_free(guarded);
}

Test(sip_torture, the_messages_of_the_rfcs_get_the_verdicts_of_the_table)
{
    cr_expect_eq(each_row(verdict_matches), 61);
}

static void invalid_is_marked(const struct row *row, struct slice message)
{
    (void)message;
    bool marked = slice_is(row->cell[VERDICT], "bad") || flags_of(row->cell[FLAGS]) != 0;
    bool valid = slice_is(row->cell[KIND], "valid");
    cr_expect(valid || marked || slice_is(row->cell[KIND], "semantic"));
    cr_expect(!valid || !marked, "%.*s is valid", SLICE_ARGS(row->cell[NAME]));
}

Test(sip_torture, what_is_invalid_is_marked_and_what_is_valid_is_not)
{
    each_row(invalid_is_marked);
}

static bool holds_addresses(enum sip_header id)
{
    return id == SIP_H_FROM || id == SIP_H_TO || id == SIP_H_CONTACT || id == SIP_H_ROUTE ||
           id == SIP_H_RECORD_ROUTE;
}

static void field_parses(const struct row *row, const struct sip_header_line *h)
{
    struct slice rest = h->value, item;
    struct sip_via via;
    struct sip_addr addr;
    cr_expect(h->name.size > 0);
    if (h->id == SIP_H_VIA) {
        while (sip_list_next(&rest, &item))
            cr_expect(sip_via_parse(item, &via) && slice_index(via.host, ' ') == via.host.size,
                      "%.*s: Via %.*s", SLICE_ARGS(row->cell[NAME]), SLICE_ARGS(item));
    } else if (holds_addresses(h->id)) {
        while (sip_list_next(&rest, &item))
            cr_expect(sip_addr_parse(item, &addr) && addr.scheme.size && addr.host.size,
                      "%.*s: %.*s", SLICE_ARGS(row->cell[NAME]), SLICE_ARGS(item));
    } else if (h->id == SIP_H_CONTENT_LENGTH || h->id == SIP_H_MAX_FORWARDS) {
        uint32_t n;
        cr_expect(slice_to_u32(h->value, &n));
    }
}

/* Lines of the header section that do not continue another. */
static unsigned lines_of(struct slice head)
{
    unsigned lines = 0;
    slice_cut(&head, '\n');
    while (head.size && head.data[0] != '\r') {
        lines += head.data[0] != ' ' && head.data[0] != '\t';
        slice_cut(&head, '\n');
    }
    return lines;
}

static void every_field_parses(const struct row *row, struct slice message)
{
    struct sip_msg m;
    if (!slice_is(row->cell[KIND], "valid"))
        return;
    cr_assert_eq(sip_parse(message, &m), SIP_OK);
    cr_expect_eq(m.header_count, lines_of(message), "%.*s: %u headers", SLICE_ARGS(row->cell[NAME]),
                 m.header_count);
    for (unsigned i = 0; i < m.header_count; i++)
        field_parses(row, &m.headers[i]);
    cr_expect(m.via.host.size && m.via.transport.size);
}

Test(sip_torture, every_header_field_of_a_valid_message_is_read)
{
    each_row(every_field_parses);
}

static void every_truncation_is_survived(const struct row *row, struct slice message)
{
    (void)row;
    struct sip_msg m;
    for (size_t n = 0; n<message.size; n += message.size> 1500 ? 7 : 1) {
        struct slice cut = guard_copy(slice_sub(message, 0, n));
        if (sip_looks_like(cut) && sip_parse(cut, &m) == SIP_OK)
            sip_body_part(&m, "application/sdp");
        guard_free(cut);
    }
}

static void outline_agrees(struct slice text, struct slice name)
{
    struct sip_msg m = {0}, o = {0};
    struct slice guarded = guard_copy(text);
    enum sip_verdict whole = sip_parse(guarded, &m), outline = sip_outline(guarded, &o);
    cr_assert_eq(whole, outline, "%.*s: verdict %d", SLICE_ARGS(name), outline);
    if (whole == SIP_OK) {
        cr_assert_eq(m.request, o.request, "%.*s", SLICE_ARGS(name));
        cr_assert_eq(m.method, o.method, "%.*s", SLICE_ARGS(name));
        cr_assert_eq(m.status, o.status, "%.*s", SLICE_ARGS(name));
        cr_assert_eq(m.cseq, o.cseq, "%.*s", SLICE_ARGS(name));
        const struct slice pairs[][2] = {
            {m.method_text, o.method_text}, {m.reason_phrase, o.reason_phrase},
            {m.cseq_method, o.cseq_method}, {m.call_id, o.call_id},
            {m.from.tag, o.from.tag},       {m.to.tag, o.to.tag},
            {m.whole, o.whole},             {m.body, o.body},
            {m.content_type, o.content_type},
            {sip_body_part(&m, "application/sdp"), sip_body_part(&o, "application/sdp")},
        };
        for (unsigned i = 0; i < sizeof pairs / sizeof *pairs; i++)
            cr_assert(slice_equal(pairs[i][0], pairs[i][1]), "%.*s: text %u is \"%.*s\"",
                      SLICE_ARGS(name), i, SLICE_ARGS(pairs[i][1]));
    }
    guard_free(guarded);
}

static void outline_agrees_in_every_truncation(const struct row *row, struct slice message)
{
    for (size_t size = 0; size <= message.size; size++)
        outline_agrees(slice_sub(message, 0, size), row->cell[NAME]);
}

Test(sip_torture, the_outline_says_what_the_whole_message_says)
{
    each_row(outline_agrees_in_every_truncation);
    for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; i++)
        outline_agrees(slice_str(kinds[i].text), slice_str(kinds[i].what));
}

Test(sip_torture, every_truncation_of_them_is_survived)
{
    each_row(every_truncation_is_survived);
}

/* The texts that others published, where they are given: the same as ours in all that matters. */
static const char *original_of(struct slice name)
{
    static const struct {
        const char *name, *file;
    } renamed[] = {
        {"ipv6-good", "4_1"},
        {"ipv6-bad", "4_2"},
        {"port-unambiguous", "4_4"},
        {"via-received-param-with-delim", "4_5_1"},
        {"via-received-param-no-delim", "4_5_2"},
        {"mult-ip-in-header", "4_7"},
        {"mult-ip-in-sdp", "4_8"},
        {"ipv4-mapped-ipv6", "4_9"},
    };
    static char path[512];
    const char *captures = getenv("EARSHOT_CAPTURES");
    if (captures == NULL)
        captures = TEST_DATA "/../../../shared/captures";
    snprintf(path, sizeof path, "%s/sip-text-rfc4475/%.*s.dat", captures, SLICE_ARGS(name));
    for (size_t i = 0; i < sizeof renamed / sizeof renamed[0]; i++) {
        if (slice_is(name, renamed[i].name))
            snprintf(path, sizeof path, "%s/sip-text-rfc5118/RFC5118_%s.dat", captures,
                     renamed[i].file);
    }
    return path;
}

static unsigned originals;

static void original_agrees(const struct row *row, struct slice ours)
{
    static char bytes[16384];
    struct slice theirs;
    struct sip_msg a, b;
    (void)ours;
    if (!load(original_of(row->cell[NAME]), bytes, sizeof bytes, &theirs))
        return;
    originals++;
    enum sip_verdict verdict = sip_parse(theirs, &a);
    cr_assert_eq(verdict, sip_parse(ours, &b), "%.*s", SLICE_ARGS(row->cell[NAME]));
    if (verdict != SIP_OK)
        return;
    cr_expect_eq(a.flags, b.flags, "%.*s: flags %x", SLICE_ARGS(row->cell[NAME]), a.flags);
    cr_expect(a.method == b.method && a.status == b.status && a.cseq == b.cseq);
    cr_expect(slice_starts(row->cell[RFC], "5118") || slice_equal(a.call_id, b.call_id));
}

Test(sip_torture, the_originals_get_the_same_verdicts)
{
    each_row(original_agrees);
    cr_log_info("%u originals given", originals);
}
