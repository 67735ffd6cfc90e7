#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "capture/sip/redact.h"
#include "capture/sip/sdp_crypto.h"
#include "tests/support/guard.h"

#define KEY_30 "d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj" /* RFC 4568, 9.1: 30 bytes */

static unsigned read_text(const char *text, struct media_key *keys)
{
    struct slice copy = guard_copy(slice_str(text));
    unsigned count = sdp_crypto_keys(copy, keys, 4);
    guard_free(copy);
    return count;
}

Test(sdp_crypto, a_key_has_the_sizes_of_its_suite_and_an_mki_of_its_own_size)
{
    struct media_key k[4];
    cr_assert_eq(read_text("1 AES_CM_128_HMAC_SHA1_32 inline:" KEY_30 "|2^20|1:4", k), 1);
    cr_assert_eq(k[0].cipher, MEDIA_CIPHER_AES_CM);
    cr_assert_eq(k[0].key_bytes, 16);
    cr_assert_eq(k[0].salt_bytes, 14);
    cr_assert_eq(k[0].tag_bytes, 4);
    cr_assert_eq(k[0].mki_bytes, 4);
    cr_assert_eq(k[0].mki[3], 1);
    cr_assert_eq(k[0].bytes[0], 'w');
}

Test(sdp_crypto, several_keys_of_one_line_are_told_in_their_order)
{
    struct media_key k[4];
    cr_assert_eq(read_text("2 aes_cm_128_hmac_sha1_80 inline:" KEY_30 "|1:2;inline:" KEY_30 "|2^3|2:2", k), 2);
    cr_assert_eq(k[0].mki[1], 1);
    cr_assert_eq(k[1].mki[1], 2);
}

Test(sdp_crypto, session_parameters_change_what_is_done)
{
    struct media_key k[4];
    cr_assert_eq(read_text("1 AES_CM_128_HMAC_SHA1_80 inline:" KEY_30 " UNENCRYPTED_SRTP WSH=64", k), 1);
    cr_assert_eq(k[0].cipher, MEDIA_CIPHER_NULL);
    cr_assert_eq(read_text("1 AES_CM_128_HMAC_SHA1_80 inline:" KEY_30 " UNAUTHENTICATED_SRTP KDR=0", k), 1);
    cr_assert_eq(k[0].tag_bytes, 0);
}

Test(sdp_crypto, what_cannot_be_opened_or_is_broken_tells_none)
{
    static const char *const lines[] = {
        "", "1", "1 ", "1 AES_CM_128_HMAC_SHA1_80", "1 F8_128_HMAC_SHA1_80 inline:" KEY_30, "1 AES_CM_128_HMAC_SHA1_80 inline:",
        "1 AES_CM_128_HMAC_SHA1_80 inline:*******", "1 AES_256_CM_HMAC_SHA1_80 inline:" KEY_30, "1 AES_CM_128_HMAC_SHA1_80 outline:" KEY_30,
        "1 AES_CM_128_HMAC_SHA1_80 inline:" KEY_30 "|1:0", "1 AES_CM_128_HMAC_SHA1_80 inline:" KEY_30 "|1:9",
        "1 AES_CM_128_HMAC_SHA1_80 inline:" KEY_30 "|256:1", "1 AES_CM_128_HMAC_SHA1_80 inline:" KEY_30 " KDR=3",
    };
    struct media_key k[4];
    for (unsigned i = 0; i < sizeof lines / sizeof lines[0]; i++)
        cr_expect_eq(read_text(lines[i], k), 0, "%s", lines[i]);
}

/* A recovery reads what was covered: of forty letters, which are base64, it would make thirty octets of a key. */
Test(sdp_crypto, a_covered_key_is_none_but_its_suite_is_told)
{
    static const struct {
        const char *name;
        unsigned letters;
        uint8_t tag_bytes;
    } suites[] = {
        {"AES_CM_128_HMAC_SHA1_80", 40, 10}, {"AES_CM_128_HMAC_SHA1_32", 40, 4},  {"AES_192_CM_HMAC_SHA1_80", 51, 10}, {"AES_192_CM_HMAC_SHA1_32", 51, 4},
        {"AES_256_CM_HMAC_SHA1_80", 62, 10}, {"AES_256_CM_HMAC_SHA1_32", 62, 4},  {"AEAD_AES_128_GCM", 38, 16},        {"AEAD_AES_256_GCM", 59, 16},
        {"AEAD_AES_128_GCM_8", 38, 8},       {"AEAD_AES_256_GCM_8", 59, 8},       {"NULL_HMAC_SHA1_80", 40, 10},
    };
    static const char ahead[] = "a=crypto:";
    for (unsigned i = 0; i < sizeof suites / sizeof suites[0]; i++) {
        char line[200], letters[80] = "";
        struct media_key k[4], shape;
        for (const char *c = "Ax"; *c; c++) { /* a key, and what older versions covered one with */
            memset(letters, *c, suites[i].letters);
            snprintf(line, sizeof line, "%s1 %s inline:%s|2^20|1:4", ahead, suites[i].name, letters);
            cr_expect_eq(read_text(line + strlen(ahead), k), *c == 'A', "%s", line);
        }
        cr_expect_eq(sip_redact((uint8_t *)line, strlen(line)), suites[i].letters);
        cr_expect_eq(read_text(line + strlen(ahead), k), 0, "%s", line);
        cr_assert(sdp_crypto_shape(slice_str(line + strlen(ahead)), &shape), "%s", line);
        cr_expect_eq(shape.tag_bytes, suites[i].tag_bytes);
    }
}

Test(sdp_crypto, every_truncation_is_read_without_a_byte_too_many)
{
    static const char line[] = "1 AES_CM_128_HMAC_SHA1_80 inline:" KEY_30 "|2^20|1:4;inline:" KEY_30 "|2:4 UNENCRYPTED_SRTP";
    char part[sizeof line];
    struct media_key k[4];
    for (size_t size = 0; size < sizeof line; size++) {
        memcpy(part, line, size);
        part[size] = '\0';
        cr_expect_leq(read_text(part, k), 2);
    }
}
