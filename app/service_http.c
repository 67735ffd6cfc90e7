/* The HTTP side: all that it is given, put together once, and what it has written: audit entries, tags, notes. The writer commits that; the
 * file beside a recording, which says the same, is written once more. */
#include "app/service_internal.h"

#include "app/key_hide.h"
#include "app/messages.h"

static int audit(void *context, const struct store_audit *entry)
{
    struct service *s = context;
    return writer_audit(s->writer, entry);
}

static int put_tags(void *context, const char *uid, int64_t started_us, const struct record_tags *tags)
{
    struct service *s = context;
    int err = writer_tags(s->writer, uid, started_us, tags);
    if (err == 0)
        renderer_sidecar(s->renderer, uid);
    return err;
}

static int change_tags(void *context, const struct record_tag_change *change, struct store_tagged *calls, unsigned count)
{
    struct service *s = context;
    int err = writer_tags_of_many(s->writer, change, calls, count);
    for (unsigned i = 0; i < count && err == 0; i++)
        if (calls[i].recorded && calls[i].verdict == RECORD_TAGS_CHANGED)
            renderer_sidecar(s->renderer, calls[i].uid);
    return err;
}

static int put_note(void *context, struct store_note *note)
{
    struct service *s = context;
    int err = writer_note(s->writer, note);
    if (err == 0 && note->refused == 0)
        renderer_sidecar(s->renderer, note->uid);
    return err;
}

/* ---- start ---- */

static uint64_t export_room(void *context)
{
    struct service *s = context;
    return retention_room(s->retention);
}

/* In the order of the setting. */
static const char *const LOCAL_ROLES[] = {"all", "none", "viewer", "analyst", "listener", "supervisor", "admin", "auditor"};

/* Who listens to live calls, and who gets a recording in another form. */
static int start_sound(struct service *s)
{
    const struct listening_config listening = {
        .max = (unsigned)s->settings->listeners_max,
        .counters = counters_block(s->counters_set),
        .confine = &s->confine,
        .context = s,
        .look = service_look,
    };
    const struct conversions_config conversions = {
        .max = (unsigned)s->settings->conversions_max,
        .counters = counters_block(s->counters_set),
        .confine = &s->confine,
        .data_dir = s->settings->data_dir,
    };
    s->listening = listening.counters ? listening_new(&listening) : NULL;
    s->conversions = conversions.counters ? conversions_new(&conversions) : NULL;
    return s->listening && s->conversions ? 0 : ERR_NOMEM;
}

static int start_exports(struct service *s, struct why *why)
{
    const struct exports_config exports = {
        .data_dir = s->settings->data_dir,
        .counters = s->counters_set,
        .describe = message_describe,
        .version = EARSHOT_VERSION,
        .max_bytes = (uint64_t)s->settings->exports_max_size,
        .max_all_bytes = (uint64_t)s->settings->exports_max_total,
        .keep_us = s->settings->exports_keep / 1000,
        .context = s,
        .audit = audit,
        .room = export_room,
    };
    return exports_start(&exports, &s->exports, why);
}

int service_start_http(struct service *s, struct why *why)
{
    if (!s->settings->api_enabled)
        return 0;
    int err = store_reader_open(s->settings->data_dir, &s->gauge_reader);
    if (err == 0)
        err = start_sound(s);
    if (err == 0)
        err = start_exports(s, why);
    if (err)
        return err;
    struct api_config config = {
        .bind_address = s->settings->api_bind,
        .behind_proxy = s->settings->api_behind_proxy,
        .proxies = s->settings->api_proxies,
        .tls_certificate = s->settings->api_certificate,
        .tls_private_key = s->settings->api_private_key,
        .hosts = s->settings->api_hosts,
        .rate = (unsigned)s->settings->api_rate,
        .port = (uint16_t)s->settings->api_port,
        .data_dir = s->settings->data_dir,
        .web_root = s->settings->api_web_root,
        .counters = s->counters_set,
        .live = service_live_source(s),
        .live_events = s->live_events,
        .context = s,
        .health = service_health,
        .refresh_gauges = service_gauges,
        .limits = service_limits,
        .audit = audit,
        .put_tags = put_tags,
        .change_tags = change_tags,
        .put_note = put_note,
        .access = {.context = s->writer,
                   .put_token = writer_token,
                   .token_used = writer_token_used,
                   .put_account = writer_account,
                   .account_used = writer_account_used,
                   .drop_account = writer_account_gone},
        .session_idle_us = s->settings->api_session_idle / 1000,
        .session_max_us = s->settings->api_session_max / 1000,
        .local_role = LOCAL_ROLES[s->settings->api_local],
        .describe = message_describe,
        .hide_keys = key_hide,
        .retention = retention_source(s->retention),
        .policies = {.context = s->policies,
                     .show = policies_show,
                     .read = policies_read,
                     .put = policies_put,
                     .let_go = rules_let_go,
                     .by_headers = policies_by_headers,
                     .dry_run = policies_try,
                     .compare = policies_compare_begin,
                     .compare_call = policies_compare_call,
                     .compare_by_headers = policies_compare_by_headers,
                     .compare_end = policies_compare_end},
        .requests = service_request_source(s),
        .named = {.context = s->named, .each = named_each, .change = named_change, .alias_of = named_alias_of, .network = places_network},
        .exports = s->exports,
        .sound = {.context = s->conversions, .convert = conversions_open, .peaks = conversions_peaks},
        .imports = importer_source(s->importer),
        .webhooks = webhook_source(s->webhook),
        .columns = s->columns,
        .version = EARSHOT_VERSION,
        .kpi_rules = &s->kpi.rules,
    };
    return api_start(&config, &s->api, why);
}
