/* One sealed record to plain text: the AEAD and CBC forms of TLS 1.2 (RFC 5246 6.2.3, 7366, 7905)
 * and the one form of TLS 1.3 (RFC 8446 5.2). The ends have checked all this already; we check it
 * again because that is how a wrong key shows. */
#include "base/crypto.h"
#include "capture/net/tls_parts.h"

#define EXPLICIT_SIZE 8u

static void put_u64(uint8_t *out, uint64_t v)
{
    for (unsigned i = 0; i < 8; i++)
        out[i] = (uint8_t)(v >> (56 - 8 * i));
}

/* Sequence, type, version, length: what a MAC or AEAD of 1.2 covers beside the content. */
static void pseudo_header(const struct tls_opener *o, struct slice record, size_t size,
                          uint8_t out[13])
{
    put_u64(out, o->sequence);
    memcpy(out + 8, record.data, 3);
    out[11] = (uint8_t)(size >> 8);
    out[12] = (uint8_t)size;
}

static void mixed_nonce(const struct tls_opener *o, uint8_t out[CRYPTO_NONCE_SIZE])
{
    uint8_t sequence[8];
    put_u64(sequence, o->sequence);
    memcpy(out, o->iv, CRYPTO_NONCE_SIZE);
    for (unsigned i = 0; i < 8; i++)
        out[4 + i] ^= sequence[i];
}

static bool open_aead_12(struct tls_opener *o, struct slice record, uint8_t *room,
                         struct slice *ret_plain)
{
    uint8_t nonce[CRYPTO_NONCE_SIZE];
    uint8_t aad[13];
    struct slice sealed = slice_from(record, TLS_HEADER_SIZE);
    size_t tag = crypto_tag_size(o->suite.cipher);
    if (o->suite.nonce_sent) {
        if (sealed.size < EXPLICIT_SIZE)
            return false;
        memcpy(nonce, o->iv, 4);
        memcpy(nonce + 4, sealed.data, EXPLICIT_SIZE);
        sealed = slice_from(sealed, EXPLICIT_SIZE);
    } else {
        mixed_nonce(o, nonce);
    }
    if (sealed.size < tag)
        return false;
    pseudo_header(o, record, sealed.size - tag, aad);
    if (!crypto_aead_open(o->cipher, nonce, slice_of(aad, sizeof aad), sealed, room))
        return false;
    *ret_plain = slice_of(room, sealed.size - tag);
    return true;
}

/* Is `mac` that of the record with this content? */
static bool mac_fits(struct tls_opener *o, struct slice record, struct slice content,
                     const uint8_t *mac)
{
    uint8_t header[13];
    uint8_t want[CRYPTO_HASH_SIZE_MAX];
    pseudo_header(o, record, content.size, header);
    const struct slice parts[] = {slice_of(header, sizeof header), content};
    return crypto_mac_over(o->mac, parts, 2, want) &&
           crypto_equal(want, mac, crypto_hash_size(o->suite.mac));
}

/* Takes the padding off: n bytes of value n and n itself. */
static bool unpad(struct slice *plain)
{
    if (plain->size == 0)
        return false;
    size_t padding = (size_t)plain->data[plain->size - 1] + 1;
    if (padding > plain->size)
        return false;
    for (size_t i = plain->size - padding; i < plain->size; i++)
        if (plain->data[i] != padding - 1)
            return false;
    plain->size -= padding;
    return true;
}

static bool open_cbc(struct tls_opener *o, struct slice record, uint8_t *room,
                     struct slice *ret_plain)
{
    struct slice sealed = slice_from(record, TLS_HEADER_SIZE);
    size_t mac_size = crypto_hash_size(o->suite.mac);
    if (o->mac_over_sealed) {
        if (sealed.size < mac_size)
            return false;
        sealed.size -= mac_size;
        if (!mac_fits(o, record, sealed, sealed.data + sealed.size))
            return false;
    }
    if (sealed.size < CRYPTO_CBC_BLOCK_SIZE)
        return false;
    struct slice blocks = slice_from(sealed, CRYPTO_CBC_BLOCK_SIZE);
    struct slice plain = slice_of(room, blocks.size);
    if (!crypto_cbc_open(o->cipher, sealed.data, blocks, room) || !unpad(&plain))
        return false;
    if (!o->mac_over_sealed) {
        if (plain.size < mac_size)
            return false;
        plain.size -= mac_size;
        if (!mac_fits(o, record, plain, plain.data + plain.size))
            return false;
    }
    *ret_plain = plain;
    return true;
}

static bool open_13(struct tls_opener *o, struct slice record, uint8_t *room, uint8_t *ret_content,
                    struct slice *ret_plain)
{
    uint8_t nonce[CRYPTO_NONCE_SIZE];
    struct slice sealed = slice_from(record, TLS_HEADER_SIZE);
    size_t tag = crypto_tag_size(o->suite.cipher);
    mixed_nonce(o, nonce);
    if (record.data[0] != TLS_APPLICATION || sealed.size <= tag ||
        !crypto_aead_open(o->cipher, nonce, slice_sub(record, 0, TLS_HEADER_SIZE), sealed, room))
        return false;
    size_t size = sealed.size - tag;
    while (size && room[size - 1] == 0)
        size--; /* padding */
    if (size == 0)
        return false; /* the type of the content must be there */
    *ret_content = room[size - 1];
    *ret_plain = slice_of(room, size - 1);
    return true;
}

bool tls_open(struct tls_opener *o, struct slice record, uint8_t *room, uint8_t *ret_content,
              struct slice *ret_plain)
{
    if (o->suite.version_1_3)
        return open_13(o, record, room, ret_content, ret_plain);
    *ret_content = record.data[0];
    return o->suite.is_cbc ? open_cbc(o, record, room, ret_plain)
                           : open_aead_12(o, record, room, ret_plain);
}

void tls_opener_fini(struct tls_opener *o)
{
    crypto_opener_free(o->cipher);
    crypto_mac_free(o->mac);
    crypto_wipe(o, sizeof *o);
}
