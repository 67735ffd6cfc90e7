/* The suites whose records are read: AES in GCM, CCM and CBC, ChaCha20-Poly1305 (RFC 5246, 5288,
 * 5289, 5487, 6655, 7251, 7905, 8442, 8446). How keys were agreed on matters only where we hold the
 * server's RSA key. */
#include "capture/net/tls_parts.h"

/* Each row: what seals, and the numbers of the suites that do. */
#define LIST(...)                                                                                  \
    (const uint16_t[])                                                                             \
    {                                                                                              \
        __VA_ARGS__, 0                                                                             \
    }

static const struct {
    uint8_t cipher;
    uint8_t prf;
    uint8_t mac;
    const uint16_t *ids;
} rows[] = {
    {CRYPTO_AES_128_GCM, CRYPTO_SHA256, 0,
     LIST(0x009c, 0x009e, 0x00a0, 0x00a2, 0x00a4, 0x00a6, 0x00a8, 0x00aa, 0x00ac, 0xc02b, 0xc02d,
          0xc02f, 0xc031, 0xd001, 0x1301)},
    {CRYPTO_AES_256_GCM, CRYPTO_SHA384, 0,
     LIST(0x009d, 0x009f, 0x00a1, 0x00a3, 0x00a5, 0x00a7, 0x00a9, 0x00ab, 0x00ad, 0xc02c, 0xc02e,
          0xc030, 0xc032, 0xd002, 0x1302)},
    {CRYPTO_AES_128_CCM, CRYPTO_SHA256, 0,
     LIST(0xc09c, 0xc09e, 0xc0a4, 0xc0a6, 0xc0ac, 0xd005, 0x1304)},
    {CRYPTO_AES_256_CCM, CRYPTO_SHA256, 0, LIST(0xc09d, 0xc09f, 0xc0a5, 0xc0a7, 0xc0ad)},
    {CRYPTO_AES_128_CCM_8, CRYPTO_SHA256, 0,
     LIST(0xc0a0, 0xc0a2, 0xc0a8, 0xc0aa, 0xc0ae, 0xd003, 0x1305)},
    {CRYPTO_AES_256_CCM_8, CRYPTO_SHA256, 0, LIST(0xc0a1, 0xc0a3, 0xc0a9, 0xc0ab, 0xc0af)},
    {CRYPTO_CHACHA20_POLY1305, CRYPTO_SHA256, 0,
     LIST(0xcca8, 0xcca9, 0xccaa, 0xccab, 0xccac, 0xccad, 0xccae, 0x1303)},
    {CRYPTO_AES_128_CBC, CRYPTO_SHA256, CRYPTO_SHA1,
     LIST(0x002f, 0x0030, 0x0031, 0x0032, 0x0033, 0x0034, 0x008c, 0x0090, 0x0094, 0xc004, 0xc009,
          0xc00e, 0xc013, 0xc018, 0xc01d, 0xc01e, 0xc01f, 0xc035)},
    {CRYPTO_AES_256_CBC, CRYPTO_SHA256, CRYPTO_SHA1,
     LIST(0x0035, 0x0036, 0x0037, 0x0038, 0x0039, 0x003a, 0x008d, 0x0091, 0x0095, 0xc005, 0xc00a,
          0xc00f, 0xc014, 0xc019, 0xc020, 0xc021, 0xc022, 0xc036)},
    {CRYPTO_AES_128_CBC, CRYPTO_SHA256, CRYPTO_SHA256,
     LIST(0x003c, 0x003e, 0x003f, 0x0040, 0x0067, 0x006c, 0x00ae, 0x00b2, 0x00b6, 0xc023, 0xc025,
          0xc027, 0xc029, 0xc037)},
    {CRYPTO_AES_256_CBC, CRYPTO_SHA256, CRYPTO_SHA256,
     LIST(0x003d, 0x0068, 0x0069, 0x006a, 0x006b, 0x006d)},
    {CRYPTO_AES_256_CBC, CRYPTO_SHA384, CRYPTO_SHA384,
     LIST(0x00af, 0x00b3, 0x00b7, 0xc024, 0xc026, 0xc028, 0xc02a, 0xc038)},
};

/* TLS_RSA_WITH_...: the key exchange of RFC 5246 7.4.7.1. */
static const uint16_t rsa_exchange[] = {0x002f, 0x0035, 0x003c, 0x003d, 0x009c,
                                        0x009d, 0xc09c, 0xc09d, 0xc0a0, 0xc0a1};

static bool is_rsa_exchange(uint16_t id)
{
    for (size_t i = 0; i < sizeof rsa_exchange / sizeof *rsa_exchange; i++)
        if (rsa_exchange[i] == id)
            return true;
    return false;
}

bool tls_suite_find(uint16_t id, struct tls_suite *ret_suite)
{
    for (size_t row = 0; id && row < sizeof rows / sizeof *rows; row++) {
        const uint16_t *at = rows[row].ids;
        while (*at && *at != id)
            at++;
        if (*at == 0)
            continue;
        struct tls_suite s = {.id = id,
                              .cipher = rows[row].cipher,
                              .prf = rows[row].prf,
                              .mac = rows[row].mac,
                              .version_1_3 = id >> 8 == 0x13,
                              .rsa_exchange = is_rsa_exchange(id)};
        s.is_cbc = crypto_tag_size(s.cipher) == 0;
        s.nonce_sent = !s.is_cbc && !s.version_1_3 && s.cipher != CRYPTO_CHACHA20_POLY1305;
        *ret_suite = s;
        return true;
    }
    return false;
}

size_t tls_suite_overhead(const struct tls_suite *s)
{
    if (s->is_cbc)
        return CRYPTO_CBC_BLOCK_SIZE + crypto_hash_size(s->mac) + 1;
    return crypto_tag_size(s->cipher) + (s->nonce_sent ? 8 : 0) + (s->version_1_3 ? 1 : 0);
}
