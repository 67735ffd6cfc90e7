/* Names, look-up, lists, unfolding. */
#include <ctype.h>

#include "capture/sip/grammar.h"
#include "tests/unit/sip/expect.h"

Test(sip_headers, every_name_is_found_in_any_case)
{
    for (unsigned id = 0; id < SIP_H_OTHER; id++) {
        const char *name = sip_header_name(id);
        char upper[32] = "", lower[32] = "";
        for (size_t i = 0; name[i]; i++) {
            upper[i] = (char)toupper(name[i]);
            lower[i] = (char)tolower(name[i]);
        }
        cr_expect_eq(sip_header_of(slice_str(name)), id, "%s", name);
        cr_expect_eq(sip_header_of(slice_str(upper)), id, "%s", upper);
        cr_expect_eq(sip_header_of(slice_str(lower)), id, "%s", lower);
    }
}

Test(sip_headers, one_wrong_byte_is_another_header)
{
    for (unsigned id = 0; id < SIP_H_OTHER; id++) {
        char name[32] = "";
        slice_copy_to(slice_str(sip_header_name(id)), name, sizeof name);
        for (size_t i = 0; name[i]; i++) {
            char kept = name[i];
            for (int c = 1; c < 256; c++) {
                name[i] = (char)c;
                if (tolower((unsigned char)name[i]) != tolower(kept))
                    cr_expect_neq(sip_header_of(slice_str(name)), id, "%s", name);
            }
            name[i] = kept;
        }
    }
}

Test(sip_headers, compact_forms_are_known)
{
    static const char forms[] = "vftimclekSRBXOY";
    static const enum sip_header ids[] = {
        SIP_H_VIA,
        SIP_H_FROM,
        SIP_H_TO,
        SIP_H_CALL_ID,
        SIP_H_CONTACT,
        SIP_H_CONTENT_TYPE,
        SIP_H_CONTENT_LENGTH,
        SIP_H_CONTENT_ENCODING,
        SIP_H_SUPPORTED,
        SIP_H_SUBJECT,
        SIP_H_REFER_TO,
        SIP_H_REFERRED_BY,
        SIP_H_SESSION_EXPIRES,
        SIP_H_EVENT,
        SIP_H_IDENTITY,
    };
    for (size_t i = 0; forms[i]; i++)
        cr_expect_eq(sip_header_of(slice_of(&forms[i], 1)), ids[i], "%c", forms[i]);
    cr_expect_eq(sip_header_of(slice_str("z")), SIP_H_OTHER);
    cr_expect_eq(sip_header_of(slice_none()), SIP_H_OTHER);
    cr_expect_str_eq(sip_header_name(SIP_H_OTHER), "");
}

Test(sip_headers, methods_and_phrases_have_names)
{
    for (unsigned m = 0; m < SIP_UNKNOWN; m++)
        cr_expect_eq(sip_method_of(slice_str(sip_method_name(m))), m);
    static const char *const unknown[] = {"",     "A",      "INVITED", "INVIT",
                                          "BYEE", "PUBLIS", "PRACKX",  "XINFO"};
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++)
        cr_expect_eq(sip_method_of(slice_str(unknown[i])), SIP_UNKNOWN, "%s", unknown[i]);
}

Test(sip_headers, lists_are_split_outside_quotes_and_brackets)
{
    const struct sip_msg *m = parsed("INVITE sip:b SIP/2.0\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\n"
                                     "Contact: \"a, \\\"b\" <sip:1@h;x=1,2>;q=1 , ,<sip:2@h>\r\n"
                                     "m: sip:3@h\r\nContact:\r\n"
                                     "Supported: 100rel,timer ,\t replaces\r\n"
                                     "Reason: unterminated \"quote, here\r\n\r\n",
                                     SIP_OK);
    struct slice item;
    static const char *const contacts[] = {"\"a, \\\"b\" <sip:1@h;x=1,2>;q=1", "<sip:2@h>",
                                           "sip:3@h"};
    for (unsigned i = 0; i < 3; i++) {
        cr_assert(sip_header_item(m, SIP_H_CONTACT, i, &item));
        EXPECT_TEXT(item, contacts[i]);
    }
    cr_expect_not(sip_header_item(m, SIP_H_CONTACT, 3, &item));
    cr_assert(sip_header_item(m, SIP_H_SUPPORTED, 2, &item));
    EXPECT_TEXT(item, "replaces");
    cr_assert(sip_header_item(m, SIP_H_REASON, 0, &item));
    EXPECT_TEXT(item, "unterminated \"quote, here");
    cr_expect_not(sip_header_item(m, SIP_H_ROUTE, 0, &item));
    cr_expect_null(sip_header(m, SIP_H_ROUTE).data);
    cr_expect_not_null(sip_header(m, SIP_H_CONTACT).data);
}

Test(sip_headers, items_are_counted_to_a_limit)
{
    static char text[4096] = "INVITE sip:b SIP/2.0\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\nRoute: ";
    for (int i = 0; i < SIP_ITEMS_MAX + 10; i++)
        strcat(text, "a,");
    strcat(text, "\r\n\r\n");
    const struct sip_msg *m = parsed(text, SIP_OK);
    struct slice item;
    cr_expect(sip_header_item(m, SIP_H_ROUTE, SIP_ITEMS_MAX - 1, &item));
    cr_expect_not(sip_header_item(m, SIP_H_ROUTE, SIP_ITEMS_MAX, &item));
}

Test(sip_headers, unfolding_fits_its_buffer)
{
    struct slice value = slice_str("one \r\n\t two\n three\r\n");
    char text[64];
    cr_expect_eq(sip_unfold(value, text, sizeof text), 14);
    cr_expect_str_eq(text, "one two three ");
    for (size_t size = 1; size < 14; size++) {
        size_t n = sip_unfold(value, text, size);
        cr_expect(n < size && text[n] == '\0' && strncmp(text, "one two three ", n) == 0);
    }
    cr_expect_eq(sip_unfold(value, text, 0), 0);
}
