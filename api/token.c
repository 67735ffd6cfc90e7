/* Tokens: "esk_<id>_<secret>", both in base 62. The secret is 256 random bits, so a plain SHA-256
 * of it is enough to keep: there is nothing to guess, hence nothing for a slow hash to slow down.
 */
#include <stdio.h>
#include <string.h>

#include "api/secret_text.h"
#include "api/server.h"
#include "base/crypto.h"

#define ID_BYTES      9
#define ID_DIGITS     13 /* 72 bits */
#define SECRET_BYTES  32

/* Fixed width, most significant digit first: long division of the big-endian number. */
void base62_text(uint8_t *number, size_t size, char *out, size_t digits)
{
    static const char DIGITS[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    out[digits] = '\0';
    for (size_t d = digits; d-- > 0;) {
        unsigned rest = 0;
        for (size_t i = 0; i < size; i++) {
            unsigned v = rest << 8 | number[i];
            number[i] = (uint8_t)(v / 62);
            rest = v % 62;
        }
        out[d] = DIGITS[rest];
    }
}

void secret_text(char ret_text[SECRET_TEXT_DIGITS + 1])
{
    uint8_t random[SECRET_BYTES];

    crypto_random(random, sizeof random);
    base62_text(random, sizeof random, ret_text, SECRET_TEXT_DIGITS);
}

void api_token_make(const char *name, const char *role, int64_t now_us, char ret_text[80],
                    struct store_token *ret_token)
{
    uint8_t random[ID_BYTES];
    char id[ID_DIGITS + 1], secret[SECRET_TEXT_DIGITS + 1];

    crypto_random(random, ID_BYTES);
    base62_text(random, ID_BYTES, id, ID_DIGITS);
    secret_text(secret);

    *ret_token = (struct store_token){.created_us = now_us};
    snprintf(ret_token->id, sizeof ret_token->id, "%s", id);
    snprintf(ret_token->name, sizeof ret_token->name, "%s", name);
    snprintf(ret_token->role, sizeof ret_token->role, "%s", role);
    crypto_sha256(slice_of(secret, SECRET_TEXT_DIGITS), ret_token->hash);
    snprintf(ret_text, 80, "esk_%s_%s", id, secret);
    explicit_bzero(secret, sizeof secret);
}
