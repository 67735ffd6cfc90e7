/* Compressed captures: the frames are those of the file inside, whatever comes before a cut or a
 * damage is delivered, and what unpacks to too much is stopped. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "fixture.h"
#include "capture/source/unpack.h"

typedef struct buf pack_fn(struct slice bytes);

static const struct {
    const char *name;
    pack_fn *pack;
} packers[] = {{"gzip", pack_gzip}, {"zstd", pack_zstd}};

/* Frames that do not compress too well. */
static void put_capture(struct writer *w, uint32_t frames)
{
    pcap_begin(w, LINK_ETHERNET);
    for (uint32_t i = 0; i < frames; i++)
        pcap_frame(w, 1700000000000000 + i * INT64_C(20011), (uint8_t)(i * 2654435761u >> 24),
                   30 + i * 7919 % 90);
}

static void assert_read(struct slice packed, size_t frames, const char *filter, const char *name)
{
    struct seen seen = {0};
    struct why why = {0};
    cr_assert_eq(see_file(packed, filter, &seen, NULL, &why), SOURCE_END, "%s: %s", name, why.text);
    cr_assert_eq(seen.count, frames, "%s: %zu frames", name, seen.count);
    for (size_t i = 0; i < seen.count; i++)
        cr_assert_eq(seen.frames[i].first, (uint8_t)((uint32_t)i * 2654435761u >> 24));
    seen_free(&seen);
}

Test(packed, the_frames_are_those_of_the_file_inside)
{
    struct writer w = {0};
    put_capture(&w, 60000); /* several windows */
    for (size_t i = 0; i < COUNT(packers); i++) {
        struct buf packed = packers[i].pack(buf_view(&w.b));
        cr_assert_lt(packed.size, w.b.size);
        assert_read(buf_view(&packed), 60000, NULL, packers[i].name);
        assert_read(buf_view(&packed), 60000, "less 100000", packers[i].name);
        buf_fini(&packed);
    }
    w.b.data[6] = 3; /* version 2.3: libpcap reads it, through us */
    for (size_t i = 0; i < COUNT(packers); i++) {
        struct buf packed = packers[i].pack(buf_view(&w.b));
        assert_read(buf_view(&packed), 60000, NULL, packers[i].name);
        buf_fini(&packed);
    }
    buf_fini(&w.b);
}

Test(packed, several_members_make_one_file)
{
    struct writer w = {0};
    put_capture(&w, 1000);
    for (size_t i = 0; i < COUNT(packers); i++) {
        struct buf all;
        buf_init(&all, 1 << 22);
        for (size_t from = 0; from < w.b.size; from += 10007) {
            struct buf part = packers[i].pack(slice_sub(buf_view(&w.b), from, from + 10007));
            buf_slice(&all, buf_view(&part));
            buf_fini(&part);
        }
        assert_read(buf_view(&all), 1000, NULL, packers[i].name);
        buf_fini(&all);
    }
    buf_fini(&w.b);
}

Test(packed, zeros_behind_gzip_are_padding_and_anything_else_is_told)
{
    struct writer w = {0};
    struct seen seen = {0};
    struct why why = {0};
    put_capture(&w, 10);
    struct buf packed = pack_gzip(buf_view(&w.b)), more;
    buf_init(&more, 1 << 20);
    buf_slice(&more, buf_view(&packed));
    for (int i = 0; i < 512; i++)
        buf_u8(&more, 0);
    assert_read(buf_view(&more), 10, NULL, "padding");
    buf_u8(&more, 'x');
    cr_assert_eq(see_file(buf_view(&more), NULL, &seen, NULL, &why), SOURCE_TRUNCATED);
    cr_assert_eq(seen.count, 10);
    cr_assert(strstr(why.text, "other bytes follow its end"), "%s", why.text);
    seen_free(&seen);
    buf_fini(&more);
    buf_fini(&packed);
    buf_fini(&w.b);
}

Test(packed, every_cut_gives_frames_and_then_a_sentence)
{
    struct writer w = {0};
    put_capture(&w, 300);
    for (size_t i = 0; i < COUNT(packers); i++) {
        struct buf packed = packers[i].pack(buf_view(&w.b));
        size_t most = 0;
        for (size_t at = 20; at < packed.size; at += 1 + at % 13) {
            struct seen seen = {0};
            struct why why = {0};
            enum source_state state = see_file(slice_of(packed.data, at), NULL, &seen, NULL, &why);
            cr_assert(state == SOURCE_TRUNCATED || (state == SOURCE_FAILED && seen.count == 0),
                      "cut at %zu", at);
            cr_assert(strstr(why.text, packers[i].name) && strstr(why.text, "cut"),
                      "cut at %zu: %s", at, why.text);
            cr_assert_geq(seen.count, most);
            most = seen.count;
            seen_free(&seen);
        }
        buf_fini(&packed);
    }
    buf_fini(&w.b);
}

Test(packed, a_cut_far_behind_costs_only_what_is_behind_it)
{
    struct writer w = {0};
    put_capture(&w, 60000);
    for (size_t i = 0; i < COUNT(packers); i++) {
        struct buf packed = packers[i].pack(buf_view(&w.b));
        struct seen seen = {0};
        struct why why = {0};
        cr_assert_eq(see_file(slice_of(packed.data, packed.size * 9 / 10), NULL, &seen, NULL, &why),
                     SOURCE_TRUNCATED);
        cr_assert_gt(seen.count, 40000, "%s: %zu", packers[i].name, seen.count);
        seen_free(&seen);
        buf_fini(&packed);
    }
    buf_fini(&w.b);
}

Test(packed, damage_gives_what_came_before_and_a_sentence)
{
    struct writer w = {0};
    put_capture(&w, 60000);
    for (size_t i = 0; i < COUNT(packers); i++) {
        struct buf packed = packers[i].pack(buf_view(&w.b));
        struct seen seen = {.garbled = true}; /* gzip notices late, at its checksum */
        struct why why = {0};
        for (size_t k = 0; k < 64; k++)
            packed.data[packed.size / 2 + k] ^= 0xa5;
        cr_assert_eq(see_file(buf_view(&packed), NULL, &seen, NULL, &why), SOURCE_TRUNCATED);
        cr_assert_gt(seen.count, 10000);
        cr_assert_lt(seen.count, 60000);
        cr_assert(strstr(why.text, packers[i].name) || strstr(why.text, "claims"), "%s", why.text);
        seen_free(&seen);
        buf_fini(&packed);
    }
    buf_fini(&w.b);
}

Test(packed, what_is_no_capture_inside_is_named)
{
    struct writer w = {0};
    struct seen seen = {0};
    struct why why = {0};
    put_capture(&w, 10);
    struct buf text = pack_gzip(slice_str("INVITE sip:alice@example.com SIP/2.0\r\n\r\n"));
    cr_assert_eq(see_file(buf_view(&text), NULL, &seen, NULL, &why), SOURCE_FAILED);
    cr_assert(strstr(why.text, "is a text file"), "%s", why.text);
    struct buf once = pack_gzip(buf_view(&w.b)), twice = pack_zstd(buf_view(&once));
    cr_assert_eq(see_file(buf_view(&twice), NULL, &seen, NULL, &why), SOURCE_FAILED);
    cr_assert(strstr(why.text, "compressed twice"), "%s", why.text);
    struct buf nothing = pack_gzip(slice_none());
    cr_assert_eq(see_file(buf_view(&nothing), NULL, &seen, NULL, &why), SOURCE_FAILED);
    cr_assert(strstr(why.text, "is empty"), "%s", why.text);
    buf_fini(&text);
    buf_fini(&once);
    buf_fini(&twice);
    buf_fini(&nothing);
    buf_fini(&w.b);
}

/* 160 MiB of equal frames out of a file a thousand times smaller. */
static struct buf make_bomb(pack_fn *pack)
{
    struct buf b;
    struct writer w = {0}, frame = {0};
    pcap_begin(&w, LINK_ETHERNET);
    pcap_begin(&frame, LINK_ETHERNET);
    size_t head = frame.b.size;
    pcap_frame(&frame, 0, 0, 200000);
    buf_init(&b, (size_t)1 << 28);
    buf_slice(&b, buf_view(&w.b));
    for (int i = 0; i < 800; i++)
        buf_slice(&b, slice_from(buf_view(&frame.b), head));
    cr_assert_not(b.failed);
    struct buf packed = pack(buf_view(&b));
    buf_fini(&b);
    buf_fini(&w.b);
    buf_fini(&frame.b);
    return packed;
}

Test(packed, a_bomb_is_stopped_at_a_hundred_times_its_size)
{
    for (size_t i = 0; i < COUNT(packers); i++) {
        struct buf bomb = make_bomb(packers[i].pack);
        struct seen seen = {0};
        struct why why = {0};
        cr_assert_eq(see_file(buf_view(&bomb), NULL, &seen, NULL, &why), SOURCE_TRUNCATED);
        cr_assert(strstr(why.text, "more than 100 times its size"), "%s", why.text);
        cr_assert_geq(seen.count * 200000,
                      UNPACK_FREE - (2 << 20)); /* what lies below is no bomb yet */
        cr_assert_leq(seen.count * 200000, UNPACK_FREE + (2 << 20));
        seen_free(&seen);
        buf_fini(&bomb);
    }
}

Test(packed, the_limit_of_the_settings_holds)
{
    struct writer w = {0};
    char path[64];
    put_capture(&w, 60000);
    for (size_t i = 0; i < COUNT(packers); i++) {
        struct buf packed = packers[i].pack(buf_view(&w.b));
        save(buf_view(&packed), path);
        for (uint64_t max = 0; max <= 1 << 20; max += 1 << 20) {
            struct source_file file = {.path = path};
            struct source_files_config config = {.files = &file, .count = 1, .unpack_max = max};
            struct source *s;
            struct seen seen = {0};
            struct why why = {0};
            cr_assert_eq(source_open_files(&config, &s, &why), 0, "%s", why.text);
            cr_assert_eq(see_all(s, 100, &seen, &why), max ? SOURCE_TRUNCATED : SOURCE_END);
            cr_assert_eq(seen.count == 60000, max == 0);
            if (max)
                cr_assert(strstr(why.text, "1048576 bytes that are allowed"), "%s", why.text);
            source_close(s);
            seen_free(&seen);
        }
        unlink(path);
        buf_fini(&packed);
    }
    buf_fini(&w.b);
}
