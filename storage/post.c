/* One easy handle, kept for its connection; what an answer brings is counted and dropped. */
#include "storage/post.h"

#include <curl/curl.h>
#include <stdlib.h>

#include "base/addr.h"

#define ANSWER_BYTES_MAX  (64 << 10)
#define CONNECT_PART      2 /* of the time of an attempt, connecting may take one in so many */
#define KEEP_OPEN_SECONDS 60L

struct post {
    struct post_config config;
    CURL *easy;
    size_t answered; /* bytes of this answer */
};

static size_t take_answer(char *data, size_t size, size_t count, void *context)
{
    struct post *p = context;
    if (p->config.take) {
        long status = 0;
        curl_easy_getinfo(p->easy, CURLINFO_RESPONSE_CODE, &status);
        return p->config.take(p->config.context, (unsigned)status, data, size * count) ? size * count : 0;
    }
    p->answered += size * count;
    return p->answered > ANSWER_BYTES_MAX ? 0 : size * count;
}

static int may_go_on(void *context, curl_off_t down_all, curl_off_t down, curl_off_t up_all,
                     curl_off_t up)
{
    struct post *p = context;
    (void)down_all, (void)down, (void)up_all, (void)up;
    return p->config.give_up && p->config.give_up(p->config.context);
}

static bool configure(struct post *p)
{
    const struct post_config *c = &p->config;
    CURL *e = p->easy;
    long timeout_ms = c->timeout_ms;
    bool good = curl_easy_setopt(e, CURLOPT_URL, c->url) == CURLE_OK &&
                curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
                curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
                curl_easy_setopt(e, CURLOPT_PROXY, "") == CURLE_OK &&
                curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 1L) == CURLE_OK &&
                curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 2L) == CURLE_OK &&
                curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L) == CURLE_OK;
    if (good && c->ca_file && c->ca_file[0])
        good = curl_easy_setopt(e, CURLOPT_CAINFO, c->ca_file) == CURLE_OK &&
               curl_easy_setopt(e, CURLOPT_CAPATH, NULL) == CURLE_OK;
    curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, timeout_ms);
    curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, timeout_ms / CONNECT_PART);
    curl_easy_setopt(e, CURLOPT_MAXAGE_CONN, KEEP_OPEN_SECONDS);
    curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, take_answer);
    curl_easy_setopt(e, CURLOPT_WRITEDATA, p);
    curl_easy_setopt(e, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(e, CURLOPT_XFERINFOFUNCTION, may_go_on);
    curl_easy_setopt(e, CURLOPT_XFERINFODATA, p);
    return good;
}

int post_open(const struct post_config *config, struct post **ret_post)
{
    struct post *p = calloc(1, sizeof *p);
    int err = ERR_NOMEM;
    if (p == NULL)
        return err;
    p->config = *config;
    if (curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK) {
        p->easy = curl_easy_init();
        err = p->easy == NULL ? ERR_NOMEM : configure(p) ? 0 : ERR_UNSUPPORTED;
    }
    if (err) {
        post_close(p);
        return err;
    }
    *ret_post = p;
    return 0;
}

void post_close(struct post *p)
{
    if (p == NULL)
        return;
    if (p->easy)
        curl_easy_cleanup(p->easy);
    free(p);
}

static struct curl_slist *list_of(const char *const *headers)
{
    /* No "100 Continue" is waited for. */
    struct curl_slist *list = curl_slist_append(NULL, "Expect:");
    for (; list && *headers; headers++) {
        struct curl_slist *longer = curl_slist_append(list, *headers);
        if (longer == NULL) {
            curl_slist_free_all(list);
            return NULL;
        }
        list = longer;
    }
    return list;
}

static unsigned perform(struct post *p, const char *const *headers, struct why *why)
{
    char trouble[CURL_ERROR_SIZE] = "";
    long status = 0;
    struct curl_slist *list = list_of(headers);
    if (list == NULL) {
        why_set(why, "no memory");
        return 0;
    }
    p->answered = 0;
    curl_easy_setopt(p->easy, CURLOPT_HTTPHEADER, list);
    curl_easy_setopt(p->easy, CURLOPT_ERRORBUFFER, trouble);
    CURLcode code = curl_easy_perform(p->easy);
    /* A status that came counts, even if what follows it did not end well. */
    curl_easy_getinfo(p->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_setopt(p->easy, CURLOPT_HTTPHEADER, NULL);
    curl_easy_setopt(p->easy, CURLOPT_ERRORBUFFER, NULL);
    curl_slist_free_all(list);
    if (status < 200)
        why_set(why, "%s", trouble[0] ? trouble : curl_easy_strerror(code));
    return status < 200 ? 0 : (unsigned)status;
}

unsigned post_ask(struct post *p, const char *url, struct slice body, const char *const *headers, struct why *why)
{
    curl_easy_setopt(p->easy, CURLOPT_URL, url);
    curl_easy_setopt(p->easy, body.data ? CURLOPT_POST : CURLOPT_HTTPGET, 1L);
    if (body.data) {
        curl_easy_setopt(p->easy, CURLOPT_POSTFIELDS, body.data);
        curl_easy_setopt(p->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.size);
    }
    return perform(p, headers, why);
}

unsigned post_send(struct post *p, struct slice body, const char *const *headers, struct why *why)
{
    return post_ask(p, p->config.url, body, headers, why);
}

static bool is_plain(struct slice url)
{
    for (size_t i = 0; i < url.size; i++)
        if (url.data[i] <= 0x20 || url.data[i] >= 0x7f || url.data[i] == '\\')
            return false;
    return true;
}

bool post_url_parse(struct slice url, bool *ret_secure, bool *ret_local)
{
    bool secure = slice_starts_nocase(url, "https://");
    struct slice rest = slice_from(url, secure ? 8 : 7);
    struct addr a;
    if (!is_plain(url) || (!secure && !slice_starts_nocase(url, "http://")))
        return false;
    size_t end = 0;
    while (end < rest.size && rest.data[end] != '/' && rest.data[end] != '?' &&
           rest.data[end] != '#')
        end++;
    struct slice host = slice_sub(rest, 0, end);
    for (size_t i = 0; i < host.size; i++)
        if (host.data[i] == '@')
            return false;
    if (slice_starts(host, "[")) {
        host = slice_from(host, 1);
        host = slice_cut(&host, ']');
    } else {
        host = slice_cut(&host, ':');
    }
    if (host.size == 0)
        return false;
    *ret_secure = secure;
    *ret_local = slice_equal_nocase(host, slice_str("localhost")) ||
                 (addr_parse(host, &a) && addr_is_loopback(a));
    return true;
}
