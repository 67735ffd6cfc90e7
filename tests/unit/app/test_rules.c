/* Rules as tables: how they are written, what they match. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <unistd.h>

#include "app/rules.h"
#include "app/settings.h"

#define S  INT64_C(1000000000)
#define US INT64_C(1000000)

/* "[rule a] callee=43*; action=record | [rule b] ..." without the ornaments: rules are parted by '|', lines by ';'. */
static struct rules *made(const char *text, struct why *why)
{
    struct rules *set = NULL;
    struct slice rest = slice_str(text);
    while (rest.size) {
        struct slice one = slice_trim(slice_cut(&rest, '|'));
        struct slice name = slice_trim(slice_cut(&one, ';'));
        char section[80];
        snprintf(section, sizeof section, "rule %.*s", SLICE_ARGS(name));
        while (one.size) {
            struct slice value = slice_trim(slice_cut(&one, ';'));
            struct slice key = slice_trim(slice_cut(&value, '='));
            char k[64], v[300];
            slice_copy_to(key, k, sizeof k);
            slice_copy_to(slice_trim(value), v, sizeof v);
            if (rules_set(&set, section, k, v, why) != 0) {
                rules_let_go(set);
                return NULL;
            }
        }
    }
    if (rules_check(set, why) == 0)
        return set;
    rules_let_go(set);
    return NULL;
}

static struct rules *good(const char *text)
{
    struct why why = {0};
    struct rules *r = made(text, &why);
    cr_assert_not_null(r, "%s: %s", text, why.text);
    return r;
}

/* A call from 4711 (+431234711) at alpha.example to 0043999 at 2023-11-14 22:13:20, a Tuesday. */
static struct rule_facts a_call(void)
{
    struct rule_facts f = {
        .caller = {slice_str("4711"), slice_str("+431234711")},
        .callee = {slice_str("0043999"), slice_str("+43999"), slice_str("")},
        .direction = CALL_DIR_OUT,
        .trunk = slice_str("carrier"),
        .tenant = slice_str("red"),
        .caller_site = slice_str("vienna"),
        .caller_addr = addr_v4(0x0a010203),
        .callee_addr = addr_v4(0xc6336401),
        .vlan = 7,
        .caller_domain = slice_str("alpha.example"),
        .callee_domain = slice_str("sip.beta.example"),
        .user_agent = slice_str("Yealink SIP-T46"),
        .at_us = 1700000000 * US,
        .local_us = 1700000000 * US,
        .now_us = 1700000000 * US,
        .uid = {1, 2, 3},
    };
    return f;
}

static const struct rule_decision NONE = {.action = RULE_METADATA_ONLY, .keep = RULE_KEEP_RTCP};

static bool matches(const char *matcher, const struct rule_facts *f)
{
    char text[300];
    snprintf(text, sizeof text, "x; action=record; %s", matcher);
    struct rules *set = good(text);
    struct rule_decision d = rules_match(set, f, &NONE, NULL);
    rules_let_go(set);
    cr_assert_eq(d.rule[0] != 0, d.action == RULE_RECORD);
    return d.action == RULE_RECORD;
}

Test(rules, each_matcher_has_calls_that_it_fits_and_calls_that_it_does_not)
{
    static const struct {
        const char *fits, *not;
    } T[] = {
        {"number=4711", "number=471"},
        {"number=0043999", "number=43999"},
        {"caller=4711", "caller=0043999"},
        {"caller=+43*", "caller=+44*"},
        {"caller=47??", "caller=47???"},
        {"callee=*999", "callee=*998"},
        {"callee=1,2,+43999", "callee=1,2,3"},
        {"direction=in,out", "direction=in,internal"},
        {"trunk=other,carrier", "trunk=other"},
        {"site=vienna", "site=graz"},
        {"caller_site=vienna", "callee_site=vienna"},
        {"tenant=red", "tenant=blue"},
        {"network=10.1.0.0/16", "network=10.2.0.0/16"},
        {"network=198.51.100.1", "network=198.51.100.2"},
        {"caller_network=10.1.2.3/32", "callee_network=10.1.2.3/32"},
        {"caller_network=10.0.0.0/8;callee_network=198.51.100.0/24", "caller_network=10.0.0.0/8;callee_network=10.0.0.0/8"},
        {"network=2001:db8::/32,0.0.0.0/0", "network=2001:db8::/32"},
        {"vlan=6,7", "vlan=6,8"},
        {"domain=alpha.example", "domain=example"},
        {"callee_domain=*.beta.example", "caller_domain=*.beta.example"},
        {"callee_domain=SIP.Beta.example", "callee_domain=beta.example"},
        {"user_agent=yealink*", "user_agent=yealink"},
        {"hours=22:00-23:00", "hours=08:00-18:00"},
        {"hours=20:00-06:00", "hours=23:00-06:00"},
        {"hours=22:13-22:14", "hours=22:12-22:13"},
        {"weekdays=mon-wed", "weekdays=wed-mon"},
        {"weekdays=tue", "weekdays=sat,sun"},
        {"sample=100%", "sample=1/1000000"},
        {"valid_until=2023-11-14", "valid_until=2023-11-13"},
        {"valid_until=2023-11-14T22:13:21Z", "valid_until=2023-11-14T22:13:20Z"},
        {"caller=4711;callee=+43*", "caller=4711;callee=+44*"},
    };
    struct rule_facts f = a_call();
    for (size_t i = 0; i < sizeof T / sizeof *T; i++) {
        cr_expect(matches(T[i].fits, &f), "%s", T[i].fits);
        cr_expect(!matches(T[i].not, &f), "%s", T[i].not);
    }
}

Test(rules, what_is_not_known_fits_no_matcher)
{
    static const char *const T[] = {"number=*", "trunk=carrier", "network=0.0.0.0/0", "vlan=7", "domain=*.example", "user_agent=*", "header=X-Record"};
    struct rule_facts nothing = {.local_us = 1, .at_us = 1, .now_us = 1};
    for (size_t i = 0; i < sizeof T / sizeof *T; i++)
        cr_expect(!matches(T[i], &nothing), "%s", T[i]);
}

Test(rules, the_first_that_fits_decides_and_else_the_default)
{
    struct rules *set = good("lawyer;callee=+43999;action=skip | all-out;direction=out;action=record;tags=sales, vip;retain=90d;format=flac;mask=drop"
                             "| rest;action=headers-only");
    struct rule_facts f = a_call();
    struct rule_trace trace[RULES_MAX] = {0};
    struct rule_decision d = rules_match(set, &f, &NONE, trace);
    cr_expect_str_eq(d.rule, "lawyer");
    cr_expect_eq(d.keep, RULE_KEEP_NOTHING);
    cr_expect_eq(trace[0].verdict, RULE_MATCHED);
    cr_expect_eq(trace[1].verdict, RULE_NOT_REACHED);
    f.callee[0] = f.callee[1] = slice_str("1");
    d = rules_match(set, &f, &NONE, trace);
    cr_expect_str_eq(d.rule, "all-out");
    cr_expect_str_eq(d.tags, "sales,vip");
    cr_expect_eq(d.retain_days, 90);
    cr_expect_eq(d.format, RULE_FLAC);
    cr_expect_eq(d.mask, RULE_MASK_DROP);
    cr_expect_eq(d.keep, RULE_KEEP_ALL);
    cr_expect_eq(trace[0].verdict, RULE_MISSED);
    cr_expect_str_eq(rule_key_name(trace[0].key), "callee");
    f.direction = CALL_DIR_IN;
    cr_expect_str_eq(rules_match(set, &f, &NONE, trace).rule, "rest");
    rules_let_go(set);
    set = good("lawyer;callee=+43999;action=skip");
    d = rules_match(set, &f, &NONE, trace);
    cr_expect_str_eq(d.rule, "");
    cr_expect_eq(d.action, RULE_METADATA_ONLY);
    rules_let_go(set);
}

/* Expected deviation of 10 % of 10,000 is 0.3 % of them. */
Test(rules, a_sample_of_ten_percent_is_ten_percent_and_always_the_same)
{
    struct rules *set = good("a;sample=10%;action=record"), *other = good("b;sample=1/10;action=record");
    struct rule_facts f = a_call();
    unsigned hit = 0, both = 0, again = 0;
    for (unsigned i = 0; i < 10000; i++) {
        memcpy(f.uid, &i, sizeof i);
        bool a = rules_match(set, &f, &NONE, NULL).action == RULE_RECORD;
        bool b = rules_match(other, &f, &NONE, NULL).action == RULE_RECORD;
        hit += a;
        both += a && b;
        again += a == (rules_match(set, &f, &NONE, NULL).action == RULE_RECORD);
    }
    cr_expect(hit >= 910 && hit <= 1090, "%u", hit);
    cr_expect(both >= 50 && both <= 150, "two rules draw the same calls: %u", both);
    cr_expect_eq(again, 10000);
    rules_let_go(set);
    rules_let_go(other);
}

Test(rules, a_rule_that_waits_for_the_length_keeps_all_that_may_still_be_wanted)
{
    struct rules *set = good("long;longer_than=30s;action=skip | all;action=record;min_duration=5s");
    struct rule_facts f = a_call();
    struct rule_trace trace[RULES_MAX] = {0};
    struct rule_decision d = rules_match(set, &f, &NONE, trace);
    cr_expect(d.open);
    cr_expect_eq(d.keep, RULE_KEEP_ALL);
    cr_expect_eq(trace[0].verdict, RULE_OPEN);
    f.ended = true;
    f.lasted_ns = 29 * S;
    d = rules_match(set, &f, &NONE, trace);
    cr_expect_str_eq(d.rule, "all");
    cr_expect_eq(d.min_ns, 5 * S);
    f.lasted_ns = 30 * S;
    d = rules_match(set, &f, &NONE, trace);
    cr_expect_str_eq(d.rule, "long");
    cr_expect_eq(d.keep, RULE_KEEP_NOTHING);
    cr_expect(!d.open);
    rules_let_go(set);
}

Test(rules, headers_are_read_from_an_invite_alone)
{
    struct rules *set = good("a;header=X-Record: yes;action=record | b;header=Subject ~ urgent;header=x-there;action=skip");
    struct rule_facts f = a_call();
    static const char INVITE[] = "INVITE sip:b@c SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\nFrom: <sip:a@a>;tag=1\r\nTo: <sip:b@c>\r\n"
                                 "Call-ID: 1\r\nCSeq: 1 INVITE\r\n%sContent-Length: 0\r\n\r\n";
    static const struct {
        const char *headers, *rule;
    } T[] = {{"X-Record: YES\r\n", "a"}, {"X-Record: no\r\n", ""}, {"x-record:  yes \r\n", "a"}, {"s: very URGENT\r\nX-There: \r\n", "b"},
             {"Subject: urgent\r\n", ""}, {"X-There: 1\r\nSubject: calm\r\n", ""}, {"", ""}};
    for (size_t i = 0; i < sizeof T / sizeof *T; i++) {
        char message[600];
        snprintf(message, sizeof message, INVITE, T[i].headers);
        f.headers = rules_headers(set, slice_str(message));
        cr_expect_str_eq(rules_match(set, &f, &NONE, NULL).rule, T[i].rule, "%s", T[i].headers);
    }
    cr_expect_eq(rules_headers(set, slice_str("SIP/2.0 200 OK\r\nVia: x\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\nX-Record: yes\r\n\r\n")), 0);
    rules_let_go(set);
}

Test(rules, a_bad_rule_is_refused_with_one_sentence_that_says_what_to_do)
{
    static const struct {
        const char *text, *says;
    } T[] = {
        {"a;caller=1", "does not say what to do; add a line such as action = record"},
        {"a;action=recrod", "\"recrod\" is no value for [rule a] action: it takes record, metadata-only"},
        {"a;caler=1", "unknown setting \"caler\" in [rule a]; did you mean \"caller\"?"},
        {"a b;action=skip", "a name is at most 32 letters"},
        {"a;action=skip;network=10.0.0.0/33", "it takes networks such as"},
        {"a;action=skip;hours=8-18", "it takes times of the day such as 08:00-18:00"},
        {"a;action=skip;hours=08:00-25:00", "it takes times of the day"},
        {"a;action=skip;weekdays=monday", "it takes days such as mon-fri, sun"},
        {"a;action=skip;sample=0%", "it takes a share of the calls"},
        {"a;action=skip;sample=101%", "it takes a share of the calls"},
        {"a;action=skip;sample=3/2", "it takes a share of the calls"},
        {"a;action=skip;valid_until=31.12.2027", "it takes a day such as 2027-06-30"},
        {"a;action=skip;vlan=4095", "it takes VLANs from 1 to 4094"},
        {"a;action=skip;header=no colon", "it takes a header"},
        {"a;action=skip;retain=90min", "it takes days"},
        {"a;action=skip;caller=", "has no value"},
        {"a;action=skip;format=flac", "skip means that there is no file"},
        {"a;action=record;look_back=5min", "look_back goes with action = on-demand alone"},
        {"a;action=record;longer_than=5", "it takes a duration"},
    };
    for (size_t i = 0; i < sizeof T / sizeof *T; i++) {
        struct why why = {0};
        cr_expect_null(made(T[i].text, &why), "%s", T[i].text);
        cr_expect(strstr(why.text, T[i].says), "%s: %s", T[i].text, why.text);
    }
}

Test(rules, the_number_of_rules_and_of_items_has_a_ceiling)
{
    struct rules *set = NULL;
    struct why why = {0};
    char section[40], many[8000] = "";
    for (unsigned i = 0; i < RULES_MAX; i++) {
        snprintf(section, sizeof section, "rule r%u", i);
        cr_assert_eq(rules_set(&set, section, "action", "skip", &why), 0);
    }
    cr_expect_neq(rules_set(&set, "rule more", "action", "skip", &why), 0);
    cr_expect(strstr(why.text, "200 rules already"), "%s", why.text);
    why.text[0] = '\0';
    for (unsigned i = 0; i <= RULE_ITEMS_MAX; i++)
        strcat(many, "1,");
    cr_expect_neq(rules_set(&set, "rule r0", "caller", many, &why), 0);
    cr_expect(strstr(why.text, "at most 1000 items"), "%s", why.text);
    why.text[0] = '\0';
    int err = 0;
    for (unsigned i = 0; i <= RULE_HEADERS_MAX && !err; i++) {
        snprintf(many, sizeof many, "X-%u", i);
        err = rules_set(&set, "rule r1", "header", many, &why);
        cr_expect_eq(err != 0, i == RULE_HEADERS_MAX);
    }
    cr_expect(strstr(why.text, "at most 64 conditions"), "%s", why.text);
    rules_let_go(set);
}

Test(rules, what_is_printed_is_read_again_as_the_same)
{
    struct rules *set = good("a;caller=1,2;caller=3;header=X: a,b;header=Y ~ c;sample=5%;action=on-demand;look_back=5min;valid_until=2030-01-01;tags=q");
    struct buf first, second;
    buf_init(&first, 65536);
    buf_init(&second, 65536);
    rules_print(set, &first);
    struct rules *again = NULL;
    struct slice rest = buf_view(&first);
    char section[80] = "";
    while (rest.size) {
        struct slice line = slice_trim(slice_cut(&rest, '\n')), value = line;
        struct slice key = slice_trim(slice_cut(&value, '='));
        char k[64], v[300];
        struct why why = {0};
        if (slice_starts(line, "[")) {
            slice_copy_to(slice_sub(line, 1, line.size - 1), section, sizeof section);
        } else if (line.size) {
            slice_copy_to(key, k, sizeof k);
            slice_copy_to(slice_trim(value), v, sizeof v);
            cr_assert_eq(rules_set(&again, section, k, v, &why), 0, "%s", why.text);
        }
    }
    rules_print(again, &second);
    cr_expect_str_eq(buf_text(&first), buf_text(&second));
    cr_expect(strstr(buf_text(&first), "header = X: a,b\nheader = Y ~ c\n"));
    cr_expect(strstr(buf_text(&first), "caller = 1,2, 3\n"));
    buf_fini(&first);
    buf_fini(&second);
    rules_let_go(set);
    rules_let_go(again);
}

Test(rules, a_long_list_is_printed_in_lines_that_a_file_takes)
{
    struct rules *set = NULL, *again = NULL;
    struct why why = {0};
    struct buf first, second;
    char path[] = "/tmp/earshot-rules-XXXXXX", number[64];
    for (unsigned i = 0; i < 200; i++) {
        snprintf(number, sizeof number, "%0*u", 1 + i % 60, i);
        cr_assert_eq(rules_set(&set, "rule a", "caller_network", i % 2 ? "10.0.0.0/8" : "2001:db8::/32", &why), 0, "%s", why.text);
        cr_assert_eq(rules_set(&set, "rule a", "caller", number, &why), 0, "%s", why.text);
    }
    cr_assert_eq(rules_set(&set, "rule a", "action", "skip", &why), 0);
    buf_init(&first, 65536);
    buf_init(&second, 65536);
    rules_print(set, &first);
    int fd = mkstemp(path);
    cr_assert(fd >= 0 && write(fd, first.data, first.size) == (ssize_t)first.size);
    close(fd);
    cr_expect_eq(settings_try_rules(buf_text(&first), &why), 0, "%s", why.text);
    cr_assert_eq(settings_read_rules(path, &again, &why), 0, "%s", why.text);
    rules_print(again, &second);
    cr_expect_str_eq(buf_text(&first), buf_text(&second));
    cr_expect_str_eq(set->rule[0]->text[RULE_KEY_caller], again->rule[0]->text[RULE_KEY_caller]);
    unlink(path);
    buf_fini(&first);
    buf_fini(&second);
    rules_let_go(set);
    rules_let_go(again);
}

Test(rules, what_no_line_takes_is_told)
{
    char text[400];
    struct why why = {0};
    snprintf(text, sizeof text, "[rule a]\ndomain = %0230d\naction = skip\n", 1);
    cr_expect_eq(settings_try_rules(text, &why), ERR_INVALID);
    cr_expect(strstr(why.text, "line 3"), "%s", why.text);
}

Test(rules, patterns_never_run_away)
{
    static const struct {
        const char *pattern, *text;
        bool fits;
    } T[] = {{"*", "", true}, {"", "", true}, {"", "a", false}, {"a*b*c", "axxbxxc", true}, {"a*b*c", "axxbxx", false},
             {"*a*a*a*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false}, {"?", "", false}, {"**?", "x", true}, {"A", "a", false}};
    for (size_t i = 0; i < sizeof T / sizeof *T; i++)
        cr_expect_eq(rule_pattern(slice_str(T[i].pattern), slice_str(T[i].text), false), T[i].fits, "%s", T[i].pattern);
    cr_expect(rule_pattern(slice_str("aB*"), slice_str("AbC"), true));
}
