/* Keys in the text of a message. */
#include "capture/sip/mask.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#include "tests/support/guard.h"

static const char *const keys[][2] = {
    {"INFO sip:a SIP/2.0\r\nContent-Type: "
     "application/dtmf-relay\r\n\r\nSignal=5\r\nDuration=160\r\n",
     "INFO sip:a SIP/2.0\r\nContent-Type: "
     "application/dtmf-relay\r\n\r\nSignal=*\r\nDuration=160\r\n"},
    {"INFO sip:a SIP/2.0\nc:\n Application/DTMF ;a=b\n\n 12 ",
     "INFO sip:a SIP/2.0\nc:\n Application/DTMF ;a=b\n\n *  "},
    {"\r\nINFO sip:a SIP/2.0\r\nContent-Type: multipart/mixed;boundary=x\r\n\r\n--x\r\n"
     "Content-Type: application/dtmf-relay\r\n\r\nsignal = 11\r\nd=7\r\n--x\r\nContent-Type: "
     "text/plain\r\n\r\n5",
     "\r\nINFO sip:a SIP/2.0\r\nContent-Type: multipart/mixed;boundary=x\r\n\r\n--x\r\n"
     "Content-Type: application/dtmf-relay\r\n\r\nsignal = * \r\n*  \r\n--x\r\nContent-Type: "
     "text/plain\r\n\r\n5"},
    {"NOTIFY sip:a SIP/2.0\r\nContent-Type: application/kpml-response+xml\r\n\r\n<?xml version=\"1.0\"?>\r\n"
     "<kpml-response code=\"200\" digits=\"12#\" tag=\"dtmf\"/>\r\n",
     "NOTIFY sip:a SIP/2.0\r\nContent-Type: application/kpml-response+xml\r\n\r\n<?xml version=\"1.0\"?>\r\n"
     "<kpml-response code=\"200\" digits=\"***\" tag=\"dtmf\"/>\r\n"},
    {"NOTIFY sip:a SIP/2.0\nc: Application/KPML-Response+xml;charset=utf-8\n\n<kpml-response\n digits\n=\n '7&#49;\n9' code='2'/>5",
     "NOTIFY sip:a SIP/2.0\nc: Application/KPML-Response+xml;charset=utf-8\n\n<kpml-response\n digits\n=\n '******\n*' code='2'/>5"},
    {"NOTIFY sip:a SIP/2.0\r\nContent-Type: text/xml\r\n\r\n<kpml-response digits=\"12\"/>\r\n", NULL},
    {"INFO sip:a SIP/2.0\r\nContent-Type: text/plain\r\n\r\nSignal=5\r\n", NULL},
    {"INFO sip:a SIP/2.0\r\nContent-Type: application/dtmf-relay\r\nSignal=5\r\n", NULL},
    {"INFO sip:a SIP/2.0\r\nContent-Type: application/dtmf\r\n\r\n", NULL},
};

Test(sip_mask, keys_go_and_lengths_stay)
{
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        struct slice text = guard_copy(slice_str(keys[i][0]));
        const char *wanted = keys[i][1] ? keys[i][1] : keys[i][0];
        uint8_t *copy = malloc(text.size);
        memcpy(copy, text.data, text.size);
        cr_expect_eq(sip_digits_in(text) == 0, keys[i][1] == NULL, "%s", keys[i][0]);
        cr_expect_eq(sip_mask_digits(copy, text.size), sip_digits_in(text));
        cr_expect(slice_is(slice_of(copy, text.size), wanted), "%.*s", (int)text.size, copy);
        sip_mask_digits(copy, text.size);
        cr_expect(slice_is(slice_of(copy, text.size), wanted), "twice: %.*s", (int)text.size, copy);
        free(copy);
        guard_free(text);
    }
}

Test(sip_mask, every_truncation_is_read_within_its_bounds)
{
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        for (size_t n = 0; n < strlen(keys[i][0]); n++) {
            struct slice text = guard_copy(slice_of(keys[i][0], n));
            sip_digits_in(text);
            guard_free(text);
        }
}
