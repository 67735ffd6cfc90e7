/* Exports asked for, looked at and deleted by several threads while theirs makes and expires them: each that stays ends, its file
 * is there while it is ready, and nothing stays of the others. */
#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/exports.h"
#include "base/crypto.h"

#define THREADS 4
#define ROUNDS  60

struct asker {
    struct exports *all;
    unsigned number, made, deleted, refused;
    bool bad;
};

static int audit(void *context, const struct store_audit *entry)
{
    (void)context, (void)entry;
    return 0;
}

static void fill(struct export *e, unsigned asker)
{
    struct export_ask_error error;
    const char *bodies[] = {"{\"kind\":\"csv\"}", "{\"kind\":\"full\",\"container\":\"tar\"}", "{\"kind\":\"pcap\"}"};
    *e = (struct export){.created_us = 1700000000000000, .calls_total = -1};
    if (!export_ask_parse(slice_str(bodies[asker % 3]), EXPORT_CALLS_MAX, &e->ask, &error))
        abort();
    snprintf(e->owner, sizeof e->owner, "user:%u", asker);
}

static void look_around(struct asker *a)
{
    struct export *list;
    struct exports_use use;
    unsigned count;
    char owner[EXPORT_OWNER_SIZE];
    snprintf(owner, sizeof owner, "user:%u", a->number);
    a->bad |= exports_list(a->all, owner, &list, &count) != 0;
    for (unsigned i = 0; i < count; i++)
        a->bad |= strcmp(list[i].owner, owner) != 0 || list[i].state >= EXPORT_STATES;
    free(list);
    exports_use(a->all, &use);
}

static void *ask(void *context)
{
    struct asker *a = context;
    struct export *e = malloc(sizeof *e), *now = malloc(sizeof *now);
    for (unsigned i = 0; i < ROUNDS; i++) {
        fill(e, a->number);
        int err = exports_add(a->all, e);
        a->refused += err == ERR_BUSY;
        a->bad |= err && err != ERR_BUSY;
        look_around(a);
        if (err) {
            usleep(2000);
            continue;
        }
        a->made++;
        if (i % 3 == 0 || exports_get(a->all, e->id, now))
            a->deleted += i % 3 == 0 && exports_remove(a->all, e->id);
    }
    free(e);
    free(now);
    return NULL;
}

/* Each file is named by a row, and each row that is ready has its own. */
static unsigned count_files(const char *dir)
{
    char path[200];
    unsigned n = 0;
    snprintf(path, sizeof path, "%s/exports", dir);
    DIR *d = opendir(path);
    for (struct dirent *f; d && (f = readdir(d)) != NULL;)
        n += f->d_name[0] != '.';
    if (d)
        closedir(d);
    return n;
}

static bool all_is_told(struct exports *all, const char *dir)
{
    struct export *list;
    unsigned count, wanted = 0;
    if (exports_list(all, NULL, &list, &count) != 0)
        return false;
    for (unsigned i = 0; i < count; i++)
        wanted += list[i].state == EXPORT_READY ? 2 : 1;
    free(list);
    return count_files(dir) == wanted;
}

static bool run(struct exports *all, const char *dir)
{
    struct asker askers[THREADS];
    pthread_t threads[THREADS];
    unsigned made = 0, deleted = 0, refused = 0;
    bool bad = false, settled = false;
    for (unsigned i = 0; i < THREADS; i++) {
        askers[i] = (struct asker){.all = all, .number = i};
        pthread_create(&threads[i], NULL, ask, &askers[i]);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        made += askers[i].made;
        deleted += askers[i].deleted;
        refused += askers[i].refused;
        bad |= askers[i].bad;
    }
    for (unsigned i = 0; i < 3000 && !settled; i++, usleep(10000))
        settled = exports_waiting(all) == 0 && all_is_told(all, dir);
    printf("%u made, %u deleted, %u refused\n", made, deleted, refused);
    return !bad && settled && made && deleted;
}

int main(void)
{
    char dir[] = "/tmp/earshot-exports-XXXXXX", command[100];
    struct counters_set *set = counters_set_new();
    struct store *store = NULL;
    struct exports *all = NULL;
    struct why why = {0};
    if (crypto_start() != 0 || mkdtemp(dir) == NULL || store_open(dir, counters_block(set), &store, &why) != 0)
        return 2;
    const struct exports_config config = {.data_dir = dir, .counters = set, .version = "0", .max_bytes = 1 << 24, .max_all_bytes = 1 << 28, .keep_us = 300000, .audit = audit};
    bool good = exports_start(&config, &all, &why) == 0 && run(all, dir);
    exports_stop(all);
    store_close(store);
    counters_set_free(set);
    snprintf(command, sizeof command, "rm -r %s", dir);
    return good && system(command) == 0 ? 0 : 1;
}
