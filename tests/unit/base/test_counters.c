/* Labels, cells, sums, and the text that `promtool check metrics` must accept. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/counters.h"

Test(labels, text_and_back)
{
    for (int set = 0; set < LABEL_SETS; set++) {
        unsigned count = 0;
        static const unsigned counts[] = {
#define LABELS(id, name, ...) LABEL_COUNT_##id,
#include "base/labels.def"
#undef LABELS
        };
        for (; count < counts[set]; count++) {
            const char *text = label_text((enum label_set)set, count);
            cr_assert_eq(label_find((enum label_set)set, slice_str(text)), count, "%s", text);
        }
    }
}

Test(labels, unknown_values_are_other_or_the_first)
{
    cr_assert_str_eq(label_text(LABELS_METHOD, label_find(LABELS_METHOD, slice_str("BREW"))),
                     "other");
    cr_assert_str_eq(label_text(LABELS_METHOD, label_find(LABELS_METHOD, slice_str("invite"))),
                     "other");
    cr_assert_str_eq(label_text(LABELS_PARTY, label_find(LABELS_PARTY, slice_str("?"))), "unknown");
    cr_assert_eq(label_find(LABELS_OUTCOME, slice_str("?")), 0);
    cr_assert_eq(label_find(LABELS_METHOD, slice_none()), LABEL_COUNT_METHOD - 1);
}

Test(labels, codecs_are_known_by_all_their_names)
{
    static const struct {
        const char *name;
        const char *label;
    } cases[] = {
        {"PCMU", "PCMU"},     {"pcmu", "PCMU"},         {"pcma", "PCMA"},
        {"g722", "G722"},     {"G729A", "G729"},        {"g729b", "G729"},
        {"G7231", "G723"},    {"G723", "G723"},         {"G723.1", "G723"},
        {"gsm", "GSM"},       {"ILBC", "iLBC"},         {"G726-32", "G726"},
        {"g726-16", "G726"},  {"AAL2-G726-32", "G726"}, {"amr", "AMR"},
        {"amr-wb", "AMR-WB"}, {"OPUS", "opus"},         {"SPEEX", "speex"},
        {"L16", "L16"},       {"evs", "EVS"},           {"TELEPHONE-EVENT", "telephone-event"},
        {"cn", "CN"},         {"h264", "video"},        {"H263-1998", "video"},
        {"VP8", "video"},     {"AV1", "video"},         {"GSM-EFR", "other"},
        {"", "other"},        {"x", "other"},           {"G7221", "other"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_expect_str_eq(
            label_text(LABELS_CODEC, label_find(LABELS_CODEC, slice_str(cases[i].name))),
            cases[i].label, "%s", cases[i].name);
}

Test(labels, every_status_code_is_found_or_other)
{
    unsigned known = 0;
    for (unsigned status = 0; status < 1200; status++) {
        char text[16];
        snprintf(text, sizeof text, "%u", status);
        unsigned i = label_code(status);
        cr_assert_eq(i, label_find(LABELS_CODE, slice_str(text)), "%u", status);
        known += i != LABEL_COUNT_CODE - 1;
    }
    cr_assert_eq(known, LABEL_COUNT_CODE - 1);
}

static const char *render(struct counters_set *s, struct buf *out)
{
    buf_init(out, 8 << 20);
    counters_render(s, out);
    cr_assert_not(out->failed);
    return buf_text(out);
}

Test(counters, families_lie_one_after_the_other)
{
    unsigned count;
    const struct counter_family *f = counters_families(&count);
    cr_assert_eq(f[0].first, 0);
    for (unsigned i = 1; i < count; i++)
        cr_assert_gt(f[i].first, f[i - 1].first);
    cr_assert_eq(COUNTER_CELLS, C_SERIES_DROPPED_END_ + 1);
}

Test(counters, sums_go_over_all_blocks)
{
    struct counters_set *s = counters_set_new();
    struct counters *a = counters_block(s);
    struct counters *b = counters_block(s);
    counters_add(a, C_CALLS_ACTIVE, 5);
    counters_sub(b, C_CALLS_ACTIVE, 7);
    counters_set(a, C_RTP_REORDERED, 1);
    cr_assert_eq((int64_t)counters_sum(s, C_CALLS_ACTIVE), -2);
    struct buf out;
    const char *text = render(s, &out);
    cr_assert_not_null(strstr(text, "\nearshot_calls_active{trunk=\"none\",direction=\"unknown\"} -2\n"));
    cr_assert_not_null(strstr(text, "\nearshot_rtp_reordered_packets_total 1\n"));
    cr_assert_not_null(strstr(text, "# TYPE earshot_calls_active gauge\n"));
    buf_fini(&out);
    counters_set_free(s);
    counters_set_free(NULL);
}

Test(counters, blocks_have_a_ceiling)
{
    struct counters_set *s = counters_set_new();
    for (int i = 0; i < 128; i++)
        cr_assert_not_null(counters_block(s));
    cr_assert_null(counters_block(s));
    counters_set_free(s);
}

Test(counters, only_labelled_cells_in_use_are_shown)
{
    struct counters_set *s = counters_set_new();
    struct counters *c = counters_block(s);
    unsigned invite = label_find(LABELS_METHOD, slice_str("INVITE"));
    counters_add(c, C_SIP_RESPONSES + invite * LABEL_COUNT_CODE + label_code(486), 3);
    struct buf out;
    const char *text = render(s, &out);
    cr_assert_not_null(
        strstr(text, "\nearshot_sip_responses_total{method=\"INVITE\",code=\"486\"} 3\n"));
    cr_assert_null(strstr(text, "code=\"200\""));
    cr_assert_not_null(strstr(text, "\nearshot_rtp_reordered_packets_total 0\n"));
    cr_assert_not_null(strstr(text, "# TYPE earshot_sip_requests_total counter\n"));
    buf_fini(&out);
    counters_set_free(s);
}

Test(counters, trunks_have_the_names_of_the_configuration_and_show_their_gauges_at_zero)
{
    struct counters_set *s = counters_set_new();
    struct counters *c = counters_block(s);
    unsigned second = 2 * LABEL_COUNT_DIRECTION + 1, other = LABEL_COUNT_TRUNK - 1;
    counters_name_trunk(s, 2, "carrier");
    counters_name_trunk(s, 0, "nobody");
    counters_name_trunk(s, other, "nobody");
    counters_add(c, C_CALLS_ENDED + second * LABEL_COUNT_OUTCOME + 1, 4);
    counters_add(c, C_CALL_ATTEMPTS + other * LABEL_COUNT_DIRECTION + 2, 5);
    struct buf out;
    const char *text = render(s, &out);
    cr_assert_not_null(strstr(text, "earshot_calls_ended_total{trunk=\"carrier\",direction=\"in\","
                                    "outcome=\"busy\"} 4\n"));
    cr_assert_not_null(
        strstr(text, "earshot_call_attempts_total{trunk=\"other\",direction=\"out\"} 5\n"));
    cr_assert_not_null(strstr(text, "earshot_trunk_calls_peak{trunk=\"carrier\"} 0\n"));
    cr_assert_null(strstr(text, "trunk=\"3\""));
    cr_assert_null(strstr(text, "trunk=\"nobody\""));
    const char *first = strstr(text, "# TYPE earshot_sip_responses_total");
    cr_assert_null(strstr(first + 1, "# TYPE earshot_sip_responses_total"));
    buf_fini(&out);
    counters_set_free(s);
}

Test(counters, histograms_are_cumulative)
{
    struct counters_set *s = counters_set_new();
    struct counters *c = counters_block(s);
    unsigned of = 2 * LABEL_COUNT_DIRECTION + 1;
    counters_name_trunk(s, 2, "carrier");
    counters_observe_of(c, C_CALL_DURATION, of, 0.5);
    counters_observe_of(c, C_CALL_DURATION, of, 1); /* le: the bound belongs to its bucket */
    counters_observe_of(c, C_CALL_DURATION, of, 4.25);
    counters_observe_of(c, C_CALL_DURATION, of, 1e5);
    counters_observe_of(c, C_CALL_DURATION, of, NAN);
    counters_observe_of(c, C_CALL_DURATION, of + 1, 3);
    struct buf out;
    const char *text = render(s, &out);
    cr_assert_not_null(strstr(text, "earshot_call_duration_seconds_bucket{trunk=\"carrier\",direction=\"in\",le=\"1\"} 2\n"));
    cr_assert_not_null(strstr(text, "earshot_call_duration_seconds_bucket{trunk=\"carrier\",direction=\"in\",le=\"5\"} 3\n"));
    cr_assert_not_null(strstr(text, "earshot_call_duration_seconds_bucket{trunk=\"carrier\",direction=\"in\",le=\"7200\"} 3\n"));
    cr_assert_not_null(strstr(text, "earshot_call_duration_seconds_bucket{trunk=\"carrier\",direction=\"in\",le=\"+Inf\"} 4\n"));
    cr_assert_not_null(strstr(text, "earshot_call_duration_seconds_sum{trunk=\"carrier\",direction=\"in\"} 100005.750000\n"));
    cr_assert_not_null(strstr(text, "earshot_call_duration_seconds_count{trunk=\"carrier\",direction=\"in\"} 4\n"));
    cr_assert_not_null(strstr(text, "earshot_call_duration_seconds_count{trunk=\"carrier\",direction=\"out\"} 1\n"));
    buf_fini(&out);
    counters_set_free(s);
}

static unsigned lines_in(const char *text)
{
    unsigned n = 0;
    for (; *text; text++)
        n += *text == '\n';
    return n;
}

Test(counters, series_beyond_the_ceiling_are_left_out_and_counted)
{
    struct counters_set *s = counters_set_new();
    struct counters *c = counters_block(s);
    struct buf out;
    for (unsigned i = 0; i < 8; i++)
        counters_add(c, C_PACKETS + i, 1);
    counters_observe_of(c, C_CALL_DURATION, 5, 3); /* 14 lines, all or none */
    counters_limit_series(s, 1000);
    const char *text = render(s, &out);
    cr_assert_not_null(strstr(text, "\nearshot_metrics_series_dropped_total 0\n"));
    cr_assert_not_null(strstr(text, "earshot_call_duration_seconds_count{"));
    unsigned all = lines_in(text);
    buf_fini(&out);
    counters_limit_series(s, 5);
    text = render(s, &out);
    cr_assert_not_null(strstr(text, "{iface=\"4\"} 1\n"));
    cr_assert_null(strstr(text, "{iface=\"5\"}"));
    cr_assert_null(strstr(text, "earshot_call_duration_seconds_count{"));
    char told[80];
    snprintf(told, sizeof told, "\nearshot_metrics_series_dropped_total %u\n", all - lines_in(text));
    cr_assert_gt(all - lines_in(text), 16u);
    cr_assert_not_null(strstr(text, told), "%s", told);
    cr_assert_not_null(strstr(text, "\nearshot_rtp_reordered_packets_total 0\n"), "what has no label stays");
    buf_fini(&out);
    counters_set_free(s);
}

Test(counters, extreme_observations_do_not_harm_the_sum)
{
    struct counters_set *s = counters_set_new();
    struct counters *c = counters_block(s);
    counters_observe(c, C_DISCONNECT_DELAY, -1.5);
    struct buf out;
    cr_assert_not_null(strstr(render(s, &out), "earshot_session_disconnect_delay_seconds_sum -1.500000\n"));
    buf_fini(&out);
    counters_observe(c, C_DISCONNECT_DELAY, INFINITY);
    counters_observe(c, C_DISCONNECT_DELAY, -INFINITY);
    cr_assert_not_null(strstr(render(s, &out), "earshot_session_disconnect_delay_seconds_count 3\n"));
    buf_fini(&out);
    counters_set_free(s);
}

Test(counters, interface_names_are_escaped)
{
    struct counters_set *s = counters_set_new();
    struct counters *c = counters_block(s);
    counters_name_iface(s, 0, "eth0");
    counters_name_iface(s, 1, "a\"b\\c\n\xff");
    counters_name_iface(s, 99, "nobody");
    counters_add(c, C_PACKETS, 1);
    counters_add(c, C_PACKETS + 1, 2);
    counters_add(c, C_PACKETS + 2, 3);
    struct buf out;
    const char *text = render(s, &out);
    cr_assert_not_null(strstr(text, "{iface=\"eth0\"} 1\n"));
    cr_assert_not_null(strstr(text, "{iface=\"a\\\"b\\\\c\\n\xef\xbf\xbd\"} 2\n"));
    cr_assert_not_null(strstr(text, "{iface=\"2\"} 3\n"));
    buf_fini(&out);
    counters_set_free(s);
}

/* Every cell in use, so that every family and label is seen. */
Test(counters, promtool_finds_nothing_to_say)
{
    if (system("command -v promtool >/dev/null") != 0)
        cr_skip_test("promtool is not installed");
    struct counters_set *s = counters_set_new();
    struct counters *c = counters_block(s);
    for (unsigned i = 0; i < COUNTER_CELLS; i++)
        counters_add(c, i, i + 1);
    struct buf out;
    const char *text = render(s, &out);
    FILE *tool = popen("promtool check metrics", "w");
    cr_assert_not_null(tool);
    fputs(text, tool);
    cr_assert_eq(pclose(tool), 0);
    buf_fini(&out);
    counters_set_free(s);
}
