/* Capture files: every variant of the format read alike by both readers, and a clear word for what
 * is none. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "capture/source/source.h"

#define FRAMES 1000

/* ---- writing ---- */

struct variant {
    const char *name;
    uint32_t magic;
    bool big_endian;
    bool nanoseconds;
};

static const struct variant variants[] = {
    {"us, little endian", 0xa1b2c3d4, false, false},
    {"us, big endian", 0xa1b2c3d4, true, false},
    {"ns, little endian", 0xa1b23c4d, false, true},
    {"ns, big endian", 0xa1b23c4d, true, true},
};

#define COUNT(table) (sizeof(table) / sizeof *(table))

static void word(struct buf *b, bool big_endian, uint32_t v)
{
    if (big_endian)
        buf_u32(b, v);
    else
        buf_u32_le(b, v);
}

static void half(struct buf *b, bool big_endian, uint16_t v)
{
    if (big_endian)
        buf_u16(b, v);
    else
        buf_u16_le(b, v);
}

static void put_head(struct buf *b, const struct variant *v, uint32_t link_type)
{
    word(b, v->big_endian, v->magic);
    half(b, v->big_endian, 2);
    half(b, v->big_endian, 4);
    word(b, v->big_endian, 0);
    word(b, v->big_endian, 0);
    word(b, v->big_endian, 65535);
    word(b, v->big_endian, link_type);
}

static size_t frame_size(uint32_t i)
{
    return i * 37 % 1500; /* the first has no byte at all */
}

static int64_t frame_time(uint32_t i)
{
    return (INT64_C(1700000000) + i) * 1000000000 + i * 1000;
}

static void put_body(struct buf *b, uint32_t i)
{
    for (size_t k = 0; k < frame_size(i); k++)
        buf_u8(b, (uint8_t)(i + k));
}

static void put_frame(struct buf *b, const struct variant *v, uint32_t i)
{
    word(b, v->big_endian, 1700000000 + i);
    word(b, v->big_endian, v->nanoseconds ? i * 1000 : i);
    word(b, v->big_endian, (uint32_t)frame_size(i));
    word(b, v->big_endian, (uint32_t)frame_size(i) + i % 3);
    put_body(b, i);
}

static void put_capture(struct buf *b, const struct variant *v)
{
    buf_init(b, 1 << 24);
    put_head(b, v, LINK_LINUX_SLL);
    for (uint32_t i = 0; i < FRAMES; i++)
        put_frame(b, v, i);
}

/* pcapng: a section, an interface with nanoseconds, packets. */
static void put_interface(struct buf *b, uint16_t link_type, uint32_t snaplen)
{
    buf_u32_le(b, 1);
    buf_u32_le(b, 32);
    buf_u16_le(b, link_type);
    buf_u16_le(b, 0);
    buf_u32_le(b, snaplen);
    buf_u16_le(b, 9); /* if_tsresol */
    buf_u16_le(b, 1);
    buf_u32_le(b, 9);
    buf_u32_le(b, 0);
    buf_u32_le(b, 32);
}

static void put_section(struct buf *b)
{
    buf_u32_le(b, 0x0a0d0d0a);
    buf_u32_le(b, 28);
    buf_u32_le(b, 0x1a2b3c4d);
    buf_u16_le(b, 1);
    buf_u16_le(b, 0);
    buf_u32_le(b, UINT32_MAX);
    buf_u32_le(b, UINT32_MAX);
    buf_u32_le(b, 28);
}

static void put_packet(struct buf *b, uint32_t i)
{
    uint32_t size = (uint32_t)frame_size(i);
    uint32_t block = 32 + (size + 3) / 4 * 4;
    uint64_t time = (uint64_t)frame_time(i);
    buf_u32_le(b, 6);
    buf_u32_le(b, block);
    buf_u32_le(b, 0);
    buf_u32_le(b, (uint32_t)(time >> 32));
    buf_u32_le(b, (uint32_t)time);
    buf_u32_le(b, size);
    buf_u32_le(b, size + i % 3);
    put_body(b, i);
    while (b->size % 4)
        buf_u8(b, 0);
    buf_u32_le(b, block);
}

static void put_pcapng(struct buf *b)
{
    buf_init(b, 1 << 24);
    put_section(b);
    put_interface(b, LINK_LINUX_SLL, 65535);
    for (uint32_t i = 0; i < FRAMES; i++)
        put_packet(b, i);
}

static void save(struct slice bytes, char ret_path[64])
{
    strcpy(ret_path, "/tmp/earshot-test-XXXXXX");
    int fd = mkstemp(ret_path);
    cr_assert_geq(fd, 0);
    cr_assert_eq(write(fd, bytes.data, bytes.size), (ssize_t)bytes.size);
    close(fd);
}

/* ---- reading ---- */

struct seen {
    uint32_t count;
    size_t bytes;
    struct source *wake; /* at the frame numbered wake_at */
    uint32_t wake_at;
};

static void on_frame(void *context, const struct frame *frame)
{
    struct seen *seen = context;
    uint32_t i = seen->count++;
    cr_assert_eq(frame->link_type, LINK_LINUX_SLL);
    cr_assert_eq(frame->iface, 0);
    cr_assert_eq(frame->bytes.size, frame_size(i));
    cr_assert_eq(frame->wire_bytes, frame_size(i) + i % 3);
    cr_assert_eq(frame->time_ns, frame_time(i));
    for (size_t k = 0; k < frame->bytes.size; k++)
        cr_assert_eq(frame->bytes.data[k], (uint8_t)(i + k));
    seen->bytes += frame->wire_bytes;
    if (seen->wake && i == seen->wake_at)
        source_wake(seen->wake);
}

static enum source_state read_all(struct source *s, int batch, struct seen *seen, struct why *why)
{
    enum source_state state;
    double progress = 0;
    do {
        uint32_t before = seen->count;
        state = source_dispatch(s, batch, 0, on_frame, seen, why);
        cr_assert_leq(seen->count - before, (uint32_t)batch);
        cr_assert_geq(source_progress(s), progress);
        progress = source_progress(s);
    } while (state == SOURCE_MORE);
    return state;
}

static void assert_reads(struct slice capture, const char *filter, const char *name)
{
    char path[64];
    struct source *s;
    struct why why;
    struct seen seen = {0};
    struct source_stats stats;
    save(capture, path);
    cr_assert_eq(source_open_file(path, filter, &s, &why), 0, "%s: %s", name, why.text);
    cr_assert_str_eq(source_name(s), path);
    cr_assert_eq(source_progress(s) > 0.1, false);
    cr_assert_eq(read_all(s, 64, &seen, &why), SOURCE_END, "%s: %s", name, why.text);
    cr_assert_eq(seen.count, FRAMES, "%s", name);
    cr_assert_eq(source_progress(s), 1.0, "%s", name);
    source_stats(s, &stats);
    cr_assert_eq(stats.frames, FRAMES);
    cr_assert_eq(stats.bytes_on_wire, seen.bytes);
    cr_assert_eq(stats.kernel_drops, 0);
    cr_assert_eq(source_dispatch(s, 1, 0, on_frame, &seen, &why), SOURCE_END);
    source_close(s);
    unlink(path);
}

Test(source, every_byte_order_and_precision_is_read_alike_by_both_readers)
{
    for (size_t i = 0; i < COUNT(variants); i++) {
        struct buf b;
        put_capture(&b, &variants[i]);
        assert_reads(buf_view(&b), NULL, variants[i].name);
        assert_reads(buf_view(&b), "", variants[i].name);
        assert_reads(buf_view(&b), "less 100000", variants[i].name); /* libpcap */
        buf_fini(&b);
    }
}

Test(source, pcapng_is_read)
{
    struct buf b;
    put_pcapng(&b);
    assert_reads(buf_view(&b), NULL, "pcapng");
    buf_fini(&b);
}

Test(source, old_versions_of_the_format_are_left_to_the_library)
{
    struct buf b;
    put_capture(&b, &variants[0]);
    b.data[6] = 3; /* lengths either way round: the library looks which is the larger */
    assert_reads(buf_view(&b), NULL, "version 2.3");
    buf_fini(&b);
}

Test(source, a_filter_selects_frames)
{
    struct buf b;
    char path[64];
    struct source *s;
    struct why why;
    put_capture(&b, &variants[0]);
    save(buf_view(&b), path);
    cr_assert_eq(source_open_file(path, "greater 1000000", &s, &why), 0);
    struct seen seen = {0};
    cr_assert_eq(read_all(s, 64, &seen, &why), SOURCE_END);
    cr_assert_eq(seen.count, 0);
    source_close(s);
    cr_assert_eq(source_open_file(path, "udp prot 5060", &s, &why), ERR_INVALID);
    cr_assert(strstr(why.text, "udp prot 5060"), "%s", why.text);
    unlink(path);
    buf_fini(&b);
}

/* With `filter` the library reads. */
static void assert_cut(struct slice capture, size_t at, uint32_t frames, const char *filter)
{
    char path[64];
    struct source *s;
    struct why why = {0};
    struct seen seen = {0};
    save(slice_of(capture.data, at), path);
    cr_assert_eq(source_open_file(path, filter, &s, &why), 0, "%s", why.text);
    for (int again = 0; again < 2; again++) {
        cr_assert_eq(read_all(s, 7, &seen, &why), SOURCE_TRUNCATED, "cut at %zu", at);
        cr_assert_eq(seen.count, frames, "cut at %zu", at);
        cr_assert(strstr(why.text, path) && strstr(why.text, "cut in the middle"), "%s", why.text);
    }
    source_close(s);
    unlink(path);
}

Test(source, a_cut_file_gives_all_frames_before_the_cut)
{
    struct buf b;
    buf_init(&b, 1 << 20);
    put_head(&b, &variants[1], LINK_LINUX_SLL);
    for (uint32_t i = 0; i < 3; i++)
        put_frame(&b, &variants[1], i);
    size_t second = 24 + 16;
    size_t third = second + 16 + frame_size(1);
    for (size_t at = 25; at < b.size; at++) {
        if (at == second || at == third)
            continue;
        uint32_t frames = at < second ? 0 : at < third ? 1 : 2;
        assert_cut(buf_view(&b), at, frames, NULL);
        if (at % 10 == 0)
            assert_cut(buf_view(&b), at, frames, "less 100000");
    }
    buf_fini(&b);
}

Test(source, an_absurd_length_ends_the_reading_and_says_where)
{
    static const uint32_t lengths[] = {256 * 1024 + 1, 0x7fffffff, 0xffffffff};
    for (size_t i = 0; i < COUNT(lengths); i++) {
        struct buf b;
        char path[64];
        struct source *s;
        struct why why = {0};
        struct seen seen = {0};
        buf_init(&b, 1 << 20);
        put_head(&b, &variants[0], LINK_LINUX_SLL);
        put_frame(&b, &variants[0], 0);
        put_frame(&b, &variants[0], 1);
        size_t at = b.size;
        buf_u32_le(&b, 0);
        buf_u32_le(&b, 0);
        buf_u32_le(&b, lengths[i]);
        buf_u32_le(&b, lengths[i]);
        save(buf_view(&b), path);
        cr_assert_eq(source_open_file(path, NULL, &s, &why), 0);
        cr_assert_eq(read_all(s, 100, &seen, &why), SOURCE_TRUNCATED);
        cr_assert_eq(seen.count, 2);
        char where[40];
        snprintf(where, sizeof where, "frame 3, at byte %zu", at);
        cr_assert(strstr(why.text, where), "%s", why.text);
        source_close(s);
        unlink(path);
        buf_fini(&b);
    }
}

struct stranger_case {
    const char *bytes;
    size_t size;
    int err;
    const char *says;
};

static const struct stranger_case strangers[] = {
    {"", 0, ERR_INVALID, "is empty"},
    {"INVITE sip:a@b SIP/2.0\r\n", 24, ERR_INVALID, "is a text file"},
    {"\x1f\x8b\x08\x00", 4, ERR_INVALID, "cut inside its gzip data"},
    {"\x28\xb5\x2f\xfd\x00", 5, ERR_INVALID, "cut inside its zstd data"},
    {"\xfd\x37zXZ\x00", 6, ERR_INVALID, "is compressed with xz"},
    {"BZh91AY", 7, ERR_INVALID, "is compressed with bzip2"},
    {"\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17"
     "\x18\x19",
     25, ERR_INVALID, "is not a capture file"},
    {"\xd4\xc3\xb2\xa1\x02\x00\x04\x00", 8, ERR_TRUNCATED, "ends inside the header"},
    {"\xd4\xc3", 2, ERR_TRUNCATED, "ends inside the header"},
};

Test(source, what_is_no_capture_is_named)
{
    for (size_t i = 0; i < COUNT(strangers); i++) {
        char path[64];
        struct source *s;
        struct why why = {0};
        save(slice_of(strangers[i].bytes, strangers[i].size), path);
        cr_assert_eq(source_open_file(path, NULL, &s, &why), strangers[i].err, "%s", why.text);
        cr_assert(strstr(why.text, strangers[i].says), "%s", why.text);
        cr_assert(strstr(why.text, path), "%s", why.text);
        unlink(path);
    }
}

Test(source, what_cannot_be_opened_is_named)
{
    struct source *s;
    struct why why;
    cr_assert_eq(source_open_file("/tmp/no-such/file.pcap", NULL, &s, &why), ERR_NOT_FOUND);
    cr_assert(strstr(why.text, "does not exist"), "%s", why.text);
    cr_assert_eq(source_open_file("/tmp", NULL, &s, &why), ERR_INVALID);
    cr_assert(strstr(why.text, "is a directory"), "%s", why.text);

    char path[64];
    save(slice_str("x"), path);
    chmod(path, 0);
    if (geteuid() == 0 && seteuid(65534) != 0)
        cr_skip_test("needs to drop its privileges");
    cr_assert_eq(source_open_file(path, NULL, &s, &why), ERR_DENIED);
    cr_assert(strstr(why.text, "no permission"), "%s", why.text);
    if (getuid() == 0)
        cr_assert_eq(seteuid(0), 0);
    unlink(path);
}

/* Standard input becomes `path`, or a pipe with its bytes. */
static void redirect(struct slice capture, bool pipe_it, char ret_path[64])
{
    save(capture, ret_path);
    FILE *from = NULL;
    if (pipe_it) {
        char command[100];
        snprintf(command, sizeof command, "cat %s", ret_path);
        from = popen(command, "r");
    } else {
        from = fopen(ret_path, "r");
    }
    cr_assert(from);
    cr_assert_eq(dup2(fileno(from), STDIN_FILENO), STDIN_FILENO);
}

Test(source, standard_input_is_read_from_a_pipe_and_from_a_file)
{
    struct buf b;
    put_capture(&b, &variants[2]);
    for (int pipe_it = 0; pipe_it < 2; pipe_it++) {
        char path[64];
        struct source *s;
        struct why why;
        struct seen seen = {0};
        redirect(buf_view(&b), pipe_it, path);
        cr_assert_eq(source_open_file("-", NULL, &s, &why), 0, "%s", why.text);
        cr_assert_str_eq(source_name(s), "standard input");
        cr_assert_eq(read_all(s, 100, &seen, &why), SOURCE_END, "%s", why.text);
        cr_assert_eq(seen.count, FRAMES);
        cr_assert_eq(source_progress(s), pipe_it ? 0.0 : 1.0);
        source_close(s);
        unlink(path);
    }
    buf_fini(&b);

    struct source *s;
    struct why why;
    cr_assert(freopen("/dev/null", "r", stdin));
    cr_assert_eq(source_open_file("-", NULL, &s, &why), ERR_INVALID);
    cr_assert(strstr(why.text, "standard input is empty"), "%s", why.text);
}

Test(source, a_wake_ends_the_dispatch_and_nothing_is_lost)
{
    static const char *const filters[] = {NULL, "less 100000"}; /* our reader, libpcap's */
    struct buf b;
    put_capture(&b, &variants[0]);
    for (size_t i = 0; i < COUNT(filters); i++) {
        char path[64];
        struct source *s;
        struct why why;
        struct seen seen = {.wake_at = 10};
        save(buf_view(&b), path);
        cr_assert_eq(source_open_file(path, filters[i], &s, &why), 0);
        seen.wake = s;
        cr_assert_eq(source_dispatch(s, FRAMES, 0, on_frame, &seen, &why), SOURCE_MORE);
        cr_assert_eq(seen.count, 11);
        source_wake(s); /* before the dispatch: it returns at once */
        cr_assert_eq(source_dispatch(s, FRAMES, 0, on_frame, &seen, &why), SOURCE_MORE);
        cr_assert_eq(seen.count, 11);
        cr_assert_eq(read_all(s, FRAMES, &seen, &why), SOURCE_END);
        cr_assert_eq(seen.count, FRAMES);
        source_close(s);
        unlink(path);
    }
    buf_fini(&b);
}
