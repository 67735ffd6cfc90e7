/* What `earshot read` gives out: each call when it has ended, as a row, as JSON, as a ladder or as a recording; or what all of
 * them come to. Workers come in turns: out_lock. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/record_json.h"
#include "app/call_table.h"
#include "app/commands.h"
#include "app/read_internal.h"
#include "app/read_ladder.h"
#include "app/setup.h"
#include "app/sound.h"
#include "base/clock.h"
#include "capture/call/user_event.h"

#define KPI_LOADS_MAX 262144 /* minutes times dimensions: 126 MB at most */

static void name_part(struct slice s, char *out, size_t size)
{
    size_t n = 0;
    for (size_t i = 0; i < s.size && n + 1 < size && n < 32; i++) {
        unsigned char c = s.data[i];
        bool good = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '+' || c == '_';
        out[n++] = good ? (char)c : '_';
    }
    if (n == 0)
        out[n++] = 'x';
    out[n] = '\0';
}

/* "20261121T100000Z_1001_1002_018f12ab.wav": nothing from the wire but [A-Za-z0-9+_]. */
static void recording_name(const struct call_record *r, const char *container, char *out, size_t size)
{
    char day[CLOCK_TEXT_SIZE], stamp[CLOCK_TEXT_SIZE], from[40], to[40];
    clock_rfc3339_us(r->started_us, stamp);
    clock_day(r->started_us, day);
    name_part(r->from.user, from, sizeof from);
    name_part(r->to.user, to, sizeof to);
    snprintf(out, size, "%sT%.2s%.2s%.2sZ_%s_%s_%.8s.%s", day, stamp + 11, stamp + 14, stamp + 17, from, to, r->uid,
             container);
}

/* Nobody can ask for what is only read, and the spool goes with the reading. */
static bool wants_render(struct call_record *r)
{
    if (record_waits_for_request(r)) {
        r->recording.result = "on_demand_dropped";
        r->recording.state = NULL;
    }
    if (record_to_be_dropped(r))
        r->recording.state = NULL;
    return r->recording.state != NULL;
}

static void render(struct reading *g, struct call_record *r)
{
    struct why why = {0};
    char name[160];
    struct sound_config config = setup_sound(&g->settings, g->spool_dir);
    config.counters = g->counters;
    recording_name(r, audio_container(sound_codec(r, &config)), name, sizeof name);
    if (g->decoder == NULL)
        g->decoder = confined_new(&g->confine);
    int err = g->decoder ? confined_render(g->decoder, r, &config, g->record_dir, name, &why) : ERR_NOMEM;
    if (err)
        g->result = complain(EXIT_FAILED, &why);
    g->recordings += r->recording.state != NULL;
}

static void print_json(struct reading *g, const struct call_record *r)
{
    struct json j;
    buf_clear(&g->out);
    json_init(&j, &g->out);
    record_json(&j, r, RECORD_JSON_FULL, false);
    buf_char(&g->out, '\n');
    if (g->out.failed)
        fprintf(stderr, "earshot: call %s is too large to print\n", r->uid);
    else
        fwrite(g->out.data, 1, g->out.size, stdout);
}

static void print_ladder(struct reading *g, const struct call_record *r)
{
    buf_clear(&g->out);
    read_ladder(&g->out, g->spool_dir, r, g->json);
    progress_clear(&g->progress);
    fwrite(g->out.data, 1, g->out.size, stdout);
}

void read_out_call(void *context, struct call_record *r)
{
    struct reading *g = context;
    bool orphan = strcmp(r->kind, "orphan") == 0 || strcmp(r->kind, "page") == 0;
    pthread_mutex_lock(&g->out_lock);
    if (wants_render(r))
        render(g, r);
    if (g->kpi) {
        g->kpi_full |= !kpi_book_add(g->kpi, r);
    } else if (g->coverage_asked) {
        coverage_report_add(&g->coverage, r);
    } else if (g->topology) {
        topology_call(g->topology, r);
    } else if (g->posture_asked) {
        posture_call(&g->posture, r);
    } else if (g->ladder) {
        print_ladder(g, r);
    } else if (g->json) {
        print_json(g, r);
    } else {
        progress_clear(&g->progress);
        if (g->calls + g->orphans == 0)
            call_table_head(stdout);
        call_table_row(stdout, r);
    }
    *(orphan ? &g->orphans : &g->calls) += 1;
    pthread_mutex_unlock(&g->out_lock);
    record_free(r);
}

static void add_registration(struct reading *g, const struct user_register_done *d)
{
    double rrd_ms = d->rrd_ns < 0 ? NAN : (double)d->rrd_ns / 1e6;
    if (g->kpi)
        g->kpi_full |= !kpi_book_add_registration(g->kpi, d->at_ns / 1000, d->trunk, d->success, d->code, rrd_ms);
}

void read_out_event(void *context, const struct event *event)
{
    struct reading *g = context;
    pthread_mutex_lock(&g->out_lock);
    if (event->kind == EVENT_REGISTER_DONE)
        add_registration(g, (const void *)event->body.data);
    else
        user_print_event(&g->users, event);
    finding_print_event(&g->findings, event);
    if (g->topology)
        read_topology_event(g->topology, event);
    if (g->posture_asked)
        read_posture_event(&g->posture, event);
    pthread_mutex_unlock(&g->out_lock);
}

/* ---- over all calls ---- */

static int open_kpi(struct reading *g, struct why *why)
{
    struct kpi_book_config config;
    int err = g->kpi_asked ? setup_kpi(&g->settings, &config, why) : 0;
    if (err || !g->kpi_asked)
        return err;
    config.loads_max = KPI_LOADS_MAX;
    g->kpi = kpi_book_new(&config);
    if (g->kpi == NULL)
        why_set(why, "not enough memory for the figures");
    return g->kpi ? 0 : ERR_NOMEM;
}

static int open_topology(struct reading *g, struct why *why)
{
    if (!g->topology_asked)
        return 0;
    g->topology = topology_new(hash_seed_random());
    if (g->topology == NULL)
        why_set(why, "not enough memory for the graph");
    return g->topology ? 0 : ERR_NOMEM;
}

static void print_coverage(struct reading *g)
{
    if (!g->json) {
        coverage_report_table(&g->coverage, stdout);
        return;
    }
    buf_clear(&g->out);
    coverage_report_json(&g->coverage, &g->out);
    buf_char(&g->out, '\n');
    fwrite(g->out.data, 1, g->out.size, stdout);
}

static void print_topology(struct reading *g)
{
    buf_clear(&g->out);
    read_topology_print(g->topology, &g->out);
    if (g->out.failed) {
        fprintf(stderr, "earshot: not enough memory for the graph\n");
        g->result = EXIT_FAILED;
        return;
    }
    fwrite(g->out.data, 1, g->out.size, stdout);
}

static void print_posture(struct reading *g)
{
    buf_clear(&g->out);
    read_posture_print(&g->posture, &g->out);
    fwrite(g->out.data, 1, g->out.size, stdout);
}

static void print_kpi(struct reading *g)
{
    if (g->kpi_full) {
        fprintf(stderr, "earshot: the capture spans too many minutes: some calls are in no figure\n");
        g->result = EXIT_PARTIAL;
    }
    if (!g->json) {
        kpi_report_table(g->kpi, stdout);
        return;
    }
    buf_clear(&g->out);
    kpi_report_json(g->kpi, &g->out);
    fwrite(g->out.data, 1, g->out.size, stdout);
}

int read_out_open(struct reading *g, struct why *why)
{
    int err = open_kpi(g, why);
    return err ? err : open_topology(g, why);
}

/* Frames that no layer was made for: without a word a capture of a radio link would look like one without calls. */
static uint64_t strange_frames(const struct reading *g)
{
    unsigned other = label_find(LABELS_PROTO, slice_str("other"));
    return counters_sum(g->counters_set, C_PARSE_ERRORS + other * LABEL_COUNT_PARSE_REASON + LABEL_PARSE_UNSUPPORTED);
}

static void print_summary(const struct reading *g, int64_t begin_ns)
{
    if (g->quiet || g->json)
        return;
    double seconds = (double)(clock_mono_ns() - begin_ns) / 1e9;
    fprintf(stderr, "%llu calls, %llu streams without signalling, %llu recordings; %llu packets in %.2f s\n",
            (unsigned long long)g->calls, (unsigned long long)g->orphans, (unsigned long long)g->recordings,
            (unsigned long long)counters_sum(g->counters_set, C_PACKETS), seconds);
    uint64_t strange = strange_frames(g);
    if (strange)
        fprintf(stderr, "%llu packets were not looked into: their link type is none that is read (tcpdump -r FILE names it)\n", (unsigned long long)strange);
    if (g->drops)
        fprintf(stderr, "%llu packets are missing: the capture itself says that it dropped them\n", (unsigned long long)g->drops);
}

void read_out_end(struct reading *g, int64_t begin_ns)
{
    if (!user_print_end(&g->users, stdout))
        fprintf(stderr, "earshot: there is more than can be shown of what is no call\n");
    if (g->kpi)
        print_kpi(g);
    if (g->coverage_asked)
        print_coverage(g);
    if (g->topology)
        print_topology(g);
    if (g->posture_asked)
        print_posture(g);
    finding_print_end(&g->findings, g->json, stdout);
    if (g->findings.cut)
        fprintf(stderr, "earshot: only the first %d findings are shown\n", FINDINGS_PRINTED_MAX);
    fflush(stdout);
    if (ferror(stdout)) {
        fprintf(stderr, "earshot: cannot write the result: %s\n", strerror(errno));
        g->result = EXIT_FAILED;
    }
    print_summary(g, begin_ns);
}

void read_out_metrics(struct reading *g)
{
    struct buf text;
    bool to_stdout = strcmp(g->metrics, "-") == 0;
    FILE *out = to_stdout ? stdout : fopen(g->metrics, "we");
    buf_init(&text, (size_t)16 << 20);
    counters_render(g->counters_set, &text);
    if (out == NULL || text.failed || fwrite(text.data, 1, text.size, out) != text.size || fflush(out) != 0) {
        fprintf(stderr, "earshot: cannot write %s: %s\n", g->metrics, strerror(errno));
        g->result = EXIT_FAILED;
    }
    if (out && !to_stdout)
        fclose(out);
    buf_fini(&text);
}
