/* Finding the SDP in a body. */
#include "tests/unit/sip/expect.h"

static struct slice sdp_of(const char *headers, const char *body)
{
    static char text[8192];
    snprintf(text, sizeof text, "INVITE sip:b SIP/2.0\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\n%s\r\n%s",
             headers, body);
    return sip_body_part(parsed(text, SIP_OK), "application/sdp");
}

Test(sip_body, the_sdp_is_found_wherever_it_stands)
{
    static const struct {
        const char *headers, *body, *sdp;
    } cases[] = {
        {"Content-Type: application/sdp\r\n", "v=0\r\n", "v=0\r\n"},
        {"c: Application/SDP ; charset=utf-8\r\n", "v=0\r\n", "v=0\r\n"},
        {"Content-Type:\r\n application/sdp\r\n", "v=0\r\n", "v=0\r\n"},
        {"", "v=0\r\n", "v=0\r\n"},
        {"", "w=0\r\n", ""},
        {"Content-Type: text/plain\r\n", "v=0\r\n", ""},
        {"Content-Type: application/sdpx\r\n", "v=0\r\n", ""},
        {"Content-Type: application/sdp\r\nContent-Encoding: gzip\r\n", "\x1f\x8b", ""},
        {"Content-Type: multipart/mixed;boundary=b1\r\n",
         "--b1\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n--b1--\r\n", "v=0"},
        {"Content-Type: multipart/mixed; boundary=\"b 1\"\r\n",
         "preamble\r\n--b 1 \r\nContent-Type: application/isup\r\n\r\n\x01\x02\r\n"
         "--b 1\r\nContent-Disposition: session\r\nContent-Type: "
         "application/sdp\r\n\r\nv=0\r\n\r\n--b 1--",
         "v=0\r\n"},
        {"Content-Type: MULTIPART/Related;type=\"x\";BOUNDARY=b\r\n",
         "--b\nc:\n application/sdp;x\n\nv=0\ns=-\n--b--\n", "v=0\ns=-"},
        {"Content-Type: multipart/mixed;boundary=b\r\n", /* the end is missing */
         "--b\r\nContent-Type: application/sdp\r\n\r\nv=0\r\ns=", "v=0\r\ns="},
        {"Content-Type: multipart/mixed;boundary=b\r\n", /* no headers in the part */
         "--b\r\n\r\nv=0\r\n--b--", "v=0"},
        {"Content-Type: multipart/mixed;boundary=b\r\n",
         "--b\r\nContent-Type: application/sdp\r\nContent-Transfer-Encoding: "
         "base64\r\n\r\ndj0w\r\n--b--",
         ""},
        {"Content-Type: multipart/mixed;boundary=b\r\n",
         "--b\r\nContent-Type: application/sdp\r\nContent-Transfer-Encoding: "
         "binary\r\n\r\nv=0\r\n--b--",
         "v=0"},
        {"Content-Type: multipart/mixed;boundary=b\r\n", /* behind the end: epilogue */
         "--b\r\n\r\nx\r\n--b--\r\n--b\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n", ""},
        {"Content-Type: multipart/mixed;boundary=b\r\n", /* nested; the inner boundary begins like
                                                            the outer */
         "--b\r\nContent-Type: multipart/alternative;boundary=bb\r\n\r\n"
         "--bb\r\nContent-Type: text/plain\r\n\r\nhi\r\n"
         "--bb\r\nContent-Type: application/sdp\r\n\r\nv=0\r\nx\r\n--bb--\r\n--b--\r\n",
         "v=0\r\nx"},
        {"Content-Type: multipart/mixed\r\n", "--b\r\n\r\nv=0\r\n--b--", ""},
        {"Content-Type: multipart/mixed;boundary=\r\n", "--\r\n\r\nv=0\r\n----", ""},
        {"Content-Type: multipart/mixed;boundary=b\r\n", "", ""},
        {"Content-Type: multipart/mixed;boundary=b\r\n", "--b", ""},
        {"Content-Type: multipart/mixed;boundary=b\r\n", "--b\r\n--b\r\n--b\r\n\r\nv=0\r\n",
         "v=0\r\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct slice sdp = sdp_of(cases[i].headers, cases[i].body);
        cr_expect(slice_is(sdp, cases[i].sdp), "case %zu: \"%.*s\"", i, SLICE_ARGS(sdp));
    }
}

Test(sip_body, nesting_is_followed_to_four_levels)
{
    for (int depth = 1; depth <= 6; depth++) {
        char headers[64], body[1024] = "";
        snprintf(headers, sizeof headers, "Content-Type: multipart/mixed;boundary=l1\r\n");
        for (int i = 1; i <= depth; i++) {
            char part[128];
            if (i < depth)
                snprintf(part, sizeof part,
                         "--l%d\r\nContent-Type: multipart/mixed;boundary=l%d\r\n\r\n", i, i + 1);
            else
                snprintf(part, sizeof part, "--l%d\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n",
                         i);
            strcat(body, part);
        }
        cr_expect(sdp_of(headers, body).size == (depth <= 4 ? 5 : 0), "depth %d", depth);
    }
}

Test(sip_body, other_types_are_found_too)
{
    const struct sip_msg *m =
        parsed("MESSAGE sip:b SIP/2.0\r\nCall-ID: x\r\nCSeq: 1 MESSAGE\r\n"
               "Content-Type: multipart/mixed;boundary=b\r\n\r\n"
               "--b\r\nContent-Type: text/plain\r\n\r\nHello\r\n"
               "--b\r\nContent-Type: application/rs-metadata+xml\r\n\r\n<r/>\r\n--b--\r\n",
               SIP_OK);
    EXPECT_TEXT(sip_body_part(m, "application/rs-metadata+xml"), "<r/>");
    EXPECT_TEXT(sip_body_part(m, "text/plain"), "Hello");
    cr_expect_eq(sip_body_part(m, "application/sdp").size, 0);
}
