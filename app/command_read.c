/* `earshot read`: capture files through the same pipeline as the service, results to standard output as calls end. */
#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/commands.h"
#include "app/read_internal.h"
#include "app/setup.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "base/log.h"
#include "capture/source/source.h"

#define LOOK_EVERY 64 /* frames between two looks at what the file says that was dropped */

/* ---- files in ---- */

/* What the file says that was dropped when it was made. */
static void tell_drops(struct reading *g, int64_t now_ns)
{
    struct source_stats stats;
    source_stats(g->source, &stats);
    if (stats.kernel_drops > g->drops)
        pipeline_capture_lost(g->pipeline, stats.kernel_drops - g->drops, g->looked_ns ? g->looked_ns : now_ns);
    g->drops = stats.kernel_drops;
    g->looked_ns = now_ns;
}

static void take_frame(void *context, const struct frame *frame)
{
    struct reading *g = context;
    if (g->frames++ % LOOK_EVERY == 0)
        tell_drops(g, frame->time_ns);
    pipeline_frame(g->pipeline, frame);
    g->newest_ns = frame->time_ns;
}

/* One of several files; the others are read all the same. */
static void file_trouble(void *context, int err, const struct why *why)
{
    struct reading *g = context;
    (void)err;
    progress_clear(&g->progress);
    g->result = complain(EXIT_PARTIAL, why);
}

static void read_source(struct reading *g, struct source *source)
{
    struct why why = {0};
    enum source_state state;
    g->source = source;
    while ((state = source_dispatch(source, 20000, 0, take_frame, g, &why)) == SOURCE_MORE)
        progress_show(&g->progress, source_progress(source), counters_sum(g->counters_set, C_PACKETS));
    progress_clear(&g->progress);
    if (state == SOURCE_TRUNCATED || state == SOURCE_FAILED)
        g->result = complain(state == SOURCE_FAILED ? EXIT_FAILED : EXIT_PARTIAL, &why);
    tell_drops(g, g->newest_ns);
    source_close(source);
}

static void read_files(struct reading *g, char **paths, size_t count)
{
    struct why why = {0};
    struct source *source = NULL;
    struct inputs_files files = {
        .settings = &g->settings,
        .paths = paths,
        .count = count,
        .filter = g->filter,
        .offsets = &g->offsets,
        .trouble = file_trouble,
        .context = g,
    };
    if (inputs_open_files(&files, &source, &why) != 0)
        g->result = complain(EXIT_FAILED, &why);
    else
        read_source(g, source);
}

/* ---- the temporary spool of --record ---- */

static void remove_tree(const char *path)
{
    DIR *dir = opendir(path);
    for (struct dirent *e; dir && (e = readdir(dir)) != NULL;) {
        char name[1024];
        struct stat st;
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        snprintf(name, sizeof name, "%s/%s", path, e->d_name);
        if (lstat(name, &st) == 0 && S_ISDIR(st.st_mode))
            remove_tree(name);
        else
            unlink(name);
    }
    if (dir)
        closedir(dir);
    rmdir(path);
}

static const char *work_dir(const struct reading *g)
{
    const char *temporary = getenv("TMPDIR");
    if (g->record_dir)
        return g->record_dir;
    return temporary && temporary[0] ? temporary : "/tmp";
}

static int make_spool_dir(struct reading *g, struct why *why)
{
    if (g->record_dir && mkdir(g->record_dir, 0700) != 0 && errno != EEXIST) {
        why_set(why, "cannot make the folder %s: %s", g->record_dir, strerror(errno));
        return err_of_errno(errno);
    }
    snprintf(g->spool_dir, sizeof g->spool_dir, "%s/.earshot-XXXXXX", work_dir(g));
    if (mkdtemp(g->spool_dir) == NULL) {
        why_set(why, "cannot write to %s: %s; name a folder that is yours", work_dir(g), strerror(errno));
        g->spool_dir[0] = '\0';
        return err_of_errno(errno);
    }
    return 0;
}

/* ---- the command ---- */

static int open_decoder(struct reading *g, struct why *why)
{
    const struct process_program program = {.path = g->program};
    int err = confine_configure(&g->settings, &program, g->spool_dir, g->record_dir, &g->confine);
    return err ? err : confine_check(&g->confine, why);
}

static int open_pipeline(struct reading *g, struct why *why)
{
    struct spool_config spool;
    struct pipeline_config config;
    bool spooled = g->record_dir || g->ladder;
    g->settings.recording_default = g->record_dir ? RECORDING_RECORD : RECORDING_METADATA_ONLY;
    if (spooled) {
        int err = make_spool_dir(g, why);
        if (err == 0 && g->record_dir)
            err = open_decoder(g, why);
        if (err)
            return err;
        setup_spool(&g->settings, g->spool_dir, &spool);
        spool.sync_ms = 0; /* a working file: gone when we end */
    }
    setup_pipeline(&g->settings, spooled ? &spool : NULL, &config);
    config.workers = g->workers;
    config.lossless = true;
    config.front.seed = hash_seed_random();
    config.counters = g->counters_set;
    config.worker.context = g;
    config.worker.emit = read_out_call;
    config.worker.user_event = read_out_event;
    int err = wire_open(&g->settings, &g->wire, why);
    if (err)
        return err;
    wire_configure(g->wire, &config.front);
    config.worker.identity.stir = wire_stir(g->wire);
    wire_label_counters(g->wire, g->counters_set, g->counters);
    err = pipeline_new(&config, &g->pipeline, why);
    return err ? err : wire_start(g->wire, g->pipeline, why);
}

static void read_all(struct reading *g, int argc, char **argv)
{
    int64_t begin = clock_mono_ns();
    read_files(g, argv + optind, (size_t)(argc - optind));
    pipeline_finish(g->pipeline, CALL_END_CUT);
    g->pipeline = NULL;
    counters_add(g->counters, C_DROPS, g->drops);
    read_out_end(g, begin);
}

int command_read(int argc, char **argv, const char *decoder)
{
    struct reading *g = calloc(1, sizeof *g);
    struct why why = {0};
    bool no_orphans = false;
    if (g == NULL)
        return EXIT_FAILED;
    pthread_mutex_init(&g->out_lock, NULL);
    g->program = decoder;
    int code = read_options(g, argc, argv, &no_orphans);
    if (code == -1)
        code = load_settings(g->config, &g->settings);
    else
        goto out;
    if (code == EXIT_DONE)
        code = read_overrides(g);
    if (code != EXIT_DONE)
        goto out;
    if (no_orphans)
        g->settings.orphans = false;
    log_set((enum log_level)g->settings.log_level, g->settings.log_json);
    buf_init(&g->out, (size_t)64 << 20);
    user_print_init(&g->users, g->json);
    progress_init(&g->progress, "reading", g->quiet);
    g->counters_set = counters_set_new();
    g->counters = g->counters_set ? counters_block(g->counters_set) : NULL;
    code = EXIT_FAILED;
    if (g->counters == NULL)
        goto out;
    static char stdout_buffer[1 << 18];
    setvbuf(stdout, stdout_buffer, _IOFBF, sizeof stdout_buffer);
    if (read_out_open(g, &why) != 0 || open_pipeline(g, &why) != 0) {
        complain(code, &why);
        goto out;
    }
    read_all(g, argc, argv);
    if (g->metrics)
        read_out_metrics(g);
    code = g->result;
out:
    confined_free(g->decoder);
    confine_config_free(&g->confine);
    if (g->spool_dir[0])
        remove_tree(g->spool_dir);
    wire_close(g->wire);
    kpi_book_free(g->kpi);
    topology_free(g->topology);
    settings_free(&g->settings);
    finding_print_fini(&g->findings);
    counters_set_free(g->counters_set);
    buf_fini(&g->out);
    user_print_fini(&g->users);
    free(g);
    return code;
}
