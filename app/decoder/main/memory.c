/* Where memory runs out, this program ends: at the packet that took too much, which the service
 * leaves out then. With a refusal most libraries would go on and keep what they have, and something
 * else would fail later, at a packet that is not at fault. A single large block may be refused:
 * that is a codec which believes what a packet claims, and it gets away with damage.
 *
 * The C library's own names stand here because what it gives has to be freed by it. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "app/confine/hello.h"

#define LARGE ((size_t)1 << 20)

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *block, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);
void *memalign(size_t alignment, size_t size);

static void *given(void *block, size_t size)
{
    if (block == NULL && size > 0 && size < LARGE)
        _exit(DECODER_NO_MEMORY);
    return block;
}

void *malloc(size_t size)
{
    return given(__libc_malloc(size), size);
}

void *calloc(size_t count, size_t size)
{
    size_t all;
    return given(__libc_calloc(count, size), __builtin_mul_overflow(count, size, &all) ? 0 : all);
}

void *realloc(void *block, size_t size)
{
    return given(__libc_realloc(block, size), size);
}

void *memalign(size_t alignment, size_t size)
{
    return given(__libc_memalign(alignment, size), size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return memalign(alignment, size);
}

int posix_memalign(void **ret_block, size_t alignment, size_t size)
{
    if (alignment < sizeof(void *) || (alignment & (alignment - 1)) != 0)
        return EINVAL;
    void *block = memalign(alignment, size);
    if (block == NULL)
        return ENOMEM;
    *ret_block = block;
    return 0;
}
