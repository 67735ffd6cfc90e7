/* An address is taken from the configuration alone; numbers of callers go out in clear text only
 * where the operator says so. */
#include "app/webhook_config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crypto.h"
#include "storage/post.h"

#define QUEUE_MAX   65536
#define TIMEOUT_MAX (INT64_C(60) * 1000000000)

static int read_events(const char *text, unsigned *ret_events, struct why *why)
{
    static const char *const NAMES[WEBHOOK_TEST] = {[WORKER_CALL_STARTED] = "started",
                                        [WORKER_CALL_RINGING] = "ringing",
                                        [WORKER_CALL_ANSWERED] = "answered",
                                        [WORKER_CALL_ENDED] = "ended",
                                        [WORKER_CALL_PAUSED] = "paused",
                                        [WORKER_CALL_RESUMED] = "resumed",
                                        [WEBHOOK_RECORDED] = "recorded",
                                        [WEBHOOK_ALERT] = "alert"};
    struct slice rest = slice_str(text);
    *ret_events = 0;
    while (rest.size) {
        struct slice word = slice_trim(slice_cut(&rest, ','));
        unsigned i = 0;
        while (i < WEBHOOK_TEST && !slice_equal(word, slice_str(NAMES[i])))
            i++;
        if (i == WEBHOOK_TEST) {
            why_set(why, "[webhook] events: \"%.*s\" is none of started, ringing, answered, ended, paused, "
                         "resumed, recorded, alert",
                    SLICE_ARGS(slice_sub(word, 0, 40)));
            return ERR_INVALID;
        }
        *ret_events |= 1u << i;
    }
    return 0;
}

static int check_url(const struct settings *s, struct why *why)
{
    bool secure, local;
    if (s->webhook_url[0] == '\0')
        return 0;
    if (!post_url_parse(slice_str(s->webhook_url), &secure, &local)) {
        why_set(why, "[webhook] url is no https:// or http:// address without user names");
        return ERR_INVALID;
    }
    if (secure || local || s->webhook_clear_text)
        return 0;
    why_set(why, "[webhook] url: callers' numbers would cross the network in clear text; use "
                 "https:// or say clear_text = yes");
    return ERR_INVALID;
}

static int fill(const struct settings *s, struct webhook_config *c, struct why *why)
{
    int err = check_url(s, why);
    if (err == 0)
        err = read_events(s->webhook_events, &c->events, why);
    if (err)
        return err;
    if (s->webhook_queue < 1 || s->webhook_queue > QUEUE_MAX) {
        why_set(why, "[limits] webhooks is a number from 1 to %d", QUEUE_MAX);
        return ERR_INVALID;
    }
    if (s->webhook_timeout < 1000000 || s->webhook_timeout > TIMEOUT_MAX) {
        why_set(why, "[webhook] timeout is a time from 1ms to 60s");
        return ERR_INVALID;
    }
    c->url = s->webhook_url;
    c->ca_file = s->webhook_ca_file;
    c->timeout_ms = (int)(s->webhook_timeout / 1000000);
    c->retry_ns = s->webhook_retry_for;
    c->queue_max = (unsigned)s->webhook_queue;
    return 0;
}

int webhook_check(const struct settings *s, struct why *why)
{
    struct webhook_config c = {0};
    return fill(s, &c, why);
}

/* The whole file but the line ends behind it. */
static int read_secret(const char *path, struct webhook_config *c, struct why *why)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0) {
        why_set(why, "[webhook] secret_file %s cannot be read: %s", path, strerror(errno));
        if (fd >= 0)
            close(fd);
        return ERR_INVALID;
    }
    ssize_t n = read(fd, c->secret, sizeof c->secret);
    close(fd);
    while (n > 0 && (c->secret[n - 1] == '\n' || c->secret[n - 1] == '\r'))
        n--;
    c->secret_size = n > 0 ? (size_t)n : 0;
    if (st.st_mode & S_IRWXO) {
        why_set(why, "[webhook] secret_file %s can be read by everybody: chmod o= it", path);
        return ERR_INVALID;
    }
    if (n > 0 && st.st_size <= WEBHOOK_SECRET_MAX)
        return 0;
    why_set(why, "[webhook] secret_file %s holds 1 to %d bytes, not %lld", path, WEBHOOK_SECRET_MAX,
            (long long)st.st_size);
    return ERR_INVALID;
}

int webhook_configure(const struct settings *s, struct webhook_config *ret_config, struct why *why)
{
    *ret_config = (struct webhook_config){0};
    int err = fill(s, ret_config, why);
    if (err == 0 && s->webhook_url[0] && s->webhook_secret_file[0])
        err = read_secret(s->webhook_secret_file, ret_config, why);
    if (err)
        crypto_wipe(ret_config->secret, sizeof ret_config->secret);
    return err;
}
