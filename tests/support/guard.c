#include "tests/support/guard.h"

#include <assert.h>
#include <sys/mman.h>
#include <unistd.h>

static size_t pages_for(size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    return (size + page - 1) / page * page;
}

struct slice guard_copy(struct slice bytes)
{
    size_t room = pages_for(bytes.size ? bytes.size : 1);
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    uint8_t *base = mmap(NULL, room + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert(base != MAP_FAILED);
    int err = mprotect(base + room, page, PROT_NONE);
    assert(err == 0);
    uint8_t *start = base + room - bytes.size;
    if (bytes.size)
        memcpy(start, bytes.data, bytes.size);
    return slice_of(start, bytes.size);
}

void guard_free(struct slice copy)
{
    size_t room = pages_for(copy.size ? copy.size : 1);
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    uintptr_t base = (uintptr_t)copy.data + copy.size - room;
    munmap((void *)base, room + page);
}
