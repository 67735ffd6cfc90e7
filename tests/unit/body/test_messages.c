/* Instant messages and what goes with them: envelopes, notifications, typing, SMS, files. */
#include "tests/unit/body/bodies.h"

#include "capture/body/cpim.h"
#include "capture/body/file_meta.h"
#include "capture/body/imdn.h"
#include "capture/body/is_composing.h"
#include "capture/body/sms.h"

static struct xml *x;

static void make(void)
{
    x = xml_new(7);
}

static void end(void)
{
    xml_free(x);
}

TestSuite(messages, .init = make, .fini = end);

#define NOTIFICATION                                                                                                   \
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n<imdn xmlns=\"urn:ietf:params:xml:ns:imdn\">"                     \
    "<message-id>34jk324j</message-id><datetime>2008-04-04T12:16:49-05:00</datetime>"                                  \
    "<recipient-uri>im:bob@example.com</recipient-uri><original-recipient-uri>im:bob@example.org</original-recipient-uri>" \
    "<subject>s</subject><display-notification><status><displayed/></status></display-notification></imdn>"
static const char enveloped[] = "From: Bob <im:bob@example.com>\r\nTo: \"Alice, the first\" <im:alice@example.com>\r\n"
                                "NS: imdn <urn:ietf:params:imdn>\r\nimdn.Message-ID: d834jied93rf\r\n"
                                "imdn.Disposition-Notification: positive-delivery, display\r\nDateTime: 2008-04-04T12:16:49Z\r\n"
                                "\r\nContent-type: message/imdn+xml;charset=utf-8\r\nContent-Disposition: notification\r\n\r\n" NOTIFICATION;

Test(messages, an_envelope_is_opened)
{
    struct cpim c;
    cr_assert(cpim_read(slice_str(enveloped), &c));
    IS(c.from, "im:bob@example.com");
    IS(c.from_name, "Bob");
    IS(c.to, "im:alice@example.com");
    IS(c.to_name, "Alice, the first");
    IS(c.message_id, "d834jied93rf");
    IS(c.notifications, "positive-delivery, display");
    IS(c.date_time, "2008-04-04T12:16:49Z");
    IS(c.content_type, "message/imdn+xml");
    IS(c.content, NOTIFICATION);
    cr_expect(cpim_read(slice_str("Content-type: Message/CPIM\n\nFrom: <im:a@b>\n\nContent-Type: text/plain\n\nhello"), &c));
    IS(c.content, "hello");
    cr_expect(!cpim_read(slice_str("From: <im:a@b>\r\n\r\nhello"), &c));
    cr_expect(!cpim_read(slice_str("hello\r\n\r\nhello\r\n\r\nhello"), &c));
    EVERY_TRUNCATION(slice_str(enveloped), cut, cr_expect_eq(cpim_read(cut, &c), n_ >= sizeof enveloped - sizeof NOTIFICATION - 1));
}

Test(messages, notifications_are_read_bare_and_enveloped)
{
    struct imdn m;
    cr_assert_eq(imdn_read(x, slice_str(enveloped), &m), XML_OK);
    cr_expect(m.from_envelope);
    IS(m.message_id, "34jk324j");
    IS(m.recipient, "im:bob@example.com");
    IS(m.original_recipient, "im:bob@example.org");
    cr_expect_eq(m.kind, IMDN_DISPLAY);
    IS(m.status, "displayed");
    cr_assert_eq(imdn_read(x, slice_str("<imdn><message-id>1</message-id><delivery-notification><status><failed/></status>"
                                        "</delivery-notification></imdn>"), &m),
                 XML_OK);
    cr_expect(!m.from_envelope && m.kind == IMDN_DELIVERY);
    IS(m.status, "failed");
    cr_expect_eq(imdn_read(x, slice_str("From: <im:a@b>\r\n\r\nContent-Type: text/plain\r\n\r\n<imdn/>"), &m), XML_NOT_THIS);
    EVERY_TRUNCATION(slice_str(enveloped), cut, cr_expect_neq(imdn_read(x, cut, &m), XML_OK));
}

Test(messages, typing_is_read)
{
    struct is_composing c;
    struct slice body = slice_str("<?xml version=\"1.0\"?><isComposing xmlns=\"urn:ietf:params:xml:ns:im-iscomposing\"><state>active</state>"
                                  "<contenttype>text/plain</contenttype><refresh>90</refresh></isComposing>");
    cr_assert_eq(is_composing_read(x, body, &c), XML_OK);
    cr_expect(c.active);
    cr_expect_eq(c.refresh_s, 90);
    IS(c.content_type, "text/plain");
    cr_expect_eq(is_composing_read(x, slice_str("<isComposing><state>idle</state><lastactive>2003-01-27T10:43:00Z</lastactive></isComposing>"), &c), XML_OK);
    cr_expect(!c.active && c.refresh_s == -1);
    IS(c.last_active, "2003-01-27T10:43:00Z");
    EVERY_TRUNCATION(body, cut, cr_expect_eq(is_composing_read(x, cut, &c), XML_SYNTAX));
}

#define BYTES(text) slice_of(text, sizeof text - 1)

/* RP-DATA to the network: reference 1, no origin, service centre +49172270000; SUBMIT to +491711234567, "hellohello". */
static const char submit[] = "\x00\x01\x00\x07\x91\x94\x71\x22\x07\x00\x00\x16"
                             "\x01\x05\x0c\x91\x94\x71\x11\x32\x54\x76\x00\x00\x0a\xe8\x32\x9b\xfd\x46\x97\xd9\xec\x37";

Test(messages, a_submitted_short_message_is_read)
{
    struct sms s;
    char text[64];
    cr_assert(sms_read(BYTES(submit), &s));
    cr_expect_eq(s.rp, SMS_RP_DATA);
    cr_expect(!s.from_network);
    cr_expect_eq(s.reference, 1);
    cr_expect_str_eq(s.smsc, "+491722700000");
    cr_expect_eq(s.tp, SMS_SUBMIT);
    cr_expect_str_eq(s.number, "+491711234567");
    cr_expect_eq(s.text_length, 10);
    cr_expect_eq(sms_text(&s, text, sizeof text), 10);
    cr_expect_str_eq(text, "hellohello");
    cr_expect_eq(sms_text(&s, text, 4), 3);
    cr_expect_str_eq(text, "hel");
    EVERY_TRUNCATION(BYTES(submit), cut, cr_expect(!sms_read(cut, &s)));
}

Test(messages, delivered_ones_know_letters_ucs2_and_parts)
{
    /* from "Earshot" (alphanumeric), UCS-2 with a surrogate pair, part 2 of 3, reference 0x1234 */
    static const char deliver[] = "\x01\x07\x07\x91\x94\x71\x22\x07\x00\x00\x00\x25"
                                  "\x44\x0d\xd0\xc5\xb0\x7c\x8e\x7e\xd3\x01\x00\x08\x42\x10\x10\x21\x43\x65\x80\x0d"
                                  "\x06\x08\x04\x12\x34\x03\x02\x00\x48\xd8\x3d\xde\x00";
    struct sms s;
    char text[32];
    static char fixed[sizeof deliver];
    memcpy(fixed, deliver, sizeof deliver);
    fixed[11] = (char)(sizeof deliver - 1 - 12);
    cr_assert(sms_read(slice_of(fixed, sizeof fixed - 1), &s));
    cr_expect(s.from_network);
    cr_expect_eq(s.tp, SMS_DELIVER);
    cr_expect_str_eq(s.number, "Earshot");
    cr_expect_str_eq(s.smsc, "+491722700000");
    cr_expect(s.has_header && s.concat_ref == 0x1234 && s.parts == 3 && s.part == 2);
    cr_expect_eq(s.text_length, 3);
    sms_text(&s, text, sizeof text);
    cr_expect_str_eq(text, "H\xf0\x9f\x98\x80");
    EVERY_TRUNCATION(slice_of(fixed, sizeof fixed - 1), cut, cr_expect(!sms_read(cut, &s)));
}

Test(messages, acknowledgements_and_reports_are_told)
{
    struct sms s;
    cr_assert(sms_read(BYTES("\x03\x05"), &s));
    cr_expect(s.rp == SMS_RP_ACK && s.from_network && s.reference == 5 && s.tp == SMS_TP_NONE);
    cr_assert(sms_read(BYTES("\x02\x05\x41\x02\x00\x00"), &s));
    cr_expect(s.rp == SMS_RP_ACK && s.tp == SMS_DELIVER_REPORT);
    cr_assert(sms_read(BYTES("\x03\x05\x41\x09\x01\x00\x42\x10\x10\x21\x43\x65\x80"), &s));
    cr_expect_eq(s.tp, SMS_SUBMIT_REPORT);
    cr_assert(sms_read(BYTES("\x05\x06\x01\x2a"), &s));
    cr_expect(s.rp == SMS_RP_ERROR && s.rp_cause == 42);
    cr_assert(sms_read(BYTES("\x06\x07"), &s));
    cr_expect_eq(s.rp, SMS_RP_SMMA);
    /* a status report for +49171, delivered */
    cr_assert(sms_read(BYTES("\x01\x08\x00\x00\x16\x06\x09\x05\x91\x94\x71\xf1\x42\x10\x10\x21\x43\x65\x80\x42\x10\x10\x21\x43\x65\x80\x00"), &s));
    cr_expect_eq(s.tp, SMS_STATUS_REPORT);
    cr_expect_str_eq(s.number, "+49171");
    cr_expect(!sms_read(BYTES("\x07\x05"), &s));
    cr_expect(!sms_read(BYTES("SIP"), &s));
    cr_expect(!sms_read(slice_none(), &s));
}

Test(messages, the_alphabet_has_its_extension)
{
    /* SUBMIT without validity, septets: euro (1b 65), a-umlaut (7b) */
    struct sms s;
    char text[16];
    cr_assert(sms_read(BYTES("\x00\x01\x00\x00\x0b\x01\x05\x01\x81\xf1\x00\x00\x03\x9b\xf2\x1e"), &s));
    cr_expect_str_eq(s.number, "1");
    sms_text(&s, text, sizeof text);
    cr_expect_str_eq(text, "\xe2\x82\xac\xc3\xa4");
    cr_expect_eq(sms_text(&s, text, 3), 0, "no half characters");
    cr_expect_eq(sms_text(&s, text, 0), 0);
}

Test(messages, a_file_selector_is_read)
{
    struct file_meta m;
    struct slice value = slice_str("name:\"My cool picture.jpg\" type:image/jpeg;x=y size:32349 hash:sha-1:72:24:5F:E8");
    cr_assert(file_meta_selector(value, &m));
    IS(m.name, "My cool picture.jpg");
    IS(m.type, "image/jpeg");
    cr_expect_eq(m.size_bytes, 32349);
    IS(m.hash_algorithm, "sha-1");
    IS(m.hash, "72:24:5F:E8");
    cr_assert(file_meta_selector(slice_str("type:text/plain"), &m));
    cr_expect_eq(m.size_bytes, -1);
    cr_expect(!file_meta_selector(slice_str("size:big"), &m));
    cr_expect(!file_meta_selector(slice_none(), &m));
    EVERY_TRUNCATION(value, cut, file_meta_selector(cut, &m));
}

Test(messages, the_file_of_an_rcs_transfer_is_read_not_its_thumbnail)
{
    struct file_meta m;
    struct slice body = slice_str(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><file xmlns=\"urn:gsma:params:xml:ns:rcs:rcs:fthttp\"><file-info type=\"thumbnail\">"
        "<file-size>100</file-size><content-type>image/png</content-type><data url=\"https://ft.example/t\" until=\"x\"/></file-info>"
        "<file-info type=\"file\"><file-size>183524</file-size><file-name>DSC.jpg</file-name><content-type>image/jpeg</content-type>"
        "<data url=\"https://ft.example/f?a=1&amp;b=2\" until=\"2026-04-20T17:30:00Z\"/></file-info></file>");
    cr_assert_eq(file_meta_rcs(x, body, &m), XML_OK);
    IS(m.name, "DSC.jpg");
    IS(m.type, "image/jpeg");
    IS(m.url, "https://ft.example/f?a=1&b=2");
    IS(m.until, "2026-04-20T17:30:00Z");
    cr_expect_eq(m.size_bytes, 183524);
    cr_expect_eq(file_meta_rcs(x, slice_str("<file><file-info type='thumbnail'/></file>"), &m), XML_NOT_THIS);
    EVERY_TRUNCATION(body, cut, cr_expect_eq(file_meta_rcs(x, cut, &m), XML_SYNTAX));
}

Test(messages, a_link_in_a_text_is_a_file)
{
    static const struct {
        const char *text, *url, *name;
    } cases[] = {
        {"look: https://files.example:8443/a/cat.jpg?k=1, nice", "https://files.example:8443/a/cat.jpg?k=1", "cat.jpg"},
        {"(see HTTP://x.example/y/)", "HTTP://x.example/y/", "y"},
        {"http://x.example.", "http://x.example", ""},
        {"http://... then http://x/y", "http://x/y", "y"},
        {"no link, http is a protocol", NULL, NULL},
        {"https://", NULL, NULL},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct file_meta m;
        bool found = file_meta_link(slice_str(cases[i].text), &m);
        cr_expect_eq(found, cases[i].url != NULL, "%s", cases[i].text);
        if (found && cases[i].url) {
            IS(m.url, cases[i].url);
            IS(m.name, cases[i].name);
        }
    }
    struct file_meta m;
    EVERY_TRUNCATION(slice_str(cases[0].text), cut, file_meta_link(cut, &m));
}
