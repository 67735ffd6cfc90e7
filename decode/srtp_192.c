#include "decode/srtp_192.h"

#include <stdlib.h>

#include "base/crypto.h"
#include "base/crypto_cipher.h"

#define BLOCK     CRYPTO_CBC_BLOCK_SIZE
#define SALT_SIZE 14
#define AUTH_SIZE 20
#define TAG_MAX   20

struct srtp_192 {
    struct media_key key; /* sizes and MKI; its secret is wiped once the session keys are there */
    struct crypto_opener *cipher;
    struct crypto_mac *mac;
    uint8_t salt[SALT_SIZE];
    uint32_t roll;
    uint16_t highest;
    bool begun;
};

/* ---- keys (RFC 3711 4.3.1, with a key derivation rate of 0) ---- */

static bool derive(const struct media_key *key, uint8_t label, uint8_t *out, size_t size)
{
    uint8_t counter[BLOCK] = {0};
    struct crypto_opener *prf = crypto_opener_new(CRYPTO_AES_192_CTR, key->bytes);
    memcpy(counter, key->bytes + key->key_bytes, SALT_SIZE);
    counter[7] ^= label;
    memset(out, 0, size);
    bool good = prf && crypto_ctr_open(prf, counter, slice_of(out, size), out);
    crypto_opener_free(prf);
    return good;
}

static bool derive_all(struct srtp_192 *s)
{
    uint8_t cipher[24], auth[AUTH_SIZE];
    bool good = derive(&s->key, 0, cipher, sizeof cipher) &&
                derive(&s->key, 1, auth, sizeof auth) &&
                derive(&s->key, 2, s->salt, sizeof s->salt);
    if (good) {
        s->cipher = crypto_opener_new(CRYPTO_AES_192_CTR, cipher);
        s->mac = crypto_mac_new(CRYPTO_SHA1, slice_of(auth, sizeof auth));
    }
    crypto_wipe(cipher, sizeof cipher);
    crypto_wipe(auth, sizeof auth);
    crypto_wipe(s->key.bytes, sizeof s->key.bytes);
    return s->cipher && s->mac;
}

struct srtp_192 *srtp_192_new(const struct media_key *key)
{
    struct srtp_192 *s = calloc(1, sizeof *s);
    if (s == NULL)
        return NULL;
    s->key = *key;
    if (derive_all(s))
        return s;
    srtp_192_free(s);
    return NULL;
}

void srtp_192_free(struct srtp_192 *s)
{
    if (s == NULL)
        return;
    crypto_opener_free(s->cipher);
    crypto_mac_free(s->mac);
    crypto_wipe(s, sizeof *s);
    free(s);
}

void srtp_192_set_roll(struct srtp_192 *s, uint32_t roll)
{
    s->roll = roll;
    s->begun = false;
}

uint32_t srtp_192_roll(const struct srtp_192 *s)
{
    return s->roll;
}

/* ---- packets ---- */

/* RFC 3711 appendix A. */
static uint32_t guess_roll(const struct srtp_192 *s, uint16_t sequence)
{
    if (!s->begun)
        return s->roll;
    if (s->highest < 0x8000)
        return sequence - s->highest > 0x8000 && s->roll ? s->roll - 1 : s->roll;
    return s->highest - 0x8000 > sequence ? s->roll + 1 : s->roll;
}

static void advance(struct srtp_192 *s, uint32_t roll, uint16_t sequence)
{
    if (!s->begun || roll > s->roll || (roll == s->roll && sequence > s->highest)) {
        s->roll = roll;
        s->highest = sequence;
    }
    s->begun = true;
}

static void put_u32(uint8_t *at, uint32_t v)
{
    for (int i = 3; i >= 0; i--, v >>= 8)
        at[i] = (uint8_t)v;
}

static bool is_authentic(struct srtp_192 *s, const uint8_t *packet, size_t size, uint32_t roll,
                         const uint8_t *tag)
{
    uint8_t counter[4], want[TAG_MAX];
    const struct slice parts[] = {slice_of(packet, size), slice_of(counter, sizeof counter)};
    put_u32(counter, roll);
    return s->key.tag_bytes == 0 ||
           (crypto_mac_over(s->mac, parts, 2, want) && crypto_equal(want, tag, s->key.tag_bytes));
}

/* RFC 3711 4.1.1: salt, SSRC and packet index; the last two bytes count blocks. */
static bool decrypt(struct srtp_192 *s, uint8_t *payload, size_t size, uint32_t ssrc, uint32_t roll,
                    uint16_t sequence)
{
    uint8_t counter[BLOCK] = {0}, index[10];
    put_u32(index, ssrc);
    put_u32(index + 4, roll);
    index[8] = (uint8_t)(sequence >> 8);
    index[9] = (uint8_t)sequence;
    memcpy(counter, s->salt, SALT_SIZE);
    for (unsigned i = 0; i < sizeof index; i++)
        counter[4 + i] ^= index[i];
    return crypto_ctr_open(s->cipher, counter, slice_of(payload, size), payload);
}

/* Fixed header, sources and extension: what is not encrypted. Padding is, so rtp_parse() cannot be
 * asked. */
static size_t header_size(const uint8_t *packet, size_t size)
{
    size_t header = size < 12 ? 12 : 12 + 4 * (size_t)(packet[0] & 15);
    if (size >= header + 4 && (packet[0] & 0x10))
        header += 4 + 4 * ((size_t)packet[header + 2] << 8 | packet[header + 3]);
    return header;
}

bool srtp_192_open(struct srtp_192 *s, uint8_t *packet, size_t *size)
{
    size_t trailer = (size_t)s->key.tag_bytes + s->key.mki_bytes;
    size_t clear = *size < trailer ? 0 : *size - trailer;
    size_t header = header_size(packet, clear);
    if (header > clear)
        return false;
    uint16_t sequence = (uint16_t)(packet[2] << 8 | packet[3]);
    uint32_t ssrc = (uint32_t)packet[8] << 24 | (uint32_t)packet[9] << 16 |
                    (uint32_t)packet[10] << 8 | packet[11];
    uint32_t roll = guess_roll(s, sequence);
    if (memcmp(packet + clear, s->key.mki, s->key.mki_bytes) != 0 ||
        !is_authentic(s, packet, clear, roll, packet + clear + s->key.mki_bytes))
        return false;
    if (!decrypt(s, packet + header, clear - header, ssrc, roll, sequence))
        return false;
    advance(s, roll, sequence);
    *size = clear;
    return true;
}
