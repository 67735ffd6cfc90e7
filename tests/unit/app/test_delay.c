/* Mouth to ear: who is believed, and what is added. */
#include <criterion/criterion.h>
#include <math.h>

#include "app/summarise_delay.h"

static struct record_stream heard_of(void)
{
    struct record_stream s;
    record_stream_init(&s);
    s.codec = slice_str("PCMA");
    s.ptime_ms = 20;
    return s;
}

static double delay(const struct record_stream *s, const struct record_stream *back, double assumed, const char *basis)
{
    const char *got;
    double ms = summarise_delay_ms(s, back, 40, assumed, &got);
    cr_assert_str_eq(got, basis);
    return ms;
}

Test(delay, half_the_round_trip_with_buffer_and_codec)
{
    struct record_stream s = heard_of();
    s.rtcp.rtt_ms = 100;
    cr_assert_float_eq(delay(&s, NULL, NAN, "rtcp"), 50 + 40 + 20, 1e-9);
    s.codec = slice_str("G729");
    cr_assert_float_eq(delay(&s, NULL, 200, "rtcp"), 50 + 40 + 35, 1e-9);
}

Test(delay, reports_of_both_ends_hold_all_of_it)
{
    struct record_stream s = heard_of(), back = heard_of();
    s.rtcp.rtt_ms = 500;
    s.rtcp.voip.reports = back.rtcp.voip.reports = 1;
    s.rtcp.voip.round_trip_ms = 120;
    s.rtcp.voip.end_system_ms = 60;
    back.rtcp.voip.round_trip_ms = NAN;
    back.rtcp.voip.end_system_ms = NAN;
    delay(&s, &back, NAN, "rtcp"); /* one end is not enough */
    back.rtcp.voip.end_system_ms = 80;
    cr_assert_float_eq(delay(&s, &back, NAN, "xr"), 130, 1e-9);
    cr_assert_float_eq(delay(&back, &s, NAN, "xr"), 130, 1e-9);
}

Test(delay, without_a_whole_round_trip_there_is_none)
{
    struct record_stream s = heard_of();
    cr_assert(isnan(delay(&s, NULL, NAN, "none")));
    s.rtcp.tap_caller.count = 3;
    cr_assert(isnan(delay(&s, NULL, NAN, "partial")));
    cr_assert_eq(delay(&s, NULL, 150, "assumed"), 150);
}
