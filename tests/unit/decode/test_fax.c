/* Fax by T.38: datagrams in order, fields, rows. Whole calls of real machines stand in
 * tests/features/fax_pages.py. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decode/fax_dialogue.h"
#include "decode/t4.h"
#include "decode/udptl.h"
#include "tests/support/guard.h"

TestSuite(fax, .timeout = 60);

/* ---- UDPTL ---- */

struct heard {
    char text[256]; /* first octets of packets, "-n" for n that are lost */
};

static void hear(void *context, const struct slice *ifp, unsigned lost)
{
    struct heard *h = context;
    size_t used = strlen(h->text);
    if (ifp)
        snprintf(h->text + used, sizeof h->text - used, "%c", ifp->data[0]);
    else
        snprintf(h->text + used, sizeof h->text - used, "-%u", lost);
}

/* Packet `number` carries the letter of its number, behind it those of the `earlier` packets
 * before. */
static void send(struct udptl *u, unsigned number, unsigned earlier, int64_t at_ms)
{
    uint8_t d[64] = {(uint8_t)(number >> 8), (uint8_t)number, 1, (uint8_t)('a' + number % 26), 0,
                     (uint8_t)earlier};
    size_t size = 6;
    for (unsigned i = 1; i <= earlier; i++) {
        d[size++] = 1;
        d[size++] = (uint8_t)('a' + (number - i) % 26);
    }
    udptl_packet(u, slice_of(d, size), at_ms * 1000000);
}

Test(fax, datagrams_are_told_in_order_and_gaps_are_repaired_or_told)
{
    static const struct {
        const char *what, *wanted;
        struct {
            unsigned number, earlier, at_ms;
        } sent[8];
    } cases[] = {
        {"in order", "abc", {{0, 0, 0}, {1, 0, 20}, {2, 0, 40}}},
        {"swapped", "abc", {{0, 0, 0}, {2, 0, 20}, {1, 0, 40}}},
        {"twice", "abc", {{0, 0, 0}, {1, 0, 20}, {1, 0, 30}, {2, 0, 40}}},
        {"repeated", "abcd", {{0, 0, 0}, {3, 2, 20}}},
        {"the first one, too", "abc", {{2, 2, 0}}},
        {"one too many", "a-1cd", {{0, 0, 0}, {3, 1, 20}}},
        {"given up with time", "a-1cde", {{0, 0, 0}, {2, 0, 20}, {3, 0, 700}, {4, 0, 720}}},
        {"given up for want of room",
         "a-2deg",
         {{0, 0, 0}, {3, 0, 20}, {4, 0, 25}, {32, 0, 26}, {33, 0, 30}, {34, 0, 31}}},
        {"another sender", "ah", {{0, 0, 0}, {20001, 0, 20}}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct heard h = {""};
        struct udptl *u = malloc(sizeof *u);
        udptl_init(u, hear, &h);
        for (unsigned k = 0; k < 8 && (k == 0 || cases[i].sent[k].number); k++)
            send(u, cases[i].sent[k].number, cases[i].sent[k].earlier, cases[i].sent[k].at_ms);
        bool room = strstr(cases[i].what, "room") != NULL;
        if (room)
            h.text[6] = '\0';
        else
            udptl_end(u);
        cr_expect(strncmp(h.text, cases[i].wanted, room ? 5 : 99) == 0, "%s: %s", cases[i].what,
                  h.text);
        free(u);
    }
}

Test(fax, a_datagram_cut_anywhere_is_read_no_further)
{
    static const uint8_t whole[] = {0, 5, 2, 'x', 'y', 0, 2, 1, 'w', 0x80, 1, 'v'};
    for (size_t size = 0; size <= sizeof whole; size++) {
        struct heard h = {""};
        struct udptl *u = malloc(sizeof *u);
        struct slice cut = guard_copy(slice_of(whole, size));
        udptl_init(u, hear, &h);
        udptl_packet(u, cut, 0);
        cr_expect(eq(int, (int)u->malformed, size < 5), "%zu octets", size);
        udptl_end(u);
        const char *wanted = size < 5 ? "" : size < 9 ? "-5x" : size < 12 ? "-4wx" : "-3vwx";
        cr_expect(strcmp(h.text, wanted) == 0, "%zu octets: %s", size, h.text);
        guard_free(cut);
        free(u);
    }
}

/* ---- IFP ---- */

Test(fax, fields_are_read_in_the_packing_they_have_and_not_in_the_other)
{
    static const uint8_t octets[] = {0xc0, 2,    0x80, 0,
                                     1,    0xff, 0xc8, 0x10}; /* V.21: data, FCS OK */
    static const uint8_t halves[] = {0xc0, 2, 0x80, 0, 1, 0xff, 0xc8, 0x20};
    static const uint8_t page[] = {0xce, 1, 0xe0,
                                   0,    0, 0x55}; /* V.29 9600, page data, by half octets */
    struct ifp p;
    cr_assert(ifp_parse(slice_of(octets, sizeof octets), IFP_OCTETS, &p));
    cr_expect(eq(int, (int)p.field_count, 2));
    cr_expect(p.fields[0].kind == IFP_HDLC_DATA && p.fields[0].data.size == 2 &&
              p.fields[1].kind == IFP_HDLC_FCS_OK && p.value == IFP_V21);
    cr_assert(ifp_parse(slice_of(halves, sizeof halves), IFP_HALVES, &p));
    cr_expect(p.fields[1].kind == IFP_HDLC_FCS_OK);
    cr_expect(ifp_parse(slice_of(page, sizeof page), IFP_HALVES, &p) &&
              p.fields[0].kind == IFP_PAGE_DATA);
    cr_expect(not(ifp_parse(slice_of(page, sizeof page), IFP_OCTETS, &p)));
    for (size_t size = 0; size < sizeof octets; size++) {
        struct slice cut = guard_copy(slice_of(octets, size));
        cr_expect(not(ifp_parse(cut, IFP_OCTETS, &p)), "%zu octets", size);
        cr_expect(not(ifp_parse(cut, IFP_HALVES, &p)), "%zu octets", size);
        guard_free(cut);
    }
    uint8_t indicator = 0x06; /* V.21 preamble */
    cr_assert(ifp_parse(slice_of(&indicator, 1), IFP_OCTETS, &p));
    cr_expect(p.indicator && p.value == 3);
}

/* ---- rows ---- */

#define EOL "000000000001"
/* 8 pixels: 2 white 3 black 3 white; 8 white; 8 black. */
#define ROW_238                                                                                    \
    "0111"                                                                                         \
    "10"                                                                                           \
    "1000"
#define ROW_W8 "10011"
#define ROW_B8                                                                                     \
    "00110101"                                                                                     \
    "000101"

struct drawn {
    unsigned rows;
    uint8_t row[8];
};

static void draw(void *context, const uint8_t *row, size_t size)
{
    struct drawn *d = context;
    cr_assert(eq(sz, size, 1));
    if (d->rows < 8)
        d->row[d->rows] = row[0];
    d->rows++;
}

/* Codes to octets, zeros behind them; `at` of gaps in octets. */
static struct t4_result decode(enum t4_coding coding, const char *codes, const uint32_t *gaps,
                               unsigned gap_count, struct drawn *ret)
{
    uint8_t octets[128] = {0};
    size_t bits = strlen(codes);
    for (size_t i = 0; i < bits; i++)
        octets[i / 8] |= (uint8_t)((codes[i] == '1') << (7 - i % 8));
    struct slice data = guard_copy(slice_of(octets, (bits + 7) / 8));
    struct t4_page page = {coding, 8, data, gaps, gap_count, ret, draw};
    struct t4_result result;
    *ret = (struct drawn){0};
    cr_assert(eq(int, t4_decode(&page, &result), 0));
    cr_expect(eq(int, (int)result.rows, (int)ret->rows));
    guard_free(data);
    return result;
}

Test(fax, rows_of_each_coding)
{
    struct drawn d;
    struct t4_result r =
        decode(T4_MH, EOL ROW_238 "0000" EOL ROW_W8 EOL ROW_B8 EOL EOL EOL, NULL, 0, &d);
    cr_expect(r.rows == 3 && r.bad_rows == 0 && d.row[0] == 0x38 && d.row[1] == 0 &&
              d.row[2] == 0xff);
    /* one-dimensional; the same again; a shift to the right and one to the left; RTC */
    r = decode(T4_MR,
               EOL "1" ROW_238 EOL "0"
                   "1"
                   "1"
                   "1" EOL "0"
                   "011"
                   "010"
                   "1" EOL "1" EOL "1",
               NULL, 0, &d);
    cr_expect(r.rows == 3 && r.bad_rows == 0 && d.row[0] == 0x38 && d.row[1] == 0x38 &&
                  d.row[2] == 0x10,
              "%u %u %x", r.rows, r.bad_rows, d.row[2]);
    /* white above: horizontal; pass; EOFB */
    r = decode(T6_MMR,
               "001"
               "0111"
               "10"
               "1"
               "0001"
               "1" EOL EOL,
               NULL, 0, &d);
    cr_expect(r.rows == 2 && r.bad_rows == 0 && d.row[0] == 0x38 && d.row[1] == 0, "%u %u %x %x",
              r.rows, r.bad_rows, d.row[0], d.row[1]);
}

Test(fax, what_does_not_decode_is_a_bad_row_and_the_next_one_is_good_again)
{
    struct drawn d;
    struct t4_result r =
        decode(T4_MH, EOL ROW_238 EOL "00000000111" EOL ROW_W8 EOL EOL EOL, NULL, 0, &d);
    cr_expect(r.rows == 3 && r.bad_rows == 1 && d.row[1] == 0x38 && d.row[2] == 0,
              "a code that is none");
    r = decode(T4_MH, EOL ROW_238 EOL "1000" EOL ROW_W8 EOL EOL EOL, NULL, 0, &d);
    cr_expect(r.rows == 3 && r.bad_rows == 1, "a row that is too short");
    r = decode(T4_MR,
               EOL "1" ROW_238 EOL "1"
                   "00000000111" EOL "0"
                   "1"
                   "1"
                   "1" EOL "1" ROW_W8 EOL "1" EOL "1",
               NULL, 0, &d);
    cr_expect(r.rows == 4 && r.bad_rows == 2 && d.row[3] == 0,
              "a row that leans on it is bad, too");
    r = decode(T6_MMR,
               "001"
               "0111"
               "10"
               "1"
               "0000001"
               "1" EOL EOL,
               NULL, 0, &d);
    cr_expect(r.rows == 2 && r.bad_rows == 1, "T.6 ends there");
    r = decode(T4_MH, ROW_238, NULL, 0, &d);
    cr_expect(r.rows == 0, "without an end of line there is no row");
}

Test(fax, behind_a_gap_nothing_is_guessed)
{
    struct drawn d;
    uint32_t gap = 5; /* within the second row */
    struct t4_result r =
        decode(T4_MH, EOL ROW_238 EOL ROW_W8 "000000000" EOL ROW_B8 EOL EOL EOL, &gap, 1, &d);
    cr_expect(r.bad_rows >= 1 && r.rows >= 3 && d.row[r.rows - 1] == 0xff, "%u %u", r.rows,
              r.bad_rows);
    gap = 1;
    r = decode(T6_MMR,
               "001"
               "0111"
               "10"
               "1"
               "1"
               "1"
               "1"
               "1"
               "1"
               "1"
               "1" EOL EOL,
               &gap, 1, &d);
    cr_expect(r.rows == 1 && r.bad_rows == 1);
}

static void count_row(void *context, const uint8_t *row, size_t size)
{
    (void)row, (void)size;
    ++*(unsigned *)context;
}

Test(fax, a_page_has_a_highest_number_of_rows)
{
    uint8_t ones[T4_ROWS_MAX / 8 + 100];
    unsigned rows = 0;
    memset(ones, 0xff, sizeof ones); /* T.6: a white row in a bit */
    struct t4_page page = {T6_MMR, 4864, slice_of(ones, sizeof ones), NULL, 0, &rows, count_row};
    struct t4_result result;
    cr_assert(eq(int, t4_decode(&page, &result), 0));
    cr_expect(rows == T4_ROWS_MAX && result.cut);
    page.width = T4_WIDTH_MAX + 1;
    cr_expect(t4_decode(&page, &result) < 0);
}
