#include "storage/word_query.h"

#include "base/utf8.h"

struct writer {
    char *out;
    size_t size;
    unsigned words;
};

static void put(struct writer *w, char c)
{
    if (w->size + 1 < WORD_QUERY_SIZE)
        w->out[w->size++] = c;
    w->out[w->size] = '\0';
}

static bool is_space(uint8_t c)
{
    return c <= ' ' || c == 0x7f;
}

/* What the index surely has: a digit, a letter, or something beyond ASCII, which it judges itself. */
static bool is_letter(uint8_t c)
{
    return c >= 0x80 || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static unsigned letters_of(struct slice text)
{
    unsigned n = 0;
    for (size_t i = 0; i < text.size; i++)
        n += is_letter(text.data[i]) && !utf8_is_tail(text.data[i]);
    return n;
}

static void put_quoted(struct writer *w, struct slice phrase, bool prefix)
{
    if (w->words++)
        put(w, ' ');
    put(w, '"');
    for (size_t i = 0; i < phrase.size; i++)
        put(w, is_space(phrase.data[i]) || phrase.data[i] == '"' ? ' ' : (char)phrase.data[i]);
    put(w, '"');
    if (prefix) {
        put(w, ' ');
        put(w, '*');
    }
}

/* Takes a phrase in quotes, which the end of the text closes too, or a word, and the star behind it. */
static struct slice take(struct slice *rest, bool *ret_prefix)
{
    size_t n = 0;
    bool quoted = rest->data[0] == '"';
    if (quoted)
        *rest = slice_from(*rest, 1);
    while (n < rest->size && rest->data[n] != '"' && (quoted || !is_space(rest->data[n])))
        n++;
    struct slice phrase = slice_sub(*rest, 0, n);
    *rest = slice_from(*rest, quoted && n < rest->size ? n + 1 : n);
    if (quoted) {
        *ret_prefix = rest->size && rest->data[0] == '*';
        if (*ret_prefix)
            *rest = slice_from(*rest, 1);
    } else {
        *ret_prefix = n > 1 && phrase.data[n - 1] == '*';
        phrase.size -= *ret_prefix;
    }
    return phrase;
}

static bool is_utf8(struct slice text)
{
    size_t n;
    while ((n = utf8_length(text)) > 0)
        text = slice_from(text, n);
    return text.size == 0;
}

/* Letters of the word that the star stands behind. */
static unsigned last_letters(struct slice phrase)
{
    size_t begin = phrase.size;
    while (begin && is_letter(phrase.data[begin - 1]))
        begin--;
    return letters_of(slice_from(phrase, begin));
}

enum word_query_verdict word_query_make(struct slice text, char ret_expression[WORD_QUERY_SIZE])
{
    struct writer w = {.out = ret_expression};
    bool prefix;
    ret_expression[0] = '\0';
    if (text.size > WORD_QUERY_TEXT_MAX || !is_utf8(text))
        return WORD_QUERY_NO_TEXT;
    while (text.size) {
        if (is_space(text.data[0])) {
            text = slice_from(text, 1);
            continue;
        }
        struct slice phrase = take(&text, &prefix);
        if (letters_of(phrase) == 0)
            continue;
        if (w.words == WORD_QUERY_WORDS_MAX)
            return WORD_QUERY_TOO_MANY;
        if (prefix && last_letters(phrase) < WORD_PREFIX_MIN)
            return WORD_QUERY_SHORT_PREFIX;
        put_quoted(&w, phrase, prefix);
    }
    return w.words ? WORD_QUERY_GOOD : WORD_QUERY_EMPTY;
}
