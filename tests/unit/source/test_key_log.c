#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "capture/source/key_log.h"

struct fixture {
    char folder[64];
    char path[128];
    struct key_log *log;
    struct buf heard; /* lines, each with a '|' behind it */
    struct why why;
};

static void setup(struct fixture *f)
{
    memset(f, 0, sizeof *f);
    snprintf(f->folder, sizeof f->folder, "/tmp/key_log_XXXXXX");
    cr_assert(mkdtemp(f->folder) != NULL);
    snprintf(f->path, sizeof f->path, "%s/log", f->folder);
    buf_init(&f->heard, 1 << 20);
}

static void teardown(struct fixture *f)
{
    char command[100];
    key_log_close(f->log);
    buf_fini(&f->heard);
    snprintf(command, sizeof command, "rm -r %s", f->folder);
    cr_assert(system(command) == 0);
}

static void append(const struct fixture *f, const char *text)
{
    FILE *file = fopen(f->path, "a");
    fputs(text, file);
    fclose(file);
}

static void on_line(void *context, struct slice line)
{
    struct fixture *f = context;
    buf_slice(&f->heard, line);
    buf_char(&f->heard, '|');
}

static void start(struct fixture *f, const char *prefix)
{
    char path[160];
    snprintf(path, sizeof path, "%s%s", prefix, f->path);
    cr_assert(key_log_open(path, &f->log, &f->why) == 0, "%s", f->why.text);
}

static void expect(struct fixture *f, const char *lines)
{
    buf_clear(&f->heard);
    int n = key_log_poll(f->log, on_line, f);
    int want = 0;
    for (const char *c = lines; *c; c++)
        want += *c == '|';
    cr_assert(strcmp(buf_text(&f->heard), lines) == 0, "'%s', not '%s'", buf_text(&f->heard),
              lines);
    cr_assert(eq(int, n, want));
}

Test(key_log, a_file_is_followed_as_it_grows)
{
    struct fixture f;
    setup(&f);
    append(&f, "one\ntwo\r\nthr");
    start(&f, "");
    expect(&f, "one|two|");
    expect(&f, "");
    append(&f, "ee");
    expect(&f, "");
    append(&f, "\n\nfour\n");
    expect(&f, "three||four|");
    teardown(&f);
}

Test(key_log, a_file_need_not_be_there_yet)
{
    struct fixture f;
    setup(&f);
    start(&f, "");
    expect(&f, "");
    append(&f, "one\n");
    expect(&f, "one|");
    teardown(&f);
}

Test(key_log, a_truncated_file_is_read_from_its_beginning)
{
    struct fixture f;
    setup(&f);
    append(&f, "one\ntwo\ncut");
    start(&f, "");
    expect(&f, "one|two|");
    cr_assert(truncate(f.path, 0) == 0);
    append(&f, "three\n");
    expect(&f, "three|");
    teardown(&f);
}

Test(key_log, a_replaced_file_is_read_to_its_end_and_then_the_new_one)
{
    struct fixture f;
    char old[140];
    setup(&f);
    append(&f, "one\n");
    start(&f, "");
    expect(&f, "one|");
    append(&f, "two\ncut");
    snprintf(old, sizeof old, "%s.1", f.path);
    cr_assert(rename(f.path, old) == 0);
    expect(&f, "two|"); /* nothing took its place yet */
    append(&f, "three\n");
    expect(&f, "three|");
    cr_assert(unlink(f.path) == 0);
    expect(&f, "");
    append(&f, "four\n");
    expect(&f, "four|");
    teardown(&f);
}

Test(key_log, a_line_that_is_too_long_is_passed_over)
{
    struct fixture f;
    char line[2000];
    setup(&f);
    start(&f, "");
    memset(line, 'x', sizeof line);
    line[KEY_LOG_LINE_MAX + 1] = '\0';
    append(&f, line);
    append(&f, "more");
    expect(&f, "");
    append(&f, "\nshort\n");
    expect(&f, "short|");
    cr_assert(eq(u64, key_log_too_long(f.log), 1));
    teardown(&f);
}

Test(key_log, a_fifo_is_read_from_one_writer_after_the_other)
{
    struct fixture f;
    setup(&f);
    cr_assert(mkfifo(f.path, 0600) == 0);
    start(&f, "");
    expect(&f, "");
    for (unsigned i = 0; i < 2; i++) {
        int fd = open(f.path, O_WRONLY);
        cr_assert(write(fd, "one\ntw", 6) == 6);
        expect(&f, "one|");
        cr_assert(write(fd, "o\nlast", 6) == 6);
        expect(&f, "two|");
        close(fd);
        expect(&f, "last|");
    }
    teardown(&f);
}

static int dial(const struct fixture *f, int type)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    snprintf(at.sun_path, sizeof at.sun_path, "%s", f->path);
    int fd = socket(AF_UNIX, type, 0);
    cr_assert(connect(fd, (struct sockaddr *)&at, sizeof at) == 0);
    return fd;
}

Test(key_log, a_stream_socket_takes_lines_of_many_senders)
{
    struct fixture f;
    struct stat st;
    setup(&f);
    start(&f, "unix:");
    cr_assert(stat(f.path, &st) == 0);
    cr_assert(eq(int, (int)(st.st_mode & 0777), 0600));
    int a = dial(&f, SOCK_STREAM);
    int b = dial(&f, SOCK_STREAM);
    cr_assert(write(a, "a1\na", 4) == 4);
    cr_assert(write(b, "b1\nb", 4) == 4);
    expect(&f, "a1|b1|");
    cr_assert(write(b, "2", 1) == 1);
    cr_assert(write(a, "2\n", 2) == 2);
    close(b);
    expect(&f, "a2|b2|");
    close(a);
    expect(&f, "");
    teardown(&f);
}

Test(key_log, the_oldest_sender_goes_when_there_are_too_many)
{
    struct fixture f;
    int fds[KEY_LOG_SENDERS_MAX + 4];
    setup(&f);
    start(&f, "unix:");
    for (unsigned i = 0; i < KEY_LOG_SENDERS_MAX + 4; i++) {
        fds[i] = dial(&f, SOCK_STREAM);
        expect(&f, "");
    }
    cr_assert(send(fds[0], "no\n", 3, MSG_NOSIGNAL) < 0);
    cr_assert(write(fds[KEY_LOG_SENDERS_MAX + 3], "yes\n", 4) == 4);
    expect(&f, "yes|");
    teardown(&f);
}

Test(key_log, a_datagram_holds_whole_lines)
{
    struct fixture f;
    struct stat st;
    setup(&f);
    start(&f, "unix-dgram:");
    cr_assert(stat(f.path, &st) == 0);
    cr_assert(eq(int, (int)(st.st_mode & 0777), 0600));
    int a = dial(&f, SOCK_DGRAM);
    cr_assert(write(a, "one", 3) == 3);
    cr_assert(write(a, "two\nthree\n", 10) == 10);
    expect(&f, "one|two|three|");
    close(a);
    key_log_close(f.log);
    f.log = NULL;
    cr_assert(stat(f.path, &st) != 0);
    teardown(&f);
}

Test(key_log, a_socket_left_behind_is_replaced_and_one_in_use_is_not)
{
    struct fixture f;
    struct key_log *second = NULL;
    char path[160];
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    setup(&f);
    snprintf(at.sun_path, sizeof at.sun_path, "%s", f.path);
    int dead = socket(AF_UNIX, SOCK_STREAM, 0);
    cr_assert(bind(dead, (struct sockaddr *)&at, sizeof at) == 0);
    close(dead);
    start(&f, "unix:");
    snprintf(path, sizeof path, "unix:%s", f.path);
    cr_assert(eq(int, key_log_open(path, &second, &f.why), ERR_BUSY));
    close(dial(&f, SOCK_STREAM));
    teardown(&f);
}

Test(key_log, what_cannot_be_a_key_log_is_refused_with_a_sentence)
{
    struct fixture f;
    struct key_log *log = NULL;
    char path[160];
    setup(&f);
    cr_assert(eq(int, key_log_open(f.folder, &log, &f.why), ERR_INVALID));
    cr_assert(strstr(f.why.text, f.folder) != NULL);
    append(&f, "a file\n");
    snprintf(path, sizeof path, "unix:%s", f.path);
    cr_assert(eq(int, key_log_open(path, &log, &f.why), ERR_EXISTS));
    cr_assert(eq(int, key_log_open("unix:", &log, &f.why), ERR_INVALID));
    teardown(&f);
}
