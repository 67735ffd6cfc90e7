/* Rows are lists of places where the colour changes, the first from white to black. Codes are
 * looked up by their next 13 bits, in tables that each page builds anew: less than a row of work.
 */
#include "decode/t4.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "decode/t4_codes.h"

#define LOOK_BITS 13
#define EOL_ZEROS 11
#define RUN_NONE  0xffff
#define SENTINELS 4
#define RTC_ENDS  2 /* ends of line on end: nothing but the end of the page has them */

struct look {
    uint16_t run; /* RUN_NONE: no code begins so */
    uint8_t bits;
};

struct bit_reader {
    struct slice data;
    size_t at, end; /* in bits */
};

struct row {
    unsigned count;
    uint16_t change[T4_WIDTH_MAX + SENTINELS + 2];
};

struct t4 {
    const struct t4_page *page;
    struct t4_result *result;
    struct bit_reader in;
    bool lost; /* a row was not understood: two-dimensional ones that follow mean nothing */
    struct row rows[2], *above, *now;
    struct look look[2][1 << LOOK_BITS]; /* white, black */
    uint8_t pixels[T4_WIDTH_MAX / 8 + 1];
};

/* ---- bits ---- */

/* Zeros behind the end. */
static unsigned peek(const struct bit_reader *b, unsigned count)
{
    unsigned value = 0;
    for (unsigned i = 0; i < 3; i++) {
        size_t octet = b->at / 8 + i;
        value = value << 8 | (8 * octet < b->end ? b->data.data[octet] : 0);
    }
    return value >> (24 - b->at % 8 - count) & ((1u << count) - 1);
}

static size_t left(const struct bit_reader *b)
{
    return b->end - b->at;
}

static bool only_zeros(const struct bit_reader *b)
{
    for (struct bit_reader r = *b; left(&r); r.at++)
        if (peek(&r, 1))
            return false;
    return true;
}

/* Past the next end of line; *ret_clean: only fill bits stood ahead of it. */
static bool find_eol(struct bit_reader *b, bool *ret_clean)
{
    unsigned zeros = 0;
    *ret_clean = true;
    while (left(b)) {
        unsigned bit = peek(b, 1);
        b->at++;
        if (bit && zeros >= EOL_ZEROS)
            return true;
        *ret_clean &= bit == 0;
        zeros = bit ? 0 : zeros + 1;
    }
    return false;
}

/* ---- codes ---- */

static void fill_look(struct look *look, const struct code *codes)
{
    for (unsigned i = 0; i < 1u << LOOK_BITS; i++)
        look[i] = (struct look){RUN_NONE, 0};
    for (unsigned i = 0; i < RUN_CODES; i++) {
        unsigned spare = LOOK_BITS - codes[i].bits, first = (unsigned)codes[i].word << spare;
        for (unsigned k = 0; k < 1u << spare; k++)
            look[first + k] = (struct look){(uint16_t)(i < 64 ? i : (i - 63) * 64), codes[i].bits};
    }
}

/* A whole run; negative: no code. */
static int take_run(struct t4 *t, unsigned black)
{
    int sum = 0;
    for (;;) {
        struct look l = t->look[black][peek(&t->in, LOOK_BITS)];
        if (l.run == RUN_NONE || l.bits > left(&t->in))
            return -1;
        t->in.at += l.bits;
        sum += l.run;
        if (l.run < 64)
            return sum;
        if (sum > T4_WIDTH_MAX)
            return -1;
    }
}

/* ---- rows ---- */

/* A place twice is none: nothing lies between. */
static bool put_change(struct t4 *t, int at)
{
    struct row *r = t->now;
    int last = r->count ? r->change[r->count - 1] : 0;
    if (at < last || at > (int)t->page->width)
        return false;
    if (r->count && at == last)
        r->count--;
    else
        r->change[r->count++] = (uint16_t)at;
    return r->count < T4_WIDTH_MAX + 2;
}

static void close_row(struct row *r, unsigned width)
{
    while (r->count && r->change[r->count - 1] >= width)
        r->count--;
    for (unsigned i = 0; i < SENTINELS; i++)
        r->change[r->count + i] = (uint16_t)width;
}

static bool row_1d(struct t4 *t)
{
    int at = 0, width = (int)t->page->width;
    for (unsigned black = 0; at < width; black ^= 1) {
        int run = take_run(t, black);
        if (run < 0 || run > width - at)
            return false;
        at += run;
        if (!put_change(t, at))
            return false;
    }
    return true;
}

enum mode { MODE_PASS, MODE_HORIZONTAL, MODE_VERTICAL, MODE_NONE };

static enum mode take_mode(struct bit_reader *b, int *ret_shift)
{
    static const struct {
        uint8_t bits, word, mode;
        int8_t shift;
    } modes[] = {
        {1, 1, MODE_VERTICAL, 0},   {3, 3, MODE_VERTICAL, 1}, {3, 2, MODE_VERTICAL, -1},
        {3, 1, MODE_HORIZONTAL, 0}, {4, 1, MODE_PASS, 0},     {6, 3, MODE_VERTICAL, 2},
        {6, 2, MODE_VERTICAL, -2},  {7, 3, MODE_VERTICAL, 3}, {7, 2, MODE_VERTICAL, -3},
    };
    for (unsigned i = 0; i < sizeof modes / sizeof *modes; i++) {
        if (modes[i].bits > left(b) || peek(b, modes[i].bits) != modes[i].word)
            continue;
        b->at += modes[i].bits;
        *ret_shift = modes[i].shift;
        return modes[i].mode;
    }
    return MODE_NONE;
}

/* Two runs from `at`; where they end, or negative. */
static int take_two_runs(struct t4 *t, int at, unsigned black)
{
    int width = (int)t->page->width;
    for (unsigned i = 0; i < 2; i++) {
        int run = take_run(t, black ^ i);
        if (run < 0 || run > width - at)
            return -1;
        at += run;
        if (!put_change(t, at))
            return -1;
    }
    return at;
}

static bool row_2d(struct t4 *t)
{
    int a0 = -1, width = (int)t->page->width;
    unsigned black = 0,
             b = 0; /* `b`: of the row above, of the parity that has our other colour behind it */
    const uint16_t *above = t->above->change;
    while (a0 < width) {
        int shift = 0;
        b = (b & ~1u) | black;
        while (b >= 2 && above[b - 2] > a0) /* a shift to the left may have gone back */
            b -= 2;
        while (above[b] <= a0 && above[b] < width)
            b += 2;
        switch (take_mode(&t->in, &shift)) {
        case MODE_PASS:
            a0 = above[b + 1];
            break;
        case MODE_HORIZONTAL:
            a0 = take_two_runs(t, a0 < 0 ? 0 : a0, black);
            if (a0 < 0)
                return false;
            break;
        case MODE_VERTICAL:
            if (above[b] + shift < (a0 < 0 ? 0 : a0) || !put_change(t, above[b] + shift))
                return false;
            a0 = above[b] + shift;
            black ^= 1;
            break;
        case MODE_NONE:
            return false;
        }
    }
    return true;
}

/* ---- pixels ---- */

static void paint(uint8_t *pixels, unsigned from, unsigned to)
{
    for (; from < to && from % 8; from++)
        pixels[from / 8] |= (uint8_t)(0x80 >> from % 8);
    for (; from + 8 <= to; from += 8)
        pixels[from / 8] = 0xff;
    for (; from < to; from++)
        pixels[from / 8] |= (uint8_t)(0x80 >> from % 8);
}

/* `good` or not, it is one more; of the row above when it is not. False: the page is full. */
static bool end_row(struct t4 *t, bool good)
{
    unsigned width = t->page->width;
    size_t size = (width + 7) / 8;
    if (t->result->rows == T4_ROWS_MAX) {
        t->result->cut = true;
        return false;
    }
    if (good) {
        struct row *r = t->now;
        close_row(r, width);
        t->now = t->above;
        t->above = r;
        memset(t->pixels, 0, size);
        for (unsigned i = 0; i < r->count; i += 2)
            paint(t->pixels, r->change[i], r->change[i + 1]);
    }
    t->result->bad_rows += !good;
    t->result->rows++;
    t->page->row(t->page->context, t->pixels, size);
    return true;
}

/* ---- pages ---- */

static bool row(struct t4 *t, bool flat)
{
    t->now->count = 0;
    return flat ? row_1d(t) : row_2d(t);
}

/* The end of line is behind us. False: the page ends here. */
static bool line(struct t4 *t, unsigned *ends)
{
    bool flat = true, good = false;
    if (t->page->coding == T4_MR && left(&t->in)) {
        flat = peek(&t->in, 1);
        t->in.at++;
    }
    *ends = peek(&t->in, EOL_ZEROS + 1) == 1 ? *ends + 1 : 0;
    if (*ends + 1 >= RTC_ENDS + (t->result->rows == 0))
        return false;
    if (only_zeros(&t->in))
        t->in.at = t->in.end;
    if (*ends || left(&t->in) == 0)
        return true;
    if (flat || !t->lost)
        good = row(t, flat);
    t->lost = !good;
    return end_row(t, good);
}

/* From one gap to the next. False: the page has ended. */
static bool stretch_t4(struct t4 *t)
{
    unsigned ends = 0;
    bool clean;
    if (!find_eol(&t->in, &clean))
        return true;
    do {
        if (!line(t, &ends))
            return false;
        bool good = !t->lost;
        if (!find_eol(&t->in, &clean))
            return true;
        if (good && !clean && ends == 0) { /* more than the row: another one that did not begin */
            t->lost = true;
            if (!end_row(t, false))
                return false;
        }
    } while (left(&t->in));
    return true;
}

static void page_t4(struct t4 *t)
{
    const struct t4_page *p = t->page;
    for (unsigned i = 0; i <= p->gap_count; i++) {
        size_t from = i ? p->gaps[i - 1] : 0, to = i < p->gap_count ? p->gaps[i] : p->data.size;
        t->in = (struct bit_reader){p->data, 8 * from, 8 * to};
        if (i && !t->lost && !end_row(t, false)) /* else the row that was cut is it */
            return;
        t->lost |= i > 0;
        if (!stretch_t4(t))
            return;
    }
}

static void page_t6(struct t4 *t)
{
    const struct t4_page *p = t->page;
    t->in = (struct bit_reader){p->data, 0, 8 * (size_t)(p->gap_count ? p->gaps[0] : p->data.size)};
    for (;;) {
        bool end = peek(&t->in, EOL_ZEROS + 1) == 1 || only_zeros(&t->in);
        if (end && p->gap_count == 0)
            return;
        if (end || !row(t, false)) {
            (void)end_row(t, false);
            return;
        }
        if (!end_row(t, true))
            return;
    }
}

int t4_decode(const struct t4_page *page, struct t4_result *ret_result)
{
    *ret_result = (struct t4_result){0};
    if (page->width == 0 || page->width > T4_WIDTH_MAX)
        return ERR_INVALID;
    struct t4 *t = calloc(1, sizeof *t);
    if (t == NULL)
        return ERR_NOMEM;
    t->page = page;
    t->result = ret_result;
    t->above = &t->rows[0];
    t->now = &t->rows[1];
    close_row(t->above, page->width);
    fill_look(t->look[0], white_codes);
    fill_look(t->look[1], black_codes);
    if (page->coding == T6_MMR)
        page_t6(t);
    else
        page_t4(t);
    free(t);
    return 0;
}
