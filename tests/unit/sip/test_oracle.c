/* The same messages through libosip2: where that parser accepts one, both must say the same. */
#if __has_include(<osipparser2/osip_parser.h>)
#include "tests/unit/sip/expect.h"

#include <sys/time.h> /* osip_port.h needs it */

#include <osipparser2/osip_parser.h>
#undef SIP_OK /* theirs is 200 */

static void expect_same(struct slice ours, const char *theirs, const char *what, const char *start)
{
    cr_expect(slice_is(ours, theirs ? theirs : ""), "%s: \"%.*s\", not \"%s\" in %s", what,
              SLICE_ARGS(ours), theirs ? theirs : "", start);
}

static const char *parameter(osip_list_t *params, const char *name)
{
    osip_generic_param_t *p = NULL;
    char wanted[16];
    slice_copy_to(slice_str(name), wanted, sizeof wanted);
    return osip_generic_param_get_byname(params, wanted, &p) == 0 && p ? p->gvalue : NULL;
}

static void compare(const char *start, const struct sip_msg *ours, osip_message_t *theirs)
{
    char *call_id = NULL;
    cr_assert_eq(osip_call_id_to_str(theirs->call_id, &call_id), 0);
    expect_same(ours->call_id, call_id, "Call-ID", start);
    osip_free(call_id);
    char number[16];
    snprintf(number, sizeof number, "%u", ours->cseq);
    cr_expect_str_eq(number, theirs->cseq->number);
    expect_same(ours->cseq_method, theirs->cseq->method, "CSeq", start);
    expect_same(ours->from.tag, parameter(&theirs->from->gen_params, "tag"), "From tag", start);
    expect_same(ours->to.tag, parameter(&theirs->to->gen_params, "tag"), "To tag", start);
    expect_same(ours->from.user, theirs->from->url->username, "From user", start);
    expect_same(ours->to.host, theirs->to->url->host, "To host", start);
    osip_via_t *via = osip_list_get(&theirs->vias, 0);
    expect_same(ours->via.branch, parameter(&via->via_params, "branch"), "branch", start);
    expect_same(ours->via.host, via->host, "Via host", start);
    cr_expect_eq(ours->request, MSG_IS_REQUEST(theirs) ? true : false);
    if (ours->request)
        expect_same(ours->method_text, theirs->sip_method, "method", start);
    else
        cr_expect_eq(ours->status, theirs->status_code);
    osip_body_t *body = osip_list_get(&theirs->bodies, 0);
    if (body)
        cr_expect(ours->body.size == body->length, "body in %s", start);
}

static const char *const starts[] = {
    "INVITE sip:b@example.com SIP/2.0",
    "ACK sip:b@example.com SIP/2.0",
    "BYE sip:b@example.com;transport=udp SIP/2.0",
    "CANCEL sip:b@[2001:db8::1]:5062 SIP/2.0",
    "REGISTER sips:example.com SIP/2.0",
    "SIP/2.0 100 Trying",
    "SIP/2.0 180 Ringing",
    "SIP/2.0 200 OK",
    "SIP/2.0 486 Busy Here",
    "SIP/2.0 603 Decline",
};

static const char *const headers[] = {
    "Via: SIP/2.0/UDP 192.0.2.1:5060;rport;branch=z9hG4bK77\r\n"
    "From: \"Alice\" <sip:alice@example.com>;tag=a1\r\nTo: <sip:bob@example.com>;tag=b2\r\n"
    "Call-ID: 1@example.com\r\n",
    "v:SIP/2.0/TCP h.example.com;received=192.0.2.3;branch=z9hG4bK78,SIP/2.0/UDP "
    "x;branch=z9hG4bK79\r\n"
    "f:sip:alice@example.com;tag=a2\r\nt:Bob <sip:bob@example.com;user=phone>\r\ni:2\r\n",
    "Max-Forwards: 70\r\nVIA: SIP/2.0/UDP [2001:db8::9]:5060;branch=z9hG4bK80\r\nVia: SIP/2.0/UDP "
    "y\r\n"
    "FROM: \"A \\\"x\\\", y\" <sip:alice;p=1@example.com:5070;lr>;x=y;tag=a3\r\n"
    "TO :\r\n <sip:bob@[2001:db8::7]> ;tag=b3\r\ncall-id: 3-abc~!*'@192.0.2.1\r\n"
    "Contact: <sip:1@h>, <sip:2@h>\r\n",
};

static void check(const char *start, const char *method, const char *lines, const char *body)
{
    static char text[4096];
    int size = snprintf(text, sizeof text,
                        "%s\r\n%sCSeq: 4711 %s\r\nContent-Type: application/sdp\r\n"
                        "Content-Length: %zu\r\n\r\n%s",
                        start, lines, method, strlen(body), body);
    osip_message_t *theirs = NULL;
    cr_assert_eq(osip_message_init(&theirs), 0);
    cr_assert(osip_message_parse(theirs, text, (size_t)size) == 0, "libosip2 refuses %s", text);
    compare(start, parsed(text, SIP_OK), theirs);
    osip_message_free(theirs);
}

Test(sip_oracle, libosip2_says_the_same)
{
    parser_init();
    for (size_t s = 0; s < sizeof starts / sizeof starts[0]; s++) {
        char method[16];
        struct slice first =
            slice_sub(slice_str(starts[s]), 0, slice_index(slice_str(starts[s]), ' '));
        slice_copy_to(slice_starts(first, "SIP/") ? slice_str("INVITE") : first, method,
                      sizeof method);
        for (size_t h = 0; h < sizeof headers / sizeof headers[0]; h++)
            check(starts[s], method, headers[h], h == 1 ? "" : "v=0\r\ns=-\r\n");
    }
}
#endif
