/* Handshakes of DTLS-SRTP and the secrets of a key log, in any order; many at once. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <string.h>

#include "capture/net/dtls.h"

#define HELLO_MAX 128

struct talk {
    struct tls *secrets;
    struct dtls *dtls;
    unsigned told;
    uint16_t last_client; /* port */
};

static void on_keys(void *context, const struct dtls_keys *keys)
{
    struct talk *t = context;
    t->told++;
    t->last_client = keys->client.port;
    cr_assert(not(media_key_equal(&keys->by_client, &keys->by_server)));
}

static void begin(struct talk *t)
{
    struct hash_seed seed = {1, 2};
    *t = (struct talk){0};
    cr_assert(eq(
        int, tls_new(&(struct tls_config){.seed = seed, .secrets_max = 32768}, NULL, &t->secrets),
        0));
    t->dtls = dtls_new(&seed, on_keys, t);
    cr_assert(ne(ptr, t->dtls, NULL));
}

/* A record with a hello; the random is the number. The server's names TLS_ECDHE_ECDSA_AES_128_GCM
 * and SRTP_AES128_CM_SHA1_80. */
static struct slice hello(uint8_t *out, bool server, unsigned number)
{
    static const uint8_t rest[] = {0, 0xc0, 0x2b, 0, 0, 9, 0, 14, 0, 5, 0, 2, 0, 1, 0};
    uint8_t *at = out;
    const size_t body = 2 + 32 + (server ? sizeof rest : 0);
    const uint8_t head[] = {22,
                            0xfe,
                            0xfd,
                            0,
                            0,
                            0,
                            0,
                            0,
                            0,
                            0,
                            0,
                            0,
                            (uint8_t)(12 + body),
                            server ? 2 : 1,
                            0,
                            0,
                            (uint8_t)body,
                            0,
                            0,
                            0,
                            0,
                            0,
                            0,
                            0,
                            (uint8_t)body,
                            0xfe,
                            0xfd};
    memcpy(at, head, sizeof head);
    at += sizeof head;
    memset(at, 0, 32);
    at[30] = (uint8_t)(number >> 8);
    at[31] = (uint8_t)number;
    at += 32;
    if (server)
        memcpy(at, rest, sizeof rest);
    return slice_of(out, sizeof head - 2 + body);
}

static void say(struct talk *t, bool server, unsigned number)
{
    uint8_t room[HELLO_MAX];
    struct endpoint client = {.addr = addr_v4(0x0a000001), .port = (uint16_t)(10000 + number)};
    struct endpoint other = {.addr = addr_v4(0x0a000002), .port = (uint16_t)(30000 + number)};
    struct datagram g = {.src = server ? other : client,
                         .dst = server ? client : other,
                         .payload = hello(room, server, number)};
    dtls_datagram(t->dtls, t->secrets, &g);
}

static void log_secret(struct talk *t, unsigned number)
{
    char line[200];
    int n = snprintf(line, sizeof line, "CLIENT_RANDOM %064x %096x", number, number + 1);
    cr_assert(tls_key_line(t->secrets, slice_of(line, (size_t)n)));
    dtls_secrets_changed(t->dtls, t->secrets);
}

static void end(struct talk *t)
{
    dtls_free(t->dtls);
    tls_free(t->secrets);
}

Test(dtls, keys_are_told_once_whatever_comes_first)
{
    struct talk t;
    begin(&t);
    say(&t, false, 1);
    say(&t, true, 1);
    cr_assert(eq(uint, t.told, 0));
    log_secret(&t, 1);
    log_secret(&t, 2);
    cr_assert(eq(uint, t.told, 1));
    say(&t, false, 2);
    say(&t, true, 2);
    say(&t, true, 2);
    cr_assert(eq(uint, t.told, 2));
    cr_assert(eq(uint, t.last_client, 10002));
    end(&t);
}

Test(dtls, a_hello_that_comes_again_changes_nothing)
{
    struct talk t;
    begin(&t);
    say(&t, false, 7);
    say(&t, false, 7);
    say(&t, true, 7);
    say(&t, false, 7);
    log_secret(&t, 7);
    cr_assert(eq(uint, t.told, 1));
    end(&t);
}

Test(dtls, five_hundred_handshakes_wait_for_a_key_log_that_is_late)
{
    struct talk t;
    begin(&t);
    for (unsigned i = 0; i < 500; i++) {
        say(&t, false, i);
        say(&t, true, i);
    }
    for (unsigned i = 0; i < 500; i++)
        log_secret(&t, i);
    cr_assert(eq(uint, t.told, 500));
    end(&t);
}

Test(dtls, what_waits_is_not_displaced_by_what_is_told)
{
    struct talk t;
    begin(&t);
    say(&t, false, 0);
    say(&t, true, 0);
    for (unsigned i = 1; i < 20000; i++) {
        log_secret(&t, i);
        say(&t, false, i);
        say(&t, true, i);
    }
    log_secret(&t, 0);
    cr_assert(eq(uint, t.told, 20000));
    end(&t);
}
