/* Names of inputs, their offsets, and the filter that leaves out our own traffic. */
#include <criterion/criterion.h>
#include <string.h>

#include "app/inputs.h"
#include "app/setup.h"

static struct settings settings;

static void set(const char *section, const char *name, const char *value)
{
    struct why why;
    cr_assert_eq(settings_set(&settings, section, name, value, &why), 0, "%s", why.text);
}

Test(inputs, an_offset_is_a_name_and_seconds)
{
    static const struct {
        const char *text, *name;
        int64_t ns;
    } cases[] = {
        {"eth2=1.5", "eth2", 1500000000},
        {"eth2=-0.000000001", "eth2", -1},
        {"a.pcap=+3600s", "a.pcap", INT64_C(3600000000000)},
        {"odd=name.pcap=2", "odd=name.pcap", 2000000000},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct offsets o = {0};
        struct why why;
        char *names[] = {(char[]){"x"}, NULL};
        char name[40];
        strcpy(name, cases[i].name);
        names[1] = name;
        cr_assert_eq(offsets_add(&o, cases[i].text, &why), 0, "%s", why.text);
        cr_assert_eq(offsets_of(&o, cases[i].name), cases[i].ns);
        cr_assert_eq(offsets_of(&o, "other"), 0);
        cr_assert_eq(offsets_check(&o, names, 2, &why), 0);
    }
}

Test(inputs, what_is_no_offset_or_belongs_to_no_input_is_named)
{
    static const char *const wrong[] = {"eth2",      "=1",       "eth2=",    "eth2=x",
                                        "eth2=1.5m", "eth2=nan", "eth2=1e99"};
    struct why why;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct offsets o = {0};
        cr_assert_eq(offsets_add(&o, wrong[i], &why), ERR_INVALID, "%s", wrong[i]);
        cr_assert(strstr(why.text, wrong[i]), "%s", why.text);
    }
    struct offsets o = {0};
    char name[] = "a.pcap";
    char *names[] = {name};
    cr_assert_eq(offsets_add_list(&o, " a.pcap = 1 ", &why), 0); /* blanks belong to the name */
    cr_assert_eq(offsets_check(&o, names, 1, &why), ERR_INVALID);
    o = (struct offsets){0};
    cr_assert_eq(offsets_add_list(&o, "a.pcap=1, b.pcap=2,,", &why), 0);
    cr_assert_eq(o.count, 2);
    cr_assert_eq(offsets_check(&o, names, 1, &why), ERR_INVALID);
    cr_assert(strstr(why.text, "b.pcap"), "%s", why.text);
}

Test(inputs, interfaces_are_a_list)
{
    struct inputs_ifaces ifaces;
    struct why why;
    settings_defaults(&settings);
    cr_assert_eq(inputs_list_ifaces(&settings, &ifaces, &why), 0);
    cr_assert_eq(ifaces.count, 0);
    set("capture", "interface", "eth1, eth2 ,any");
    cr_assert_eq(inputs_list_ifaces(&settings, &ifaces, &why), 0, "%s", why.text);
    cr_assert_eq(ifaces.count, 3);
    cr_assert_str_eq(ifaces.names[1], "eth2");
    set("capture", "interface", "eth1,eth2,eth1");
    cr_assert_eq(inputs_list_ifaces(&settings, &ifaces, &why), ERR_INVALID);
    cr_assert(strstr(why.text, "eth1 twice"), "%s", why.text);
    set("capture", "interface", "a,b,c,d,e,f,g,h,i");
    cr_assert_eq(inputs_list_ifaces(&settings, &ifaces, &why), ERR_INVALID);
    cr_assert(strstr(why.text, "more than 8"), "%s", why.text);
    set("capture", "interface", "an_interface_of_long_name");
    cr_assert_eq(inputs_list_ifaces(&settings, &ifaces, &why), ERR_INVALID);
}

Test(inputs, without_interface_and_listener_the_remedy_is_named)
{
    struct inputs_ifaces ifaces = {0};
    struct source *source;
    struct why why;
    settings_defaults(&settings);
    cr_assert_eq(inputs_open_live(&settings, &ifaces, NULL, NULL, NULL, &source, &why),
                 ERR_INVALID);
    cr_assert(strstr(why.text, "--interface"), "%s", why.text);
}

static const char *filter_of(uint16_t port)
{
    static char out[2048];
    cr_assert_eq(setup_live_filter(&settings, port, out, sizeof out), 0);
    return out;
}

Test(inputs, the_filter_of_an_interface_leaves_out_the_api)
{
    settings_defaults(&settings);
    cr_assert_str_eq(filter_of(8470), "not (tcp port 8470 and (host 127.0.0.1))");
    set("capture", "filter", "udp or (vlan and udp)");
    cr_assert_str_eq(filter_of(8470),
                     "not (tcp port 8470 and (host 127.0.0.1)) and (udp or (vlan and udp))");
    set("api", "bind", "2001:db8::1");
    cr_assert_str_eq(filter_of(80),
                     "not (tcp port 80 and (host 2001:db8::1)) and (udp or (vlan and udp))");
    set("api", "bind", "0.0.0.0"); /* whatever addresses this host has */
    cr_assert(strstr(filter_of(80), "host 127.0.0.1"), "%s", filter_of(80));
    set("api", "bind", "probe.example");
    cr_assert_str_eq(filter_of(80), "not (tcp port 80) and (udp or (vlan and udp))");
    cr_assert_eq(setup_live_filter(&settings, 80, (char[20]){""}, 20), ERR_INVALID);
}

Test(inputs, the_filter_of_an_interface_is_that_of_the_settings_when_there_is_nothing_to_leave_out)
{
    settings_defaults(&settings);
    cr_assert_str_eq(filter_of(0), "");
    set("capture", "filter", "udp");
    set("capture", "exclude_own", "no");
    cr_assert_str_eq(filter_of(8470), "udp");
    set("capture", "exclude_own", "yes");
    set("api", "enabled", "no");
    cr_assert_str_eq(filter_of(8470), "udp");
}
