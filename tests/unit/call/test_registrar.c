/* Registrations: what counts as an attempt, how long it took, when it ends (RFC 3261 10, RFC 6076 4.1 and 4.2). */
#include <stdio.h>

#include "user_scene.h"

#define BOUND     "Contact: <sip:alice@10.0.0.1>;expires=60\r\n"
#define NONCE_1   "WWW-Authenticate: Digest realm=\"r\", nonce=\"n1\"\r\n"
#define NONCE_2   "WWW-Authenticate: Digest realm=\"r\", nonce=\"n2\"\r\n"
#define ANSWERS_1 "Authorization: Digest username=\"alice-auth\", realm=\"r\", nonce=\"n1\", response=\"0123\"\r\n"

static const struct user_registration *only(const struct user_scene *u)
{
    cr_assert_eq(u->registrations, 1, "%u registrations", u->registrations);
    return &u->registration[0];
}

Test(registrar, a_challenge_and_its_answer_are_one_attempt_whose_delay_is_that_of_both)
{
    struct user_scene *u = user_scene_new(NULL);
    send_register(u, 0, 1, 60, "User-Agent: Phone/1.2\r\n");
    answer_register(u, 20, 1, 401, NONCE_1);
    send_register(u, 50, 2, 60, "User-Agent: Phone/1.2\r\n" ANSWERS_1);
    answer_register(u, 90, 2, 200, BOUND "Server: Registrar 5.6\r\n");
    scene_wait(u->s, 2000);
    const struct user_registration *r = only(u);
    cr_assert_str_eq(r->aor, "alice@example.com");
    cr_assert_eq(r->state, REGISTRATION_REGISTERED);
    cr_assert(r->attempts == 1 && r->successes == 1 && r->failures == 0 && r->challenges == 1);
    cr_assert_eq(r->rrd_ns, 40000000);
    cr_assert_eq(r->rrd_full_ns, 90000000);
    cr_assert_str_eq(r->auth_user, "alice-auth");
    cr_assert_str_eq(r->auth_realm, "r");
    cr_assert_str_eq(r->user_agent, "Phone/1.2");
    cr_assert_str_eq(r->server, "Registrar 5.6");
    cr_assert_eq(r->contact_count, 1);
    cr_assert_str_eq(r->contact[0].uri, "sip:alice@10.0.0.1");
    cr_assert_eq(r->expires_s, 60);
    cr_assert_eq(r->expires_ns, SCENE_START_NS + 60090000000);
    cr_assert(memmem(r, sizeof *r, "0123", 4) == NULL, "the response is nowhere");
    cr_assert_eq(scene_count(u->s, C_REGISTRATIONS + 0), 1);
    user_scene_end(u);
}

Test(registrar, copies_and_hops_are_no_attempts)
{
    struct user_scene *u = user_scene_new(NULL);
    send_register(u, 0, 1, 60, NULL);
    send_register(u, 500, 1, 60, NULL);
    scene_sip(u->s, 501, (struct sip_line){.src = UB, .dst = "10.0.0.3:5060", .method = "REGISTER", .to = "alice", .branch = "z9hG4bKhop",
                                           .headers = "Contact: <sip:alice@10.0.0.1>;expires=60\r\n"});
    scene_sip(u->s, 510, (struct sip_line){.src = "10.0.0.3:5060", .dst = UB, .status = 200, .of = "REGISTER", .to = "alice", .to_tag = "r",
                                           .branch = "z9hG4bKhop", .headers = BOUND});
    answer_register(u, 520, 1, 200, BOUND);
    answer_register(u, 700, 1, 200, BOUND); /* within 100 ms it would be a copy of the mirror port */
    scene_wait(u->s, 2000);
    const struct user_registration *r = only(u);
    cr_assert(r->attempts == 1 && r->successes == 1 && r->retransmissions == 1);
    cr_assert_eq(r->rrd_ns, 520000000);
    cr_assert_str_eq(r->user_agent, "");
    cr_assert_eq(r->registrar.addr.low & 0xff, 2);
    cr_assert_eq(scene_count(u->s, C_SIP_RETRANSMISSIONS + SIP_REGISTER), 2);
    user_scene_end(u);
}

Test(registrar, a_refresh_keeps_the_registration_and_a_removal_ends_it)
{
    struct user_scene *u = user_scene_new(NULL);
    send_register(u, 0, 1, 60, NULL);
    answer_register(u, 10, 1, 200, BOUND);
    send_register(u, 30000, 2, 60, NULL);
    answer_register(u, 30010, 2, 200, BOUND);
    scene_wait(u->s, 70000);
    const struct user_registration *r = only(u);
    cr_assert_eq(r->state, REGISTRATION_REGISTERED, "refreshed in time");
    cr_assert(r->refreshes == 1 && r->attempts == 2);
    cr_assert_eq(r->registered_ns, SCENE_START_NS + 10000000);
    send_register(u, 80000, 3, 0, NULL);
    answer_register(u, 80010, 3, 200, NULL);
    scene_wait(u->s, 82000);
    cr_assert_eq(r->state, REGISTRATION_REMOVED);
    cr_assert(r->removals == 1 && r->contact_count == 0 && r->successes == 3);
    cr_assert_eq(r->ended_ns, SCENE_START_NS + 80010000000);
    user_scene_end(u);
}

Test(registrar, a_star_removes_every_contact)
{
    struct user_scene *u = user_scene_new(NULL);
    send_register(u, 0, 1, 60, NULL);
    answer_register(u, 10, 1, 200, BOUND "Contact: <sip:alice@10.0.0.9>;q=0.25;+sip.instance=\"<urn:uuid:1>\"\r\nExpires: 120\r\n");
    scene_wait(u->s, 3000);
    const struct user_registration *r = only(u);
    cr_assert_eq(r->contact_count, 2);
    cr_assert_eq(r->contact[1].q_milli, 250);
    cr_assert_str_eq(r->contact[1].instance, "urn:uuid:1");
    cr_assert_eq(r->contact[1].expires_ns, SCENE_START_NS + 120010000000);
    send_register(u, 5000, 2, -1, "Contact: *\r\nExpires: 0\r\n");
    answer_register(u, 5010, 2, 200, NULL);
    scene_wait(u->s, 7000);
    cr_assert(r->state == REGISTRATION_REMOVED && r->contact_count == 0);
    user_scene_end(u);
}

Test(registrar, without_a_refresh_it_expires_by_the_clock_of_the_packets)
{
    struct user_scene *u = user_scene_new(NULL);
    send_register(u, 0, 1, 60, NULL);
    answer_register(u, 10, 1, 200, BOUND);
    scene_wait(u->s, 60000);
    const struct user_registration *r = only(u);
    cr_assert_eq(r->state, REGISTRATION_REGISTERED);
    scene_wait(u->s, 60200);
    cr_assert_eq(r->state, REGISTRATION_EXPIRED);
    cr_assert_eq(r->ended_ns, SCENE_START_NS + 60010000000);
    user_scene_end(u);
}

Test(registrar, refusals_are_ineffective_and_a_wrong_password_is_not)
{
    struct user_scene *u = user_scene_new(NULL);
    send_register(u, 0, 1, 60, NULL);
    answer_register(u, 10, 1, 403, NULL);
    scene_wait(u->s, 1000);
    const struct user_registration *r = only(u);
    cr_assert(r->state == REGISTRATION_FAILED && r->failures == 1 && r->code == 403);
    send_register(u, 2000, 2, 60, NULL);
    answer_register(u, 2010, 2, 401, NONCE_1);
    send_register(u, 2020, 3, 60, ANSWERS_1);
    answer_register(u, 2030, 3, 401, NONCE_2);
    scene_wait(u->s, 5000);
    cr_assert(r->attempts == 2 && r->failures == 1 && r->challenges == 2);
    cr_assert(r->state == REGISTRATION_FAILED && r->code == 401);
    cr_assert(r->code_count == 2 && r->failed[1].code == 401 && r->failed[1].count == 1);
    cr_assert_eq(scene_count(u->s, C_REGISTRATIONS + 5), 1);
    user_scene_end(u);
}

Test(registrar, a_stale_nonce_is_no_wrong_password)
{
    struct user_scene *u = user_scene_new(NULL);
    send_register(u, 0, 1, 60, NULL);
    answer_register(u, 10, 1, 401, NONCE_1);
    send_register(u, 20, 2, 60, ANSWERS_1);
    answer_register(u, 30, 2, 401, "WWW-Authenticate: Digest realm=\"r\", nonce=\"n2\", stale=TRUE\r\n");
    send_register(u, 40, 3, 60, "Authorization: Digest username=\"a\", realm=\"r\", nonce=\"n2\", response=\"x\"\r\n");
    answer_register(u, 50, 3, 200, BOUND);
    scene_wait(u->s, 2000);
    const struct user_registration *r = only(u);
    cr_assert(r->attempts == 1 && r->successes == 1 && r->challenges == 2 && r->failures == 0 && r->code_count == 0);
    cr_assert_eq(r->rrd_full_ns, 50000000);
    user_scene_end(u);
}

Test(registrar, nobody_who_answers_within_timer_f_is_a_timeout)
{
    struct user_scene *u = user_scene_new(NULL);
    send_register(u, 0, 1, 60, NULL);
    scene_wait(u->s, 31900);
    const struct user_registration *r = only(u);
    cr_assert_eq(r->failures, 0);
    scene_wait(u->s, 32200);
    cr_assert(r->state == REGISTRATION_FAILED && r->failures == 1 && r->timeouts == 1 && r->code == 0);
    user_scene_end(u);
}

Test(registrar, a_challenge_that_nobody_answers_ends_after_64_seconds)
{
    struct user_scene *u = user_scene_new(NULL);
    send_register(u, 0, 1, 60, NULL);
    answer_register(u, 10, 1, 401, NONCE_1);
    scene_wait(u->s, 63000);
    const struct user_registration *r = only(u);
    cr_assert_eq(r->state, REGISTRATION_TRYING);
    scene_wait(u->s, 64500);
    cr_assert(r->state == REGISTRATION_FAILED && r->code == 401 && r->failures == 0);
    user_scene_end(u);
}

Test(registrar, too_brief_and_its_retry_are_one_attempt)
{
    struct user_scene *u = user_scene_new(NULL);
    send_register(u, 0, 1, 30, NULL);
    answer_register(u, 10, 1, 423, "Min-Expires: 60\r\n");
    send_register(u, 20, 2, 60, NULL);
    answer_register(u, 30, 2, 200, BOUND);
    scene_wait(u->s, 2000);
    const struct user_registration *r = only(u);
    cr_assert(r->attempts == 1 && r->successes == 1 && r->too_brief == 1 && r->failures == 0);
    cr_assert_eq(r->rrd_full_ns, 30000000);
    user_scene_end(u);
}

Test(registrar, a_question_for_the_bindings_is_no_registration)
{
    struct user_scene *u = user_scene_new(NULL);
    send_register(u, 0, 1, -1, NULL);
    answer_register(u, 10, 1, 200, BOUND);
    scene_wait(u->s, 40000);
    cr_assert_eq(u->registrations, 0);
    user_scene_end(u);
}

Test(registrar, a_failed_refresh_keeps_what_is_bound)
{
    struct user_scene *u = user_scene_new(NULL);
    send_register(u, 0, 1, 60, NULL);
    answer_register(u, 10, 1, 200, BOUND);
    send_register(u, 30000, 2, 60, NULL);
    answer_register(u, 30010, 2, 503, NULL);
    scene_wait(u->s, 32000);
    const struct user_registration *r = only(u);
    cr_assert(r->state == REGISTRATION_REGISTERED && r->failures == 1 && r->code == 503);
    scene_wait(u->s, 61000);
    cr_assert_eq(r->state, REGISTRATION_EXPIRED);
    user_scene_end(u);
}

Test(registrar, one_who_comes_from_changing_addresses_stays_one_user)
{
    struct user_scene *u = user_scene_new(NULL);
    for (int i = 0; i < 12; i++) {
        char src[32], branch[32], call[32];
        snprintf(src, sizeof src, "192.0.2.%d:5060", 1 + i % 10);
        snprintf(branch, sizeof branch, "z9hG4bK%d", i);
        snprintf(call, sizeof call, "call-%d", i);
        scene_sip(u->s, i * 2000, (struct sip_line){.src = src, .dst = UB, .method = "REGISTER", .to = "alice", .call = call, .branch = branch,
                                                    .headers = "Contact: <sip:alice@x>;expires=600\r\n"});
        scene_sip(u->s, i * 2000 + 10, (struct sip_line){.src = UB, .dst = src, .status = 200, .of = "REGISTER", .to = "alice", .to_tag = "r",
                                                         .call = call, .branch = branch, .headers = "Contact: <sip:alice@x>;expires=600\r\n"});
    }
    scene_wait(u->s, 30000);
    const struct user_registration *r = only(u);
    cr_assert(r->attempts == 12 && r->refreshes == 11);
    cr_assert_eq(r->source_count, USER_SOURCES_MAX);
    cr_assert_eq(r->recent[0].at.addr.low & 0xff, 2, "newest first");
    cr_assert_eq(r->recent[1].at.addr.low & 0xff, 1);
    cr_assert_eq(r->source_changes, 11);
    user_scene_end(u);
}

Test(registrar, an_answer_ahead_of_its_request_counts)
{
    struct user_scene *u = user_scene_new(NULL);
    answer_register(u, 0, 1, 200, BOUND);
    send_register(u, 5, 1, 60, NULL);
    scene_wait(u->s, 2000);
    const struct user_registration *r = only(u);
    cr_assert(r->attempts == 1 && r->successes == 1 && r->state == REGISTRATION_REGISTERED);
    scene_wait(u->s, 40000);
    cr_assert_eq(r->timeouts, 0);
    user_scene_end(u);
}

Test(registrar, an_answer_alone_shows_the_contacts)
{
    struct user_scene *u = user_scene_new(NULL);
    answer_register(u, 0, 1, 200, BOUND);
    scene_wait(u->s, 2000);
    const struct user_registration *r = only(u);
    cr_assert(r->attempts == 0 && r->state == REGISTRATION_REGISTERED && r->contact_count == 1);
    cr_assert_eq(r->rrd_ns, -1);
    user_scene_end(u);
}

Test(registrar, a_table_that_is_full_forgets_failures_before_users)
{
    struct front_config config;
    scene_config(&config);
    config.registrations_max = 16;
    struct user_scene *u = user_scene_new(&config);
    send_register(u, 0, 1, 600, NULL);
    answer_register(u, 10, 1, 200, "Contact: <sip:alice@10.0.0.1>;expires=600\r\n");
    for (int i = 0; i < 60; i++) {
        char user[16], branch[32];
        snprintf(user, sizeof user, "%d", 1000 + i);
        snprintf(branch, sizeof branch, "z9hG4bKscan%d", i);
        scene_sip(u->s, 100 + i, (struct sip_line){.src = "10.6.6.6:5060", .dst = UB, .method = "REGISTER", .to = user, .call = branch, .branch = branch,
                                                   .headers = "Contact: <sip:x@10.6.6.6>\r\n"});
    }
    send_register(u, 3000, 2, 600, NULL);
    answer_register(u, 3010, 2, 200, "Contact: <sip:alice@10.0.0.1>;expires=600\r\n");
    scene_wait(u->s, 5000);
    cr_assert_eq(u->registration[0].refreshes, 1, "alice was not pushed out");
    cr_assert_eq(scene_count(u->s, C_USERS_EVICTED + label_find(LABELS_TABLE, slice_str("registrations"))), 45);
    cr_assert_eq(scene_count(u->s, C_TABLE_SIZE + label_find(LABELS_TABLE, slice_str("registrations"))), 16);
    user_scene_end(u);
}

Test(registrar, refreshes_in_a_hurry_are_told_once_a_second)
{
    struct user_scene *u = user_scene_new(NULL);
    for (int i = 1; i <= 50; i++) {
        send_register(u, i * 10, i, 60, NULL);
        answer_register(u, i * 10 + 5, i, 200, BOUND);
    }
    scene_wait(u->s, 3000);
    cr_assert_leq(u->events[EVENT_REGISTRATION], 4, "%u", u->events[EVENT_REGISTRATION]);
    cr_assert_eq(only(u)->successes, 50, "and the last word is whole");
    user_scene_end(u);
}
