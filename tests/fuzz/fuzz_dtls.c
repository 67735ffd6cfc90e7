/* Any bytes as datagrams of a DTLS handshake, both ways; the first byte says how many of each there are and where they end. A
 * secret for the client random of the corpus is there, so keys are made too. */
#include <assert.h>
#include <stdlib.h>

#include "capture/net/dtls.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned told;

static void on_keys(void *context, const struct dtls_keys *keys)
{
    (void)context;
    assert(keys->by_client.key_bytes + keys->by_client.salt_bytes <= MEDIA_KEY_BYTES_MAX);
    assert(!endpoint_equal(&keys->client, &keys->server));
    told++;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char line[] = "CLIENT_RANDOM 6363636363636363636363636363636363636363636363636363636363636363 "
                               "6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d";
    struct hash_seed seed = {1, 2};
    struct tls *secrets;
    if (size < 3)
        return 0;
    struct dtls *d = dtls_new(&seed, on_keys, NULL);
    if (tls_new(&(struct tls_config){.seed = seed, .secrets_max = 16}, NULL, &secrets) != 0 || d == NULL)
        abort();
    bool early = data[0] & 1;
    if (early)
        tls_key_line(secrets, slice_str(line));
    size_t cut = (size_t)(data[1] << 8 | data[2]) % (size - 2);
    struct datagram g = {.src = {.port = 1}, .dst = {.port = 2}, .payload = slice_of(data + 3, size - 3 < cut ? size - 3 : cut)};
    dtls_datagram(d, secrets, &g);
    g = (struct datagram){.src = {.port = 2}, .dst = {.port = 1}, .payload = slice_from(slice_of(data + 3, size - 3), cut)};
    dtls_datagram(d, secrets, &g);
    if (!early && tls_key_line(secrets, slice_str(line)))
        dtls_secrets_changed(d, secrets);
    assert(told <= 1);
    told = 0;
    dtls_free(d);
    tls_free(secrets);
    return 0;
}
