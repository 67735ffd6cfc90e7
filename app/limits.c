/* See limits.h. What stands in a gauge comes from there, so that this and /metrics cannot differ; what no gauge follows is null. */
#include "app/limits.h"

#include <stddef.h>
#include <string.h>

enum { NOWHERE, IN_TABLE, IN_QUEUE };

struct ceiling {
    const char *name;    /* IN_TABLE, IN_QUEUE: the label of its gauges */
    const char *unit;
    int where;
    const char *setting; /* NULL: it is fixed */
    size_t field;        /* of the setting, NOWHERE */
    unsigned met, met_cells; /* counters that tell how often; met_cells 0: none */
    bool by_table;       /* of them the one with its label */
    const char *counter;
    const char *policy;
};

#define OF(section, key, member)  .setting = "[" section "] " key, .field = offsetof(struct settings, member)
#define MET(id, name)             .met = C_##id, .met_cells = C_##id##_END_ - C_##id + 1, .counter = name
#define MET_ONE(id, index, name)  .met = C_##id + (index), .met_cells = 1, .counter = name
#define MET_TABLE(id, name_)      .met = C_##id, .met_cells = 1, .by_table = true, .counter = name_
#define USERS                     MET_TABLE(USERS_EVICTED, "earshot_user_entries_evicted_total")
#define RELATED                   MET_TABLE(RELATIONS_EVICTED, "earshot_relation_entries_evicted_total")
#define OLDEST                    .policy = "What is worth least goes, of that what was not heard of for longest."

enum { STAGE_QUEUE = 3, STAGE_REASSEMBLY = 4, WEBHOOK_DROPPED = 3, SESSION_DISPLACED = 3 };

/* clang-format off */
static const struct ceiling CEILINGS[] = {
    {"calls", "calls", IN_TABLE, OF("limits", "calls", calls_max), MET(CALLS_EVICTED, "earshot_calls_evicted_total"),
     .policy = "Media without a call gives way, then calls that nobody answered yet, the oldest first; else the new one is not followed."},
    {"flows", "media flows", IN_TABLE, OF("limits", "flows", flows_max), MET(STREAMS_OVER_LIMIT, "earshot_rtp_streams_over_limit_total"),
     .policy = "A new one is not followed."},
    {"call_streams", "streams of a call", NOWHERE, OF("limits", "call_streams", call_streams_max),
     MET(CALL_STREAMS_OVER_LIMIT, "earshot_rtp_call_streams_over_limit_total"), .policy = "A new one is not followed; its packets are counted."},
    {"call_messages", "messages of a call", NOWHERE, OF("limits", "call_messages", call_messages_max),
     MET(MESSAGES_OVER_LIMIT, "earshot_sip_messages_over_limit_total"), .policy = "More are counted and not kept."},
    {"call_text", "bytes of a call", NOWHERE, OF("limits", "call_text", call_text_max),
     .policy = "More messages are counted and not kept; counted with call_messages."},
    {"held_media", "bytes", IN_TABLE, OF("limits", "held_media", held_bytes_max), MET(RTP_HELD_DROPPED, "earshot_rtp_held_dropped_packets_total"),
     .policy = "The oldest media that waits for its signalling goes."},
    {"fragments", "datagrams", IN_TABLE, MET_ONE(DROPS, STAGE_REASSEMBLY, "earshot_capture_drops_total{stage=\"reassembly\"}"),
     .policy = "The oldest unfinished datagram goes; their bytes have [limits] fragments."},
    {"tcp", "connections", IN_TABLE, OF("limits", "tcp_streams", tcp_streams_max), MET(TCP_EVICTED, "earshot_tcp_evicted_total"),
     .policy = "Connections without signalling go first, then the one that was idle for longest."},
    {"tcp_memory", "bytes", NOWHERE, OF("limits", "tcp_memory", tcp_bytes_max),
     MET(STREAM_HALVES_DROPPED, "earshot_stream_halves_dropped_total"), .policy = "A connection loses its half message."},
    {"sctp", "associations", IN_TABLE, .policy = "The oldest goes."},
    {"tls_secrets", "secrets", IN_TABLE, .policy = "The oldest goes."},
    {"tls_waiting_bytes", "bytes", IN_TABLE, OF("limits", "tls_waiting", tls_waiting_max),
     .policy = "The connection that waits for longest is blind from then on."},
    {"turn", "allocations and channels", IN_TABLE, OF("limits", "turn", turn_max), MET(TURN_EVICTED, "earshot_turn_evicted_total"), OLDEST},
    {"transactions", "transactions", IN_TABLE, OF("limits", "transactions", transactions_max),
     MET(TRANSACTIONS_EVICTED, "earshot_transactions_evicted_total"), OLDEST},
    {"registrations", "users", IN_TABLE, OF("limits", "registrations", registrations_max), USERS, OLDEST},
    {"subscriptions", "subscriptions", IN_TABLE, OF("limits", "subscriptions", subscriptions_max), USERS, OLDEST},
    {"presence", "users", IN_TABLE, OF("limits", "subscriptions", subscriptions_max), USERS, OLDEST},
    {"messages", "messages on their way", IN_TABLE, USERS, OLDEST},
    {"peers", "pairs of addresses", IN_TABLE, OF("limits", "peers", peers_max), USERS, OLDEST},
    {"user_agents", "names", IN_TABLE, OF("limits", "user_agents", user_agents_max), USERS, .policy = "What is beyond counts together."},
    {"dialogs", "dialogs that ended", IN_TABLE, RELATED, OLDEST},
    {"referrals", "transfers", IN_TABLE, RELATED, OLDEST},
    {"conferences", "conferences", IN_TABLE, RELATED, OLDEST},
    {"holders", "addresses", IN_TABLE, RELATED, OLDEST},
    {"findings", "findings", IN_TABLE, OF("limits", "findings", findings_max), MET(FINDINGS_SUPPRESSED, "earshot_findings_suppressed_total"),
     .policy = "What is worth least goes; of one detector only so many are opened in a minute, which is what is counted."},
    {"finding_addresses", "addresses and users", NOWHERE, OF("limits", "finding_addresses", finding_addresses_max), OLDEST},
    {"events", "entries", IN_QUEUE, MET_ONE(DROPS, STAGE_QUEUE, "earshot_capture_drops_total{stage=\"queue\"}"),
     .policy = "Media is refused and counted as ours; its last eighth is kept for what calls do."},
    {"records", "records", IN_QUEUE, MET(DB_LOST, "earshot_db_records_lost_total"), .policy = "What finds no room is lost and counted."},
    {"jobs", "recordings", IN_QUEUE, .policy = "What finds no room waits in the database."},
    {"webhooks", "events", IN_QUEUE, OF("limits", "webhooks", webhook_queue),
     MET_ONE(WEBHOOKS, WEBHOOK_DROPPED, "earshot_webhooks_total{result=\"dropped\"}"), .policy = "The oldest goes."},
    {"exports", "exports that wait", IN_QUEUE, .policy = "More are refused with 429."},
    {"connections", "connections", IN_TABLE, .policy = "A new one is closed."},
    {"requests", "requests a second of one who asks", NOWHERE, OF("api", "rate", api_rate), MET(HTTP_LIMITED, "earshot_http_limited_total"),
     .policy = "Refused with 429 and Retry-After."},
    {"sessions", "logins", IN_TABLE, MET_ONE(SESSIONS, SESSION_DISPLACED, "earshot_sessions_total{event=\"displaced\"}"),
     .policy = "Who did not use theirs for longest gives way."},
    {"downloads", "downloads", IN_TABLE, .policy = "More are refused with 503."},
    {"listeners", "who listens live", IN_TABLE, OF("limits", "listeners", listeners_max), .policy = "More are refused with 503."},
    {"watchers", "who watches live events", IN_TABLE, OF("limits", "watchers", watchers_max),
     MET(LIVE_WATCHERS_REFUSED, "earshot_live_watchers_refused_total"), .policy = "More are refused with 503."},
    {"conversions", "recordings", IN_TABLE, OF("limits", "conversions", conversions_max), MET(CONVERSIONS_REFUSED, "earshot_conversions_refused_total"),
     .policy = "More are refused with 503."},
    {"list_memory", "bytes", IN_TABLE, OF("limits", "list_memory", list_memory),
     .policy = "Days that nobody asked for for longest make room; where there is none lists with filters take longer."},
    {"imports", "captures that wait", NOWHERE, OF("limits", "imports", imports_max), .policy = "More are refused with 429."},
    {"import_size", "bytes of a capture", NOWHERE, OF("limits", "import_size", import_size), .policy = "Refused with 413."},
    {"metrics_series", "lines of /metrics", NOWHERE, OF("metrics", "max_series", metrics_max_series),
     MET(SERIES_DROPPED, "earshot_metrics_series_dropped_total"), .policy = "What is left out is counted."},
};
/* clang-format on */

static void show(struct counters *gauges, const char *table, uint64_t now, int64_t limit)
{
    unsigned i = label_find(LABELS_TABLE, slice_str(table));
    counters_set(gauges, C_TABLE_LIMIT + i, (uint64_t)limit);
    counters_set_level(gauges, C_TABLE_SIZE + i, COUNTERS_TABLE_UP, now);
}

void limits_refresh(const struct settings *settings, struct counters_set *set, struct counters *gauges, unsigned conversions, uint64_t list_bytes)
{
    show(gauges, "listeners", counters_sum(set, C_HTTP_STREAMS + label_find(LABELS_STREAM_KIND, slice_str("live"))), settings->listeners_max);
    show(gauges, "watchers", counters_sum(set, C_HTTP_STREAMS + label_find(LABELS_STREAM_KIND, slice_str("sse"))), settings->watchers_max);
    show(gauges, "conversions", conversions, settings->conversions_max);
    show(gauges, "list_memory", list_bytes, settings->list_memory);
}

/* ---- JSON ---- */

static void number(struct json *j, const char *key, bool known, uint64_t v)
{
    if (known)
        json_kv_int(j, key, (int64_t)v);
    else
        json_kv_null(j, key);
}

static uint64_t limit_of(const struct ceiling *c, const struct settings *s)
{
    int64_t v = 0;
    if (c->setting == NULL)
        return 0;
    memcpy(&v, (const char *)s + c->field, sizeof v);
    return (uint64_t)v;
}

static uint64_t met_of(const struct ceiling *c, struct counters_set *set, unsigned label)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < c->met_cells; i++)
        sum += counters_sum(set, c->met + i + (c->by_table ? label : 0));
    return sum;
}

static void ceiling_json(struct json *j, const struct ceiling *c, const struct settings *s, struct counters_set *set)
{
    bool queue = c->where == IN_QUEUE, known = c->where != NOWHERE;
    unsigned label = !known ? 0 : label_find(queue ? LABELS_QUEUE : LABELS_TABLE, slice_str(c->name));
    uint64_t used = counters_sum(set, (queue ? C_QUEUE_DEPTH : C_TABLE_SIZE) + label);
    uint64_t highest = counters_sum(set, (queue ? C_QUEUE_PEAK : C_TABLE_PEAK) + label);
    uint64_t limit = counters_sum(set, (queue ? C_QUEUE_CAPACITY : C_TABLE_LIMIT) + label);
    json_object(j);
    json_kv_str(j, "name", c->name);
    json_kv_str(j, "unit", c->unit);
    number(j, "limit", true, known ? limit : limit_of(c, s));
    number(j, "used", known, used);
    number(j, "highest", known, highest > used ? highest : used);
    number(j, "met", c->met_cells > 0, met_of(c, set, label));
    json_kv_str(j, "counter", c->counter);
    json_kv_str(j, "setting", c->setting);
    json_kv_str(j, "policy", c->policy);
    json_end(j);
}

void limits_json(struct json *j, const struct settings *settings, struct counters_set *set)
{
    for (size_t i = 0; i < sizeof CEILINGS / sizeof *CEILINGS; i++)
        ceiling_json(j, &CEILINGS[i], settings, set);
}
