/* A chain that holds RTCP alone stays: it tells of quality, not of what was said. */
#include "app/media_drop.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "storage/media_dir.h"
#include "storage/spool.h"

/* "01234567-89ab-..." */
static void uid_bytes(const char *text, uint8_t out[16])
{
    unsigned n = 0;
    memset(out, 0, 16);
    for (; *text && n < 32; text++) {
        if (*text == '-')
            continue;
        unsigned digit = *text >= 'a' ? (unsigned)(*text - 'a' + 10) : (unsigned)(*text - '0');
        out[n / 2] = (uint8_t)(out[n / 2] << 4 | (digit & 15));
        n++;
    }
}

int media_drop(const struct call_record *r, const char *data_dir, struct counters *counters)
{
    uint8_t uid[16];
    int err = 0;
    uid_bytes(r->uid, uid);
    for (uint32_t i = 0; i < r->chain_count; i++) {
        const struct record_chain *c = &r->chains[i];
        uint64_t bytes = 0;
        if (c->party == NULL || c->rtcp)
            continue;
        int failed = spool_blank(data_dir, c->tail, uid, &bytes);
        bool world = failed && failed != ERR_INVALID && failed != ERR_IO; /* it may go later: rather that than what is damaged */
        err = world || err == 0 ? failed : err;
        counters_add(counters, C_SPOOL_BLANKED, bytes);
    }
    return err;
}

static void remove_file(void *context, const char *path)
{
    char full[PATH_MAX];
    snprintf(full, sizeof full, "%s/%s", (const char *)context, path);
    if (unlink(full) != 0 && errno != ENOENT)
        log_warn("render", "%s, whose recording was deleted, cannot be removed: %s", full, strerror(errno));
}

void media_remove(const struct call_record *r, const char *data_dir)
{
    media_files(r, remove_file, (void *)(uintptr_t)data_dir);
}

void coverage_count(struct counters *counters, const struct call_record *r)
{
    bool of_calls = strcmp(r->kind, "orphan") != 0 && strcmp(r->kind, "page") != 0 && strcmp(r->kind, "encrypted") != 0;
    if (!of_calls || record_is_imported(r) || r->outcome == NULL || strcmp(r->outcome, "answered") != 0 || r->recording.result == NULL)
        return;
    counters_add(counters, C_COVERAGE + label_find(LABELS_RECORDING, slice_str(r->recording.result)), 1);
}
