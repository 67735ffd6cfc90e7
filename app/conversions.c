/* A place is taken when a conversion begins and given back when its producer is freed, whoever
 * ended it. */
#include "app/conversions.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "app/confine/convert.h"
#include "base/clock.h"
#include "base/log.h"

#define PATH_ROOM 4096
#define PEAKS_NS  INT64_C(30000000000)

struct conversions {
    struct conversions_config config;
    struct confine_config confine;
    pthread_mutex_t lock; /* guards the numbers and the counters */
    unsigned open;
    unsigned peaks; /* of them */
};

struct running {
    struct conversions *of;
    struct converter *converter;
};

int conversions_check(const struct settings *s, struct why *why)
{
    if (s->conversions_max <= CONVERSIONS_MAX)
        return 0;
    why_set(why, "[limits] conversions is a number from 0 to %d", CONVERSIONS_MAX);
    return ERR_INVALID;
}

struct conversions *conversions_new(const struct conversions_config *config)
{
    struct conversions *c = calloc(1, sizeof *c);
    if (c == NULL)
        return NULL;
    c->config = *config;
    c->confine = *config->confine;
    c->confine.stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (c->confine.stop_fd < 0) {
        free(c);
        return NULL;
    }
    pthread_mutex_init(&c->lock, NULL);
    return c;
}

void conversions_stop(struct conversions *c)
{
    if (c)
        (void)eventfd_write(c->confine.stop_fd, 1);
}

void conversions_free(struct conversions *c)
{
    if (c == NULL)
        return;
    close(c->confine.stop_fd);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

static bool take_place(struct conversions *c, bool peaks)
{
    pthread_mutex_lock(&c->lock);
    bool free_place = c->open < c->config.max && !(peaks && c->peaks == CONVERSIONS_PEAKS_MAX);
    c->open += free_place;
    c->peaks += free_place && peaks;
    counters_add(c->config.counters, free_place ? C_CONVERSIONS : C_CONVERSIONS_REFUSED, 1);
    pthread_mutex_unlock(&c->lock);
    return free_place;
}

unsigned conversions_busy(struct conversions *c)
{
    if (c == NULL)
        return 0;
    pthread_mutex_lock(&c->lock);
    unsigned n = c->open;
    pthread_mutex_unlock(&c->lock);
    return n;
}

static void leave_place(struct conversions *c, bool peaks, int death)
{
    pthread_mutex_lock(&c->lock);
    c->open--;
    c->peaks -= peaks;
    if (death >= 0)
        counters_add(c->config.counters, C_DECODER_CRASHES + (unsigned)death, 1);
    pthread_mutex_unlock(&c->lock);
}

/* ---- what is wanted, in the words of decode/ ---- */

struct wanted {
    struct conversion_want want;
    char paths[API_SOUND_FILES][PATH_ROOM];
};

static bool find_codec(const char *text, enum audio_codec *ret_codec)
{
    for (enum audio_codec c = AUDIO_PCM; c < AUDIO_CODECS; c++)
        if (strcmp(audio_codec_text(c), text) == 0) {
            *ret_codec = c;
            return true;
        }
    return false;
}

static enum conversion_sound sound_of(const char *channels)
{
    return strcmp(channels, "mix") == 0      ? CONVERSION_SUM
           : strcmp(channels, "caller") == 0 ? CONVERSION_FIRST
           : strcmp(channels, "callee") == 0 ? CONVERSION_SECOND
                                             : CONVERSION_STEREO;
}

static bool translate(const struct conversions *c, const struct api_sound_want *in,
                      struct wanted *out)
{
    struct conversion_want *w = &out->want;
    *w = (struct conversion_want){.dir = c->config.data_dir,
                                  .file_count = in->file_count,
                                  .rate_hz = in->rate_hz,
                                  .from = in->from,
                                  .to = in->to};
    bool good = in->file_count >= 1 && in->file_count <= API_SOUND_FILES;
    for (unsigned i = 0; i < in->file_count && good; i++) {
        slice_copy_to(in->files[i].path, out->paths[i], PATH_ROOM);
        w->files[i] =
            (struct conversion_file){.path = out->paths[i], .channels = in->files[i].channels};
        good = find_codec(in->files[i].codec, &w->files[i].codec);
    }
    w->sound = sound_of(in->channels ? in->channels : "stereo");
    return good && (in->format == NULL || audio_format_find(in->format, &w->codec));
}

/* `peaks_until_ns`: of a waveform; 0: it is sound. */
static int open_converter(struct conversions *c, const struct api_sound_want *in,
                          int64_t peaks_until_ns, struct converter **ret_converter)
{
    struct why why = {0};
    char read_dir[PATH_ROOM];
    struct wanted *w = calloc(1, sizeof *w);
    int err = w == NULL ? ERR_NOMEM : translate(c, in, w) ? 0 : ERR_INVALID;
    if (err == 0) {
        w->want.waveform = peaks_until_ns != 0;
        snprintf(read_dir, sizeof read_dir, "%s/audio", c->config.data_dir);
        err = converter_open(&c->confine, read_dir, &w->want, peaks_until_ns, ret_converter, &why);
    }
    if (err && why.text[0])
        log_warn("decoder", "%s", why.text);
    free(w);
    return err;
}

/* ---- for the API ---- */

static int run(void *context, int (*out)(void *out_context, const void *data, size_t size),
               void *out_context)
{
    struct running *r = context;
    struct slice bytes;
    int more = 1;
    while (more == 1) {
        more = converter_read(r->converter, &bytes);
        if (more >= 0 && bytes.size && out(out_context, bytes.data, bytes.size) != 0)
            return 0; /* the client has gone */
    }
    return more;
}

static void end(void *context)
{
    struct running *r = context;
    leave_place(r->of, false, converter_death(r->converter));
    converter_free(r->converter);
    free(r);
}

int conversions_open(void *context, const struct api_sound_want *want,
                     struct http_producer *ret_producer)
{
    struct conversions *c = context;
    struct converter *converter = NULL;
    struct running *r = calloc(1, sizeof *r);
    if (r == NULL)
        return ERR_NOMEM;
    if (!take_place(c, false)) {
        free(r);
        return ERR_FULL;
    }
    int err = open_converter(c, want, 0, &converter);
    if (err) {
        leave_place(c, false, -1);
        free(r);
        return err;
    }
    *r = (struct running){.of = c, .converter = converter};
    *ret_producer = (struct http_producer){.context = r, .run = run, .free = end};
    return 0;
}

/* All of it, unless it takes too long: the converter looks at the time within a step, here it is
 * looked at between those that are answered at once. */
static int read_peaks(struct converter *converter, int64_t until_ns, struct buf *out)
{
    struct slice bytes;
    int more = 1;
    while (more == 1) {
        if (clock_mono_ns() > until_ns)
            return ERR_LATE;
        more = converter_read(converter, &bytes);
        if (more >= 0)
            buf_slice(out, bytes);
    }
    return more < 0 ? more : out->failed ? ERR_NOMEM : 0;
}

int conversions_peaks(void *context, const struct api_sound_want *want, struct buf *out)
{
    struct conversions *c = context;
    struct converter *converter = NULL;
    if (!take_place(c, true))
        return ERR_FULL;
    int64_t until_ns = clock_mono_ns() + (c->config.peaks_ns ? c->config.peaks_ns : PEAKS_NS);
    int err = open_converter(c, want, until_ns, &converter);
    if (err == 0)
        err = read_peaks(converter, until_ns, out);
    leave_place(c, true, converter ? converter_death(converter) : -1);
    converter_free(converter);
    return err;
}
