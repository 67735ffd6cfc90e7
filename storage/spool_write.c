/* The writer of one worker: opened, told the time, closed. What happens to a packet in between:
 * spool_writer.h.
 *
 * No clock: time is what spool_tick() brings. What can wait for the disk's motion, write-out and
 * sync, goes to the syncer's thread (spool_sync.h). */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "storage/spool_writer.h"

#define SLOW_TOLD_MS 30000 /* when nothing more is written */

/* ---- time ---- */

/* Forward only: captures of other days that are read in turns make no segment each. */
static void day_turn(struct spool *s)
{
    int64_t day = s->now_ns / DAY_NS;
    bool empty = s->base + s->used <= SEGMENT_HEADER;
    if (!s->config.daily || s->error || s->fd < 0 || day <= s->day)
        return;
    if (empty)
        s->day = day;
    else
        (void)segment_roll(s);
}

void spool_tick(struct spool *s, int64_t now_ns)
{
    s->now_ns = now_ns;
    if (s->error && (now_ns >= s->retry_ns || now_ns < s->retry_ns - 2 * RETRY_MS * MS_NS))
        spool_recover(s);
    gather_due(s);
    day_turn(s);
    if (s->used && !s->error &&
        (now_ns < s->buffer_since_ns || now_ns - s->buffer_since_ns >= s->config.flush_ms * MS_NS))
        (void)buffer_write(s);
    if (s->synced_ns == 0 || now_ns < s->synced_ns)
        s->synced_ns = now_ns;
    if (s->config.sync_ms && s->unsynced && now_ns - s->synced_ns >= s->config.sync_ms * MS_NS)
        segment_sync(s);
}

int spool_flush(struct spool *s)
{
    gather_flush(s);
    if (s->fd < 0)
        return segment_roll(s);
    return s->used ? buffer_write(s) : s->error;
}

uint32_t spool_segment_now(const struct spool *s)
{
    return s->segment;
}

uint64_t spool_appended(const struct spool *s)
{
    return s->appended;
}

uint64_t spool_written(const struct spool *s)
{
    return s->written;
}

int spool_error(const struct spool *s)
{
    return s->error;
}

bool spool_slow(const struct spool *s)
{
    return s->slow_ns && s->now_ns - s->slow_ns < SLOW_TOLD_MS * MS_NS;
}

/* ---- opening ---- */

static uint32_t number_or(uint32_t value, uint32_t otherwise)
{
    return value ? value : otherwise;
}

static void config_complete(struct spool_config *c)
{
    uint32_t largest =
        PACKET_MAX + DESCRIPTOR_MAX + 2 * (CHUNK_HEADER + CHUNK_ALIGN + ENDPOINT_BYTES);

    if (c->segment_bytes == 0)
        c->segment_bytes = 256u << 20;
    c->chunk_bytes = number_or(c->chunk_bytes, 8u << 10);
    if (c->chunk_bytes > 256u << 10)
        c->chunk_bytes = 256u << 10;
    if (c->chunk_bytes < 256)
        c->chunk_bytes = 256;
    c->hold_ms = number_or(c->hold_ms, 500);
    c->flush_ms = number_or(c->flush_ms, 100);
    if (c->gather_bytes == 0)
        c->gather_bytes = 1u << 30; /* only touched pages count as memory */
    c->buffer_bytes = number_or(c->buffer_bytes, 512u << 10);
    if (c->buffer_bytes < largest + c->chunk_bytes)
        c->buffer_bytes = largest + c->chunk_bytes;
}

static int spool_allocate(struct spool *s)
{
    s->room = s->config.buffer_bytes;
    s->buffer = malloc(s->room);
    s->describing = malloc(DESCRIPTOR_MAX + 2 * ENDPOINT_BYTES);
    return s->buffer && s->describing && pool_init(s) ? 0 : ERR_NOMEM;
}

static int spool_make_dir(const char *data_dir, char out[SPOOL_PATH_MAX], struct why *why)
{
    if (!spool_dir_path(data_dir, out)) {
        why_set(why, "the data directory's name is too long");
        return ERR_INVALID;
    }
    if ((mkdir(data_dir, 0700) != 0 && errno != EEXIST) ||
        (mkdir(out, 0700) != 0 && errno != EEXIST)) {
        int errnum = errno;
        why_set(why, "cannot make %s: %s; check storage.data_dir", out, strerror(errnum));
        return err_of_errno(errnum);
    }
    return 0;
}

int spool_open(const struct spool_config *config, struct counters *counters,
               struct spool **ret_spool, struct why *why)
{
    char dir[SPOOL_PATH_MAX];
    int err;

    assert(config->writer < SPOOL_WRITERS);
    struct spool *s = calloc(1, sizeof *s);
    if (s == NULL)
        return ERR_NOMEM;
    s->fd = -1;
    s->config = *config;
    s->counters = counters;
    s->written_cell = C_WRITTEN_BYTES + label_find(LABELS_WRITTEN, slice_str("spool"));
    config_complete(&s->config);
    err = spool_make_dir(config->data_dir, dir, why);
    if (err)
        goto out;
    snprintf(s->data_dir, sizeof s->data_dir, "%s", config->data_dir);
    s->config.data_dir = s->data_dir;
    err = spool_allocate(s);
    if (err) {
        why_set(why, "no memory for the spool's buffers");
        goto out;
    }
    s->syncer = spool_sync_start();
    if (s->syncer == NULL) {
        err = ERR_NOMEM;
        why_set(why, "cannot start the spool's sync thread");
        goto out;
    }
    err = segment_create(s);
    if (err == ERR_BUSY)
        err = segment_create(s);
    if (err) {
        why_set(why, "cannot make a spool segment in %s: %s", dir, err_text(err));
        goto out;
    }
    *ret_spool = s;
    s = NULL;
out:
    spool_close(s);
    return err;
}

void spool_close(struct spool *s)
{
    if (s == NULL)
        return;
    while (s->flows)
        (void)spool_flow_close(s, s->flows);
    if (s->fd >= 0 && s->used && buffer_write(s) != 0)
        counters_add(s->counters, C_SPOOL_DROPPED, buffer_packets(s));
    segment_close(s);
    spool_sync_stop(s->syncer);
    pool_fini(s);
    free(s->buffer);
    free(s->describing);
    free(s);
}
