/* What is no call and no registration: peers, messages, subscriptions, presence, software, reports. */
#include <math.h>
#include <stdio.h>

#include "user_scene.h"

struct ask { /* a request and its answer, with a branch of their own */
    const char *method, *call, *from, *to, *to_tag, *headers, *type, *body;
    int cseq, status;
    double answer_ms; /* after the request; 0: none comes */
};

static void say(struct user_scene *u, double at_ms, struct ask a)
{
    char branch[64];
    snprintf(branch, sizeof branch, "z9hG4bK%s%s%d", a.method, a.call, a.cseq);
    struct sip_line line = {.src = UA, .dst = UB, .method = a.method, .call = a.call, .from = a.from, .to = a.to, .cseq = a.cseq,
                            .to_tag = a.to_tag, .branch = branch, .headers = a.headers, .sdp = a.body, .type = a.type};
    scene_sip(u->s, at_ms, line);
    if (a.answer_ms == 0)
        return;
    line.method = NULL;
    line.of = a.method;
    line.status = a.status ? a.status : 200;
    line.src = UB;
    line.dst = UA;
    line.to_tag = a.to_tag ? a.to_tag : "b";
    line.headers = line.sdp = line.type = NULL;
    scene_sip(u->s, at_ms + a.answer_ms, line);
}

/* ---- peers ---- */

static void ping(struct user_scene *u, double at_ms, int cseq, double answer_ms, int status)
{
    say(u, at_ms, (struct ask){.method = "OPTIONS", .call = "ping", .cseq = cseq, .answer_ms = answer_ms, .status = status});
}

Test(peers, one_that_answers_is_up_and_three_misses_make_it_down)
{
    struct user_scene *u = user_scene_new(NULL);
    ping(u, 0, 1, 12, 200);
    scene_wait(u->s, 2000);
    const struct user_peer *p = &u->peer[0];
    cr_assert(u->peers == 1 && p->state == PEER_UP && p->code == 200 && p->misses == 0);
    cr_assert_eq(p->rtt_ns, 12000000);
    for (int i = 0; i < 3; i++)
        ping(u, 10000 + i * 10000, 2 + i, 0, 0);
    scene_wait(u->s, 50000);
    cr_assert(p->state == PEER_UP && p->misses == 2, "the third is not late yet");
    scene_wait(u->s, 62200);
    cr_assert(p->state == PEER_DOWN && p->misses == 3 && p->changes == 1);
    cr_assert_eq(p->since_ns, SCENE_START_NS + 62000000000);
    ping(u, 70000, 5, 20, 503);
    scene_wait(u->s, 72000);
    cr_assert(p->state == PEER_UP && p->misses == 0 && p->code == 503 && p->changes == 2 && p->answers == 2 && p->missed == 3);
    user_scene_end(u);
}

Test(peers, one_asked_every_second_is_down_after_three_times_four_seconds)
{
    struct user_scene *u = user_scene_new(NULL);
    const struct user_peer *p = &u->peer[0];
    ping(u, 0, 1, 12, 200);
    for (int i = 1; i <= 12; i++)
        ping(u, i * 1000, 1 + i, 0, 0);
    cr_assert(p->state == PEER_UP && p->missed == 2);
    ping(u, 13000, 14, 0, 0);
    cr_assert(p->state == PEER_DOWN && p->misses == 3 && p->since_ns == SCENE_START_NS + 13000000000);
    user_scene_end(u);
}

Test(peers, what_was_asked_before_the_newest_answer_is_lost_but_in_no_row)
{
    struct user_scene *u = user_scene_new(NULL);
    const struct user_peer *p = &u->peer[0];
    for (int i = 0; i < 5; i++)
        ping(u, i, 1 + i, 0, 0);
    ping(u, 1000, 10, 12, 200);
    scene_wait(u->s, 40000);
    cr_assert(p->missed == 5, "%u", p->missed);
    cr_assert(p->state == PEER_UP && p->misses == 0 && p->changes == 0);
    user_scene_end(u);
}

Test(peers, two_misses_and_an_answer_are_no_outage)
{
    struct user_scene *u = user_scene_new(NULL);
    ping(u, 0, 1, 0, 0);
    ping(u, 10000, 2, 0, 0);
    ping(u, 20000, 3, 5, 200);
    scene_wait(u->s, 60000);
    cr_assert(u->peer[0].state == PEER_UP && u->peer[0].missed == 2 && u->peer[0].misses == 0);
    user_scene_end(u);
}

Test(peers, copies_of_a_question_are_one_question)
{
    struct user_scene *u = user_scene_new(NULL);
    ping(u, 0, 1, 0, 0);
    ping(u, 500, 1, 0, 0);
    ping(u, 1500, 1, 100, 200);
    scene_wait(u->s, 3000);
    cr_assert(u->peer[0].requests == 1 && u->peer[0].answers == 1);
    cr_assert_eq(u->peer[0].rtt_ns, 1600000000);
    cr_assert_eq(scene_count(u->s, C_SIP_RETRANSMISSIONS + SIP_OPTIONS), 2);
    user_scene_end(u);
}

Test(peers, a_branch_without_the_cookie_is_told_by_its_call_and_number)
{
    struct user_scene *u = user_scene_new(NULL);
    for (int i = 1; i <= 3; i++) {
        scene_sip(u->s, i * 1000, (struct sip_line){.src = UA, .dst = UB, .method = "OPTIONS", .branch = "1", .cseq = i});
        scene_sip(u->s, i * 1000 + 7, (struct sip_line){.src = UB, .dst = UA, .status = 200, .of = "OPTIONS", .branch = "1", .cseq = i, .to_tag = "b"});
    }
    scene_wait(u->s, 5000);
    cr_assert(u->peer[0].requests == 3 && u->peer[0].answers == 3 && u->peer[0].rtt_max_ns == 7000000);
    user_scene_end(u);
}

/* ---- messages ---- */

#define TEXT .type = "text/plain", .body = "see you"

Test(messages, one_message_whatever_copies_and_challenges_it_takes)
{
    struct user_scene *u = user_scene_new(NULL);
    say(u, 0, (struct ask){.method = "MESSAGE", .call = "m", .cseq = 1, TEXT});
    say(u, 500, (struct ask){.method = "MESSAGE", .call = "m", .cseq = 1, TEXT, .answer_ms = 5, .status = 407});
    say(u, 600, (struct ask){.method = "MESSAGE", .call = "m", .cseq = 2, TEXT, .answer_ms = 150, .status = 202});
    scene_wait(u->s, 2000);
    const struct user_message *m = &u->message[0];
    cr_assert_eq(u->messages, 1);
    cr_assert(m->kind == MESSAGE_TEXT && m->code == 202 && m->challenges == 1 && m->retransmissions == 1);
    cr_assert_eq(m->delay_ns, 750000000);
    cr_assert_eq(m->size_bytes, 7);
    cr_assert_str_eq(m->content_type, "text/plain");
    cr_assert_str_eq(m->from, "alice@example.com");
    cr_assert_str_eq(m->to, "bob@example.com");
    cr_assert_eq(m->body_kept, 0, "bodies are not kept unless a setting says so");
    cr_assert_str_eq(u->text, "");
    cr_assert_eq(scene_count(u->s, C_MESSAGES + MESSAGE_TEXT), 1);
    user_scene_end(u);
}

Test(messages, the_text_goes_along_when_it_is_asked_for)
{
    struct front_config config;
    scene_config(&config);
    config.keep_message_body = true;
    struct user_scene *u = user_scene_new(&config);
    say(u, 0, (struct ask){.method = "MESSAGE", .call = "m", .cseq = 1, TEXT, .answer_ms = 10});
    scene_wait(u->s, 1000);
    cr_assert(u->messages == 1 && u->message[0].body_kept == 7);
    cr_assert_str_eq(u->text, "see you");
    user_scene_end(u);
}

Test(messages, nobody_answers_and_the_other_hop_is_not_another_message)
{
    struct user_scene *u = user_scene_new(NULL);
    say(u, 0, (struct ask){.method = "MESSAGE", .call = "m", .cseq = 1, TEXT});
    scene_sip(u->s, 2, (struct sip_line){.src = UB, .dst = "10.0.0.3:5060", .method = "MESSAGE", .call = "m", .branch = "z9hG4bKhop", .sdp = "see you",
                                         .type = "text/plain"});
    scene_wait(u->s, 33000);
    cr_assert(u->messages == 1 && u->message[0].timed_out && u->message[0].code == 0 && u->message[0].delay_ns == -1);
    user_scene_end(u);
}

static enum message_kind kind_of(const char *type, const char *body, const char *from, struct user_message *ret)
{
    struct user_scene *u = user_scene_new(NULL);
    say(u, 0, (struct ask){.method = "MESSAGE", .call = "k", .cseq = 1, .type = type, .body = body, .from = from, .answer_ms = 5});
    scene_wait(u->s, 1000);
    cr_assert_eq(u->messages, 1);
    *ret = u->message[0];
    user_scene_end(u);
    return (enum message_kind)ret->kind;
}

Test(messages, what_is_no_message_of_a_person_is_told_apart)
{
    struct user_message m;
    cr_assert_eq(kind_of("application/im-iscomposing+xml",
                         "<isComposing xmlns='urn:ietf:params:xml:ns:im-iscomposing'><state>active</state></isComposing>", NULL, &m),
                 MESSAGE_COMPOSING);
    cr_assert(m.composing);
    cr_assert_eq(kind_of("message/cpim",
                         "From: <sip:bob@example.com>\r\nTo: <sip:alice@example.com>\r\n\r\nContent-Type: message/imdn+xml\r\n\r\n"
                         "<imdn xmlns='urn:ietf:params:xml:ns:imdn'><message-id>34jk</message-id><display-notification><status>"
                         "<displayed/></status></display-notification></imdn>",
                         NULL, &m),
                 MESSAGE_IMDN);
    cr_assert(m.imdn == MESSAGE_IMDN_DISPLAYED);
    cr_assert_str_eq(m.imdn_id, "34jk");
    cr_assert_eq(kind_of("text/plain", "your code", "smsc", &m), MESSAGE_SMS);
    cr_assert_eq(kind_of("text/plain", "https://u:p@files.example.com/a/cat.jpg?token=1", NULL, &m), MESSAGE_FILE);
    cr_assert_str_eq(m.file_url, "https://files.example.com/a/cat.jpg", "no password, no token");
    cr_assert_str_eq(m.file_name, "cat.jpg");
    cr_assert_eq(kind_of("text/plain", "look at http://example.com/x then", NULL, &m), MESSAGE_TEXT);
    cr_assert_str_eq(m.file_url, "http://example.com/x");
}

Test(messages, an_sms_shows_its_numbers)
{
    /* RP-DATA from the network with a SMS-DELIVER from +491701234567; no NUL in it but in front of what matters */
    struct user_scene *u = user_scene_new(NULL);
    static const uint8_t sms[] = {0x01, 0x05, 0x07, 0x91, 0x94, 0x71, 0x22, 0x22, 0x22, 0xf2, 0x00, 0x15, 0x04, 0x0c, 0x91, 0x94, 0x71, 0x10, 0x32, 0x54,
                                  0x76, 0x00, 0x00, 0x52, 0x11, 0x12, 0x01, 0x00, 0x00, 0x00, 0x02, 0xe8, 0x34};
    char text[1024];
    int n = snprintf(text, sizeof text,
                     "MESSAGE sip:bob@example.com SIP/2.0\r\nVia: SIP/2.0/UDP 10.9.9.9;branch=z9hG4bKs\r\nFrom: <sip:gw@example.com>;tag=a\r\n"
                     "To: <sip:bob@example.com>\r\nCall-ID: s\r\nCSeq: 1 MESSAGE\r\nContent-Type: application/vnd.3gpp.sms\r\n"
                     "Content-Length: %zu\r\n\r\n",
                     sizeof sms);
    memcpy(text + n, sms, sizeof sms);
    scene_udp(u->s, 0, UA, UB, text, (size_t)n + sizeof sms);
    scene_finish(u->s);
    cr_assert(u->messages == 1 && u->message[0].kind == MESSAGE_SMS);
    cr_assert_str_eq(u->message[0].sms_type, "deliver");
    cr_assert_str_eq(u->message[0].sms_from, "+491701234567");
    user_scene_end(u);
}

Test(messages, an_offer_of_msrp_is_a_session_and_one_with_a_file_a_file)
{
    struct user_scene *u = user_scene_new(NULL);
    const char *sdp = "v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\nm=message 2855 TCP/MSRP *\r\n"
                      "a=accept-types:text/plain\r\na=path:msrp://10.0.0.1:2855/x;tcp\r\n";
    char file[1024];
    snprintf(file, sizeof file, "%sa=file-selector:name:\"cat.jpg\" type:image/jpeg size:4092 hash:sha-1:72:24:5F\r\n", sdp);
    say(u, 0, (struct ask){.method = "INVITE", .call = "i", .cseq = 1, .body = sdp, .answer_ms = 40});
    say(u, 1000, (struct ask){.method = "INVITE", .call = "j", .cseq = 1, .body = file, .answer_ms = 40, .status = 603});
    say(u, 2000, (struct ask){.method = "INVITE", .call = "l", .cseq = 1, .body = sdp_audio("10.0.0.1", 4000, ""), .answer_ms = 40});
    scene_wait(u->s, 3000);
    cr_assert_eq(u->messages, 2);
    cr_assert(u->message[0].kind == MESSAGE_SESSION && u->message[0].code == 200);
    const struct user_message *m = &u->message[1];
    cr_assert(m->kind == MESSAGE_FILE && m->code == 603 && m->file_bytes == 4092);
    cr_assert_str_eq(m->file_name, "cat.jpg");
    cr_assert_str_eq(m->file_type, "image/jpeg");
    cr_assert(memcmp(m->call_uid, u->s->call[1].brief.uid, 16) == 0, "it is that call's");
    user_scene_end(u);
}

/* ---- subscriptions ---- */

static void notify(struct user_scene *u, double at_ms, int cseq, const char *event, const char *state, const char *type, const char *body)
{
    char headers[256], branch[32];
    snprintf(headers, sizeof headers, "Event: %s\r\nSubscription-State: %s\r\n", event, state);
    snprintf(branch, sizeof branch, "z9hG4bKn%d", cseq);
    struct sip_line line = {.src = UB, .dst = UA, .method = "NOTIFY", .call = "sub", .cseq = cseq, .from = "bob", .to = "alice", .from_tag = "b",
                            .to_tag = "a", .branch = branch, .headers = headers, .sdp = body, .type = type};
    scene_sip(u->s, at_ms, line);
    line.status = 200;
    line.of = "NOTIFY";
    line.method = line.headers = line.sdp = line.type = NULL;
    line.src = UA;
    line.dst = UB;
    scene_sip(u->s, at_ms + 5, line);
}

static void subscribe(struct user_scene *u, double at_ms, int cseq, const char *event, int expires, int status)
{
    char headers[128];
    snprintf(headers, sizeof headers, "Event: %s\r\nExpires: %d\r\n", event, expires);
    say(u, at_ms, (struct ask){.method = "SUBSCRIBE", .call = "sub", .cseq = cseq, .to_tag = cseq > 1 ? "b" : NULL, .headers = headers,
                               .answer_ms = 10, .status = status});
}

Test(subscriptions, from_the_question_over_what_is_told_to_the_end)
{
    struct user_scene *u = user_scene_new(NULL);
    subscribe(u, 0, 1, "message-summary", 600, 202);
    scene_wait(u->s, 1500);
    const struct user_subscription *s = &u->subscription[0];
    cr_assert(u->subscriptions == 1 && s->state == SUBSCRIPTION_PENDING && s->expires_s == 600 && s->code == 202);
    notify(u, 2000, 10, "message-summary", "active;expires=598", "application/simple-message-summary",
           "Messages-Waiting: yes\r\nMessage-Account: sip:vm@example.com\r\nVoice-Message: 3/5 (1/0)\r\n");
    scene_wait(u->s, 4000);
    cr_assert(s->state == SUBSCRIPTION_ACTIVE && s->notifies == 1 && s->has_mwi && s->mwi_waiting);
    cr_assert(s->mwi_new == 3 && s->mwi_old == 5 && s->mwi_urgent_new == 1 && s->mwi_urgent_old == 0);
    cr_assert_str_eq(s->mwi_account, "vm@example.com");
    cr_assert_str_eq(s->subscriber, "alice@example.com");
    cr_assert_str_eq(s->resource, "bob@example.com");
    subscribe(u, 5000, 2, "message-summary", 600, 200);
    notify(u, 6000, 11, "message-summary", "terminated;reason=deactivated", NULL, NULL);
    scene_wait(u->s, 12000);
    cr_assert(s->state == SUBSCRIPTION_TERMINATED && s->refreshes == 1 && s->notifies == 2 && s->last && !s->partial);
    cr_assert_str_eq(s->reason, "deactivated");
    cr_assert_eq(u->subscriptions, 1);
    user_scene_end(u);
}

Test(subscriptions, without_a_refresh_it_expires)
{
    struct user_scene *u = user_scene_new(NULL);
    subscribe(u, 0, 1, "dialog", 30, 200);
    notify(u, 100, 10, "dialog", "active", "application/dialog-info+xml",
           "<dialog-info xmlns='urn:ietf:params:xml:ns:dialog-info' version='0' state='full' entity='sip:bob@example.com'>"
           "<dialog id='1'><state>confirmed</state></dialog></dialog-info>");
    scene_wait(u->s, 30000);
    const struct user_subscription *s = &u->subscription[0];
    cr_assert(s->state == SUBSCRIPTION_ACTIVE);
    cr_assert_str_eq(s->dialog_state, "confirmed");
    scene_wait(u->s, 42000);
    cr_assert(s->state == SUBSCRIPTION_TERMINATED && s->last);
    cr_assert_str_eq(s->reason, "expired");
    cr_assert_eq(s->ended_ns, SCENE_START_NS + 30010000000);
    cr_assert(u->presences > 0 && u->presence[0].status == USER_BUSY && u->presence[0].source == PRESENCE_BY_DIALOG);
    user_scene_end(u);
}

Test(subscriptions, a_refusal_ends_it)
{
    struct user_scene *u = user_scene_new(NULL);
    subscribe(u, 0, 1, "presence", 600, 489);
    scene_wait(u->s, 1000);
    cr_assert(u->subscription[0].state == SUBSCRIPTION_TERMINATED && u->subscription[0].code == 489);
    cr_assert_str_eq(u->subscription[0].reason, "refused");
    user_scene_end(u);
}

Test(subscriptions, a_notify_without_a_question_is_partial_and_a_sipfrag_says_how_a_transfer_went)
{
    struct user_scene *u = user_scene_new(NULL);
    notify(u, 0, 10, "refer;id=2", "active;expires=60", "message/sipfrag;version=2.0", "SIP/2.0 100 Trying\r\n");
    notify(u, 900, 11, "refer;id=2", "terminated;reason=noresource", "message/sipfrag;version=2.0", "SIP/2.0 486 Busy Here\r\n");
    scene_wait(u->s, 3000);
    cr_assert(u->subscriptions == 1 && u->subscription[0].partial && u->subscription[0].refer_code == 486);
    cr_assert_str_eq(u->subscription[0].event_id, "2");
    cr_assert_str_eq(u->subscription[0].body_type, "message/sipfrag");
    user_scene_end(u);
}

/* ---- presence ---- */

#define PIDF(basic, more)                                                                                                          \
    "<presence xmlns='urn:ietf:params:xml:ns:pidf' xmlns:dm='urn:ietf:params:xml:ns:pidf:data-model' "                             \
    "xmlns:rpid='urn:ietf:params:xml:ns:pidf:rpid' entity='pres:alice@example.com'><tuple id='1'><status><basic>" basic            \
    "</basic></status></tuple>" more "</presence>"
#define ACTIVITY(a) "<dm:person id='p'><rpid:activities><rpid:" a "/></rpid:activities></dm:person>"

static void publish(struct user_scene *u, double at_ms, int cseq, const char *body, int expires, int status)
{
    char headers[128];
    snprintf(headers, sizeof headers, "Event: presence\r\nExpires: %d\r\n", expires);
    say(u, at_ms, (struct ask){.method = "PUBLISH", .call = "pub", .to = "alice", .cseq = cseq, .headers = headers, .type = "application/pidf+xml",
                               .body = body, .answer_ms = 10, .status = status});
}

Test(presence, publications_make_a_history)
{
    struct user_scene *u = user_scene_new(NULL);
    publish(u, 0, 1, PIDF("open", ""), 600, 200);
    publish(u, 5000, 2, PIDF("open", ACTIVITY("busy")), 600, 401);
    publish(u, 6000, 3, PIDF("open", ACTIVITY("away")), 600, 200);
    publish(u, 7000, 4, PIDF("open", ACTIVITY("away")), 600, 200);
    scene_wait(u->s, 9000);
    const struct user_presence *p = u->presence;
    cr_assert_eq(u->presences, 3);
    cr_assert_str_eq(p[0].aor, "alice@example.com");
    cr_assert(p[0].status == USER_ACTIVE && p[0].open);
    cr_assert(p[1].status == USER_AWAY && p[1].before == USER_ACTIVE, "what was refused is not believed");
    cr_assert_str_eq(p[1].activity, "away");
    cr_assert(p[2].updates == 3 && p[2].changes == 1 && p[2].since_ns == p[1].at_ns);
    publish(u, 10000, 5, NULL, 0, 200);
    scene_wait(u->s, 11000);
    cr_assert(u->presence[3].status == USER_OFFLINE, "withdrawn");
    user_scene_end(u);
}

Test(presence, a_publication_that_runs_out_leaves_nothing_known)
{
    struct user_scene *u = user_scene_new(NULL);
    publish(u, 0, 1, PIDF("open", ""), 60, 200);
    publish(u, 50000, 2, NULL, 60, 200);
    scene_wait(u->s, 100000);
    cr_assert_eq(u->presence[u->presences - 1].status, USER_ACTIVE, "refreshed");
    scene_wait(u->s, 110200);
    cr_assert_eq(u->presence[u->presences - 1].status, USER_UNKNOWN);
    user_scene_end(u);
}

Test(presence, a_notify_tells_of_the_one_it_is_about)
{
    struct user_scene *u = user_scene_new(NULL);
    notify(u, 0, 10, "presence", "active;expires=60", "application/pidf+xml", PIDF("closed", ""));
    scene_wait(u->s, 1000);
    cr_assert(u->presences == 1 && u->presence[0].status == USER_OFFLINE && u->presence[0].source == PRESENCE_BY_NOTIFY);
    cr_assert_str_eq(u->presence[0].aor, "alice@example.com");
    user_scene_end(u);
}

/* ---- software ---- */

Test(agents, names_beyond_the_table_count_together)
{
    struct front_config config;
    scene_config(&config);
    config.user_agents_max = 16;
    struct user_scene *u = user_scene_new(&config);
    for (int i = 0; i < 1000; i++) {
        char headers[64], branch[32];
        snprintf(headers, sizeof headers, "User-Agent: Random %d\r\n", i);
        snprintf(branch, sizeof branch, "z9hG4bK%d", i);
        scene_sip(u->s, i, (struct sip_line){.src = UA, .dst = UB, .method = "INFO", .to_tag = "x", .branch = branch, .cseq = i + 1, .headers = headers});
    }
    scene_finish(u->s);
    cr_assert_eq(u->agents, 17);
    cr_assert(u->agent[16].other || u->agent[15].other);
    cr_assert_eq(scene_count(u->s, C_AGENT_MESSAGES + 0), 16);
    cr_assert_eq(scene_count(u->s, C_AGENT_MESSAGES + 1), 984);
    user_scene_end(u);
}

Test(agents, a_name_is_a_product_and_a_version)
{
    static const struct {
        const char *name, *product, *version;
    } cases[] = {
        {"Yealink SIP-T46S 66.86.0.15", "Yealink SIP-T46S", "66.86.0.15"},
        {"Asterisk PBX 18.10.0~dfsg", "Asterisk PBX", "18.10.0~dfsg"},
        {"kamailio (5.6.3 (x86_64/linux))", "kamailio (5.6.3 (x86_64/linux))", ""},
        {"Linphone/3.12.0 (belle-sip/1.6.3)", "Linphone", "3.12.0"},
        {"PolycomVVX-VVX_401-UA/5.9.0.9373", "PolycomVVX-VVX_401-UA", "5.9.0.9373"},
        {"baresip v1.1.0 (x86_64/Linux)", "baresip", "1.1.0"},
        {"Plain", "Plain", ""},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct user_scene *u = user_scene_new(NULL);
        char headers[128];
        snprintf(headers, sizeof headers, "User-Agent: %s\r\n", cases[i].name);
        scene_sip(u->s, 0, (struct sip_line){.src = UA, .dst = UB, .method = "OPTIONS", .headers = headers});
        cr_assert_eq(u->agents, 1);
        cr_assert_str_eq(u->agent[0].name, cases[i].name);
        cr_assert_str_eq(u->agent[0].product, cases[i].product);
        cr_assert_str_eq(u->agent[0].version, cases[i].version, "%s: %s", cases[i].name, u->agent[0].version);
        user_scene_end(u);
    }
}
