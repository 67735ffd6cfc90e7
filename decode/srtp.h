/* SRTP (RFC 3711, 7714) opened with keys that signalling told. One opener a flow: its SSRCs each find the key that fits
 * them, and their roll-over counter, by trying; the authentication tag says what is right. After that a packet costs one
 * look-up and one opening. A new key (re-INVITE) is found when the old one opens no more.
 *
 * What it costs to be fed rubbish is bounded: 16 SSRCs, and of packets that nothing opens only some are tried with all keys. */
#pragma once

#include "base/media_key.h"
#include "base/slice.h"

struct srtp_opener;

enum srtp_verdict {
    SRTP_OPENED,
    SRTP_REPEATED, /* authentic, but was here before or is too old to tell */
    SRTP_UNOPENED, /* no key fits: forged, damaged, or not ours to hear */
};

/* The keys are borrowed while the opener lives. Those of `party`, who sends, are tried first; keys that prove nothing are tried
 * for their party alone. NULL without memory or without the library. */
struct srtp_opener *srtp_opener_new(const struct media_key *keys, unsigned count, uint8_t party);
void srtp_opener_free(struct srtp_opener *o);
/* `*ret_packet` (SRTP_OPENED): the RTP packet in the clear, valid until the next call. */
enum srtp_verdict srtp_opener_packet(struct srtp_opener *o, struct slice packet, struct slice *ret_packet);
/* Sessions of every cipher: the library behind the ciphers loads parts of itself for the first one and drops them with the
 * last, which a process without files cannot. NULL without memory. */
struct srtp_held *srtp_hold(void);
void srtp_release(struct srtp_held *h);
/* Version text of the library, for --version. */
const char *srtp_library(void);
