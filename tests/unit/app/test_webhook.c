/* The queue of webhooks: it never waits, and what it drops is the oldest, counted. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "app/webhook.h"
#include "base/crypto.h"

static struct call_record *record(unsigned n)
{
    struct call_record *r = record_new();
    snprintf(r->uid, sizeof r->uid, "uid-%u", n);
    r->kind = "call";
    r->state = "ringing";
    r->direction = "in";
    r->started_us = 1;
    r->ringing_us = 2;
    r->from.user = arena_copy(r->arena, slice_str("03012345"));
    return r;
}

Test(webhook, the_body_names_the_event_its_time_and_the_call, .timeout = 60)
{
    struct record_tags tags = {0};
    struct call_record *r = record(7);
    struct buf out;
    buf_init(&out, 65536);
    record_tags_set(&tags, slice_str("customer"), slice_str("47\"11"));
    webhook_json(&out, WORKER_CALL_RINGING, r, &tags);
    buf_add(&out, "", 1);
    const char *text = (const char *)buf_view(&out).data;
    cr_expect(strstr(text, "\"event\":\"call.ringing\",\"id\":\"uid-7/"
                           "ringing\",\"time\":\"1970-01-01T00:00:00.000002Z\""),
              "%s", text);
    cr_expect(strstr(text, "\"tags\":{\"customer\":\"47\\\"11\"}"), "%s", text);
    cr_expect(strstr(text, "\"from\":{\"number\":null,\"user\":\"03012345\""), "%s", text);
    cr_expect_null(strstr(text, "outcome"), "only of a call that is over");
    buf_fini(&out);
    record_free(r);
}

/* Port 9 of this machine answers nobody: all that is put waits, is tried again, or goes. */
Test(webhook, a_full_queue_drops_its_oldest_and_a_stop_does_not_wait_for_ever, .timeout = 60)
{
    char dir[] = "/tmp/earshot-webhook-XXXXXX";
    struct why why = {0};
    struct webhook *w = NULL;
    struct store *store = NULL;
    struct counters_set *set = counters_set_new();
    struct webhook_config config = {.url = "http://127.0.0.1:9/",
                                    .events = ~0u,
                                    .timeout_ms = 1000,
                                    .retry_ns = 60000000000,
                                    .queue_max = 4};
    crypto_start();
    cr_assert_not_null(mkdtemp(dir));
    cr_assert_eq(store_open(dir, counters_block(set), &store, &why), 0, "%s", why.text);
    cr_assert_eq(webhook_start(&config, dir, set, &w, &why), 0, "%s", why.text);
    for (unsigned i = 0; i < 100; i++)
        webhook_put(w, WORKER_CALL_RINGING, record(i));
    cr_expect_leq(webhook_depth(w), 4);
    webhook_stop(w);
    uint64_t cells[LABEL_COUNT_WEBHOOK] = {0};
    for (unsigned i = 0; i < LABEL_COUNT_WEBHOOK; i++)
        cells[i] = counters_sum(set, C_WEBHOOKS + i);
    cr_expect_eq(cells[0] + cells[1] + cells[2], 0, "nothing was delivered, refused or became old");
    cr_expect_eq(cells[3], 100, "%d dropped", (int)cells[3]);
    store_close(store);
    counters_set_free(set);
    char command[100];
    snprintf(command, sizeof command, "rm -rf %s", dir);
    cr_expect_eq(system(command), 0);
}

Test(webhook, without_an_address_there_is_none, .timeout = 60)
{
    struct why why = {0};
    struct webhook_config config = {.url = "", .events = 1, .queue_max = 4};
    struct webhook *w = (struct webhook *)&config;
    cr_expect_eq(webhook_start(&config, "/nowhere", NULL, &w, &why), 0);
    cr_expect_null(w);
    webhook_stop(NULL);
}
