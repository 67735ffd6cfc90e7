/* [hep] listen: what it may say, and that nobody beyond this host is let in by leaving something out. */
#include <criterion/criterion.h>

#include "app/hep_source.h"

static const struct {
    const char *text;
    const char *first; /* NULL: refused */
    unsigned count;
} cases[] = {
    {"", "", 0},
    {"  ", "", 0},
    {"udp:127.0.0.1:9060", "127.0.0.1:9060", 1},
    {"udp:9060", "127.0.0.1:9060", 1},
    {"UDP:0.0.0.0:9060 , tcp:[::]:9060,tls:[2001:db8::1]:9061", "0.0.0.0:9060", 3},
    {"tcp:[::1]:9060", "[::1]:9060", 1},
    {"udp:a:1,udp:b:2", NULL, 0},
    {"udp::9060", NULL, 0},
    {"udp:::9060", NULL, 0},
    {"udp:::1:9060", NULL, 0},
    {"udp:localhost:9060", NULL, 0},
    {"udp:127.0.0.1", NULL, 0},
    {"udp:127.0.0.1:70000", NULL, 0},
    {"udp:127.0.0.1:", NULL, 0},
    {"127.0.0.1:9060", NULL, 0},
    {"sctp:127.0.0.1:9060", NULL, 0},
    {"udp", NULL, 0},
    {"udp:9060,,tcp:9060", NULL, 0},
    {"udp:1,udp:2,udp:3,udp:4,udp:5,udp:6,udp:7,udp:8", "127.0.0.1:1", 8},
    {"udp:1,udp:2,udp:3,udp:4,udp:5,udp:6,udp:7,udp:8,udp:9", NULL, 0},
};

Test(hep_source, listen_is_a_list_of_carriers_with_address_and_port)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct source_hep_listener got[SOURCE_HEP_LISTENERS_MAX];
        struct why why = {0};
        unsigned count = 99;
        char text[ENDPOINT_TEXT_SIZE];
        int err = hep_source_listeners(cases[i].text, got, &count, &why);
        cr_assert_eq(err, cases[i].first ? 0 : ERR_INVALID, "\"%s\": %s", cases[i].text, why.text);
        if (err) {
            cr_assert(strstr(why.text, "[hep] listen"), "%s", why.text);
            continue;
        }
        cr_assert_eq(count, cases[i].count, "\"%s\"", cases[i].text);
        if (count)
            cr_assert_str_eq(endpoint_text(&got[0].at, text), cases[i].first);
    }
}

static int set(struct settings *s, const char *name, const char *value)
{
    struct why why = {0};
    cr_assert_eq(settings_set(s, "hep", name, value, &why), 0, "%s", why.text);
    return settings_check(s, &why);
}

Test(hep_source, an_impossible_section_is_refused_when_the_settings_are_checked)
{
    struct settings s;
    settings_defaults(&s);
    cr_assert_eq(set(&s, "listen", "udp:9060"), 0);
    cr_assert_eq(set(&s, "peers", "0"), ERR_INVALID);
    cr_assert_eq(set(&s, "peers", "16"), 0);
    cr_assert_eq(set(&s, "listen", "tls:9061"), ERR_INVALID);
    cr_assert_eq(set(&s, "certificate", "/c.pem"), ERR_INVALID);
    cr_assert_eq(set(&s, "private_key", "/k.pem"), 0);
}

Test(hep_source, a_section_that_says_nothing_opens_nothing_and_one_that_does_listens)
{
    struct settings s;
    struct why why = {0};
    struct source *source = (struct source *)&s;
    settings_defaults(&s);
    cr_assert_eq(hep_source_open(&s, &source, &why), 0);
    cr_assert_null(source);
    cr_assert_eq(set(&s, "listen", "udp:127.0.0.1:0,tcp:127.0.0.1:0"), 0);
    cr_assert_eq(hep_source_open(&s, &source, &why), 0, "%s", why.text);
    cr_assert_gt(source_hep_port(source, 0), 0);
    cr_assert_gt(source_hep_port(source, 1), 0);
    source_close(source);
}
