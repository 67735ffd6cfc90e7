/* tag SP suite SP inline:key||salt["|"lifetime]["|"MKI:length] *(";" ...) *(SP session parameter)
 */
#include "capture/sip/sdp_crypto.h"

#include "base/base64.h"
#include "base/crypto.h"

static const struct suite {
    const char *name;
    struct media_key shape;
} suites[] = {
#define SUITE(name, how, key, salt, tag)                                                           \
    {                                                                                              \
        name,                                                                                      \
        {                                                                                          \
            .cipher = how, .key_bytes = key, .salt_bytes = salt, .tag_bytes = tag                  \
        }                                                                                          \
    }
    SUITE("AES_CM_128_HMAC_SHA1_80", MEDIA_CIPHER_AES_CM, 16, 14, 10),
    SUITE("AES_CM_128_HMAC_SHA1_32", MEDIA_CIPHER_AES_CM, 16, 14, 4),
    SUITE("AES_192_CM_HMAC_SHA1_80", MEDIA_CIPHER_AES_CM, 24, 14, 10),
    SUITE("AES_192_CM_HMAC_SHA1_32", MEDIA_CIPHER_AES_CM, 24, 14, 4),
    SUITE("AES_256_CM_HMAC_SHA1_80", MEDIA_CIPHER_AES_CM, 32, 14, 10),
    SUITE("AES_256_CM_HMAC_SHA1_32", MEDIA_CIPHER_AES_CM, 32, 14, 4),
    SUITE("AEAD_AES_128_GCM", MEDIA_CIPHER_AES_GCM, 16, 12, 16),
    SUITE("AEAD_AES_256_GCM", MEDIA_CIPHER_AES_GCM, 32, 12, 16),
    /* names of drafts, which telephones still use */
    SUITE("AES_CM_192_HMAC_SHA1_80", MEDIA_CIPHER_AES_CM, 24, 14, 10),
    SUITE("AES_CM_192_HMAC_SHA1_32", MEDIA_CIPHER_AES_CM, 24, 14, 4),
    SUITE("AES_CM_256_HMAC_SHA1_80", MEDIA_CIPHER_AES_CM, 32, 14, 10),
    SUITE("AES_CM_256_HMAC_SHA1_32", MEDIA_CIPHER_AES_CM, 32, 14, 4),
    SUITE("AEAD_AES_128_GCM_8", MEDIA_CIPHER_AES_GCM, 16, 12, 8),
    SUITE("AEAD_AES_256_GCM_8", MEDIA_CIPHER_AES_GCM, 32, 12, 8),
    SUITE("NULL_HMAC_SHA1_80", MEDIA_CIPHER_NULL, 16, 14, 10),
    SUITE("NULL_HMAC_SHA1_32", MEDIA_CIPHER_NULL, 16, 14, 4),
#undef SUITE
};

static struct slice word(struct slice *text)
{
    while (text->size && text->data[0] == ' ')
        *text = slice_from(*text, 1);
    return slice_cut(text, ' ');
}

static bool suite_named(struct slice name, struct media_key *ret_shape)
{
    for (unsigned i = 0; i < sizeof suites / sizeof suites[0]; i++) {
        if (slice_equal_nocase(name, slice_str(suites[i].name))) {
            *ret_shape = suites[i].shape;
            return true;
        }
    }
    return false;
}

/* UNENCRYPTED_SRTP and UNAUTHENTICATED_SRTP change what is done to a packet (RFC
 * 4568 6.3.2, 6.3.3); session keys that are derived again and again (KDR) cannot be opened; the
 * others concern us not. */
static bool apply_parameter(struct slice text, struct media_key *shape)
{
    if (slice_equal_nocase(text, slice_str("UNENCRYPTED_SRTP")))
        shape->cipher = MEDIA_CIPHER_NULL;
    else if (slice_equal_nocase(text, slice_str("UNAUTHENTICATED_SRTP")))
        shape->tag_bytes = 0;
    else if (slice_starts_nocase(text, "KDR="))
        return slice_is(slice_from(text, 4), "0");
    return true;
}

/* "1:4": value and size of the MKI field (RFC 4568 9.2). */
static bool read_mki(struct slice text, struct media_key *key)
{
    struct slice value = slice_cut(&text, ':');
    uint64_t number;
    uint32_t size;
    if (!slice_to_u64(value, UINT64_MAX, &number) || !slice_to_u32(text, &size) || size == 0 ||
        size > MEDIA_MKI_MAX)
        return false;
    key->mki_bytes = (uint8_t)size;
    for (unsigned i = size; i-- > 0; number >>= 8)
        key->mki[i] = (uint8_t)number;
    return number == 0;
}

/* Older versions covered keys with this letter, which is one of base64. */
static bool is_covered(struct slice material)
{
    size_t n = 0;
    while (n < material.size && material.data[n] == 'x')
        n++;
    return n == material.size;
}

/* A lifetime ("2^20") says when a key may no longer be used; the packets show whether it was. */
static bool read_key(struct slice text, const struct media_key *shape, struct media_key *ret_key)
{
    if (!slice_starts_nocase(text, "inline:"))
        return false;
    text = slice_from(text, strlen("inline:"));
    struct slice material = slice_cut(&text, '|');
    *ret_key = *shape;
    size_t size = is_covered(material) ? 0 : base64_decode(material, ret_key->bytes, sizeof ret_key->bytes);
    if (size != (size_t)shape->key_bytes + shape->salt_bytes)
        return false;
    while (text.size) {
        struct slice part = slice_cut(&text, '|');
        if (memchr(part.data, ':', part.size) && !read_mki(part, ret_key))
            return false;
    }
    return true;
}

/* What stands ahead of the keys and behind them. */
static bool read_line(struct slice value, struct media_key *ret_shape, struct slice *ret_keys)
{
    word(&value); /* the tag */
    if (!suite_named(word(&value), ret_shape))
        return false;
    *ret_keys = word(&value);
    while (value.size) {
        if (!apply_parameter(word(&value), ret_shape))
            return false;
    }
    return slice_starts_nocase(*ret_keys, "inline:") && ret_keys->size > strlen("inline:");
}

bool sdp_crypto_shape(struct slice value, struct media_key *ret_shape)
{
    struct slice keys;
    return read_line(value, ret_shape, &keys);
}

unsigned sdp_crypto_keys(struct slice value, struct media_key *ret_keys, unsigned room)
{
    struct media_key shape;
    struct slice keys;
    unsigned count = 0;
    if (!read_line(value, &shape, &keys))
        return 0;
    while (keys.size && count < room) {
        if (read_key(slice_cut(&keys, ';'), &shape, &ret_keys[count]))
            count++;
        else
            crypto_wipe(&ret_keys[count], sizeof ret_keys[count]);
    }
    return count;
}
