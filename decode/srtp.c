/* A session opens packets of one SSRC with one key. There is one for each pair of SSRC and key that
 * has opened something, and one more for the pair that is being tried. A failed try leaves a
 * session as it was, so all roll-over counters may be tried with the same one. */
#include "decode/srtp.h"

#include <pthread.h>
#include <srtp2/crypto_types.h>
#include <srtp2/srtp.h>
#include <stdlib.h>

#include "base/crypto.h"
#include "decode/srtp_192.h"

#define SSRCS_MAX    16
#define PACKET_MAX   65535
#define WINDOW       1024 /* packets that may come late and are still told from repeated ones */
#define HEADER_BYTES 12
#define KEYS_TRIED   8  /* the newest ones, of a packet that comes as a surprise */
#define ROLLS_TRIED  64 /* roll-over counters: a call of a day at 50 packets/s has 66 */
/* Packets of an SSRC that failed in a row and are still tried with other keys: the first few, for a
 * while each eighth, then each 64th. Packets of another size than the one before are tried as well,
 * some of them: a telephone may send in the clear until its handshake is over, and what is
 * protected is longer by its tag. */
#define FAILED_FEW   8
#define FAILED_SOON  8
#define FAILED_WHILE 512
#define FAILED_EACH  64
#define OTHER_SIZES  32
/* Times that a flow may look through roll-over counters. */
#define DEEP_TRIES 64

/* One of both is there, or none. */
struct session {
    srtp_t library;
    struct srtp_192 *own;
};

struct source {
    uint32_t ssrc;
    bool used;
    bool opened;      /* `session` has opened a packet */
    unsigned key;     /* that the session is for */
    unsigned failed;  /* in a row */
    unsigned others;  /* of them were tried for their size */
    size_t size;      /* of the last that failed */
    uint32_t roll;    /* of the newest session that opened something */
    uint64_t touched; /* which packet of the opener */
    struct session session;
};

struct srtp_opener {
    const struct media_key *keys;
    unsigned count;
    uint8_t party;
    unsigned recent; /* key that opened last; `count`: none has */
    unsigned deep_left;
    uint64_t packets;
    struct source sources[SSRCS_MAX];
    uint8_t room[PACKET_MAX + 1] __attribute__((aligned(16)));
};

/* ---- the library ---- */

static pthread_once_t started = PTHREAD_ONCE_INIT;
static bool usable;

static void start(void)
{
    usable = srtp_init() == srtp_err_status_ok;
}

const char *srtp_library(void)
{
    return srtp_get_version_string();
}

static srtp_cipher_type_id_t cipher_of(const struct media_key *key)
{
    if (key->cipher == MEDIA_CIPHER_NULL)
        return SRTP_NULL_CIPHER;
    if (key->cipher == MEDIA_CIPHER_AES_GCM)
        return key->key_bytes == 16 ? SRTP_AES_GCM_128 : SRTP_AES_GCM_256;
    return key->key_bytes == 16   ? SRTP_AES_ICM_128
           : key->key_bytes == 24 ? SRTP_AES_ICM_192
                                  : SRTP_AES_ICM_256;
}

static srtp_crypto_policy_t policy_of(const struct media_key *key)
{
    bool gcm = key->cipher == MEDIA_CIPHER_AES_GCM;
    bool hides = key->cipher != MEDIA_CIPHER_NULL;
    bool proves = key->tag_bytes != 0;
    return (srtp_crypto_policy_t){
        .cipher_type = cipher_of(key),
        .cipher_key_len = key->key_bytes + key->salt_bytes,
        .auth_type = gcm || !proves ? SRTP_NULL_AUTH : SRTP_HMAC_SHA1,
        .auth_key_len = gcm || !proves ? 0 : 20,
        .auth_tag_len = key->tag_bytes,
        .sec_serv = hides && proves ? sec_serv_conf_and_auth
                    : hides         ? sec_serv_conf
                    : proves        ? sec_serv_auth
                                    : sec_serv_none,
    };
}

static bool library_session(const struct media_key *key, uint32_t ssrc, srtp_t *ret_session)
{
    uint8_t material[MEDIA_KEY_BYTES_MAX], mki[MEDIA_MKI_MAX];
    srtp_master_key_t master = {.key = material, .mki_id = mki, .mki_size = key->mki_bytes};
    srtp_master_key_t *masters[] = {&master};
    memcpy(material, key->bytes, sizeof material);
    memcpy(mki, key->mki, sizeof mki);
    srtp_policy_t policy = {
        .ssrc = {.type = ssrc_specific, .value = ssrc},
        .rtp = policy_of(key),
        .rtcp = policy_of(key),
        .keys = masters,
        .num_master_keys = 1,
        .window_size = WINDOW,
    };
    policy.rtcp.sec_serv = sec_serv_none;
    bool good = srtp_create(ret_session, &policy) == srtp_err_status_ok;
    crypto_wipe(material, sizeof material);
    return good;
}

static bool session_new(const struct media_key *key, uint32_t ssrc, struct session *ret_session)
{
    *ret_session = (struct session){0};
    if (key->cipher == MEDIA_CIPHER_AES_CM && key->key_bytes == 24)
        return (ret_session->own = srtp_192_new(key)) != NULL;
    return library_session(key, ssrc, &ret_session->library);
}

static void session_free(struct session *s)
{
    if (s->library)
        srtp_dealloc(s->library);
    srtp_192_free(s->own);
    *s = (struct session){0};
}

static void session_set_roll(struct session *s, uint32_t ssrc, uint32_t roll)
{
    if (s->own)
        srtp_192_set_roll(s->own, roll);
    else
        srtp_set_stream_roc(s->library, ssrc, roll);
}

static uint32_t session_roll(const struct session *s, uint32_t ssrc)
{
    uint32_t roll = 0;
    if (s->own)
        return srtp_192_roll(s->own);
    return srtp_get_stream_roc(s->library, ssrc, &roll) == srtp_err_status_ok ? roll : 0;
}

/* ---- one try ---- */

static enum srtp_verdict open_with(struct srtp_opener *o, struct session *s,
                                   const struct media_key *key, struct slice packet,
                                   size_t *ret_size)
{
    int size = (int)packet.size;
    memcpy(o->room, packet.data, packet.size);
    if (s->own) {
        *ret_size = packet.size;
        return srtp_192_open(s->own, o->room, ret_size) ? SRTP_OPENED : SRTP_UNOPENED;
    }
    switch (srtp_unprotect_mki(s->library, o->room, &size, key->mki_bytes != 0)) {
    case srtp_err_status_ok:
        *ret_size = (size_t)size;
        return SRTP_OPENED;
    case srtp_err_status_replay_fail:
    case srtp_err_status_replay_old:
        return SRTP_REPEATED;
    default:
        return SRTP_UNOPENED;
    }
}

static void take_session(struct srtp_opener *o, struct source *s, struct session session,
                         unsigned key)
{
    session_free(&s->session);
    s->session = session;
    s->key = key;
    s->opened = true;
    o->recent = key;
}

/* The key with one roll-over counter after the other, from the likely ones on. */
static bool try_key(struct srtp_opener *o, struct source *s, unsigned key, bool deep,
                    struct slice packet, size_t *ret_size)
{
    struct session session;
    unsigned rolls = deep ? ROLLS_TRIED : 1;
    if (!session_new(&o->keys[key], s->ssrc, &session))
        return false;
    for (unsigned i = 0; i < rolls + 2; i++) {
        uint32_t roll = i == 0 ? 0 : i < 3 ? s->roll + i - 1 : i - 2;
        if (i && roll == 0)
            continue;
        if (i)
            session_set_roll(&session, s->ssrc, roll);
        if (open_with(o, &session, &o->keys[key], packet, ret_size) == SRTP_OPENED) {
            take_session(o, s, session, key);
            return true;
        }
    }
    session_free(&session);
    return false;
}

/* The newest keys of the sender, or of the others (a forked call, a relay that turns sides). */
static bool try_newest(struct srtp_opener *o, struct source *s, bool own, bool deep,
                       struct slice packet, size_t *ret_size)
{
    unsigned tried = 0;
    for (unsigned k = o->count; k-- > 0 && tried < KEYS_TRIED;) {
        bool of_sender = o->keys[k].party == o->party;
        if (k == o->recent || of_sender != own || (!own && o->keys[k].tag_bytes == 0))
            continue;
        tried++;
        if (try_key(o, s, k, deep, packet, ret_size))
            return true;
    }
    return false;
}

static bool try_keys(struct srtp_opener *o, struct source *s, struct slice packet, size_t *ret_size)
{
    bool deep = s->failed >= 2 && o->deep_left;
    if (deep)
        o->deep_left--;
    if (s->opened)
        s->roll = session_roll(&s->session, s->ssrc);
    return (o->recent < o->count && try_key(o, s, o->recent, deep, packet, ret_size)) ||
           try_newest(o, s, true, deep, packet, ret_size) ||
           try_newest(o, s, false, deep, packet, ret_size);
}

/* ---- sources ---- */

/* Its place, or that of one that nothing has opened, or that of the longest silent. */
static struct source *source_of(struct srtp_opener *o, uint32_t ssrc)
{
    struct source *oldest = NULL;
    for (unsigned i = 0; i < SSRCS_MAX; i++) {
        struct source *s = &o->sources[i];
        if (s->used && s->ssrc == ssrc)
            return s;
        bool better = oldest == NULL || (!s->used && oldest->used) ||
                      (s->used == oldest->used &&
                       (s->opened < oldest->opened ||
                        (s->opened == oldest->opened && s->touched < oldest->touched)));
        if (better)
            oldest = s;
    }
    session_free(&oldest->session);
    *oldest = (struct source){.ssrc = ssrc, .used = true};
    return oldest;
}

/* ---- the promise ---- */

struct srtp_opener *srtp_opener_new(const struct media_key *keys, unsigned count, uint8_t party)
{
    pthread_once(&started, start);
    if (!usable || count == 0)
        return NULL;
    struct srtp_opener *o = calloc(1, sizeof *o);
    if (o == NULL)
        return NULL;
    o->keys = keys;
    o->count = count;
    o->party = party;
    o->recent = count;
    o->deep_left = DEEP_TRIES;
    return o;
}

void srtp_opener_free(struct srtp_opener *o)
{
    if (o == NULL)
        return;
    for (unsigned i = 0; i < SSRCS_MAX; i++)
        session_free(&o->sources[i].session);
    crypto_wipe(o->room, sizeof o->room);
    free(o);
}

struct srtp_held {
    struct session sessions[6];
};

struct srtp_held *srtp_hold(void)
{
    static const struct media_key keys[] = {
        {.cipher = MEDIA_CIPHER_AES_CM, .key_bytes = 16, .tag_bytes = 10, .salt_bytes = 14},
        {.cipher = MEDIA_CIPHER_AES_CM, .key_bytes = 24, .tag_bytes = 10, .salt_bytes = 14},
        {.cipher = MEDIA_CIPHER_AES_CM, .key_bytes = 32, .tag_bytes = 10, .salt_bytes = 14},
        {.cipher = MEDIA_CIPHER_AES_GCM, .key_bytes = 16, .tag_bytes = 16, .salt_bytes = 12},
        {.cipher = MEDIA_CIPHER_AES_GCM, .key_bytes = 32, .tag_bytes = 16, .salt_bytes = 12},
        {.cipher = MEDIA_CIPHER_NULL, .key_bytes = 16, .tag_bytes = 10, .salt_bytes = 14},
    };
    struct srtp_held *h = calloc(1, sizeof *h);
    pthread_once(&started, start);
    for (size_t i = 0; h && usable && i < sizeof keys / sizeof *keys; i++)
        (void)session_new(&keys[i], 1, &h->sessions[i]);
    return h;
}

void srtp_release(struct srtp_held *h)
{
    for (size_t i = 0; h && i < sizeof h->sessions / sizeof *h->sessions; i++)
        session_free(&h->sessions[i]);
    free(h);
}

static uint32_t ssrc_of(struct slice packet)
{
    const uint8_t *at = packet.data + 8;
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* One that could not be opened as the ones before: is it worth a look at the keys? */
static bool worth_trying(struct source *s, size_t size)
{
    unsigned each = s->failed < FAILED_WHILE ? FAILED_SOON : FAILED_EACH;
    if (s->failed < FAILED_FEW || s->failed % each == 0)
        return true;
    if (size == s->size || s->others == OTHER_SIZES)
        return false;
    s->others++;
    return true;
}

enum srtp_verdict srtp_opener_packet(struct srtp_opener *o, struct slice packet,
                                     struct slice *ret_packet)
{
    size_t size = 0;
    enum srtp_verdict verdict = SRTP_UNOPENED;
    if (packet.size < HEADER_BYTES || packet.size > PACKET_MAX)
        return SRTP_UNOPENED;
    struct source *s = source_of(o, ssrc_of(packet));
    s->touched = ++o->packets;
    if (s->opened)
        verdict = open_with(o, &s->session, &o->keys[s->key], packet, &size);
    if (verdict == SRTP_UNOPENED && worth_trying(s, packet.size) && try_keys(o, s, packet, &size))
        verdict = SRTP_OPENED;
    s->failed = verdict == SRTP_UNOPENED ? s->failed + 1 : 0;
    s->size = packet.size;
    *ret_packet = slice_of(o->room, size);
    return verdict;
}
