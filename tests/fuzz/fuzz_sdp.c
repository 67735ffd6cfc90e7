/* Any bytes as an SDP body, and the keys that it tells. */
#include <assert.h>

#include "capture/sip/sdp.h"
#include "capture/sip/sdp_crypto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_keys(struct slice line)
{
    struct media_key keys[2];
    unsigned count = sdp_crypto_keys(line, keys, 2);
    assert(count <= 2);
    for (unsigned i = 0; i < count; i++)
        assert(keys[i].key_bytes + keys[i].salt_bytes <= MEDIA_KEY_BYTES_MAX &&
               keys[i].mki_bytes <= MEDIA_MKI_MAX);
}

static void check_media(const struct sdp_media *m)
{
    assert(m->format_count <= SDP_FORMATS_MAX && m->crypto_count <= SDP_CRYPTO_MAX);
    assert(m->port_count >= 1 && m->direction <= SDP_INACTIVE && m->type <= SDP_OTHER);
    for (unsigned i = 0; i < m->crypto_count; i++)
        check_keys(m->crypto[i]);
    assert(m->candidate_count <= SDP_CANDIDATES_MAX);
    for (unsigned i = 0; i < m->candidate_count; i++) {
        const struct sdp_candidate *c = &m->candidates[i];
        assert(c->port && c->component >= 1 && c->component <= 2 && c->type <= SDP_RELAY);
        assert(!addr_is_any(c->address));
    }
    for (unsigned i = 0; i < m->format_count; i++) {
        assert(m->formats[i].payload_type <= 127 && m->formats[i].channels >= 1);
        for (unsigned j = 0; j < i; j++)
            assert(m->formats[i].payload_type != m->formats[j].payload_type);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct sdp sdp;
    if (sdp_parse(slice_of(data, size), &sdp) != SDP_OK)
        return 0;
    assert(sdp.media_count <= SDP_MEDIA_MAX);
    for (unsigned i = 0; i < sdp.media_count; i++)
        check_media(&sdp.media[i]);
    for (unsigned i = 0; i < sdp.media_count; i++)
        assert(!sdp_bundled(&sdp, &sdp.media[i]) || sdp.bundle);
    return 0;
}
