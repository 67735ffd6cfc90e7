/* A master key of SRTP (RFC 3711 3.2.1) as signalling told it: what capture reads, the worker holds for its call and the
 * renderer opens packets with. It is a secret: it goes into no log, no JSON and no file but the store's table of keys that
 * wait for their recording, and is wiped with its recording. */
#pragma once

#include <stdint.h>
#include <string.h>

#define MEDIA_KEY_BYTES_MAX 46 /* 32 of AES-256 and 14 of salt */
#define MEDIA_MKI_MAX       8
#define MEDIA_KEYS_MAX      64 /* of a call: a new one each half hour for a day, both ways */

enum media_cipher { MEDIA_CIPHER_AES_CM = 1, MEDIA_CIPHER_AES_GCM, MEDIA_CIPHER_NULL };

struct media_key {
    uint8_t cipher;     /* enum media_cipher */
    uint8_t key_bytes;  /* of AES: 16, 24, 32 */
    uint8_t tag_bytes;  /* authentication: 4, 8, 10, 16; 0: there is none */
    uint8_t salt_bytes; /* behind the key */
    uint8_t mki_bytes;  /* 0: packets name no master key */
    uint8_t party;      /* who protects with it: 0 caller, 1 callee */
    uint8_t mki[MEDIA_MKI_MAX];
    uint8_t bytes[MEDIA_KEY_BYTES_MAX];
};

static inline int media_key_equal(const struct media_key *a, const struct media_key *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}
