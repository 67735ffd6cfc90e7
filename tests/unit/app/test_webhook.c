/* Webhooks: whoever puts one never waits, what is dropped is the oldest, counted, and what waits is there after a restart. */
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

static void put(struct webhook *w, unsigned event, unsigned n)
{
    struct call_record *r = record(n);
    webhook_put(w, event, r);
    record_free(r);
}

Test(webhook, the_body_names_the_event_its_time_and_the_call, .timeout = 60)
{
    struct record_tags tags = {0};
    struct call_record *r = record(7);
    struct buf said, out;
    buf_init(&said, 65536);
    buf_init(&out, 65536);
    record_tags_set(&tags, slice_str("customer"), slice_str("47\"11"));
    webhook_say(&said, WORKER_CALL_RINGING, r);
    webhook_body(&out, buf_view(&said), &tags);
    buf_add(&out, "", 1);
    const char *text = (const char *)buf_view(&out).data;
    cr_expect(strstr(text, "\"event\":\"call.ringing\",\"id\":\"uid-7/"
                           "ringing\",\"time\":\"1970-01-01T00:00:00.000002Z\""),
              "%s", text);
    cr_expect(strstr(text, "\"tags\":{\"customer\":\"47\\\"11\"}"), "%s", text);
    cr_expect(strstr(text, "\"from\":{\"number\":null,\"user\":\"03012345\""), "%s", text);
    cr_expect_null(strstr(text, "outcome"), "only of a call that is over");
    cr_expect(strstr(text, "}}}"), "all is closed: %s", text);
    buf_fini(&said);
    buf_fini(&out);
    record_free(r);
}

Test(webhook, the_tracks_of_a_conference_are_another_event_than_its_recording, .timeout = 60)
{
    struct call_record *r = record(7);
    struct buf said[2];
    r->recording.state = "ready";
    r->recording.result = "recorded";
    for (unsigned i = 0; i < 2; i++) {
        buf_init(&said[i], 65536);
        i ? webhook_say_tracks(&said[i], r) : webhook_say(&said[i], WEBHOOK_RECORDED, r);
        buf_add(&said[i], "", 1);
        const char *text = (const char *)buf_view(&said[i]).data;
        cr_expect(strstr(text, "\"event\":\"call.recorded\","), "%s", text);
        cr_expect(strstr(text, i ? "\"id\":\"uid-7/recorded/tracks\"" : "\"id\":\"uid-7/recorded\""), "%s", text);
        buf_fini(&said[i]);
    }
    record_free(r);
}

/* Port 9 of this machine answers nobody: all that is put waits, is tried again, or goes. */
static const struct webhook_config NOBODY = {.url = "http://127.0.0.1:9/",
                                             .events = ~0u,
                                             .timeout_ms = 1000,
                                             .retry_ns = 60000000000,
                                             .queue_max = 4};

static struct webhook *started(const char *dir, struct counters_set *set)
{
    struct why why = {0};
    struct webhook *w = NULL;
    cr_assert_eq(webhook_start(&NOBODY, dir, set, &w, &why), 0, "%s", why.text);
    return w;
}

/* Delivered, refused, expired; *ret_dropped the fourth. */
static uint64_t ended(struct counters_set *set, uint64_t *ret_dropped)
{
    *ret_dropped = counters_sum(set, C_WEBHOOKS + 3);
    return counters_sum(set, C_WEBHOOKS) + counters_sum(set, C_WEBHOOKS + 1) + counters_sum(set, C_WEBHOOKS + 2);
}

Test(webhook, a_full_queue_drops_its_oldest_and_what_waits_is_there_after_a_restart, .timeout = 60)
{
    char dir[] = "/tmp/earshot-webhook-XXXXXX", command[100];
    struct why why = {0};
    struct store *store = NULL;
    uint64_t dropped;
    struct counters_set *set = counters_set_new();
    crypto_start();
    cr_assert_not_null(mkdtemp(dir));
    cr_assert_eq(store_open(dir, counters_block(set), &store, &why), 0, "%s", why.text);
    struct webhook *w = started(dir, set);
    for (unsigned i = 0; i < 100; i++)
        put(w, WORKER_CALL_RINGING, i);
    webhook_stop(w);
    cr_expect_eq(ended(set, &dropped), 0, "nothing was delivered, refused or became old");
    cr_expect(dropped >= 95 && dropped <= 96, "%d dropped: four wait, one may be on its way", (int)dropped);
    uint64_t wait = 100 - dropped;
    struct counters_set *after = counters_set_new();
    w = started(dir, after);
    cr_expect_eq(webhook_depth(w) + counters_sum(after, C_WEBHOOKS + 3), wait);
    for (unsigned i = 100; i < 104; i++)
        put(w, WORKER_CALL_ENDED, i);
    webhook_stop(w);
    ended(after, &dropped);
    cr_expect(dropped >= wait - 1 && dropped <= wait, "%d: the oldest made room", (int)dropped);
    store_close(store);
    counters_set_free(set);
    counters_set_free(after);
    snprintf(command, sizeof command, "rm -rf %s", dir);
    cr_expect_eq(system(command), 0);
}

/* Not kept by rule, deleted meanwhile, a conference in which nobody was heard; and one that is there. */
Test(webhook, a_recording_that_is_not_kept_is_not_told, .timeout = 60)
{
    char dir[] = "/tmp/earshot-webhook-XXXXXX", command[100];
    struct why why = {0};
    struct store *store = NULL;
    struct counters_set *set = counters_set_new();
    crypto_start();
    cr_assert_not_null(mkdtemp(dir));
    cr_assert_eq(store_open(dir, counters_block(set), &store, &why), 0, "%s", why.text);
    for (unsigned i = 0; i < 2; i++) {
        struct call_record *r = record(i);
        struct webhook *w = started(dir, set);
        r->recording.result = i ? "recorded" : "rule";
        webhook_put(w, WEBHOOK_RECORDED, r);
        r->recording.state = "ready";
        webhook_put_tracks(w, r);
        r->recording.deleted_us = 1;
        webhook_put(w, WEBHOOK_RECORDED, r);
        r->recording.deleted_us = 0;
        if (i)
            webhook_put(w, WEBHOOK_RECORDED, r);
        webhook_stop(w); /* what waits is kept */
        w = started(dir, set);
        cr_expect_eq(webhook_depth(w), i, "%d are told", (int)webhook_depth(w));
        webhook_stop(w);
        record_free(r);
    }
    store_close(store);
    counters_set_free(set);
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
