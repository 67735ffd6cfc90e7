#include <criterion/criterion.h>
#include <stdio.h>

#include "api/links.h"
#include "base/crypto.h"
#include "requests.h"

static struct store_token stored;
static int find_result;

static int find(void *context, const char *id, struct store_token *ret_token)
{
    (void)context;
    if (find_result)
        return find_result;
    if (strcmp(id, stored.id) != 0)
        return ERR_NOT_FOUND;
    *ret_token = stored;
    return 0;
}

static const struct auth_sources SOURCES = {.find = find, .local_scopes = SCOPE_ALL};
static const struct auth_sources BEYOND = {.find = find};

static char token_text[80], header[128];

static void make_token(const char *role)
{
    cr_assert_eq(crypto_start(), 0);
    find_result = 0;
    api_token_make("tester", role, 1, token_text, &stored);
    snprintf(header, sizeof header, "Bearer %s", token_text);
}

static enum auth_verdict check(enum scope scope, const struct http_request *rq, bool loopback_only)
{
    struct identity who;

    return auth_check(scope, rq, loopback_only ? &SOURCES : &BEYOND, &who);
}

Test(auth, a_token_has_the_promised_form_and_its_secret_is_not_stored)
{
    make_token("viewer");
    cr_assert_eq(strncmp(token_text, "esk_", 4), 0);
    const char *secret = strchr(token_text + 4, '_') + 1;
    cr_expect_eq(strlen(secret), 43);
    cr_expect_eq((size_t)(secret - token_text - 5), strlen(stored.id));
    cr_expect_str_eq(stored.name, "tester");
    cr_expect_str_eq(stored.role, "viewer");
    uint8_t hash[32];
    crypto_sha256(slice_str(secret), hash);
    cr_expect_eq(memcmp(hash, stored.hash, 32), 0);
    char first[80];
    memcpy(first, token_text, sizeof first);
    make_token("viewer");
    cr_expect_str_neq(first, token_text);
}

/* The matrix: which role reaches which scope. */
Test(auth, roles_hold_exactly_their_scopes)
{
    static const struct {
        const char *role;
        const char *scopes; /* first letters of the names below */
    } MATRIX[] = {
        {"metrics", "m"},     {"viewer", "v"},          {"analyst", "vs"},
        {"listener", "vsal"}, {"supervisor", "vsalec"}, {"admin", "mvsecdA"},
        {"probe", "p"},       {"auditor", "u"},         {"nobody", ""},
    };
    static const struct {
        char letter;
        enum scope scope;
    } SCOPES[] = {{'m', SCOPE_METRICS}, {'v', SCOPE_META},   {'s', SCOPE_MESSAGES},
                  {'a', SCOPE_AUDIO},   {'l', SCOPE_LIVE},   {'e', SCOPE_EXPORT},
                  {'c', SCOPE_CONTROL}, {'d', SCOPE_DELETE}, {'A', SCOPE_ADMIN},
                  {'u', SCOPE_AUDIT},   {'p', SCOPE_PROBE}};

    for (size_t i = 0; i < sizeof MATRIX / sizeof MATRIX[0]; i++) {
        make_token(MATRIX[i].role);
        struct http_request rq = request_for("GET", "/", NULL);
        rq.authorization = header;
        for (size_t k = 0; k < sizeof SCOPES / sizeof SCOPES[0]; k++) {
            enum auth_verdict want =
                strchr(MATRIX[i].scopes, SCOPES[k].letter) ? AUTH_OK : AUTH_SCOPE;
            cr_expect_eq(check(SCOPES[k].scope, &rq, true), want, "%s %c", MATRIX[i].role,
                         SCOPES[k].letter);
        }
        cr_expect_eq(check(SCOPE_PUBLIC, &rq, true), AUTH_OK);
    }
}

Test(auth, everything_but_the_exact_token_is_refused)
{
    static const char *const FORMS[] = {
        "",           "Bearer",     "Bearer ",       "Basic %s",     "%s",         "Bearer%s",
        "Bearer %sx", "Bearer x%s", "Bearer esk_%s", "Bearer %s %s", "Bearer %s,", "Bearer %s\t%s"};
    struct http_request rq = request_for("GET", "/", NULL);
    char text[300];

    make_token("viewer");
    rq.authorization = text;
    for (size_t i = 0; i < sizeof FORMS / sizeof FORMS[0]; i++) {
        struct buf b;
        buf_init(&b, sizeof text);
        for (const char *p = FORMS[i]; *p; p++)
            if (*p == '%')
                buf_str(&b, token_text), p++;
            else
                buf_char(&b, *p);
        snprintf(text, sizeof text, "%s", buf_text(&b));
        buf_fini(&b);
        cr_expect_eq(check(SCOPE_META, &rq, true), AUTH_INVALID, "%s", FORMS[i]);
    }
    /* Any byte of it altered. */
    for (size_t i = 0; token_text[i]; i++) {
        snprintf(text, sizeof text, "Bearer %s", token_text);
        text[7 + i] = text[7 + i] == 'A' ? 'B' : 'A';
        cr_expect_eq(check(SCOPE_META, &rq, true), AUTH_INVALID, "byte %zu", i);
    }
    snprintf(text, sizeof text, "bearer   %s ", token_text);
    cr_expect_eq(check(SCOPE_META, &rq, true), AUTH_OK, "the scheme has no case");
}

Test(auth, expired_revoked_and_unreadable_tokens_are_told_apart)
{
    struct http_request rq = request_for("GET", "/", NULL);

    make_token("viewer");
    rq.authorization = header;
    stored.expires_us = rq.now_us;
    cr_expect_eq(check(SCOPE_META, &rq, true), AUTH_EXPIRED);
    stored.expires_us = rq.now_us + 1;
    cr_expect_eq(check(SCOPE_META, &rq, true), AUTH_OK);
    stored.revoked = true;
    cr_expect_eq(check(SCOPE_META, &rq, true), AUTH_INVALID);
    stored.revoked = false;
    find_result = ERR_BUSY;
    cr_expect_eq(check(SCOPE_META, &rq, true), AUTH_BROKEN);
}

Test(auth, whoever_was_let_in_is_asked_again)
{
    struct http_request rq = request_for("GET", "/", NULL);
    struct identity who;

    make_token("listener");
    rq.authorization = header;
    cr_expect_eq(auth_check(SCOPE_LIVE, &rq, &SOURCES, &who), AUTH_OK);
    cr_expect_str_eq(who.owner.token, stored.id);
    cr_expect_eq(auth_still(&who, rq.now_us, &SOURCES), AUTH_OK);
    stored.expires_us = rq.now_us + 1;
    cr_expect_eq(auth_still(&who, rq.now_us, &SOURCES), AUTH_OK);
    cr_expect_eq(auth_still(&who, rq.now_us + 1, &SOURCES), AUTH_EXPIRED);
    stored.revoked = true;
    cr_expect_eq(auth_still(&who, rq.now_us, &SOURCES), AUTH_INVALID);
    find_result = ERR_BUSY;
    cr_expect_eq(auth_still(&who, rq.now_us, &SOURCES), AUTH_BROKEN);
    snprintf(who.owner.token, sizeof who.owner.token, "unknown");
    find_result = 0;
    cr_expect_eq(auth_still(&who, rq.now_us, &SOURCES), AUTH_INVALID);
    who = (struct identity){.kind = IDENTITY_LOCAL};
    cr_expect_eq(auth_still(&who, rq.now_us, &SOURCES), AUTH_OK, "who came without one");
}

Test(auth, only_a_direct_request_on_a_loopback_service_is_local)
{
    static const struct {
        uint32_t peer;
        bool loopback_only, forwarded, cross_site;
        enum auth_verdict verdict;
    } CASES[] = {
        {0x7f000001, true, false, false, AUTH_OK},
        {0x7f010203, true, false, false, AUTH_OK},
        {0x0a000001, true, false, false, AUTH_MISSING},
        {0x7f000001, false, false, false, AUTH_MISSING},
        {0x7f000001, true, true, false, AUTH_MISSING},
        {0x7f000001, true, false, true, AUTH_MISSING},
        {0, true, false, false, AUTH_MISSING},
    };

    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct http_request rq = request_for("GET", "/", NULL);
        struct identity who;
        rq.peer = addr_v4(CASES[i].peer);
        rq.forwarded = CASES[i].forwarded;
        rq.cross_site = CASES[i].cross_site;
        cr_expect_eq(auth_check(SCOPE_AUDIO, &rq, CASES[i].loopback_only ? &SOURCES : &BEYOND, &who),
                     CASES[i].verdict, "case %zu", i);
        cr_expect_str_eq(who.name, CASES[i].verdict == AUTH_OK ? "local" : "anonymous");
        cr_expect_eq(who.scopes, CASES[i].verdict == AUTH_OK ? SCOPE_ALL : 0u);
    }
}

Test(auth, a_bad_token_is_not_saved_by_being_local)
{
    struct http_request rq = request_for("GET", "/", NULL);

    make_token("viewer");
    rq.authorization = "Bearer esk_x_0000000000000000000000000000000000000000000";
    cr_expect_eq(check(SCOPE_META, &rq, true), AUTH_INVALID);
}

Test(auth, a_token_may_hold_less_than_its_role_and_be_for_some_addresses)
{
    struct http_request rq = request_for("GET", "/", NULL);

    make_token("supervisor");
    rq.authorization = header;
    snprintf(stored.scopes, sizeof stored.scopes, "meta, audio,admin");
    cr_expect_eq(check(SCOPE_META, &rq, true), AUTH_OK);
    cr_expect_eq(check(SCOPE_AUDIO, &rq, true), AUTH_OK);
    cr_expect_eq(check(SCOPE_EXPORT, &rq, true), AUTH_SCOPE, "not listed");
    cr_expect_eq(check(SCOPE_ADMIN, &rq, true), AUTH_SCOPE, "listed, but not the role's");
    snprintf(stored.cidrs, sizeof stored.cidrs, "10.0.0.0/8, 2001:db8::/32");
    cr_expect_eq(check(SCOPE_META, &rq, true), AUTH_ADDRESS);
    snprintf(stored.cidrs, sizeof stored.cidrs, "10.0.0.0/8,127.0.0.1");
    cr_expect_eq(check(SCOPE_META, &rq, true), AUTH_OK);
    snprintf(stored.cidrs, sizeof stored.cidrs, "nonsense");
    cr_expect_eq(check(SCOPE_META, &rq, true), AUTH_ADDRESS, "a list that holds nothing");
}

Test(auth, networks_hold_their_addresses)
{
    static const struct {
        const char *list, *address;
        bool holds;
    } CASES[] = {
        {"", "192.0.2.1", true},
        {"192.0.2.0/24", "192.0.2.255", true},
        {"192.0.2.0/24", "192.0.3.0", false},
        {"192.0.2.1", "192.0.2.1", true},
        {"192.0.2.1", "192.0.2.2", false},
        {"0.0.0.0/0", "203.0.113.9", true},
        {"0.0.0.0/0", "2001:db8::1", false},
        {"::/0", "2001:db8::1", true},
        {"2001:db8::/32", "2001:db8:ffff::1", true},
        {"2001:db8::/32", "2001:db9::1", false},
        {"2001:db8::/64", "2001:db8:0:1::1", false},
        {"2001:db8::8000:0:0:0/65", "2001:db8::8000:0:0:1", true},
        {"2001:db8::8000:0:0:0/65", "2001:db8::1", false},
        {"10.0.0.0/8, 192.0.2.0/24", "192.0.2.1", true},
    };

    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct addr a;
        cr_assert(addr_parse(slice_str(CASES[i].address), &a));
        cr_expect_eq(auth_network_holds(CASES[i].list, a), CASES[i].holds, "%s in %s", CASES[i].address, CASES[i].list);
    }
    cr_expect(!auth_network_valid(slice_str("192.0.2.0/33")));
    cr_expect(!auth_network_valid(slice_str("192.0.2/24")));
    cr_expect(!auth_network_valid(slice_str("")));
    cr_expect(auth_network_valid(slice_str("2001:db8::/128")));
}

Test(auth, a_link_is_good_for_a_minute_and_for_its_path_and_parameters)
{
    static const uint8_t KEY[32] = {1}, OTHER[32] = {2};
    struct http_request rq = request_for("GET", "/api/v1/recordings/x/audio", "format=wav&sig=y"), bare = request_for("GET", "/api/v1/recordings/x/audio", NULL);
    struct identity who = {.owner.token = "abc"};
    struct link_owner owner;
    char sig[LINK_SIZE];

    rq = request_for("GET", "/api/v1/recordings/x/audio", "format=wav&sig=y");
    link_sign(KEY, rq.path, &rq.query, &who, rq.now_us, sig);
    cr_assert(link_check(KEY, rq.path, &rq.query, sig, rq.now_us, &owner));
    cr_expect_eq(owner.kind, IDENTITY_TOKEN);
    cr_expect_str_eq(owner.token, "abc");
    cr_expect(link_check(KEY, rq.path, &rq.query, sig, rq.now_us + 59 * INT64_C(1000000), &owner));
    cr_expect(!link_check(KEY, rq.path, &rq.query, sig, rq.now_us + 61 * INT64_C(1000000), &owner));
    cr_expect(!link_check(OTHER, rq.path, &rq.query, sig, rq.now_us, &owner));
    cr_expect(!link_check(KEY, "/api/v1/recordings/y/audio", &rq.query, sig, rq.now_us, &owner));
    cr_expect(!link_check(KEY, rq.path, &bare.query, sig, rq.now_us, &owner));
    for (size_t i = 0; sig[i]; i++) {
        char changed[LINK_SIZE];
        snprintf(changed, sizeof changed, "%s", sig);
        changed[i] = changed[i] == '1' ? '2' : '1';
        cr_expect(!link_check(KEY, rq.path, &rq.query, changed, rq.now_us, &owner), "byte %zu", i);
        changed[i] = '\0';
        cr_expect(!link_check(KEY, rq.path, &rq.query, changed, rq.now_us, &owner), "cut at %zu", i);
    }
}
