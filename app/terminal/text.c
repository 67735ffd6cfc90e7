#include "app/terminal/text.h"

#include <math.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"

static const char *none(char out[TEXT_CELL])
{
    strcpy(out, "-");
    return out;
}

double text_real(const struct json_value *object, const char *path)
{
    double v;
    return json_value_real(json_at(object, path), &v) ? v : NAN;
}

int64_t text_int(const struct json_value *object, const char *path, int64_t otherwise)
{
    const struct json_value *v = json_at(object, path);
    int64_t n;
    return json_value_is_whole(v) && json_value_int(v, &n) ? n : otherwise;
}

const char *text_number(const struct json_value *object, const char *path, double factor, int decimals, char out[TEXT_CELL])
{
    double v = text_real(object, path);
    if (isnan(v))
        return none(out);
    snprintf(out, TEXT_CELL, "%.*f", decimals, v * factor);
    return out;
}

const char *text_time(const struct json_value *object, const char *path, char out[TEXT_CELL])
{
    char text[64];
    int64_t time_us;
    struct slice s;
    struct tm tm;
    if (!json_value_text(json_at(object, path), &s))
        return none(out);
    slice_copy_to(s, text, sizeof text);
    if (clock_parse_rfc3339(text, &time_us) != 0)
        return none(out);
    time_t seconds = (time_t)(time_us / 1000000);
    localtime_r(&seconds, &tm);
    strftime(out, TEXT_CELL, "%Y-%m-%d %H:%M:%S", &tm);
    return out;
}

const char *text_length(int64_t ms, char out[TEXT_CELL])
{
    int64_t s = ms / 1000;
    if (ms < 0)
        return none(out);
    if (s >= 3600)
        snprintf(out, TEXT_CELL, "%lld:%02d:%02d", (long long)(s / 3600), (int)(s / 60 % 60), (int)(s % 60));
    else
        snprintf(out, TEXT_CELL, "%d:%04.1f", (int)(s / 60), (double)(ms % 60000) / 1000);
    return out;
}

const char *text_party(const struct json_value *call, const char *party, char out[TEXT_CELL])
{
    char path[32];
    snprintf(path, sizeof path, "%s.user", party);
    if (strcmp(json_word(call, path, out), "-") != 0)
        return out;
    snprintf(path, sizeof path, "%s.host", party);
    return json_word(call, path, out);
}
