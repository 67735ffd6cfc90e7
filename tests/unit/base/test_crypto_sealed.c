/* HMAC, AEAD and CBC against vectors of their standards; certificates by hand. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <stdlib.h>

#include "base/buf.h"
#include "base/crypto.h"
#include "base/crypto_certificate.h"
#include "base/crypto_cipher.h"
#include "base/crypto_key.h"
#include "tests/support/guard.h"

static size_t from_hex(const char *hex, uint8_t *out)
{
    size_t n = 0;
    for (; hex[0]; hex += 2) {
        char pair[3] = {hex[0], hex[1], 0};
        out[n++] = (uint8_t)strtoul(pair, NULL, 16);
    }
    return n;
}

static const struct {
    enum crypto_cipher cipher;
    const char *key, *nonce, *aad, *sealed, *plain;
} vectors[] = {
    /* The GCM specification, test cases 2 and 14. */
    {CRYPTO_AES_128_GCM, "00000000000000000000000000000000", "000000000000000000000000", "",
     "0388dace60b6a392f328c2b971b2fe78ab6e47d42cec13bdf53a67b21257bddf",
     "00000000000000000000000000000000"},
    {CRYPTO_AES_256_GCM, "0000000000000000000000000000000000000000000000000000000000000000",
     "000000000000000000000000", "",
     "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919",
     "00000000000000000000000000000000"},
    /* RFC 8439 2.8.2. */
    {CRYPTO_CHACHA20_POLY1305, "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f",
     "070000004041424344454647", "50515253c0c1c2c3c4c5c6c7",
     "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d6"
     "3dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b67ecd3b36"
     "92ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc"
     "3ff4def08e4b7a9de576d26586cec64b61161ae10b594f09e26a7e902ecbd0600691",
     "4c616469657320616e642047656e746c656d656e206f662074686520636c6173"
     "73206f66202739393a204966204920636f756c64206f6666657220796f75206f"
     "6e6c79206f6e652074697020666f7220746865206675747572652c2073756e73"
     "637265656e20776f756c642062652069742e"},
};

Test(crypto_sealed, what_was_sealed_opens_and_nothing_else)
{
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        uint8_t key[32], nonce[12], aad[16], sealed[256], plain[256], want[256];
        from_hex(vectors[i].key, key);
        from_hex(vectors[i].nonce, nonce);
        struct slice a = slice_of(aad, from_hex(vectors[i].aad, aad));
        struct slice s = slice_of(sealed, from_hex(vectors[i].sealed, sealed));
        size_t size = from_hex(vectors[i].plain, want);
        struct crypto_opener *o = crypto_opener_new(vectors[i].cipher, key);
        for (unsigned again = 0; again < 2; again++) {
            cr_assert(crypto_aead_open(o, nonce, a, s, plain), "vector %zu", i);
            cr_assert(eq(int, memcmp(plain, want, size), 0));
            for (size_t k = 0; k < s.size; k += 5) {
                sealed[k] ^= 1;
                cr_assert(not(crypto_aead_open(o, nonce, a, s, plain)));
                sealed[k] ^= 1;
            }
            for (size_t cut = 0; cut < s.size; cut += 3)
                cr_assert(not(crypto_aead_open(o, nonce, a, slice_sub(s, 0, cut), plain)));
        }
        crypto_opener_free(o);
    }
}

Test(crypto_sealed, hmac_takes_its_message_in_parts)
{
    /* RFC 4231, test case 2. */
    static const char want[] = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
    const struct slice parts[] = {slice_str("what do ya want "), slice_none(),
                                  slice_str("for nothing?")};
    uint8_t mac[CRYPTO_HASH_SIZE_MAX];
    char hex[2 * CRYPTO_HASH_SIZE_MAX + 1];
    struct crypto_mac *m = crypto_mac_new(CRYPTO_SHA256, slice_str("Jefe"));
    for (unsigned again = 0; again < 2; again++) {
        cr_assert(crypto_mac_over(m, parts, 3, mac));
        cr_assert(strcmp(crypto_hex(slice_of(mac, 32), hex), want) == 0);
    }
    crypto_mac_free(m);
}

Test(crypto_sealed, a_digest_can_be_asked_on_the_way)
{
    uint8_t a[32], b[32];
    struct crypto_digest *d = crypto_digest_new(CRYPTO_SHA256);
    crypto_digest_add(d, slice_str("one"));
    cr_assert(crypto_digest_peek(d, a));
    crypto_sha256(slice_str("one"), b);
    cr_assert(eq(int, memcmp(a, b, 32), 0));
    crypto_digest_add(d, slice_str("two"));
    cr_assert(crypto_digest_peek(d, a));
    crypto_sha256(slice_str("onetwo"), b);
    cr_assert(eq(int, memcmp(a, b, 32), 0));
    crypto_digest_free(d);
}

/* ---- certificates ---- */

static void put(struct buf *out, uint8_t tag, struct slice body)
{
    buf_u8(out, tag);
    if (body.size > 127) {
        buf_u8(out, 0x82);
        buf_u16(out, (uint16_t)body.size);
    } else {
        buf_u8(out, (uint8_t)body.size);
    }
    buf_slice(out, body);
}

static void wrap(struct buf *b, uint8_t tag)
{
    struct buf inner = *b;
    buf_init(b, 65536);
    put(b, tag, buf_view(&inner));
    buf_fini(&inner);
}

/* `name_tag` 0: no common name. */
static void make_certificate(struct buf *b, uint8_t name_tag, struct slice name, const char *dns)
{
    struct buf part;
    buf_init(b, 65536);
    put(b, 0xa0, slice_of("\2\1\2", 3));
    put(b, 0x02, slice_of("\5", 1));
    for (unsigned i = 0; i < 3; i++)
        put(b, 0x30, slice_none());
    buf_init(&part, 65536);
    if (name_tag) {
        put(&part, 0x06, slice_of("\x55\x04\x03", 3));
        put(&part, name_tag, name);
        wrap(&part, 0x30);
        wrap(&part, 0x31);
    }
    wrap(&part, 0x30);
    buf_slice(b, buf_view(&part));
    put(b, 0x30, slice_str("a public key"));
    buf_fini(&part);
    buf_init(&part, 65536);
    if (dns) {
        put(&part, 0x87, slice_of("\1\2\3\4", 4));
        put(&part, 0x82, slice_str(dns));
        wrap(&part, 0x30);
        wrap(&part, 0x04);
        struct buf extension;
        buf_init(&extension, 65536);
        put(&extension, 0x06, slice_of("\x55\x1d\x11", 3));
        put(&extension, 0x01, slice_of("\xff", 1));
        buf_slice(&extension, buf_view(&part));
        wrap(&extension, 0x30);
        wrap(&extension, 0x30);
        put(b, 0xa3, buf_view(&extension));
        buf_fini(&extension);
    }
    buf_fini(&part);
    wrap(b, 0x30);
    put(b, 0x30, slice_none());
    wrap(b, 0x30);
}

Test(crypto_sealed, a_certificate_is_known_by_common_name_else_by_dns_name)
{
    static const struct {
        uint8_t tag;
        const char *name;
        size_t size;
        const char *dns;
        const char *want;
    } cases[] = {
        {0x0c, "sip.example.org", 15, "other", "sip.example.org"},
        {0x1e, "\0s\0i\0p\1x", 8, NULL, "sip?"},
        {0, "", 0, "dns.example.org", "dns.example.org"},
        {0, "", 0, NULL, ""},
        {0x13, "a\nb\x80", 4, NULL, "a?b?"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf b;
        struct crypto_certificate parsed;
        char name[64], cut[4];
        make_certificate(&b, cases[i].tag, slice_of(cases[i].name, cases[i].size), cases[i].dns);
        crypto_certificate_name(buf_view(&b), name, sizeof name);
        cr_assert(strcmp(name, cases[i].want) == 0, "case %zu: %s", i, name);
        crypto_certificate_name(buf_view(&b), cut, sizeof cut);
        cr_assert(strncmp(cut, cases[i].want, 3) == 0 && strlen(cut) <= 3);
        cr_assert(crypto_certificate_parse(buf_view(&b), &parsed));
        cr_assert(slice_equal(slice_from(parsed.public_key, 2), slice_str("a public key")));
        for (size_t n = 0; n < b.size; n++) {
            struct slice copy = guard_copy(slice_sub(buf_view(&b), 0, n));
            cr_assert(not(crypto_certificate_parse(copy, &parsed)));
            guard_free(copy);
        }
        buf_fini(&b);
    }
}

Test(crypto_sealed, any_byte_of_a_certificate_may_be_wrong)
{
    struct buf b;
    char name[64];
    make_certificate(&b, 0x0c, slice_str("sip.example.org"), "dns.example.org");
    for (size_t i = 0; i < b.size; i++) {
        for (unsigned value = 0; value < 256; value++) {
            uint8_t was = b.data[i];
            b.data[i] = (uint8_t)value;
            crypto_certificate_name(buf_view(&b), name, sizeof name);
            cr_assert(lt(sz, strlen(name), sizeof name));
            b.data[i] = was;
        }
    }
    buf_fini(&b);
}
