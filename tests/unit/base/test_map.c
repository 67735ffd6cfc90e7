/* The map against a plain list that does the same. */
#include <criterion/criterion.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/map.h"

static bool has(const struct map *m, uint64_t hash, uint32_t value)
{
    struct map_probe p = map_probe(m, hash);
    for (uint32_t i; (i = map_next(m, &p)) != MAP_NONE;)
        if (i == value)
            return true;
    return false;
}

static uint64_t hash_of(uint32_t i)
{
    struct hash_seed seed = {1, 2};
    uint64_t word = i;
    return hash_words(&seed, &word, 1);
}

Test(map, zeroed_storage_is_an_empty_map)
{
    struct map m = {0};
    cr_assert_not(has(&m, 12345, 1));
    cr_assert_not(map_remove(&m, 12345, 1));
    map_prefetch(&m, 12345);
    map_fini(&m);
}

Test(map, finds_what_was_added_and_nothing_else)
{
    struct map m = {0};
    for (uint32_t i = 0; i < 10000; i++)
        cr_assert_eq(map_add(&m, hash_of(i), i), 0);
    cr_assert_eq(m.count, 10000);
    for (uint32_t i = 0; i < 10000; i++) {
        cr_assert(has(&m, hash_of(i), i));
        cr_assert_not(has(&m, hash_of(i + 10000), i + 10000));
    }
    map_fini(&m);
    cr_assert_eq(m.count, 0);
}

/* `bits` squeezes the hashes together, so that runs of neighbours form and wrap around the end. */
static void random_steps(unsigned bits)
{
    enum { VALUES = 500 };
    bool present[VALUES] = {false};
    uint32_t count = 0;
    struct map m = {0};
    uint32_t random = 12345;
    for (int step = 0; step < 20000; step++) {
        random = random * 1664525 + 1013904223;
        uint32_t v = (random >> 8) % VALUES;
        uint64_t hash = hash_of(v) & ((UINT64_C(1) << bits) - 1);
        hash |= (hash >> 1) << 32; /* both halves few-valued */
        if (present[v]) {
            cr_assert(map_remove(&m, hash, v));
            count--;
        } else {
            cr_assert_eq(map_add(&m, hash, v), 0);
            count++;
        }
        present[v] = !present[v];
        cr_assert_eq(m.count, count);
        if (step % 100)
            continue;
        for (uint32_t i = 0; i < VALUES; i++) {
            uint64_t h = hash_of(i) & ((UINT64_C(1) << bits) - 1);
            h |= (h >> 1) << 32;
            cr_assert_eq(has(&m, h, i), present[i], "%u bits, step %d, value %u", bits, step, i);
        }
    }
    map_fini(&m);
}

Test(map, agrees_with_a_plain_list_however_bad_the_hashes)
{
    random_steps(3);
    random_steps(7);
    random_steps(31);
}

Test(map, equal_hashes_are_all_shown)
{
    struct map m = {0};
    for (uint32_t i = 0; i < 40; i++)
        map_add(&m, 42, i);
    unsigned seen = 0;
    struct map_probe p = map_probe(&m, 42);
    for (uint32_t i; (i = map_next(&m, &p)) != MAP_NONE;)
        seen++;
    cr_assert_eq(seen, 40);
    cr_assert(map_remove(&m, 42, 17));
    cr_assert_not(map_remove(&m, 42, 17));
    cr_assert(has(&m, 42, 39));
    map_fini(&m);
}

Test(map, reserved_room_does_not_move)
{
    struct map m = {0};
    cr_assert_eq(map_reserve(&m, 1000), 0);
    struct map_slot *slots = m.slots;
    for (uint32_t i = 0; i < 1000; i++)
        map_add(&m, hash_of(i), i);
    cr_assert_eq(m.slots, slots);
    cr_assert_eq(map_reserve(&m, UINT32_MAX), ERR_NOMEM);
    cr_assert(has(&m, hash_of(999), 999));
    map_fini(&m);
}
