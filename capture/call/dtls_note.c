#include "capture/call/dtls_note.h"

#include "base/crypto.h"
#include "capture/call/emit.h"
#include "capture/call/points.h"

void dtls_note(void *context, const struct dtls_keys *keys)
{
    struct calls *c = context;
    struct binding b = points_bind(c, &keys->client, &keys->server, false, NULL);
    struct media_key by_client = keys->by_client, by_server = keys->by_server;
    if (b.live == NULL)
        return;
    by_client.party = b.sender;
    by_server.party = b.sender == CALL_CALLER ? CALL_CALLEE : CALL_CALLER;
    emit_media_key(c, b.live, &by_client);
    emit_media_key(c, b.live, &by_server);
    crypto_wipe(&by_client, sizeof by_client);
    crypto_wipe(&by_server, sizeof by_server);
}
