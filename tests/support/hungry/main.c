/* earshot-decoder, whose decoders do what a payload says: "EAT-CPU" works for ever; "EAT-ALL" takes
 * memory until there is none and goes on, as libraries in C do; "EAT-BIG" ends itself when it does
 * not get a large block, as those in C++ do. */
#include <stdlib.h>

#include "decode/codec.h"

#define CHUNK ((size_t)64 << 10)
#define MOST  ((size_t)1 << 30) /* no budget is that large in a test */
#define BIG   ((size_t)4 << 30)

int __real_decoder_decode(struct decoder *d, struct slice payload, uint32_t timestamp,
                          int16_t out[CODEC_MAX_SAMPLES]);
int __wrap_decoder_decode(struct decoder *d, struct slice payload, uint32_t timestamp,
                          int16_t out[CODEC_MAX_SAMPLES]);

static void take_cpu(void)
{
    for (volatile uint64_t i = 0; i < UINT64_C(1) << 62;)
        i++;
}

/* And keeps it. */
static void take_memory(void)
{
    volatile char *chunk;
    for (size_t taken = 0; taken < MOST && (chunk = malloc(CHUNK)); taken += CHUNK)
        chunk[0] = 1;
}

int __wrap_decoder_decode(struct decoder *d, struct slice payload, uint32_t timestamp,
                          int16_t out[CODEC_MAX_SAMPLES])
{
    if (slice_starts(payload, "EAT-CPU"))
        take_cpu();
    if (slice_starts(payload, "EAT-ALL"))
        take_memory();
    if (slice_starts(payload, "EAT-BIG") && malloc(BIG) == NULL)
        abort();
    return __real_decoder_decode(d, payload, timestamp, out);
}
