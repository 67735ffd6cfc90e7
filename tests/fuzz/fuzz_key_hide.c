/* Keys taken out of any packet of any flow, as events and text, and as tones: it stays inside the packet, and what was hidden is
 * hidden: a second time changes nothing. The first byte says media or signalling and how long the descriptor is. */
#include <assert.h>
#include <stdlib.h>

#include "app/descriptor.h"
#include "app/key_hide.h"
#include "app/key_mute.h"
#include "storage/spool.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* `packet` has a byte behind it that stays. */
static void mute(struct slice descriptor, uint8_t *packet, size_t size)
{
    static struct tone_bank bank;
    struct flow_media m = {0};
    struct rtp_packet p;
    if (!rtp_parse(slice_of(packet, size), size, &p))
        return;
    if (bank.waves[0][0] == 0)
        tone_bank_init(&bank);
    (void)descriptor_read(descriptor, &m);
    struct key_codecs codecs = {m.codecs, m.codec_count};
    struct key_mute k = {0};
    uint8_t *once = malloc(size + 1);
    if (once == NULL)
        abort();
    key_mute_hear(&k, &bank, codecs, &p);
    assert(k.keys.count <= KEY_MUTE_SPANS && k.missing.count <= KEY_MUTE_SPANS);
    k.keys.count = 1;
    k.keys.items[0] = (struct key_span){p.timestamp - (1u << 20), p.timestamp + (1u << 20)};
    key_mute_packet(&k, codecs, packet, size);
    memcpy(once, packet, size);
    key_mute_packet(&k, codecs, packet, size);
    assert(memcmp(once, packet, size) == 0);
    free(once);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    bool media = data[0] & 1;
    size_t described = data[0] >> 1, left = size - 1;
    if (described > left)
        described = left;
    struct slice descriptor = slice_of(data + 1, described), rest = slice_of(data + 1 + described, left - described);
    uint8_t *once = malloc(rest.size + 1), *twice = malloc(rest.size + 1); /* no byte behind the packet but one */
    if (once == NULL || twice == NULL)
        abort();
    memcpy(once, rest.data, rest.size);
    once[rest.size] = 0x5a;
    struct spool_packet packet = {.payload = slice_of(once, rest.size)};
    key_hide(media, descriptor, &packet, once);
    memcpy(twice, once, rest.size + 1);
    packet.payload = slice_of(twice, rest.size);
    key_hide(media, descriptor, &packet, twice);
    assert(memcmp(once, twice, rest.size) == 0 && once[rest.size] == 0x5a && twice[rest.size] == 0x5a);
    if (media)
        mute(descriptor, twice, rest.size);
    assert(twice[rest.size] == 0x5a);
    free(once);
    free(twice);
    return 0;
}
