#include <criterion/criterion.h>

#include "base/arena.h"

Test(arena, memory_is_zeroed_aligned_and_apart)
{
    struct arena *a = arena_new(1000, 1 << 20);
    uint8_t *last = NULL;
    for (size_t i = 0; i < 2000; i++) {
        size_t size = i % 61;
        uint8_t *p = arena_alloc(a, size);
        cr_assert_not_null(p);
        cr_assert_eq((uintptr_t)p % 8, 0);
        cr_assert_neq(p, last);
        for (size_t k = 0; k < size; k++)
            cr_assert_eq(p[k], 0);
        memset(p, 0xa5, size);
        last = p;
    }
    arena_free(a);
}

Test(arena, never_holds_more_than_its_ceiling)
{
    static const size_t ceilings[] = {512, 1000, 4096, 100000};
    for (size_t i = 0; i < sizeof ceilings / sizeof *ceilings; i++) {
        struct arena *a = arena_new(256, ceilings[i]);
        size_t taken = 0;
        while (arena_alloc(a, 100))
            taken += 100;
        cr_expect_leq(arena_held(a), ceilings[i]);
        cr_expect_gt(taken * 10, ceilings[i] * 5, "only %zu of %zu of use", taken, ceilings[i]);
        arena_free(a);
    }
}

Test(arena, a_large_piece_leaves_the_current_chunk_in_use)
{
    struct arena *a = arena_new(1000, 1 << 20);
    cr_assert_not_null(arena_alloc(a, 100000));
    size_t held = arena_held(a);
    cr_assert_not_null(arena_alloc(a, 64));
    cr_assert_eq(arena_held(a), held);
    arena_free(a);
}

Test(arena, absurd_sizes_are_refused)
{
    struct arena *a = arena_new(1000, SIZE_MAX);
    cr_assert_null(arena_alloc(a, SIZE_MAX));
    cr_assert_null(arena_alloc(a, SIZE_MAX - 8));
    cr_assert_not_null(arena_alloc(a, 8));
    arena_free(a);
    arena_free(NULL);
}

Test(arena, copies_end_with_nul)
{
    struct arena *a = arena_new(1000, 2000);
    struct slice s = arena_copy(a, slice_of("hello, world", 5));
    cr_assert(slice_is(s, "hello"));
    cr_assert_eq(s.data[s.size], '\0');
    cr_assert_str_eq(arena_str(a, slice_str("x")), "x");
    cr_assert_str_eq(arena_str(a, slice_none()), "");
    static const char big[4000];
    cr_assert_eq(arena_copy(a, slice_of(big, sizeof big)).size, 0);
    cr_assert_str_eq(arena_str(a, slice_of(big, sizeof big)), "");
    arena_free(a);
}
