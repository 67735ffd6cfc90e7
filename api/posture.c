#include "api/posture.h"

#include <math.h>
#include <string.h>
#include <strings.h>

#define TLS_1_2 0x0303

static bool is_protected(const char *transport)
{
    return transport && (strcmp(transport, "tls") == 0 || strcmp(transport, "wss") == 0);
}

static void take_media(struct posture *p, const struct call_record *r)
{
    bool clear = false;
    unsigned streams = 0;
    for (uint32_t i = 0; i < r->stream_count; i++) {
        if (r->streams[i].packets == 0)
            continue;
        streams++;
        clear |= !r->streams[i].srtp;
    }
    p->media_calls += streams > 0;
    p->media_clear += streams > 0 && clear;
    p->media_protected += streams > 0 && !clear;
}

void posture_call(struct posture *p, const struct call_record *r)
{
    if (strcmp(r->kind, "encrypted") == 0) {
        p->unreadable++;
        p->old_tls += r->tls.version != 0 && r->tls.version < TLS_1_2;
        return;
    }
    if (strcmp(r->kind, "call") != 0)
        return;
    p->calls++;
    *(is_protected(r->transport) ? &p->signalling_protected : &p->signalling_clear) += 1;
    p->keys_told += r->keys_told & 1;
    p->keys_in_clear += r->keys_told >> 1 & 1;
    p->weak_suites += r->keys_told >> 2 & 1;
    take_media(p, r);
}

void posture_registration(struct posture *p, const struct registration_record *r)
{
    bool digest = strcasecmp(r->auth_scheme, "Digest") == 0;
    if (r->successes == 0)
        return;
    p->registrations++;
    p->basic += strcasecmp(r->auth_scheme, "Basic") == 0;
    p->md5 += digest && strncasecmp(r->auth_algorithm, "MD5", 3) == 0;
    p->without_qop += digest && r->auth_qop[0] == '\0';
    p->unchallenged += r->unchallenged != 0;
}

static void share(struct json *j, const char *key, uint64_t part, uint64_t whole)
{
    json_kv_double(j, key, whole ? (double)part / (double)whole : NAN, 6);
}

static void count(struct json *j, const char *key, uint64_t n)
{
    json_kv_int(j, key, (int64_t)n);
}

void posture_json(struct json *j, const struct posture *p)
{
    count(j, "calls", p->calls);
    json_key(j, "signalling");
    json_object(j);
    count(j, "clear", p->signalling_clear);
    count(j, "protected", p->signalling_protected);
    count(j, "unreadable_connections", p->unreadable);
    count(j, "old_tls_connections", p->old_tls);
    share(j, "clear_ratio", p->signalling_clear, p->calls);
    json_end(j);
    json_key(j, "media");
    json_object(j);
    count(j, "calls", p->media_calls);
    count(j, "clear", p->media_clear);
    count(j, "protected", p->media_protected);
    share(j, "clear_ratio", p->media_clear, p->media_calls);
    json_end(j);
    json_key(j, "keys");
    json_object(j);
    count(j, "calls", p->keys_told);
    count(j, "in_clear", p->keys_in_clear);
    count(j, "weak_suite", p->weak_suites);
    share(j, "in_clear_ratio", p->keys_in_clear, p->keys_told);
    json_end(j);
    json_key(j, "registrations");
    json_object(j);
    count(j, "count", p->registrations);
    count(j, "basic", p->basic);
    count(j, "md5", p->md5);
    count(j, "without_qop", p->without_qop);
    count(j, "unchallenged", p->unchallenged);
    share(j, "unchallenged_ratio", p->unchallenged, p->registrations);
    json_end(j);
}
