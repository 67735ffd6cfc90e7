/* One line per event to stderr, for people: time, level, module, text; or JSON. Control characters
 * from the wire are escaped. Each call site is limited to 10 lines a second, the rest is summed up.
 * Never called on the per-packet path; only app/ and its threads log. Thread-safe. */
#pragma once

#include <stdbool.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

void log_set(enum log_level level, bool json);

__attribute__((format(printf, 4, 5))) void log_write(enum log_level level, const char *module,
                                                     void *site, const char *format, ...);

struct log_site {
    _Alignas(8) long long window_s;
    unsigned written;
    unsigned suppressed;
};

#define log_at(level, module, ...)                                                                 \
    do {                                                                                           \
        static struct log_site log_site_;                                                          \
        log_write(level, module, &log_site_, __VA_ARGS__);                                         \
    } while (0)
#define log_error(module, ...) log_at(LOG_ERROR, module, __VA_ARGS__)
#define log_warn(module, ...)  log_at(LOG_WARN, module, __VA_ARGS__)
#define log_info(module, ...)  log_at(LOG_INFO, module, __VA_ARGS__)
#define log_debug(module, ...) log_at(LOG_DEBUG, module, __VA_ARGS__)
