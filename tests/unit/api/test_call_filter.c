#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>

#include "api/call_filter.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "requests.h"

static const uint8_t KEY[32] = {1, 2, 3};
static struct call_filter filter;
static struct call_filter_error error;

static bool parse(const char *query)
{
    static struct http_request rq;

    rq = request_for("GET", "/api/v1/calls", query);
    error = (struct call_filter_error){0};
    return call_filter_parse(&rq, KEY, &filter, &error);
}

static int64_t at(const char *text)
{
    int64_t us = 0;

    cr_assert_eq(clock_parse_rfc3339(text, &us), 0);
    return us;
}

Test(call_filter, without_parameters_it_is_the_last_quarter_of_an_hour_newest_first)
{
    cr_assert(parse(""));
    cr_expect_eq(filter.query.to_us, at("2026-11-21T10:00:00Z"));
    cr_expect_eq(filter.query.from_us, at("2026-11-21T09:45:00Z"));
    cr_expect_eq(filter.query.order, STORE_NEWEST);
    cr_expect_eq(filter.query.limit, 100);
    cr_expect_eq(filter.query.one_way, -1);
    cr_expect_eq(filter.query.duration_ms_gte, -1);
    cr_expect(isnan(filter.query.loss_ratio_gte));
    cr_expect_str_eq(filter.query.after_uid, "");
    cr_expect_not(filter.count);
    cr_expect_not(filter.brief);
    cr_expect_not(filter.query.brief);
}

Test(call_filter, a_brief_row_is_read_whole_where_its_messages_are_looked_through)
{
    cr_assert(parse("view=brief"));
    cr_expect(filter.brief && filter.query.brief);
    cr_assert(parse("view=full"));
    cr_expect(!filter.brief && !filter.query.brief);
    cr_assert(parse("view=brief&header=Via"), "%s", error.detail);
    cr_expect(filter.brief && !filter.query.brief);
    cr_expect_not(parse("view=all"));
    cr_expect_str_eq(error.field, "view");
}

Test(call_filter, every_filter_reaches_the_query)
{
    cr_assert(parse("call_id=a&call_id=b&from_user=u&to_user=v&number=1&number=2&number__prefix=%"
                    "2B43&ip=10.0.0.1&ip=2001:DB8::1&outcome=busy"
                    "&outcome=lost&codec=PCMA&kind=orphan&sip_code=486&sip_code=200&q850=17&"
                    "duration_ms__gte=10&duration_ms__lte=20"
                    "&mos_min__lte=3.5&scale=NB&r_fb_min__lte=60&loss_ratio__gte=0.01&jitter_ms__"
                    "gte=5&one_way=true&no_rtp=false"
                    "&tag=customer:4711&tag=a:b:c&has_recording=1&encrypted=0&partial=true&user_agent__contains=snom&q=x%27%3B-"
                    "-&order=mos_min&limit=1000&count=exact"),
              "%s", error.detail);
    const struct store_query *q = &filter.query;
    cr_expect_str_eq(q->call_id[0], "a");
    cr_expect_str_eq(q->call_id[1], "b");
    cr_expect_null(q->call_id[2]);
    cr_expect_str_eq(q->from_user[0], "u");
    cr_expect_str_eq(q->tag[0], "customer:4711");
    cr_expect_str_eq(q->tag[1], "a:b:c");
    cr_expect_str_eq(q->to_user[0], "v");
    cr_expect_str_eq(q->number[1], "2");
    cr_expect_str_eq(q->number_prefix, "+43");
    cr_expect_str_eq(q->ip[0], "10.0.0.1");
    cr_expect_str_eq(q->ip[1], "2001:db8::1");
    cr_expect_str_eq(q->outcome[0], "busy");
    cr_expect_str_eq(q->outcome[1], "lost");
    cr_expect_str_eq(q->codec[0], "PCMA");
    cr_expect_str_eq(q->kind, "orphan");
    cr_expect_eq(q->sip_code[0], 486);
    cr_expect_eq(q->sip_code[1], 200);
    cr_expect_eq(q->q850[0], 17);
    cr_expect_eq(q->duration_ms_gte, 10);
    cr_expect_eq(q->duration_ms_lte, 20);
    cr_expect_float_eq(q->mos_min_lte, 3.5, 1e-9);
    cr_expect_str_eq(q->mos_scale, "NB");
    cr_expect_float_eq(q->r_fb_min_lte, 60, 1e-9);
    cr_expect_float_eq(q->loss_ratio_gte, 0.01, 1e-9);
    cr_expect_float_eq(q->jitter_ms_gte, 5, 1e-9);
    cr_expect_eq(q->one_way, 1);
    cr_expect_eq(q->no_rtp, 0);
    cr_expect_eq(q->has_recording, 1);
    cr_expect_eq(q->encrypted, 0);
    cr_expect_eq(q->partial, 1);
    cr_expect_str_eq(q->user_agent_contains, "snom");
    cr_expect_str_eq(q->text, "x';--");
    cr_expect_eq(q->order, STORE_MOS_MIN);
    cr_expect_eq(q->limit, 1000);
    cr_expect(filter.count);
}

Test(call_filter, wrong_values_name_their_field)
{
    static const struct {
        const char *query, *code, *field;
    } CASES[] = {
        {"limit=0", "invalid_value", "limit"},
        {"limit=1001", "invalid_value", "limit"},
        {"limit=-1", "invalid_value", "limit"},
        {"limit=1e2", "invalid_value", "limit"},
        {"limit=", "invalid_value", "limit"},
        {"limit=1&limit=2", "repeated_parameter", "limit"},
        {"order=id", "invalid_value", "order"},
        {"order=started_at;drop", "invalid_value", "order"},
        {"count=about", "invalid_value", "count"},
        {"from=yesterday", "invalid_value", "from"},
        {"to=2026-13-01T00:00:00Z", "invalid_value", "to"},
        {"from=2026-11-21T10:00:00Z", "invalid_span", "from"},
        {"from=2025-01-01T00:00:00Z", "invalid_span", "from"},
        {"ip=10.0.0", "invalid_value", "ip"},
        {"ip=example.com", "invalid_value", "ip"},
        {"outcome=", "invalid_value", "outcome"},
        {"outcome=Busy", "invalid_value", "outcome"},
        {"kind=all", "invalid_value", "kind"},
        {"scale=XB", "invalid_value", "scale"},
        {"sip_code=99", "invalid_value", "sip_code"},
        {"sip_code=200.5", "invalid_value", "sip_code"},
        {"q850=0", "invalid_value", "q850"},
        {"duration_ms__gte=-1", "invalid_value", "duration_ms__gte"},
        {"duration_ms__gte=1&duration_ms__gte=2", "repeated_parameter", "duration_ms__gte"},
        {"loss_ratio__gte=1.1", "invalid_value", "loss_ratio__gte"},
        {"loss_ratio__gte=nan", "invalid_value", "loss_ratio__gte"},
        {"loss_ratio__gte=0x1", "invalid_value", "loss_ratio__gte"},
        {"jitter_ms__gte=inf", "invalid_value", "jitter_ms__gte"},
        {"jitter_ms__gte=1e999", "invalid_value", "jitter_ms__gte"},
        {"mos_min__lte=3", "missing_parameter", "scale"},
        {"one_way=yes", "invalid_value", "one_way"},
        {"one_way=1&one_way=0", "repeated_parameter", "one_way"},
        {"q=", "invalid_value", "q"},
        {"q=a&q=b", "repeated_parameter", "q"},
        {"codec=1&codec=2&codec=3&codec=4&codec=5&codec=6&codec=7&codec=8&codec=9",
         "too_many_values", "codec"},
        {"sip_code=101&sip_code=102&sip_code=103&sip_code=104&sip_code=105&sip_code=106&sip_code="
         "107&sip_code=108&sip_code=109",
         "too_many_values", "sip_code"},
        {"ip=::1&ip=::2&ip=::3&ip=::4&ip=::5&ip=::6&ip=::7&ip=::8&ip=::9", "too_many_values", "ip"},
        {"cursor=abc", "invalid_cursor", "cursor"},
        {"cursor=", "invalid_cursor", "cursor"},
    };

    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        cr_assert_not(parse(CASES[i].query), "%s", CASES[i].query);
        cr_expect_str_eq(error.code, CASES[i].code, "%s: %s", CASES[i].query, error.code);
        cr_expect_str_eq(error.field, CASES[i].field, "%s: %s", CASES[i].query, error.field);
        cr_expect_neq(error.detail[0], '\0');
    }
}

Test(call_filter, four_hundred_days_are_allowed_and_a_microsecond_more_is_not)
{
    cr_expect(parse("from=2025-10-17T10:00:00Z"), "%s", error.detail);
    cr_expect_not(parse("from=2025-10-17T09:59:59.999999Z"));
    cr_expect(parse("to=2026-01-02T00:00:00%2B02:00"));
    cr_expect_eq(filter.query.to_us, at("2026-01-01T22:00:00Z"));
    cr_expect_eq(filter.query.from_us, at("2026-01-01T21:45:00Z"));
}

static void make_cursor(const char *filters, char out[PAGE_CURSOR_SIZE])
{
    static struct http_request rq;
    struct page_cursor c = {.from_us = at("2026-11-21T08:00:00Z"),
                            .to_us = at("2026-11-21T09:00:00Z"),
                            .after_us = 77,
                            .after_value = 3.25};

    cr_assert_eq(crypto_start(), 0);
    rq = request_for("GET", "/api/v1/calls", filters);
    snprintf(c.after_uid, sizeof c.after_uid, "01234567-89ab-8def-8123-456789abcdef");
    page_cursor_print(&c, &rq.query, KEY, out);
    cr_assert_neq(out[0], '\0');
}

Test(call_filter, a_cursor_brings_back_its_position_and_its_time_range)
{
    char cursor[PAGE_CURSOR_SIZE], query[400];

    make_cursor("codec=PCMA&limit=5", cursor);
    snprintf(query, sizeof query, "codec=PCMA&limit=7&cursor=%s", cursor);
    cr_assert(parse(query), "%s", error.detail);
    cr_expect_eq(filter.query.from_us, at("2026-11-21T08:00:00Z"));
    cr_expect_eq(filter.query.to_us, at("2026-11-21T09:00:00Z"));
    cr_expect_eq(filter.query.after_us, 77);
    cr_expect_eq(filter.query.after_value, 3.25);
    cr_expect_str_eq(filter.query.after_uid, "01234567-89ab-8def-8123-456789abcdef");
    cr_expect_eq(filter.query.limit, 7);

    snprintf(query, sizeof query,
             "codec=PCMA&from=2026-11-21T08:00:00Z&to=2026-11-21T09:00:00Z&cursor=%s", cursor);
    cr_expect(parse(query), "its own time range may be repeated");
    snprintf(query, sizeof query, "codec=PCMA&from=2026-11-21T07:00:00Z&cursor=%s", cursor);
    cr_expect_not(parse(query), "another time range may not");
}

Test(call_filter, a_cursor_of_other_filters_or_with_any_byte_altered_is_refused)
{
    char cursor[PAGE_CURSOR_SIZE], query[400];
    static const char *const OTHERS[] = {"", "codec=PCMU", "codec=PCMA&one_way=1",
                                         "codec=PCMA&order=duration_ms", "call_id=PCMA"};

    make_cursor("codec=PCMA", cursor);
    for (size_t i = 0; i < sizeof OTHERS / sizeof OTHERS[0]; i++) {
        snprintf(query, sizeof query, "%s&cursor=%s", OTHERS[i], cursor);
        cr_expect_not(parse(query), "%s", OTHERS[i]);
    }
    for (size_t i = 0; cursor[i]; i++) {
        snprintf(query, sizeof query, "codec=PCMA&cursor=%s", cursor);
        char *at_byte = query + 18 + i;
        *at_byte = *at_byte == 'A' ? 'B' : 'A';
        cr_expect_not(parse(query), "byte %zu", i);
    }
    cursor[strlen(cursor) - 4] = '\0';
    snprintf(query, sizeof query, "codec=PCMA&cursor=%s", cursor);
    cr_expect_not(parse(query), "cut short");
}
