/* Lists of user records: parameters become filters, nothing of them becomes SQL; a cursor belongs
 * to its list; a record is shown with the names of the API. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "api/user_filter.h"
#include "api/user_json.h"
#include "requests.h"

static const uint8_t KEY[32] = {7};

static bool parse(enum user_list list, const char *query, struct user_filter *f,
                  struct call_filter_error *e)
{
    static struct http_request rq;
    rq = request_for("GET", "/api/v1/x", query);
    return user_filter_parse(list, &rq, KEY, f, e);
}

Test(users, parameters_become_filters)
{
    struct user_filter f;
    struct call_filter_error e;

    cr_assert(parse(USER_LIST_REGISTRATIONS,
                    "user=a&user=b&ip=2001:DB8::0:1&state=failed&user_agent__contains=x&limit=7",
                    &f, &e));
    cr_expect_eq(f.query.kind, USER_REGISTRATION);
    cr_expect_eq(f.query.limit, 7);
    cr_assert_eq(f.query.filter_count, 5);
    cr_expect_str_eq(f.query.filter[1].text, "b");
    cr_expect_str_eq(f.query.filter[2].text, "2001:db8::1");
    cr_expect_eq(f.query.filter[4].match, USER_CONTAINS);
    cr_expect_eq(f.query.from_us, 0, "what is so now has no time range");
    cr_assert(parse(USER_LIST_MESSAGES, "sip_code=404&user=a", &f, &e));
    cr_expect_eq(f.query.to_us - f.query.from_us, 900 * INT64_C(1000000));
    cr_expect_eq(f.query.filter_count, 4 + 2, "kinds of messages of people by default");
    cr_expect_eq(f.query.filter[4].number, 404);
    cr_expect_str_eq(f.query.filter[5].or_field, "to_user");
    cr_assert(parse(USER_LIST_MESSAGES, "kind=imdn", &f, &e));
    cr_expect_eq(f.query.filter_count, 1);
}

Test(users, what_is_wrong_is_named)
{
    static const struct {
        enum user_list list;
        const char *query, *code, *field;
    } CASES[] = {
        {USER_LIST_REGISTRATIONS, "state=up", "invalid_value", "state"},
        {USER_LIST_REGISTRATIONS, "ip=host", "invalid_value", "ip"},
        {USER_LIST_REGISTRATIONS, "aor=", "invalid_value", "aor"},
        {USER_LIST_REGISTRATIONS, "limit=0", "invalid_value", "limit"},
        {USER_LIST_REGISTRATIONS, "limit=1001", "invalid_value", "limit"},
        {USER_LIST_REGISTRATIONS, "aggregate=maybe", "invalid_value", "aggregate"},
        {USER_LIST_REGISTRATIONS, "user_agent__contains=a&user_agent__contains=b",
         "repeated_parameter", "user_agent__contains"},
        {USER_LIST_HOSTS,
         "ip=1.1.1.1&ip=1.1.1.2&ip=1.1.1.3&ip=1.1.1.4&ip=1.1.1.5&ip=1.1.1.6&ip=1.1.1.7"
         "&ip=1.1.1.8&ip=1.1.1.9",
         "too_many_values", "ip"},
        {USER_LIST_MESSAGES, "sip_code=99", "invalid_value", "sip_code"},
        {USER_LIST_MESSAGES, "kind=call", "invalid_value", "kind"},
        {USER_LIST_MESSAGES, "from=yesterday", "invalid_value", "from"},
        {USER_LIST_MESSAGES, "from=2026-11-21T10:00:01Z&to=2026-11-21T10:00:00Z", "invalid_span",
         "from"},
        {USER_LIST_SUBSCRIPTIONS, "cursor=AAAA", "invalid_cursor", "cursor"},
    };
    struct user_filter f;
    struct call_filter_error e;

    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        cr_assert_not(parse(CASES[i].list, CASES[i].query, &f, &e), "%s", CASES[i].query);
        cr_expect_str_eq(e.code, CASES[i].code, "%s", CASES[i].query);
        cr_expect_str_eq(e.field, CASES[i].field, "%s", CASES[i].query);
    }
}

Test(users, a_cursor_belongs_to_its_list_and_filters)
{
    struct user_filter f;
    struct call_filter_error e;
    char cursor[PAGE_CURSOR_SIZE], query[256];
    struct http_request rq = request_for("GET", "/x", "user=a");

    cr_assert(user_filter_parse(USER_LIST_REGISTRATIONS, &rq, KEY, &f, &e));
    user_filter_cursor(&f, &rq, KEY, 5, 123456789, cursor);
    snprintf(query, sizeof query, "user=a&limit=3&cursor=%s", cursor);
    cr_assert(parse(USER_LIST_REGISTRATIONS, query, &f, &e));
    cr_expect_eq(f.query.after_id, 123456789);
    cr_expect_eq(f.query.after_us, 5);
    cr_expect_not(parse(USER_LIST_SUBSCRIPTIONS, query, &f, &e));
    snprintf(query, sizeof query, "user=b&cursor=%s", cursor);
    cr_expect_not(parse(USER_LIST_REGISTRATIONS, query, &f, &e));
}

Test(users, every_parameter_names_a_field_that_its_records_have)
{
    static const struct {
        enum user_list list;
        const char *const *params;
    } LISTS[] = {{USER_LIST_REGISTRATIONS, REGISTRATION_PARAMS},
                 {USER_LIST_SUBSCRIPTIONS, SUBSCRIPTION_PARAMS},
                 {USER_LIST_MESSAGES, MESSAGE_PARAMS},
                 {USER_LIST_HOSTS, HOST_PARAMS},
                 {USER_LIST_AGENTS, AGENT_PARAMS}};
    static const char *const VALUES[] = {"x",      "192.0.2.1", "up",  "failed",
                                         "active", "sms",       "200", "true"};

    for (size_t l = 0; l < sizeof LISTS / sizeof *LISTS; l++)
        for (const char *const *p = LISTS[l].params; *p; p++)
            for (size_t v = 0; v < sizeof VALUES / sizeof *VALUES; v++) {
                struct user_filter f;
                struct call_filter_error e;
                char query[100];
                snprintf(query, sizeof query, "%s=%s", *p, VALUES[v]);
                if (!parse(LISTS[l].list, query, &f, &e))
                    continue;
                for (unsigned i = 0; i < f.query.filter_count; i++) {
                    const struct store_user_filter *q = &f.query.filter[i];
                    cr_expect_not_null(user_field(f.query.kind, q->field), "%s", q->field);
                    cr_expect(q->or_field == NULL || user_field(f.query.kind, q->or_field));
                }
            }
}

Test(users, a_record_is_shown_with_the_names_of_the_api)
{
    struct message_record m;
    struct json j;
    struct buf b;

    user_record_init(USER_MESSAGE, &m);
    snprintf(m.key, sizeof m.key, "secret-key");
    snprintf(m.from_user, sizeof m.from_user, "al\"ice\xff");
    snprintf(m.body, sizeof m.body, "hello");
    m.sent_us = INT64_C(1795255200000000);
    m.weak = true;
    for (int body = 0; body < 2; body++) {
        buf_init(&b, 65536);
        json_init(&j, &b);
        user_json(&j, USER_MESSAGE, &m, body);
        buf_char(&b, '\0');
        const char *text = (const char *)b.data;
        cr_expect_not_null(strstr(text, "\"from_user\":\"al\\\"ice\xef\xbf\xbd\""), "%s", text);
        cr_expect_not_null(strstr(text, "\"sent_at\":\"2026-11-21T10:00:00.000000Z\""), "%s", text);
        cr_expect_not_null(strstr(text, "\"sip_code\":null"), "%s", text);
        cr_expect_not_null(strstr(text, "\"delay_ms\":null"), "%s", text);
        cr_expect_null(strstr(text, "secret-key"));
        cr_expect_null(strstr(text, "weak"));
        cr_expect_eq(strstr(text, "hello") != NULL, body == 1);
        buf_fini(&b);
    }
}
