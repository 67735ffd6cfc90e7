/* Keys of DTLS-SRTP (capture/net/dtls.h) go to the call whose media the handshake stood between. */
#pragma once

#include "capture/call/live.h"
#include "capture/net/dtls.h"

/* For dtls_new(): the context is the calls. */
void dtls_note(void *context, const struct dtls_keys *keys);
