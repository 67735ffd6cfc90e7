/* Lines on stderr. A line is put together in memory and written with one call, so lines of several
 * threads never mix. The only state of the program that is global: level, form, and the lock of the
 * call sites' counts. */
#include "base/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/utf8.h"

enum { LINES_PER_SECOND = 10, TEXT_SIZE = 1024, LINE_CEILING = 8 * TEXT_SIZE };

static _Atomic int log_level_now = LOG_INFO;
static _Atomic bool log_as_json;
static pthread_mutex_t sites_lock = PTHREAD_MUTEX_INITIALIZER; /* guards all struct log_site */

static const char *const level_names[] = {"error", "warn", "info", "debug"};

void log_set(enum log_level level, bool json)
{
    atomic_store(&log_level_now, (int)level);
    atomic_store(&log_as_json, json);
}

/* True when the site may write now. A new second begins with the number of lines left out before.
 */
static bool site_allows(struct log_site *site, long long now_s, unsigned *ret_left_out)
{
    *ret_left_out = 0;
    if (site == NULL)
        return true;
    pthread_mutex_lock(&sites_lock);
    if (site->window_s != now_s) {
        *ret_left_out = site->suppressed;
        *site = (struct log_site){.window_s = now_s};
    }
    bool allowed = site->written < LINES_PER_SECOND;
    if (allowed)
        site->written++;
    else
        site->suppressed++;
    pthread_mutex_unlock(&sites_lock);
    return allowed;
}

static bool is_c1_control(struct slice s)
{
    return s.data[0] == 0xc2 && s.data[1] < 0xa0;
}

/* Whatever could move a terminal's cursor, or begin a line that we did not write, becomes \xNN. */
static void put_escaped(struct buf *out, struct slice s)
{
    while (s.size) {
        size_t n = utf8_length(s);
        bool printable =
            n == 1 ? s.data[0] >= 0x20 && s.data[0] != 0x7f : n > 1 && !is_c1_control(s);
        if (n == 0)
            n = 1;
        if (printable)
            buf_add(out, s.data, n);
        for (size_t i = 0; !printable && i < n; i++)
            buf_printf(out, "\\x%02x", s.data[i]);
        s = slice_from(s, n);
    }
}

static void put_json(struct buf *out, const char *time, const char *level, const char *module,
                     struct slice text)
{
    struct json j;
    json_init(&j, out);
    json_object(&j);
    json_kv_str(&j, "time", time);
    json_kv_str(&j, "level", level);
    json_kv_str(&j, "module", module);
    json_kv_text(&j, "text", text);
    json_end(&j);
}

static void write_all(struct slice s)
{
    while (s.size) {
        ssize_t n = write(STDERR_FILENO, s.data, s.size);
        if (n <= 0)
            return; /* nobody to tell */
        s = slice_from(s, (size_t)n);
    }
}

static void write_line(enum log_level level, const char *module, struct slice text)
{
    char time[CLOCK_TEXT_SIZE];
    clock_rfc3339_us(clock_wall_ns() / 1000, time);
    struct buf line;
    buf_init(&line, LINE_CEILING);
    if (atomic_load(&log_as_json)) {
        put_json(&line, time, level_names[level], module, text);
    } else {
        buf_printf(&line, "%s %-5s %s: ", time, level_names[level], module);
        put_escaped(&line, text);
    }
    buf_char(&line, '\n');
    if (!line.failed)
        write_all(buf_view(&line));
    buf_fini(&line);
}

void log_write(enum log_level level, const char *module, void *site, const char *format, ...)
{
    if ((int)level > atomic_load(&log_level_now))
        return;
    unsigned left_out;
    bool allowed = site_allows(site, clock_mono_ns() / 1000000000, &left_out);
    char text[TEXT_SIZE];
    if (left_out) {
        int n = snprintf(text, sizeof text, "%u more lines of the kind that follows were left out",
                         left_out);
        write_line(level, module, slice_of(text, (size_t)n));
    }
    if (!allowed)
        return;
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (n > 0)
        write_line(level, module,
                   slice_of(text, (size_t)n < sizeof text ? (size_t)n : sizeof text - 1));
}
