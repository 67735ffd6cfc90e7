/* What single values cannot show: ranges, sums and combinations. Each part of the program knows what may stand in its sections. */
#include "app/settings.h"

#include <inttypes.h>
#include <string.h>

#include "api/forwarded.h"
#include "app/centre_config.h"
#include "app/conversions.h"
#include "app/diagnose/diagnose.h"
#include "app/finding_config.h"
#include "app/hep_source.h"
#include "app/identity_config.h"
#include "app/listen.h"
#include "app/live_view.h"
#include "app/pause_config.h"
#include "app/rules_config.h"
#include "app/setup.h"
#include "app/stream_score.h"
#include "app/webhook_config.h"
#include "storage/media_name.h"

static int ranges_check(const struct settings *s, struct why *why)
{
    const struct {
        const char *name;
        int64_t value, low, high;
    } ranges[] = {
        {"[capture] workers", s->workers, 1, 16},
        {"[capture] snaplen", s->capture_snaplen, 64, 262144},
        {"[capture] ring_size", s->capture_ring, 1 << 20, INT64_C(4) << 30},
        {"[recording] render_threads", s->render_threads, 1, 16},
        {"[recording] decode_memory", s->decode_memory, 64 << 20, INT64_C(1) << 40},
        {"[recording] decode_cpu_base (s)", s->decode_cpu_base / 1000000000, 1, 3600},
        {"[recording] decode_cpu_factor", s->decode_cpu_factor, 1, 1000},
        {"[api] port", s->api_port, 0, 65535},
        {"[api] rate", s->api_rate, 0, 100000},
        {"[metrics] max_series", s->metrics_max_series, 100, 10000000},
        {"[exports] max_size", s->exports_max_size, 1 << 10, INT64_C(1) << 50},
        {"[exports] max_total", s->exports_max_total, 1 << 10, INT64_C(1) << 50},
        {"[exports] keep (s)", s->exports_keep / 1000000000, 1, 366 * 86400},
        {"[limits] calls", s->calls_max, 1, 1000000},
        {"[limits] flows", s->flows_max, 16, 4000000},
        {"[limits] turn", s->turn_max, 16, 1000000},
        {"[limits] transactions", s->transactions_max, 16, 4000000},
        {"[limits] registrations", s->registrations_max, 16, 1000000},
        {"[limits] subscriptions", s->subscriptions_max, 16, 1000000},
        {"[limits] peers", s->peers_max, 16, 100000},
        {"[limits] user_agents", s->user_agents_max, 16, 100000},
        {"[limits] imports", s->imports_max, 1, 64},
        {"[limits] import_time (s)", s->import_time / 1000000000, 1, 7 * 86400},
        {"[limits] call_streams", s->call_streams_max, 1, 256},
        {"[quality] burst_gap", s->quality_burst_gap, 1, 255},
        {"[spool] hold (ms)", s->spool_hold / 1000000, 50, 1000},
        {"[spool] flush (ms)", s->spool_flush / 1000000, 10, 1000},
        {"[spool] segment_size", s->spool_segment, 1 << 20, INT64_C(2) << 30},
        {"[spool] buffer_size", s->spool_buffer, 1 << 16, 64 << 20},
    };
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
        if (ranges[i].value < ranges[i].low || ranges[i].value > ranges[i].high) {
            why_set(why, "%s is %" PRId64 "; it must lie between %" PRId64 " and %" PRId64, ranges[i].name,
                    ranges[i].value, ranges[i].low, ranges[i].high);
            return ERR_INVALID;
        }
    }
    return 0;
}

/* Who can reach the API must not read it off the wire. */
static int api_check(const struct settings *s, struct why *why)
{
    bool loopback = strcmp(s->api_bind, "127.0.0.1") == 0 || strcmp(s->api_bind, "::1") == 0 ||
                    strcmp(s->api_bind, "localhost") == 0;
    if ((s->api_certificate[0] == '\0') != (s->api_private_key[0] == '\0')) {
        why_set(why, "[api] certificate and private_key go together");
        return ERR_INVALID;
    }
    if (!forwarded_proxies_valid(s->api_proxies)) {
        why_set(why, "[api] proxies = %s: it takes addresses and networks such as 10.0.0.7, 192.0.2.0/24, ::1, with commas between",
                s->api_proxies);
        return ERR_INVALID;
    }
    if (!loopback && s->api_enabled && !s->api_behind_proxy && s->api_certificate[0] == '\0') {
        why_set(why, "[api] bind = %s reaches beyond this host without TLS; set certificate and private_key, or put a TLS proxy in "
                     "front and set behind_proxy = yes, or bind 127.0.0.1", s->api_bind);
        return ERR_INVALID;
    }
    return 0;
}

static int folder_check(const struct settings *s, struct why *why)
{
    if (s->data_dir[0])
        return 0;
    why_set(why, "[storage] data_dir is empty; name the folder that records and recordings are kept in");
    return ERR_INVALID;
}

int settings_check(const struct settings *s, struct why *why)
{
    if (folder_check(s, why) != 0 || ranges_check(s, why) != 0 || !media_template_valid(s->recording_name, why) || api_check(s, why) != 0)
        return ERR_INVALID;
    struct kpi_book_config kpi;
    if (setup_kpi(s, &kpi, why) != 0)
        return ERR_INVALID;
    struct identity_config identity;
    struct finding_config findings;
    int err = identity_configure(s, &identity, NULL, why);
    if (err == 0)
        err = places_check(s->places, why);
    if (err == 0)
        err = rules_configure_check(s, why);
    struct centre_config centre;
    if (err == 0)
        err = centre_configure(s, &centre, NULL, why);
    struct quality_config quality;
    if (err == 0)
        err = quality_configure(s, &quality, why);
    if (!err)
        err = finding_configure(s, &findings, why);
    struct pause_config pause;
    if (err == 0)
        err = pause_configure(s, &pause, NULL, why);
    struct diagnose_config diagnosis;
    if (!err)
        err = diagnose_configure(s, &diagnosis, why);
    if (err == 0)
        err = webhook_check(s, why);
    if (err == 0)
        err = listening_check(s, why);
    if (err == 0)
        err = conversions_check(s, why);
    if (err == 0)
        err = live_view_check(s, why);
    return err ? err : hep_source_check(s, why);
}
