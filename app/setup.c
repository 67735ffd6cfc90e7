#include "app/setup.h"

void setup_spool(const struct settings *s, const char *data_dir, struct spool_config *ret_config)
{
    *ret_config = (struct spool_config){
        .data_dir = data_dir,
        .segment_bytes = (uint64_t)s->spool_segment,
        .hold_ms = (uint32_t)(s->spool_hold / 1000000),
        .buffer_bytes = (uint32_t)s->spool_buffer,
        .flush_ms = (uint32_t)(s->spool_flush / 1000000),
        .sync_ms = (uint32_t)(s->spool_sync / 1000000),
    };
}

void setup_pipeline(const struct settings *s, const struct spool_config *spool, struct pipeline_config *ret_config)
{
    struct pipeline_config c = {0};
    front_config_defaults(&c.front);
    c.front.probe = s->probe;
    c.front.calls_max = (uint32_t)s->calls_max;
    c.front.flows_max = (uint32_t)s->flows_max;
    c.front.call_messages_max = (uint32_t)s->call_messages_max;
    c.front.call_text_max = (size_t)s->call_text_max;
    c.front.held_bytes_max = (size_t)s->held_bytes_max;
    c.front.media_timeout_ns = s->media_timeout;
    c.front.no_media_timeout_ns = s->no_media_timeout;
    c.front.setup_timeout_ns = s->setup_timeout;
    c.front.max_duration_ns = s->max_duration;
    c.front.orphan_timeout_ns = s->orphan_timeout;
    c.front.orphans = s->orphans;
    c.front.net.fragment_bytes_max = (size_t)s->fragment_bytes_max;
    c.worker.record_media = s->recording_default == RECORDING_RECORD;
    c.worker.call_streams_max = (unsigned)s->call_streams_max;
    c.worker.probe = s->probe;
    c.worker.spool = spool;
    *ret_config = c;
}
