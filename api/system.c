/* What machines ask about the service itself: /metrics, /limits, /healthz, /readyz. */
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "api/handlers.h"
#include "api/limit.h"
#include "api/route_stats.h"
#include "base/clock.h"

static void metric(struct buf *b, const char *name, const char *type, const char *help,
                   double value)
{
    buf_printf(b, "# HELP %s %s\n# TYPE %s %s\n%s %.15g\n", name, help, name, type, name, value);
}

/* Field `index` (from 1, as proc(5) counts) of /proc/self/stat; -1 when it cannot be read. */
static double proc_stat_field(int index)
{
    char text[1024];
    double value = -1;
    FILE *f = fopen("/proc/self/stat", "re");

    if (f == NULL)
        return -1;
    size_t n = fread(text, 1, sizeof text - 1, f);
    fclose(f);
    text[n] = '\0';
    char *rest = strrchr(text, ')'); /* the name may hold spaces */
    for (int i = 3; rest && i <= index; i++) {
        rest = strchr(rest + 1, ' ');
        if (rest && i == index)
            sscanf(rest, " %lf", &value);
    }
    return value;
}

static unsigned open_descriptors(void)
{
    unsigned n = 0;
    DIR *d = opendir("/proc/self/fd");

    if (d == NULL)
        return 0;
    while (readdir(d))
        n++;
    closedir(d);
    return n > 3 ? n - 3 : 0; /* ".", ".." and the directory itself */
}

static double boot_time_seconds(void)
{
    char line[256];
    double seconds = 0;
    FILE *f = fopen("/proc/stat", "re");

    if (f == NULL)
        return 0;
    while (fgets(line, sizeof line, f))
        if (sscanf(line, "btime %lf", &seconds) == 1)
            break;
    fclose(f);
    return seconds;
}

static void process_metrics(struct buf *b)
{
    double ticks = (double)sysconf(_SC_CLK_TCK);

    metric(b, "process_cpu_seconds_total", "counter", "CPU time of the process.",
           (double)clock_cpu_ns() / 1e9);
    metric(b, "process_resident_memory_bytes", "gauge", "Resident memory.",
           proc_stat_field(24) * (double)sysconf(_SC_PAGESIZE));
    metric(b, "process_open_fds", "gauge", "Open file descriptors.", open_descriptors());
    metric(b, "process_start_time_seconds", "gauge", "Start of the process since 1970.",
           boot_time_seconds() + proc_stat_field(22) / ticks);
}

/* "1.2.3+abc": what stands behind the plus sign is the revision. */
static void build_info(struct buf *b, const char *version)
{
    int n = (int)strcspn(version, "+");

    buf_str(b, "# HELP earshot_build_info Version of the running program.\n# TYPE "
               "earshot_build_info gauge\n");
    buf_printf(b, "earshot_build_info{version=\"%.*s\",revision=\"%s\"} 1\n", n, version,
               version[n] ? version + n + 1 : "");
}

static void refresh(struct api_context *api)
{
    if (api->config->refresh_gauges)
        api->config->refresh_gauges(api->config->context);
    api_refresh_gauges(api);
}

void handle_limits(struct exchange *x)
{
    const struct api_config *c = x->api->config;
    struct json j;

    exchange_list(x, &j);
    pthread_mutex_lock(&x->api->metrics_lock);
    refresh(x->api);
    if (c->limits)
        c->limits(c->context, &j);
    pthread_mutex_unlock(&x->api->metrics_lock);
    exchange_list_done(x, &j);
}

void handle_metrics(struct exchange *x)
{
    const struct api_config *c = x->api->config;
    struct buf *b = &x->rs->body;

    pthread_mutex_lock(&x->api->metrics_lock);
    refresh(x->api);
    counters_render(c->counters, b);
    pthread_mutex_unlock(&x->api->metrics_lock);
    route_stats_render(x->api->route_stats, b);
    build_info(b, c->version);
    process_metrics(b);
    x->rs->content_type = "text/plain; version=0.0.4; charset=utf-8";
}

void handle_healthz(struct exchange *x)
{
    x->rs->content_type = "text/plain; charset=utf-8";
    x->rs->constant = slice_str("ok\n");
}

/* The words about what is wrong may name paths and interfaces: only for who may see metadata. */
void handle_readyz(struct exchange *x)
{
    const struct api_config *c = x->api->config;
    struct api_health h = {.database_ok = true};
    struct json j;

    if (c->health)
        c->health(c->context, &h);
    bool ready = (h.capture_up || h.finished) && h.database_ok && h.disk_ok;
    json_init(&j, &x->rs->body);
    json_object(&j);
    json_kv_bool(&j, "ready", ready);
    json_kv_bool(&j, "capture_up", h.capture_up);
    json_kv_bool(&j, "source_finished", h.finished);
    json_kv_bool(&j, "database_ok", h.database_ok);
    json_kv_bool(&j, "disk_ok", h.disk_ok);
    json_kv_time(&j, "last_packet_at", h.last_packet_us);
    if (exchange_auth(x, SCOPE_META) == AUTH_OK && !limit_is_set(&x->who.limit))
        json_kv_text(&j, "detail", slice_str(h.detail));
    json_end(&j);
    exchange_json_done(x);
    x->rs->status = ready ? 200 : 503;
}
