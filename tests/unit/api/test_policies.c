/* The dry run of other rules, over calls and messages that are made up here. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "requests.h"

int __wrap_store_messages(struct store_reader *r, const struct call_record *call, message_fn *fn, void *context);

static struct calls_told {
    unsigned messages, compared, audited;
    int err; /* of messages */
    bool truncated;
} told;

/* A megabyte a call. */
int __wrap_store_messages(struct store_reader *r, const struct call_record *call, message_fn *fn, void *context)
{
    static const uint8_t BYTES[1 << 20];
    const struct record_message m = {.method = slice_str("INVITE"), .raw = slice_of(BYTES, sizeof BYTES)};
    (void)r, (void)call;
    told.messages++;
    if (told.err == 0)
        fn(context, &m);
    return told.err;
}

/* All that the program knows of rules here. */
struct policies_compare {
    bool by_headers;
};
struct policies {
    struct policies_compare compare;
};

static void show(struct policies *p, struct buf *json)
{
    (void)p, (void)json;
}

static int compare(struct policies *p, struct slice body, struct policies_compare **ret_compare, struct why *why)
{
    (void)body, (void)why;
    *ret_compare = &p->compare;
    return 0;
}

static bool by_headers(const struct policies_compare *c)
{
    return c->by_headers;
}

static void compare_call(struct policies_compare *c, const struct call_record *r, struct slice invite)
{
    (void)c, (void)r, (void)invite;
    told.compared++;
}

static void compare_end(struct policies_compare *c, bool truncated, struct buf *json)
{
    (void)c;
    told.truncated = truncated;
    if (json)
        buf_str(json, "{}");
}

static int audit(void *context, const struct store_audit *entry)
{
    (void)context;
    told.audited += strcmp(entry->action, "messages.search") == 0;
    return 0;
}

/* The status of the answer. */
static unsigned try_rules(unsigned scopes, bool headers, int err)
{
    struct policies policies = {.compare = {.by_headers = headers}};
    const struct api_config config = {.audit = audit, .policies = {.context = &policies, .show = show, .compare = compare, .compare_by_headers = by_headers, .compare_call = compare_call, .compare_end = compare_end}};
    static struct api_context api;
    struct http_request rq = request_for("POST", "/api/v1/policies/recording/test", NULL);
    struct http_response rs;
    struct exchange x = {.rq = &rq, .rs = &rs, .api = &api, .who = {.scopes = scopes, .name = "ann"}};
    told = (struct calls_told){.err = err};
    api.config = &config;
    rq.body = slice_str("{\"policy\":{},\"newest\":100}");
    http_response_init(&rs);
    calls_listed = 100;
    handle_try_policies(&x);
    calls_listed = 0;
    http_response_fini(&rs);
    return rs.status;
}

Test(policies, other_rules_read_messages_for_who_may_and_no_more_than_a_search_does)
{
    cr_expect_eq(try_rules(SCOPE_META, true, 0), 403);
    cr_expect(told.messages == 0 && told.compared == 0 && told.audited == 0);
    cr_expect_eq(try_rules(SCOPE_META | SCOPE_MESSAGES, true, 0), 200);
    cr_expect(told.messages == 64 && told.compared == 64 && told.truncated && told.audited == 1, "%u messages, %u calls", told.messages, told.compared);
    cr_expect_eq(try_rules(SCOPE_META, false, 0), 200);
    cr_expect(told.messages == 0 && told.compared == 100 && !told.truncated && told.audited == 0);
}

Test(policies, messages_that_cannot_be_read_are_no_answer_and_those_that_went_are_none)
{
    cr_expect_eq(try_rules(SCOPE_META | SCOPE_MESSAGES, true, ERR_BUSY), 503);
    cr_expect_eq(told.messages, 1);
    cr_expect_eq(try_rules(SCOPE_META | SCOPE_MESSAGES, true, ERR_NOT_FOUND), 200);
    cr_expect(told.compared == 100 && !told.truncated);
}
