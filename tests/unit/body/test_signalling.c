/* Fragments of messages, digits in INFO, ISUP. */
#include "tests/unit/body/bodies.h"

#include <stdio.h>

#include "capture/body/dtmf_info.h"
#include "capture/body/kpml.h"
#include "capture/body/isup.h"
#include "capture/body/sipfrag.h"

Test(signalling, a_status_line_is_a_fragment)
{
    struct sipfrag f;
    struct slice body = slice_str("SIP/2.0 486 Busy Here\r\nTo: <sip:c@example.com>;tag=a\r\ni: 1@x\r\n");
    cr_assert(sipfrag_read(body, &f));
    cr_expect_eq(f.status, 486);
    IS(f.reason_phrase, "Busy Here");
    IS(f.to, "<sip:c@example.com>;tag=a");
    IS(f.call_id, "1@x");
    cr_assert(sipfrag_read(slice_str("SIP/2.0 100"), &f));
    cr_expect_eq(f.status, 100);
    NONE(f.reason_phrase);
    EVERY_TRUNCATION(body, cut, cr_expect_eq(sipfrag_read(cut, &f), n_ >= strlen("SIP/2.0 486")));
}

Test(signalling, so_are_requests_and_headers)
{
    struct sipfrag f;
    cr_assert(sipfrag_read(slice_str("INVITE sip:alice@atlanta.com SIP/2.0\nContact: <sip:a@b>\n"), &f));
    IS(f.method, "INVITE");
    IS(f.request_uri, "sip:alice@atlanta.com");
    IS(f.contact, "<sip:a@b>");
    cr_expect_eq(f.status, 0);
    cr_assert(sipfrag_read(slice_str("From: Alice <sip:alice@atlanta.com>\r\n"), &f));
    IS(f.from, "Alice <sip:alice@atlanta.com>");
    cr_expect(!sipfrag_read(slice_str("hello"), &f));
    cr_expect(!sipfrag_read(slice_str("SIP/2.0 99 Low"), &f));
    cr_expect(!sipfrag_read(slice_str("SIP/2.0 700 High"), &f));
    cr_expect(!sipfrag_read(slice_none(), &f));
}

Test(signalling, digits_are_read)
{
    static const struct {
        const char *type, *body;
        char digit;
        uint16_t duration_ms;
    } cases[] = {
        {"application/dtmf-relay", "Signal=5\r\nDuration=160\r\n", '5', 160},
        {"Application/DTMF-Relay;x=y", "signal= *\nduration= 250", '*', 250},
        {"application/dtmf-relay", "Duration=100\r\nSignal=11\r\n", '#', 100},
        {"application/dtmf-relay", "Signal=d\r\n", 'D', 0},
        {"application/dtmf-relay", "Signal=16\r\n", '!', 0},
        {"application/dtmf-relay", "Signal=hf\r\n", '!', 0},
        {"application/dtmf-relay", "Signal=0\r\nDuration=70000\r\n", '0', 0},
        {"application/dtmf", "7", '7', 0},
        {"application/dtmf", "#\r\n", '#', 0},
        {"application/dtmf", "Signal=3\r\nDuration=80\r\n", '3', 80},
        {"application/dtmf-relay", "Signal=17\r\n", 0},
        {"application/dtmf-relay", "Signal=\r\n", 0},
        {"application/dtmf-relay", "Duration=160\r\n", 0},
        {"application/dtmf", "", 0},
        {"application/dtmf", "!x", 0},
        {"text/plain", "5", 0},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct dtmf_info d = {0};
        bool read = dtmf_info_read(slice_str(cases[i].type), slice_str(cases[i].body), &d);
        cr_expect_eq(read, cases[i].digit != 0, "case %u", i);
        cr_expect(d.digit == cases[i].digit && d.duration_ms == cases[i].duration_ms, "case %u: %c %u", i, d.digit, d.duration_ms);
        EVERY_TRUNCATION(slice_str(cases[i].body), cut, dtmf_info_read(slice_str(cases[i].type), cut, &d));
    }
}

Test(signalling, keys_that_a_telephone_tells)
{
    static const struct {
        const char *body, *digits; /* NULL: no response */
    } cases[] = {
        {"<?xml version=\"1.0\"?><kpml-response xmlns=\"urn:ietf:params:xml:ns:kpml-response\" version=\"1.0\" code=\"200\" text=\"OK\" digits=\"12*#\" tag=\"dtmf\"/>", "12*#"},
        {"<k:kpml-response xmlns:k='urn:x' digits='&#53;aDr 9x'/>", "5AD!9"},
        {"<kpml-response code=\"423\" text=\"Timer Expired\"/>", ""},
        {"<kpml-request digits=\"5\"/>", NULL},
        {"<kpml-response digits=\"5\"", NULL},
    };
    struct xml *x = xml_new(1);
    struct kpml k;
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bool read = kpml_read(x, slice_str(cases[i].body), &k) == XML_OK;
        cr_expect_eq(read, cases[i].digits != NULL, "case %u", i);
        cr_expect(!read || slice_is(slice_of(k.digits, k.count), cases[i].digits), "case %u: %.*s", i, (int)k.count, k.digits);
        EVERY_TRUNCATION(slice_str(cases[i].body), cut, kpml_read(x, cut, &k));
    }
    char many[200];
    snprintf(many, sizeof many, "<kpml-response digits=\"%0*d\"/>", KPML_DIGITS_MAX + 1, 7);
    cr_expect(kpml_read(x, slice_str(many), &k) == XML_OK && k.count == KPML_DIGITS_MAX && k.limited);
    xml_free(x);
}

#define BYTES(text) slice_of(text, sizeof text - 1)

/* IAM to 49891234567F, international, from 0711555 (odd, national, restricted). */
static const char iam[] = "\x01\x00\x60\x01\x0a\x00\x02\x0a\x08\x84\x10\x94\x98\x21\x43\x65\xf7"
                          "\x0a\x06\x83\x17\x70\x11\x55\x05\x00";

Test(signalling, an_initial_address_has_its_numbers)
{
    struct isup m;
    cr_assert(isup_read(BYTES(iam), &m));
    cr_expect_eq(m.type, ISUP_IAM);
    cr_expect_eq(m.category, 10);
    cr_expect_str_eq(m.called.digits, "49891234567");
    cr_expect(m.called.given && m.called.nature == 4 && m.called.plan == 1);
    cr_expect_str_eq(m.calling.digits, "0711555");
    cr_expect(m.calling.nature == 3 && m.calling.presentation == 1 && m.calling.screening == 3);
    EVERY_TRUNCATION(BYTES(iam), cut, cr_expect_eq(isup_read(cut, &m), n_ >= 17));
}

Test(signalling, a_release_has_its_cause)
{
    struct isup m;
    cr_assert(isup_read(BYTES("\x0c\x02\x00\x02\x83\x91"), &m));
    cr_expect_eq(m.cause, 17);
    cr_expect_eq(m.location, 3);
    cr_assert(isup_read(BYTES("\x0c\x02\x00\x03\x03\x80\x90"), &m), "with a recommendation");
    cr_expect_eq(m.cause, 16);
    cr_expect(!isup_read(BYTES("\x0c\x00\x00"), &m), "no cause");
    cr_expect(!isup_read(BYTES("\x0c\x09\x00\x02\x83\x91"), &m), "it leads out of the message");
    cr_expect(!isup_read(BYTES("\x0c\x02\x00\x05\x83\x91"), &m), "longer than the message");
}

Test(signalling, other_isup_messages_are_told)
{
    struct isup m;
    cr_assert(isup_read(BYTES("\x06\x16\x04\x01\x12\x02\x80\x93\x00"), &m));
    cr_expect(m.type == ISUP_ACM && m.cause == 19);
    cr_assert(isup_read(BYTES("\x10"), &m));
    cr_assert(isup_read(BYTES("\x09\x00"), &m));
    cr_assert(isup_read(BYTES("\x2c\x01\x00"), &m));
    cr_expect_str_eq(isup_type_text(m.type), "CPG");
    cr_expect_null(isup_type_text(0xff));
    cr_expect_str_eq(isup_nature_text(4), "international");
    cr_expect_str_eq(isup_nature_text(0x7f), "other");
    cr_expect_str_eq(isup_presentation_text(1), "restricted");
    cr_expect_str_eq(isup_location_text(2), "public_local");
    cr_expect_str_eq(isup_location_text(6), "other");
    cr_expect(!isup_read(BYTES("\xff\x00"), &m));
    cr_expect(!isup_read(slice_none(), &m));
}
