/* Keys taken out of any packet of any flow: it stays inside the packet, and what was hidden is hidden: a second time changes
 * nothing. The first byte says media or signalling and how long the descriptor is. */
#include <assert.h>
#include <stdlib.h>

#include "app/key_hide.h"
#include "storage/spool.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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
    free(once);
    free(twice);
    return 0;
}
