/* See spool_help.h. */
#include "tests/unit/storage/spool_help.h"

#include <criterion/criterion.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

void help_dir_make(char out[HELP_DIR_SIZE])
{
    const char *where = getenv("TMPDIR");
    snprintf(out, HELP_DIR_SIZE, "%s/earshot-test-XXXXXX", where ? where : "/tmp");
    cr_assert_not_null(mkdtemp(out));
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *walk)
{
    (void)st, (void)type, (void)walk;
    return remove(path);
}

void help_dir_remove(const char *dir)
{
    nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

uint64_t help_next(struct help_random *r)
{
    uint64_t z = r->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

uint64_t help_below(struct help_random *r, uint64_t n)
{
    return help_next(r) % n;
}

static struct endpoint help_endpoint(struct help_random *r)
{
    struct endpoint e = {.port = (uint16_t)help_next(r)};
    if (help_below(r, 2))
        e.addr = addr_v4((uint32_t)help_next(r));
    else
        e.addr = (struct addr){.high = help_next(r), .low = help_next(r)};
    e.space = (uint32_t)help_below(r, 3);
    return e;
}

struct spool_packet help_packet(unsigned flow, unsigned i, bool signalling, size_t largest,
                                uint8_t *room)
{
    struct help_random r = {(uint64_t)flow << 32 | i};
    struct spool_packet p = {.time_ns = INT64_C(1700000000000000000) + INT64_C(20000000) * i};
    p.ip_id = (uint16_t)help_next(&r);
    p.vlan_outer = (uint16_t)help_below(&r, 4096);
    p.vlan_inner = (uint16_t)help_below(&r, 4096);
    p.ttl = (uint8_t)help_next(&r);
    p.tos = (uint8_t)help_next(&r);
    p.transport = 17;
    if (signalling) {
        p.src = help_endpoint(&r);
        p.dst = help_endpoint(&r);
        p.retransmission = help_below(&r, 2);
    } else {
        struct spool_flow_info info = help_info(flow, false, "");
        p.src = info.src;
        p.dst = info.dst;
        p.rtcp = help_below(&r, 10) == 0;
    }
    size_t size = help_below(&r, 50) ? help_below(&r, 200) : help_below(&r, largest + 1);
    for (size_t k = 0; k < size; k++)
        room[k] = (uint8_t)help_next(&r);
    p.payload = slice_of(room, size);
    p.wire_bytes = (uint32_t)(size + help_below(&r, 3));
    return p;
}

struct spool_flow_info help_info(unsigned flow, bool signalling, const char *descriptor)
{
    struct help_random r = {flow};
    struct spool_flow_info info = {.flow = signalling ? 0 : flow + 1,
                                   .kind = signalling ? SPOOL_SIGNALLING : SPOOL_MEDIA,
                                   .src = help_endpoint(&r),
                                   .dst = help_endpoint(&r),
                                   .descriptor = slice_str(descriptor)};
    for (size_t i = 0; i < sizeof info.uid; i++)
        info.uid[i] = (uint8_t)(flow * 7 + i);
    return info;
}

bool help_same(const struct spool_packet *a, const struct spool_packet *b, bool endpoints)
{
    return a->time_ns == b->time_ns && a->wire_bytes == b->wire_bytes && a->ip_id == b->ip_id &&
           a->vlan_outer == b->vlan_outer && a->vlan_inner == b->vlan_inner && a->ttl == b->ttl &&
           a->tos == b->tos && a->transport == b->transport && a->rtcp == b->rtcp &&
           a->retransmission == b->retransmission && slice_equal(a->payload, b->payload) &&
           (!endpoints || (endpoint_equal(&a->src, &b->src) && endpoint_equal(&a->dst, &b->dst)));
}

uint64_t help_cell(const struct counters *c, unsigned cell)
{
    return atomic_load_explicit(&c->cell[cell], memory_order_relaxed);
}
