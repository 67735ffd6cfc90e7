/* The table of imports between whoever brings, removes and reads: what a moment between two steps must not spoil. */
#include <criterion/criterion.h>

#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/importer_internal.h"

#define ID "00000000-0000-4000-8000-00000000000"

static struct settings settings;
static struct counters_set *set;
static struct importer *importer;
static struct pipeline_config pipeline;

static void start(void)
{
    struct why why = {0};
    const struct importer_config config = {.settings = &settings, .pipeline = &pipeline, .counters = counters_block(set)};
    cr_assert_eq(importer_start(&config, &importer, &why), 0, "%s", why.text);
}

static void begin(void)
{
    settings_defaults(&settings);
    snprintf(settings.data_dir, sizeof settings.data_dir, "/tmp/earshot-importer-XXXXXX");
    cr_assert_not_null(mkdtemp(settings.data_dir));
    set = counters_set_new();
    start();
}

static void end(void)
{
    char command[400];
    importer_free(importer);
    counters_set_free(set);
    snprintf(command, sizeof command, "rm -r %s", settings.data_dir);
    settings_free(&settings);
    cr_assert_eq(system(command), 0);
}

static struct api_import import_of(const char *id, enum api_import_state state, const char *sha256)
{
    struct api_import i = {.state = state, .received_us = 1, .bytes = 4};
    snprintf(i.id, sizeof i.id, "%s", id);
    snprintf(i.name, sizeof i.name, "x.pcap");
    snprintf(i.sha256, sizeof i.sha256, "%s", sha256);
    return i;
}

static void make_capture(const char *id, char path[600])
{
    import_path(importer, id, ".cap", path);
    FILE *f = fopen(path, "w");
    cr_assert(f && fwrite("none", 1, 4, f) == 4);
    fclose(f);
}

static enum api_import_state state_of(const char *id)
{
    struct api_import i = {0};
    struct api_import_source source = importer_source(importer);
    cr_assert_eq(source.get(source.context, id, &i), 0, "%s", id);
    return i.state;
}

TestSuite(importer, .init = begin, .fini = end, .timeout = 60);

Test(importer, one_that_is_not_read_any_more_goes_at_once_and_the_next_one_is_read)
{
    struct api_import_source source = importer_source(importer);
    struct api_import a = import_of(ID "1", API_IMPORT_RUNNING, "a"), got;
    cr_assert_eq(importer_add(importer, &a, NULL), 0);
    cr_assert_eq(source.remove(source.context, a.id), 0);
    cr_expect_eq(importer->count, 0, "nobody else would take it out");
    cr_expect_eq(source.get(source.context, a.id, &got), ERR_NOT_FOUND);
    struct api_import b = import_of(ID "2", API_IMPORT_QUEUED, "b");
    cr_assert_eq(importer_add(importer, &b, NULL), 0);
    while (state_of(b.id) != API_IMPORT_FAILED) /* it has no file */
        usleep(1000);
    cr_expect_eq(counters_sum(set, C_IMPORTS + label_find(LABELS_IMPORT, slice_str("cancelled"))), 0);
}

Test(importer, the_same_bytes_are_taken_once_even_when_both_looked_before)
{
    struct api_import a = import_of(ID "1", API_IMPORT_DONE, "same"), b = import_of(ID "2", API_IMPORT_QUEUED, "same"), known = {0};
    cr_expect_not(importer_known(importer, "same", &known));
    cr_expect_eq(importer_add(importer, &a, &known), 0);
    cr_expect_eq(importer_add(importer, &b, &known), ERR_EXISTS);
    cr_expect_str_eq(known.id, a.id);
    struct api_import failed = import_of(ID "3", API_IMPORT_FAILED, "other"), again = import_of(ID "4", API_IMPORT_DONE, "other");
    cr_expect_eq(importer_add(importer, &failed, &known), 0);
    cr_expect_eq(importer_add(importer, &again, &known), 0, "what failed may come again");
}

Test(importer, a_file_stays_until_it_is_written_what_became_of_it)
{
    char path[600], info[600];
    struct api_import a = import_of(ID "1", API_IMPORT_QUEUED, "a");
    make_capture(a.id, path);
    import_path(importer, a.id, ".info", info);
    cr_assert_eq(mkdir(info, 0700), 0, "nothing can take its place");
    cr_assert_eq(importer_add(importer, &a, NULL), 0);
    while (state_of(a.id) != API_IMPORT_FAILED)
        usleep(1000);
    cr_expect_eq(access(path, F_OK), 0);
}

Test(importer, a_crash_behind_the_last_word_leaves_a_done_import_without_its_file)
{
    char path[600];
    struct api_import a = import_of(ID "1", API_IMPORT_DONE, "a");
    make_capture(a.id, path);
    cr_assert_eq(import_write(importer, &a), 0);
    importer_free(importer);
    start();
    cr_expect_eq(state_of(a.id), API_IMPORT_DONE);
    cr_expect_eq(access(path, F_OK), -1);
}

/* A crash may follow the answer: the one that is read must not come back. */
Test(importer, one_that_is_removed_while_it_is_read_does_not_come_back)
{
    char path[600], info[600];
    struct api_import a = import_of(ID "1", API_IMPORT_RUNNING, "a");
    struct api_import_source source = importer_source(importer);
    make_capture(a.id, path);
    import_path(importer, a.id, ".info", info);
    cr_assert_eq(import_write(importer, &a), 0);
    cr_assert_eq(importer_add(importer, &a, NULL), 0);
    pthread_mutex_lock(&importer->lock);
    snprintf(importer->reading, sizeof importer->reading, "%s", a.id);
    pthread_mutex_unlock(&importer->lock);
    cr_assert_eq(source.remove(source.context, a.id), 0);
    cr_expect_eq(access(info, F_OK), -1, "it is forgotten when that is answered");
    cr_expect_eq(source.remove(source.context, a.id), ERR_NOT_FOUND);
    importer_free(importer);
    start();
    source = importer_source(importer);
    cr_expect_eq(source.get(source.context, a.id, &a), ERR_NOT_FOUND);
    cr_expect_eq(access(path, F_OK), -1, "what was left of it has gone, too");
}

/* A descriptor whose close() takes a while: a connection whose other end takes nothing. */
static int slow_to_close(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const struct linger linger = {.l_onoff = 1, .l_linger = 1};
    socklen_t size = sizeof at;
    static char bytes[65536];
    int door = socket(AF_INET, SOCK_STREAM, 0), fd = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert(bind(door, (struct sockaddr *)&at, sizeof at) == 0 && listen(door, 1) == 0);
    cr_assert(getsockname(door, (struct sockaddr *)&at, &size) == 0 && connect(fd, (struct sockaddr *)&at, sizeof at) == 0);
    while (send(fd, bytes, sizeof bytes, MSG_DONTWAIT) > 0)
        ;
    cr_assert_eq(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger), 0);
    return fd;
}

static int descriptor_of(const char *end)
{
    char link[64], path[600];
    for (int fd = 3; fd < 1000; fd++) {
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        ssize_t n = readlink(link, path, sizeof path - 1);
        if (n > (ssize_t)strlen(end) && strncmp(path + n - strlen(end), end, strlen(end)) == 0)
            return fd;
    }
    return -1;
}

Test(importer, the_thread_of_the_connections_does_not_wait_for_the_bytes_of_a_refused_file)
{
    struct import_upload *u = NULL;
    struct why why = {0};
    const struct api_import_begin ask = {.name = "x.pcap", .actor = "somebody"};
    settings.retain_min_free = 0;
    cr_assert_eq(import_upload_begin(importer, &ask, &u, &why), API_IMPORT_TAKEN, "%s", why.text);
    uint8_t *bytes = calloc(1, 2 << 20);
    memcpy(bytes, "\x1f\x8b", 2);
    cr_assert_eq(import_upload_write(u, slice_of(bytes, 2 << 20), &why), API_IMPORT_TAKEN, "%s", why.text);
    free(bytes);
    int own = descriptor_of(".part"), slow = slow_to_close();
    cr_assert(own > 0 && dup2(slow, own) == own);
    close(slow); /* the last one takes the time */
    import_upload_drop(u);
    pthread_mutex_lock(&importer->lock);
    cr_expect_eq(importer->receiving, 1, "it is being given back, and keeps its place");
    pthread_mutex_unlock(&importer->lock);
    cr_expect_eq(descriptor_of(".part"), -1);
    importer_free(importer); /* waits for it */
    start();
    cr_expect_eq(importer->receiving, 0);
}
