/* Private to command_read.c, read_options.c and read_out.c: one run of `earshot read`. */
#pragma once

#include <pthread.h>

#include "app/confine/confine.h"
#include "app/finding_print.h"
#include "app/inputs.h"
#include "app/kpi_report.h"
#include "app/pipeline.h"
#include "base/progress.h"
#include "app/coverage_report.h"
#include "api/posture.h"
#include "app/read_topology.h"
#include "app/user_print.h"
#include "app/wire.h"

#define OVERRIDES_MAX 32

struct reading {
    struct settings settings;
    bool json;
    bool quiet;
    struct kpi_book *kpi; /* NULL: --kpi was not said */
    bool kpi_asked, kpi_full;
    bool coverage_asked;
    struct coverage_report coverage;
    bool ladder;
    bool topology_asked;
    bool posture_asked;
    struct posture posture;
    struct topology *topology; /* NULL: --topology was not said */
    struct finding_print findings;
    const char *record_dir;
    const char *filter;
    const char *config;
    const char *metrics;
    const char *key_log;
    const char *overrides[OVERRIDES_MAX]; /* "section.name=value" */
    unsigned override_count;
    struct wire *wire;
    struct offsets offsets;
    unsigned workers;
    char spool_dir[600];
    const char *program;           /* that decodes */
    struct confine_config confine; /* of what renders */
    struct confined *decoder;      /* NULL: nothing is rendered */
    struct counters_set *counters_set;
    struct counters *counters;
    struct pipeline *pipeline;
    struct progress progress;
    pthread_mutex_t out_lock; /* workers print in turns: guards `out`, `counters` and the sums */
    struct buf out;
    struct user_print users;
    uint64_t calls, orphans, recordings;
    uint64_t drops; /* that the files tell of */
    struct source *source;
    uint64_t frames;
    int64_t looked_ns, newest_ns; /* packet time when drops were looked at, and of the newest frame */
    int result;
};

/* ---- read_options.c ---- */
/* -1: go on; else the exit code. */
int read_options(struct reading *g, int argc, char **argv, bool *ret_no_orphans);
/* --set and --key-log over the configuration. An exit code. */
int read_overrides(struct reading *g);

/* ---- read_out.c ---- */
/* What --kpi and --topology gather in. */
int read_out_open(struct reading *g, struct why *why);
/* A call that has ended, and what is no call; any worker. They take turns. */
void read_out_call(void *context, struct call_record *r);
void read_out_event(void *context, const struct event *event);
/* Behind all calls: figures, graph, users, findings, and to stderr how much it was. */
void read_out_end(struct reading *g, int64_t begin_ns);
/* What was counted, to the file of --metrics. */
void read_out_metrics(struct reading *g);
