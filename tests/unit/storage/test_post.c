/* Which addresses may be spoken to, before anything is sent. */
#include <criterion/criterion.h>

#include "storage/post.h"
#include "tests/support/guard.h"

Test(post, addresses_are_taken_apart_and_strange_ones_refused, .timeout = 60)
{
    static const struct {
        const char *url;
        bool good, secure, local;
    } CASES[] = {
        {"https://crm.example/hook?x=1", true, true, false},
        {"HTTPS://crm.example", true, true, false},
        {"http://127.0.0.1:8080/", true, false, true},
        {"http://127.8.9.1", true, false, true},
        {"http://[::1]:80/x", true, false, true},
        {"http://LocalHost/x", true, false, true},
        {"http://localhost.example/", true, false, false},
        {"http://192.0.2.1/", true, false, false},
        {"http://127.0.0.1.example/", true, false, false},
        {"http://127.0.0.1@evil.example/", false, false, false},
        {"http://u:p@127.0.0.1/", false, false, false},
        {"ftp://127.0.0.1/", false, false, false},
        {"file:///etc/passwd", false, false, false},
        {"https://", false, false, false},
        {"https:///x", false, false, false},
        {"https://:80/", false, false, false},
        {"https://a b/", false, false, false},
        {"https://a\r\nX: y/", false, false, false},
        {"http://127.0.0.1\\@evil.example/", false, false, false},
        {"", false, false, false},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        bool secure = false, local = false;
        struct slice url = guard_copy(slice_str(CASES[i].url));
        cr_expect_eq(post_url_parse(url, &secure, &local), CASES[i].good, "%s", CASES[i].url);
        cr_expect_eq(secure, CASES[i].secure, "%s", CASES[i].url);
        cr_expect_eq(local, CASES[i].local, "%s", CASES[i].url);
        guard_free(url);
    }
}

Test(post, every_truncation_is_answered, .timeout = 60)
{
    struct slice whole = slice_str("https://[2001:db8::1]:8443/a?b#c");
    for (size_t n = 0; n <= whole.size; n++) {
        bool secure, local;
        struct slice cut = guard_copy(slice_sub(whole, 0, n));
        (void)post_url_parse(cut, &secure, &local);
        guard_free(cut);
    }
}
