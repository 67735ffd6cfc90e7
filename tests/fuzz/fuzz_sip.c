/* Any bytes through everything that capture/sip/sip.h offers. */
#include <assert.h>

#include "capture/sip/identity.h"
#include "capture/sip/sdp.h"
#include "capture/sip/sip.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void use_item(struct slice item)
{
    struct sip_addr addr;
    struct sip_via via;
    struct slice value;
    char text[64];
    sip_addr_parse(item, &addr);
    sip_via_parse(item, &via);
    sip_param(item, "tag", &value);
    sip_auth_param(item, "nonce", &value);
    size_t n = sip_unfold(item, text, sizeof text);
    assert(n < sizeof text && text[n] == '\0');
}

static void use_headers(const struct sip_msg *m)
{
    assert(m->header_count <= SIP_HEADERS_MAX);
    for (unsigned i = 0; i < m->header_count; i++) {
        struct slice rest = m->headers[i].value, item;
        assert(rest.size <= SIP_VALUE_MAX);
        while (sip_list_next(&rest, &item))
            use_item(item);
    }
    struct slice item;
    for (unsigned id = 0; id <= SIP_H_OTHER; id++) {
        for (unsigned n = 0; n < 4 && sip_header_item(m, id, n, &item); n++)
            assert(item.size > 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct sip_msg m;
    static struct sdp sdp;
    struct slice datagram = slice_of(data, size);
    bool looks = sip_looks_like(datagram);
    enum sip_verdict verdict = sip_parse(datagram, &m);
    assert(looks == (verdict == SIP_OK || verdict == SIP_BAD));
    static struct sip_msg outline;
    assert(sip_outline(datagram, &outline) == verdict);
    if (verdict != SIP_OK)
        return 0;
    assert(slice_equal(m.method_text, outline.method_text) && m.cseq == outline.cseq);
    assert(slice_equal(m.from.tag, outline.from.tag) && slice_equal(m.to.tag, outline.to.tag));
    assert(slice_equal(m.body, outline.body) && slice_equal(m.content_type, outline.content_type));
    assert(m.whole.data >= data && m.whole.data + m.whole.size <= data + size);
    assert(m.body.data + m.body.size == m.whole.data + m.whole.size);
    struct slice item;
    struct sip_reason reason;
    for (unsigned n = 0; sip_header_item(&m, SIP_H_REASON, n, &item); n++)
        sip_reason_parse(item, &reason);
    use_headers(&m);
    sdp_parse(sip_body_part(&m, "application/sdp"), &sdp);
    return 0;
}
