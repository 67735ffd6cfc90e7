/* Any bytes as packets of SRTP, under keys of every suite; a byte says how many bytes the next
 * packet has. What is opened keeps its header and is no longer than it was. */
#include <assert.h>
#include <string.h>

#include "decode/srtp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define KEYS 10

static const struct media_key *all_keys(void)
{
    static const struct media_key shapes[KEYS] = {
        {.cipher = MEDIA_CIPHER_AES_CM, .key_bytes = 16, .salt_bytes = 14, .tag_bytes = 10},
        {.cipher = MEDIA_CIPHER_AES_CM, .key_bytes = 16, .salt_bytes = 14, .tag_bytes = 4},
        {.cipher = MEDIA_CIPHER_AES_CM, .key_bytes = 24, .salt_bytes = 14, .tag_bytes = 10},
        {.cipher = MEDIA_CIPHER_AES_CM, .key_bytes = 24, .salt_bytes = 14, .tag_bytes = 0},
        {.cipher = MEDIA_CIPHER_AES_CM, .key_bytes = 32, .salt_bytes = 14, .tag_bytes = 10},
        {.cipher = MEDIA_CIPHER_AES_GCM, .key_bytes = 16, .salt_bytes = 12, .tag_bytes = 16},
        {.cipher = MEDIA_CIPHER_AES_GCM, .key_bytes = 32, .salt_bytes = 12, .tag_bytes = 16},
        {.cipher = MEDIA_CIPHER_NULL, .key_bytes = 16, .salt_bytes = 14, .tag_bytes = 10},
        {.cipher = MEDIA_CIPHER_AES_CM, .key_bytes = 16, .salt_bytes = 14, .tag_bytes = 0},
        {.cipher = MEDIA_CIPHER_AES_CM,
         .key_bytes = 16,
         .salt_bytes = 14,
         .tag_bytes = 10,
         .mki_bytes = 4,
         .mki = {0, 0, 0, 7}},
    };
    static struct media_key keys[KEYS];
    memcpy(keys, shapes, sizeof keys);
    for (unsigned i = 0; i < KEYS; i++)
        memset(keys[i].bytes, 'k', (size_t)keys[i].key_bytes + keys[i].salt_bytes);
    return keys;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    unsigned which = data[0] % (KEYS + 1); /* one of them, or all */
    const struct media_key *keys = all_keys();
    struct srtp_opener *o =
        which < KEYS ? srtp_opener_new(keys + which, 1, 0) : srtp_opener_new(keys, KEYS, 0);
    assert(o);
    for (size_t at = 1; at < size;) {
        size_t length = data[at++];
        if (length > size - at)
            length = size - at;
        struct slice packet = slice_of(data + at, length), clear;
        if (srtp_opener_packet(o, packet, &clear) == SRTP_OPENED) {
            assert(clear.size >= 12 && clear.size <= packet.size);
            assert(memcmp(clear.data, packet.data, 12) == 0);
        }
        at += length;
    }
    srtp_opener_free(o);
    return 0;
}
