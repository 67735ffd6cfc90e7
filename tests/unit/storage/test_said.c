/* What endpoints report and what ISUP said, as bytes and back. */
#include <criterion/criterion.h>

#include <math.h>

#include "storage/record_pack.h"

TestSuite(said, .timeout = 60);

static struct call_record *sample(void)
{
    static struct record_report reports[2];
    static struct record_isup isup;
    struct call_record *r = record_new();
    for (unsigned i = 0; i < RECORD_REPORT_FIGURE_COUNT; i++) {
        reports[0].reported[i] = i + 0.5;
        reports[1].reported[i] = NAN;
    }
    reports[0].source = "vq_rtcpxr";
    reports[0].kind = "alert";
    reports[0].side = "remote";
    reports[0].party = "callee";
    reports[0].match = "addresses";
    reports[0].buffer = "adaptive";
    reports[0].reporter = slice_str("bob@example.com");
    reports[0].alert = slice_str("Type=NLR");
    reports[0].has_ssrc = true;
    reports[0].ssrc = 0x80000001;
    reports[0].sid = 2;
    reports[1].source = "rtp_stat";
    isup = (struct record_isup){.time_us = 5, .party = "caller", .type = slice_str("IAM"), .category = 10, .cause = 17,
                                .called = {.given = true, .digits = slice_str("4930"), .plan = 1}, .body = slice_str("\x01\x02")};
    r->reports = (struct record_reports){.count = 2, .items = reports, .over_limit = 3};
    r->isup = (struct record_isups){.count = 1, .items = &isup, .over_limit = 4};
    return r;
}

static void expect_reports(const struct record_reports *v)
{
    cr_assert(v->count == 2 && v->over_limit == 3);
    const struct record_report *r = v->items;
    for (unsigned i = 0; i < RECORD_REPORT_FIGURE_COUNT; i++) {
        cr_expect_eq(r[0].reported[i], i + 0.5);
        cr_expect(isnan(r[1].reported[i]));
    }
    cr_expect(r[0].side == record_text("remote") && r[0].match == record_text("addresses") &&
              r[0].kind == record_text("alert") && r[0].buffer == record_text("adaptive"));
    cr_expect(slice_is(r[0].reporter, "bob@example.com") && slice_is(r[0].alert, "Type=NLR"));
    cr_expect(r[0].has_ssrc && r[0].ssrc == 0x80000001 && r[0].sid == 2);
    cr_expect(r[1].match == NULL && r[1].buffer == NULL && !r[1].has_ssrc);
}

static void expect_isup(const struct record_isups *v)
{
    cr_assert(v->count == 1 && v->over_limit == 4);
    const struct record_isup *m = v->items;
    cr_expect(m->time_us == 5 && m->category == 10 && m->cause == 17);
    cr_expect(slice_is(m->type, "IAM") && slice_is(m->called.digits, "4930") && m->called.plan == 1);
    cr_expect(m->called.given && !m->calling.given);
    cr_expect(slice_is(m->body, "\x01\x02"));
}

Test(said, reports_and_isup_come_back_as_they_went)
{
    struct call_record *in = sample(), *out = record_new();
    struct buf b;
    buf_init(&b, 1 << 16);
    struct pack p = pack_writer(&b);
    record_pack_call(&p, in);
    p = pack_reader(buf_view(&b), out->arena);
    record_pack_call(&p, out);
    cr_assert(!p.failed);
    expect_reports(&out->reports);
    expect_isup(&out->isup);
    record_free(in);
    record_free(out);
    buf_fini(&b);
}

Test(said, every_truncation_is_a_shorter_record_or_damage)
{
    struct call_record *in = sample();
    struct buf b;
    buf_init(&b, 1 << 16);
    struct pack p = pack_writer(&b);
    record_pack_call(&p, in);
    for (size_t n = 0; n < buf_view(&b).size; n++) {
        struct call_record *out = record_new();
        p = pack_reader(slice_sub(buf_view(&b), 0, n), out->arena);
        record_pack_call(&p, out);
        cr_expect(out->reports.count == 0 || out->reports.items != NULL);
        cr_expect(out->isup.count == 0 || out->isup.items != NULL);
        record_free(out);
    }
    record_free(in);
    buf_fini(&b);
}
