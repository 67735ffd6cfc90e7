/* While it runs: frames on their way to the pipeline, what the source lost, what is due now and then. */
#include "app/service_internal.h"

#include "app/on_demand.h"
#include "base/log.h"

/* Whoever is followed is told apart by its own clock; this is for those who are not any more. */
#define OVERDUE_AFTER_US (60 * INT64_C(1000000))

void service_frame(struct service *s, const struct frame *frame)
{
    atomic_store_explicit(&s->last_packet_ns, frame->time_ns, memory_order_relaxed);
    pipeline_frame(s->pipeline, frame);
}

void service_tick(struct service *s, int64_t now_ns)
{
    pipeline_tick(s->pipeline, now_ns);
}

void service_poll(struct service *s)
{
    wire_poll(s->wire, s->pipeline);
}

void service_source_stats(struct service *s, const struct source_stats *now)
{
    const struct source_stats *then = &s->source_stats;
    if (now->kernel_drops > then->kernel_drops) {
        counters_add(s->counters, C_DROPS + 0, now->kernel_drops - then->kernel_drops);
        pipeline_capture_lost(s->pipeline, now->kernel_drops - then->kernel_drops, s->looked_ns);
        log_warn("capture", s->config.lossless ? "%llu frames are missing: the capture itself says that it dropped them"
                                               : "%llu frames dropped by the kernel since the last look; a larger [capture] ring_size helps",
                 (unsigned long long)(now->kernel_drops - then->kernel_drops));
    }
    if (now->nic_drops > then->nic_drops)
        counters_add(s->counters, C_DROPS + 1, now->nic_drops - then->nic_drops);
    for (unsigned i = 0; i < SOURCE_REFUSALS; i++)
        counters_add(s->counters, C_HEP_REFUSED + i, now->refused[i] - then->refused[i]);
    s->source_stats = *now;
    s->looked_ns = atomic_load_explicit(&s->last_packet_ns, memory_order_relaxed);
}

bool service_busy(struct service *s)
{
    return renderer_depth(s->renderer) > 0 || writer_depth(s->writer) > 0;
}

void service_reload(struct service *s)
{
    struct why why = {0};
    if (s->api == NULL)
        return;
    if (api_reload(s->api, &why) != 0)
        log_error("api", "%s; the certificate from before stays in use", why.text);
    else if (s->settings->api_certificate[0])
        log_warn("api", "the certificate was read again");
}

static int64_t day_before(int64_t now_us, int64_t age_ns)
{
    return age_ns ? now_us - age_ns / 1000 : 0;
}

/* Keys of media that is there no more; 0: none go, or it is not known now. */
static int64_t keys_before(const struct service *s, int64_t now_us, int64_t age_us)
{
    struct store_reader *reader = NULL;
    int64_t before_us = 0;
    int err = age_us ? store_reader_open(s->settings->data_dir, &reader) : 0;
    if (err == 0 && reader)
        err = store_spool_begins(reader, now_us, age_us, &before_us);
    store_reader_close(reader);
    return err ? 0 : before_us;
}

void service_housekeeping(struct service *s, int64_t now_us)
{
    const struct settings *t = s->settings;
    struct retention_limits terms;
    retention_terms(s->retention, &terms);
    policies_tick(s->policies, now_us);
    on_demand_sweep(s->writer, t->data_dir, t->on_demand_wait, now_us);
    writer_users_overdue(s->writer, now_us - OVERDUE_AFTER_US);
    writer_drop_media_keys(s->writer, keys_before(s, now_us, terms.age_us[RETAIN_SPOOL]));
    const int64_t kpi_before_us[STORE_KPI_LEVELS] = {
        day_before(now_us, t->kpi_keep_minutes),
        day_before(now_us, t->kpi_keep_quarters),
        day_before(now_us, t->kpi_keep_hours),
        day_before(now_us, t->kpi_keep_days),
    };
    writer_drop_kpi(s->writer, kpi_before_us);
}

uint16_t service_port(const struct service *s)
{
    return s->api ? api_port(s->api) : 0;
}

const char *service_first_token(const struct service *s)
{
    return s->first_token;
}
