/* The thread that goes through the files, and what the log says of it: when it begins, how far it is now and then, when it is over. */
#include "app/upgrade.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "storage/store.h"

#define NICE    10
#define TELL_NS (INT64_C(2) * 1000000000)

struct upgrade {
    const char *data_dir;
    pthread_t thread;
    int64_t begun_ns, told_ns;
    _Atomic bool stopping;
};

static bool tell(void *context, const char *file, unsigned done, unsigned all)
{
    struct upgrade *u = context;
    int64_t now = clock_mono_ns();
    double took_s = (double)(now - u->begun_ns) / 1e9;
    if (file == NULL)
        log_info("store", "all %u files of days that an earlier version wrote have the form of this one, after %.1f s", all, took_s);
    else if (done == 0)
        log_info("store", "%u files of days that an earlier version wrote are brought to the form of this one; capture goes on meanwhile", all);
    else if (now - u->told_ns >= TELL_NS)
        log_info("store", "%u of %u files of days that an earlier version wrote have the form of this one, after %.1f s; %s is next", done, all, took_s, file);
    else
        now = u->told_ns;
    u->told_ns = now;
    return !atomic_load(&u->stopping);
}

static void *upgrade_main(void *context)
{
    struct upgrade *u = context;
    struct why why = {0};
    (void)setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), NICE);
    u->begun_ns = clock_mono_ns();
    int err = store_bring_up(u->data_dir, tell, u, &why);
    if (err)
        log_error("store", "files of days that an earlier version wrote keep their form until somebody looks into them, or the next start: %s",
                  why.text[0] ? why.text : err_text(err));
    return NULL;
}

int upgrade_start(const char *data_dir, struct upgrade **ret_upgrade, struct why *why)
{
    struct upgrade *u = calloc(1, sizeof *u);
    if (u == NULL)
        return ERR_NOMEM;
    u->data_dir = data_dir;
    if (pthread_create(&u->thread, NULL, upgrade_main, u) != 0) {
        free(u);
        why_set(why, "cannot start the thread that looks after the files of days");
        return ERR_FULL;
    }
    *ret_upgrade = u;
    return 0;
}

void upgrade_stop(struct upgrade *u)
{
    if (u == NULL)
        return;
    atomic_store(&u->stopping, true);
    pthread_join(u->thread, NULL);
    free(u);
}
