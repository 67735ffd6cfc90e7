/* TLS from outside: key-log lines and the bytes of both sides in any cuts, with gaps. The input is
 * a row of chunks: a byte of kind, two of size, the chunk.
 *
 *     0, 1  bytes of that side            5     the connection ends, another begins
 *     2, 3  the same, after a gap         6, 7  sealed into a record of the 1.3 handshake
 *     4     a line of a key log           8, 9  sealed into a record of 1.3 after it
 *                                         10    two short hellos of 1.3, so that 6 to 9 open
 *
 * Sealing is done here, since no mutation keeps a record sealed. The key is that of secrets of
 * zeros, of which the listener knows by lines for a client random of zeros. */
#include <assert.h>

#include <openssl/evp.h>

#include "capture/net/tls_parts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define WAITING_MAX 40000

struct run {
    struct tls *tls;
    struct tls_conn *conn;
    uint64_t sequence[4]; /* by side and epoch */
};

static void on_plain(void *context, unsigned side, struct slice plain, int64_t time_ns)
{
    (void)context;
    (void)time_ns;
    assert(side < 2 && plain.size <= TLS_FRAGMENT_MAX);
    uint8_t sum = 0;
    for (size_t i = 0; i < plain.size; i++)
        sum ^= plain.data[i];
    volatile uint8_t used = sum;
    (void)used;
}

static void begin(struct run *r)
{
    tls_conn_free(r->tls, r->conn);
    assert(tls_waiting_bytes(r->tls) == 0);
    r->conn = tls_conn_new(r->tls, on_plain, r);
    memset(r->sequence, 0, sizeof r->sequence);
}

static void feed(struct run *r, unsigned side, struct slice bytes, uint32_t lost)
{
    tls_conn_feed(r->tls, r->conn, side, bytes, lost, 1);
    assert(tls_waiting_bytes(r->tls) <= WAITING_MAX);
    const struct tls_info *info = tls_conn_info(r->conn);
    assert(memchr(info->server_name, 0, sizeof info->server_name));
    assert(memchr(info->certificate_name, 0, sizeof info->certificate_name));
}

/* AES-128-GCM as RFC 8446 5.2 wants it; `inner` ends with the type of its content. */
static void seal(struct run *r, unsigned side, unsigned epoch, struct slice inner)
{
    static const uint8_t zeros[32];
    uint8_t key[16], nonce[12], record[TLS_RECORD_MAX];
    size_t size = inner.size < 16384 ? inner.size : 16384;
    size_t fragment = size + 16;
    uint64_t sequence = r->sequence[2 * epoch + side]++;
    int n;
    assert(tls_expand_label(CRYPTO_SHA256, slice_of(zeros, 32), "key", key, 16));
    assert(tls_expand_label(CRYPTO_SHA256, slice_of(zeros, 32), "iv", nonce, 12));
    for (unsigned i = 0; i < 8; i++)
        nonce[11 - i] ^= (uint8_t)(sequence >> (8 * i));
    memcpy(record, "\x17\x03\x03", 3);
    record[3] = (uint8_t)(fragment >> 8);
    record[4] = (uint8_t)fragment;
    EVP_CIPHER_CTX *x = EVP_CIPHER_CTX_new();
    assert(EVP_EncryptInit_ex(x, EVP_aes_128_gcm(), NULL, key, nonce));
    assert(EVP_EncryptUpdate(x, NULL, &n, record, 5));
    assert(EVP_EncryptUpdate(x, record + 5, &n, inner.data, (int)size));
    assert(EVP_EncryptFinal_ex(x, record + 5 + n, &n));
    assert(EVP_CIPHER_CTX_ctrl(x, EVP_CTRL_AEAD_GET_TAG, 16, record + 5 + size));
    EVP_CIPHER_CTX_free(x);
    feed(r, side, slice_of(record, 5 + fragment), 0);
}

static void hellos(struct run *r)
{
    uint8_t client[5 + 4 + 41] = {0x16, 3, 1, 0, 45, 1, 0, 0, 41, 3, 3};
    uint8_t server[5 + 4 + 46] = {0x16, 3, 3, 0, 50, 2, 0, 0, 46, 3, 3, 7};
    memcpy(client + 9 + 34, "\0\0\2\x13\x01\1\0", 7);
    memcpy(server + 9 + 34, "\0\x13\x01\0\0\6\0\x2b\0\2\3\4", 12);
    feed(r, 0, slice_of(client, sizeof client), 0);
    feed(r, 1, slice_of(server, sizeof server), 0);
}

static void give_zero_secrets(struct tls *t)
{
    static const char *const names[] = {"CLIENT_HANDSHAKE_TRAFFIC_SECRET",
                                        "SERVER_HANDSHAKE_TRAFFIC_SECRET",
                                        "CLIENT_TRAFFIC_SECRET_0", "SERVER_TRAFFIC_SECRET_0"};
    for (unsigned i = 0; i < 4; i++) {
        struct buf line;
        buf_init(&line, 512);
        buf_printf(&line, "%s %064d %064d\n", names[i], 0, 0);
        assert(tls_key_line(t, buf_view(&line)));
        buf_fini(&line);
    }
}

static void chunk(struct run *r, unsigned kind, struct slice bytes)
{
    if (kind < 2)
        feed(r, kind, bytes, 0);
    else if (kind < 4 && bytes.size >= 2)
        feed(r, kind - 2, slice_from(bytes, 2),
             (uint32_t)(bytes.data[0] << 8 | bytes.data[1]) % 3000);
    else if (kind == 4)
        tls_key_line(r->tls, bytes);
    else if (kind == 5)
        begin(r);
    else if (kind == 10)
        hellos(r);
    else if (kind >= 6)
        seal(r, kind % 2, kind >= 8, bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tls_config config = {.seed = {1, 2},
                                .secrets_max = 16,
                                .tickets_max = 4,
                                .waiting_bytes_max = WAITING_MAX,
                                .conn_waiting_max = 10000};
    struct run r = {0};
    if (tls_new(&config, NULL, &r.tls))
        return 0;
    give_zero_secrets(r.tls);
    begin(&r);
    struct cursor c = cursor_over((struct slice){.data = data, .size = size});
    while (cursor_left(&c) > 2) {
        unsigned kind = cursor_u8(&c) % 11;
        size_t n = cursor_u16(&c);
        chunk(&r, kind, cursor_slice(&c, n < cursor_left(&c) ? n : cursor_left(&c)));
    }
    tls_conn_free(r.tls, r.conn);
    tls_free(r.tls);
    return 0;
}
