/* [nat] alias: pairs of addresses on their way to the front. */
#include <criterion/criterion.h>
#include <string.h>

#include "app/wire.h"

static int read_aliases(const char *text, struct front_config *config, struct why *why)
{
    static struct settings settings;
    struct wire *wire = NULL;
    settings_defaults(&settings);
    cr_assert_eq(settings_set(&settings, "nat", "alias", text, why), 0, "%s", why->text);
    int err = wire_open(&settings, &wire, why);
    if (err == 0)
        wire_configure(wire, config);
    wire_close(wire);
    return err;
}

Test(nat_alias, pairs_are_read)
{
    struct front_config config;
    struct why why = {0};
    char out[ADDR_TEXT_SIZE];
    front_config_defaults(&config);
    cr_assert_eq(read_aliases("198.51.100.7 = 10.0.0.7,2001:db8::1=fd00::1", &config, &why), 0);
    cr_assert_eq(config.alias_count, 2);
    cr_expect_str_eq(addr_text(config.alias[0].one, out), "198.51.100.7");
    cr_expect_str_eq(addr_text(config.alias[0].other, out), "10.0.0.7");
    cr_expect_str_eq(addr_text(config.alias[1].other, out), "fd00::1");
    cr_assert_eq(read_aliases("", &config, &why), 0);
    cr_expect_eq(config.alias_count, 0);
}

Test(nat_alias, anything_else_is_refused_with_its_name)
{
    static const char *const bad[] = {"198.51.100.7", "198.51.100.7 = phone", "= 10.0.0.1",
                                      "198.51.100.7 = 10.0.0.1 = 10.0.0.2", "0.0.0.0 = 10.0.0.1"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct front_config config;
        struct why why = {0};
        cr_expect_neq(read_aliases(bad[i], &config, &why), 0, "%s", bad[i]);
        cr_expect(strstr(why.text, "nat.alias"), "%s", why.text);
    }
}
