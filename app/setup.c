#include "app/setup.h"

#include "app/finding_config.h"
#include "app/rules_config.h"
#include "app/stream_score.h"
#include "base/clock.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdio.h>

#define SEGMENTS_OF_QUOTA 16
#define SEGMENT_LEAST     (64 << 10)

/* A quota is kept by whole segments, and what is being written counts whole: a small quota has small segments. */
static uint64_t segment_bytes(const struct settings *s)
{
    uint64_t wanted = (uint64_t)s->spool_segment, quota = (uint64_t)s->retain_spool_bytes;
    uint64_t most = quota / SEGMENTS_OF_QUOTA / (s->workers > 0 ? (unsigned)s->workers : 1);
    if (quota && wanted > most)
        wanted = most > SEGMENT_LEAST ? most : SEGMENT_LEAST;
    return wanted;
}

void setup_spool(const struct settings *s, const char *data_dir, struct spool_config *ret_config)
{
    *ret_config = (struct spool_config){
        .data_dir = data_dir,
        .segment_bytes = segment_bytes(s),
        .hold_ms = (uint32_t)(s->spool_hold / 1000000),
        .buffer_bytes = (uint32_t)s->spool_buffer,
        .flush_ms = (uint32_t)(s->spool_flush / 1000000),
        .sync_ms = (uint32_t)(s->spool_sync / 1000000),
        .clock_ns = clock_mono_ns,
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
    c.front.turn_max = (uint32_t)s->turn_max;
    c.front.keep_message_body = s->keep_message_body;
    c.front.transactions_max = (uint32_t)s->transactions_max;
    c.front.registrations_max = (uint32_t)s->registrations_max;
    c.front.subscriptions_max = (uint32_t)s->subscriptions_max;
    c.front.peers_max = (uint32_t)s->peers_max;
    c.front.user_agents_max = (uint32_t)s->user_agents_max;
    c.front.net.fragment_bytes_max = (size_t)s->fragment_bytes_max;
    c.front.dedupe = s->dedupe;
    c.front.dedupe_ns = s->dedupe_window;
    c.front.streams.tcp.streams_max = (uint32_t)s->tcp_streams_max;
    c.front.streams.tcp.bytes_max = (size_t)s->tcp_bytes_max;
    c.front.streams.gathered_max = (size_t)s->tcp_bytes_max;
    c.front.streams.tls.waiting_bytes_max = (size_t)s->tls_waiting_max;
    rules_use_zone(s);
    c.worker.otherwise = rules_otherwise(s);
    c.worker.rules = s->rules;
    c.worker.on_demand_wait_ns = s->on_demand_wait;
    c.worker.leave_early_media = !s->recording_early_media;
    c.worker.call_streams_max = (unsigned)s->call_streams_max;
    c.worker.playout = s->quality_playout;
    c.worker.talkspurts = s->quality_talkspurts;
    c.worker.burst_gap = (uint8_t)s->quality_burst_gap;
    c.worker.probe = s->probe;
    c.worker.spool = spool;
    (void)identity_configure(s, &c.worker.identity, &c.front, NULL); /* settings_check() has said what is wrong */
    (void)quality_configure(s, &c.worker.quality, NULL);
    (void)centre_configure(s, &c.worker.centre, &c.front, NULL);
    (void)diagnose_configure(s, &c.worker.diagnosis, NULL);
    (void)finding_configure(s, &c.front.findings, NULL);
    (void)pause_configure(s, &c.worker.pause, &c.front, NULL);
    *ret_config = c;
}

struct sound_config setup_sound(const struct settings *s, const char *data_dir)
{
    struct sound_config c = {
        .data_dir = data_dir,
        .name = s->recording_name,
        .codec = (enum audio_codec[]){AUDIO_PCM, AUDIO_ULAW, AUDIO_FLAC, AUDIO_OPUS, AUDIO_MP3}[s->recording_format],
        .layout = (enum render_layout[]){RENDER_STEREO, RENDER_SUM, RENDER_SIDES}[s->recording_channels],
        .tags = (enum sound_tags[]){SOUND_TAGS_NONE, SOUND_TAGS_IDS, SOUND_TAGS_NUMBERS}[s->recording_file_tags],
        .silence_max_ns = s->recording_silence_max,
        .rollover_ns = s->rollover_time,
        .rollover_bytes = s->rollover_size,
        .listen = s->recording_measures,
        .mask_dtmf = s->record_mask_dtmf,
        .video = s->recording_video,
        .fax = s->recording_fax,
    };
    (void)diagnose_configure(s, &c.diagnosis, NULL);
    return c;
}

int setup_kpi(const struct settings *s, struct kpi_book_config *ret_config, struct why *why)
{
    *ret_config = (struct kpi_book_config){.seed = hash_seed_random(), .rules.media_timeout_us = s->media_timeout / 1000};
    struct kpi_rules *rules = &ret_config->rules;
    if (kpi_rules_codes(rules, s->kpi_ner_codes) != 0)
        why_set(why, "[kpi] ner_codes takes at most 64 responses from 300 to 699, not \"%s\"", s->kpi_ner_codes);
    else if (kpi_rules_causes(rules, s->kpi_ner_causes) != 0)
        why_set(why, "[kpi] ner_causes takes at most 64 causes from 1 to 127, not \"%s\"", s->kpi_ner_causes);
    else if (kpi_rules_prefixes(rules, s->kpi_prefixes) != 0)
        why_set(why, "[kpi] prefixes takes at most 64 groups of digits, each with + or not, not \"%s\"", s->kpi_prefixes);
    else
        return 0;
    return ERR_INVALID;
}

/* ---- the filter of an interface ---- */

#define OWN_ADDRESSES_MAX 32

static bool is_wildcard(const char *bind)
{
    return strcmp(bind, "0.0.0.0") == 0 || strcmp(bind, "::") == 0;
}

/* "host 10.0.0.1 or host ::1" of every address of this host; "" when there are too many to name, or none. */
static void own_addresses(char *out, size_t size)
{
    struct ifaddrs *list = NULL;
    size_t used = 0;
    unsigned count = 0;
    out[0] = '\0';
    if (getifaddrs(&list) != 0)
        return;
    for (struct ifaddrs *i = list; i; i = i->ifa_next) {
        char text[INET6_ADDRSTRLEN];
        int family = i->ifa_addr ? i->ifa_addr->sa_family : AF_UNSPEC;
        const void *address = family == AF_INET    ? (const void *)&((const struct sockaddr_in *)(const void *)i->ifa_addr)->sin_addr
                              : family == AF_INET6 ? (const void *)&((const struct sockaddr_in6 *)(const void *)i->ifa_addr)->sin6_addr
                                                   : NULL;
        if (address == NULL || inet_ntop(family, address, text, sizeof text) == NULL)
            continue;
        int n = snprintf(out + used, size - used, "%shost %s", used ? " or " : "", text);
        if (n < 0 || used + (size_t)n >= size || ++count > OWN_ADDRESSES_MAX) {
            out[0] = '\0';
            break;
        }
        used += (size_t)n;
    }
    freeifaddrs(list);
}

/* Which host the API's packets have at one end; "" when that cannot be said. */
static void api_hosts(const char *bind, char *out, size_t size)
{
    struct in6_addr any;
    out[0] = '\0';
    if (is_wildcard(bind))
        own_addresses(out, size);
    else if (strcmp(bind, "localhost") == 0)
        snprintf(out, size, "host 127.0.0.1 or host ::1");
    else if (inet_pton(AF_INET, bind, &any) == 1 || inet_pton(AF_INET6, bind, &any) == 1)
        snprintf(out, size, "host %s", bind);
}

/* Ours stands in front: the word vlan in a filter changes what follows it. */
int setup_live_filter(const struct settings *s, uint16_t port, char *out, size_t size)
{
    const char *users = s->capture_filter;
    char hosts[1600];
    int n;
    if (!s->capture_exclude_own || !s->api_enabled || port == 0) {
        n = snprintf(out, size, "%s", users);
        return n >= 0 && (size_t)n < size ? 0 : ERR_INVALID;
    }
    api_hosts(s->api_bind, hosts, sizeof hosts);
    n = snprintf(out, size, "not (tcp port %u%s%s%s)%s%s%s", port, hosts[0] ? " and (" : "", hosts, hosts[0] ? ")" : "",
                 users[0] ? " and (" : "", users, users[0] ? ")" : "");
    return n >= 0 && (size_t)n < size ? 0 : ERR_INVALID;
}
