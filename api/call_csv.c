#include "api/call_csv.h"

#include <string.h>

#include "base/json_word.h"

static const char *const COLUMNS[] = {
    "uid", "started_at", "ringing_at", "answered_at", "ended_at", "from.user", "from.host", "to.user", "to.host", "call_id", "direction", "trunk", "site",
    "outcome", "end_reason", "released_by", "sip_code", "q850_cause", "duration_ms", "post_dial_delay_ms", "codec", "quality.mos_min", "quality.scale",
    "quality.loss_ratio", "quality.jitter_ms_max", "quality.one_way", "summary", "recording.result", "recording.id",
};

bool call_csv_head(FILE *out)
{
    for (size_t i = 0; i < sizeof COLUMNS / sizeof *COLUMNS; i++) {
        fputs(i ? "," : "", out);
        for (const char *p = COLUMNS[i]; *p; p++)
            putc(*p == '.' ? '_' : *p, out);
    }
    return fputs("\r\n", out) >= 0;
}

/* What stands in a name must not be a formula of the program that opens the table. */
static bool is_formula(const char *text)
{
    if (strchr("+-", text[0]) && text[0])
        return text[1 + strspn(text + 1, "0123456789.")] != '\0';
    return text[0] && strchr("=@", text[0]);
}

/* Not all programs take the comma for what separates: to one that reads `;` or tabs a cell may begin within a name, where a quote is no
 * help to it. */
static bool begins_formula(const char *text, const char *at)
{
    return (at == text || strchr(";\t\r\n", at[-1])) && is_formula(at);
}

static void put_text(FILE *out, const char *text)
{
    bool quoted = strpbrk(text, ",;\" \t\r\n") || is_formula(text);
    if (quoted)
        putc('"', out);
    for (const char *at = text; *at; at++) {
        if (begins_formula(text, at))
            putc('\'', out);
        if (*at == '"')
            putc('"', out);
        putc(*at, out);
    }
    if (quoted)
        putc('"', out);
}

bool call_csv_row(FILE *out, const struct json_value *call)
{
    char text[JSON_WORD_SIZE];
    bool flag;
    double real;
    for (size_t i = 0; i < sizeof COLUMNS / sizeof *COLUMNS; i++) {
        const struct json_value *v = json_at(call, COLUMNS[i]);
        fputs(i ? "," : "", out);
        if (json_value_bool(v, &flag))
            fputs(flag ? "true" : "false", out);
        else if (json_value_real(v, &real))
            fprintf(out, "%.10g", real);
        else if (strcmp(json_word(call, COLUMNS[i], text), "-") != 0)
            put_text(out, text);
    }
    return fputs("\r\n", out) >= 0;
}
