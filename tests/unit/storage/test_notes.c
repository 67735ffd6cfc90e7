/* Annotations and transcripts: kept, changed, found by their words, gone without a trace. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "storage/word_query.h"
#include "tests/unit/storage/record_help.h"

static char dir[HELP_DIR_SIZE];
static struct counters *counters;
static struct store *store;
static struct store_reader *reader;
static struct arena *arena;

static void setup(void)
{
    help_store_begin(dir, &counters, &store, &reader);
    arena = arena_new(4096, 64u << 20);
}

static void teardown(void)
{
    arena_free(arena);
    help_store_end(dir, counters, store, reader);
}

TestSuite(notes, .init = setup, .fini = teardown, .timeout = 60);

static int change(struct store_note c)
{
    cr_assert_eq(store_change_note(store, &c), 0);
    cr_assert_eq(store_commit(store), 0);
    return c.refused ? c.refused : (int)c.n;
}

static int annotate(const struct call_record *r, uint32_t n, const char *text, const char *who, int64_t at_us)
{
    struct record_annotation a = {.timed = true, .at_ms = -250, .length_ms = 4000, .text = slice_str(text), .author = slice_str(who),
                                  .created_us = at_us, .updated_us = at_us};
    return change((struct store_note){.what = n ? STORE_ANNOTATION_PUT : STORE_ANNOTATION_ADD, .uid = r->uid, .started_us = r->started_us,
                                      .n = n, .annotation = &a});
}

static int forget(const struct call_record *r, uint32_t n)
{
    return change((struct store_note){.what = n ? STORE_ANNOTATION_DROP : STORE_TRANSCRIPT_DROP, .uid = r->uid, .started_us = r->started_us, .n = n});
}

static int say(const struct call_record *r, const char *first, const char *second)
{
    struct record_segment s[] = {{0, 1500, "caller", slice_str(first)}, {1500, 2000, "callee", slice_str(second)}};
    struct record_transcript t = {.language = slice_str("de"), .engine = slice_str("ears"), .author = slice_str("robot"), .created_us = 5, .updated_us = 5,
                                  .segment_count = 2, .segments = s};
    return change((struct store_note){.what = STORE_TRANSCRIPT_PUT, .uid = r->uid, .started_us = r->started_us, .transcript = &t});
}

static struct record_notes notes(const struct call_record *r)
{
    struct record_notes got;
    cr_assert_eq(store_notes(reader, r->uid, r->started_us, STORE_ANNOTATIONS | STORE_TRANSCRIPT, arena, &got), 0);
    return got;
}

static struct call_record *stored(unsigned n)
{
    struct call_record *r = help_call(n, HELP_T0_US + n);
    cr_assert_eq(store_put_call(store, r), 0);
    cr_assert_eq(store_commit(store), 0);
    return r;
}

static void count_one(void *context, const struct call_record *r)
{
    (void)r;
    ++*(unsigned *)context;
}

static unsigned found_in(const char *text, enum store_words_in in)
{
    struct store_query q;
    char expression[WORD_QUERY_SIZE];
    unsigned count = 0;
    uint64_t counted;
    bool more;
    store_query_defaults(&q);
    cr_assert_eq(word_query_make(slice_str(text), expression), WORD_QUERY_GOOD, "%s", text);
    q.words = expression;
    q.words_in = in;
    cr_assert_eq(store_calls(reader, &q, count_one, &count, &more), 0, "%s", expression);
    cr_assert_eq(store_count(reader, &q, &counted), 0);
    cr_expect_eq(counted, count);
    return count;
}

static unsigned found(const char *text)
{
    return found_in(text, STORE_WORDS_ANY);
}

Test(notes, of_a_call_are_numbered_changed_and_taken_away)
{
    struct call_record *r = help_call(1, HELP_T0_US), *back;
    cr_expect_eq(annotate(r, 0, "first", "ann", 10), 1, "the call needs no row");
    cr_assert_eq(store_put_call(store, r), 0);
    cr_expect_eq(annotate(r, 0, "second", "ann", 11), 2);
    cr_expect_eq(annotate(r, 1, "the first\nagain", "bob", 20), 1);
    struct record_notes got = notes(r);
    cr_assert_eq(got.annotation_count, 2);
    const struct record_annotation *a = got.annotations;
    cr_expect(slice_is(a->text, "the first\nagain") && slice_is(a->author, "ann") && slice_is(a->edited_by, "bob"));
    cr_expect(a->timed && a->at_ms == -250 && a->length_ms == 4000 && a->created_us == 10 && a->updated_us == 20);
    cr_expect(a[1].n == 2 && slice_is(a[1].text, "second") && a[1].edited_by.size == 0 && got.transcript == NULL);
    cr_assert_eq(store_call(reader, r->uid, &back), 0);
    cr_expect(back->annotation_count == 2 && !back->has_transcript);
    record_free(back);
    cr_expect_eq(forget(r, 1), 1);
    cr_expect_eq(forget(r, 1), ERR_NOT_FOUND);
    cr_expect_eq(annotate(r, 1, "x", "bob", 1), ERR_NOT_FOUND);
    cr_expect_eq(annotate(r, 0, "third", "ann", 12), 3, "the number of one that is there is not given again");
    cr_expect_eq(notes(r).annotation_count, 2);
    record_free(r);
}

Test(notes, are_so_many_and_no_more)
{
    struct call_record *r = stored(1);
    for (int i = 1; i <= NOTE_ANNOTATIONS_MAX; i++)
        cr_assert_eq(annotate(r, 0, "x", "ann", i), i);
    cr_expect_eq(annotate(r, 0, "x", "ann", 1), ERR_FULL);
    cr_expect_eq(forget(r, 7), 7);
    cr_expect_eq(annotate(r, 0, "x", "ann", 1), NOTE_ANNOTATIONS_MAX + 1);
    cr_expect_eq(say(r, "a", "b"), 0, "a transcript is none of them");
    record_free(r);
}

Test(notes, a_transcript_is_replaced_and_read_as_it_was)
{
    struct call_record *r = stored(1), *back;
    cr_expect_eq(say(r, "good morning", "guten Morgen"), 0);
    cr_expect_eq(say(r, "hello", "grüß Gott"), 0);
    struct record_notes got = notes(r);
    cr_assert_not_null(got.transcript);
    cr_assert_eq(got.transcript->segment_count, 2);
    const struct record_segment *s = &got.transcript->segments[1];
    cr_expect(s->start_ms == 1500 && s->end_ms == 2000 && strcmp(s->party, "callee") == 0 && slice_is(s->text, "grüß Gott"));
    cr_expect(slice_is(got.transcript->language, "de") && slice_is(got.transcript->engine, "ears") && slice_is(got.transcript->author, "robot"));
    cr_assert_eq(store_call(reader, r->uid, &back), 0);
    cr_expect(back->has_transcript && back->annotation_count == 0);
    record_free(back);
    cr_expect_eq(found("morning"), 0, "words of the one before are not found");
    cr_expect_eq(found("hello"), 1);
    cr_expect_eq(forget(r, 0), 0);
    cr_expect_eq(forget(r, 0), ERR_NOT_FOUND);
    cr_expect_eq(found("hello"), 0);
    record_free(r);
}

Test(notes, find_their_calls_by_words_in_any_case_without_accents)
{
    struct call_record *a = stored(1), *b = stored(2), *c = stored(3);
    say(a, "I want my money back", "our refund policy says no");
    say(b, "what does the policy say", "Rückerstattung? no refund");
    annotate(c, 0, "wanted a refund, was angry", "ann", 1);
    annotate(c, 0, "policy explained", "ann", 2);
    cr_expect_eq(found("REFUND"), 3);
    cr_expect_eq(found("refund policy"), 2, "both words, in one note");
    cr_expect_eq(found("\"refund policy\""), 1);
    cr_expect_eq(found("\"policy refund\""), 0);
    cr_expect_eq(found("ruckerst*"), 1);
    cr_expect_eq(found("rückerstattung"), 1);
    cr_expect_eq(found("\"refund pol\"*"), 1);
    cr_expect_eq(found("refun"), 0);
    cr_expect_eq(found_in("refund", STORE_WORDS_ANNOTATIONS), 1);
    cr_expect_eq(found_in("refund", STORE_WORDS_TRANSCRIPT), 2);
    cr_expect_eq(found_in("angry", STORE_WORDS_TRANSCRIPT), 0);
    record_free(a);
    record_free(b);
    record_free(c);
}

/* ---- what people type is never syntax ---- */

Test(notes, no_text_is_an_operator)
{
    static const char *const TEXTS[] = {"a\" OR \"b", "NOT a", "a AND", "OR", "NEAR(a b)", "NEAR(", "text:a", "-a", "^a", "{text} : a", "a*b*", "a + b", "(a", "a)",
                                        "\"a", "a\"\"b", "\"\"a", "a'; DROP TABLE words;--", "a\\", "a%", "rank", "*a", "a**", "ab\"*", "\"ab\"**", "\xc3\xa4", "\xe2\x80\x94 a", "?1", ":p a", "a\tb\nc\x01 d\x7f"};
    struct call_record *r = stored(1);
    say(r, "a b", "near or and not text rank");
    for (size_t i = 0; i < sizeof TEXTS / sizeof *TEXTS; i++) {
        char expression[WORD_QUERY_SIZE];
        if (word_query_make(slice_str(TEXTS[i]), expression) == WORD_QUERY_GOOD)
            found(TEXTS[i]);
    }
    cr_expect_eq(found("NOT a"), 1, "NOT is a word");
    cr_expect_eq(found("a OR zebra"), 0);
    cr_expect_eq(found("a AND b"), 1);
    cr_expect_eq(found("text:rank"), 1, "the colon parts two words");
    cr_expect_eq(found("-a"), 1);
    record_free(r);
}

Test(notes, any_bytes_make_an_expression_or_none)
{
    static const char *const PIECES[] = {"a", "b", "cd", " ", " ", "\"", "\"", "*", "*", "(", ")", "'", "^", ":", "{", "}", "+", "-", "\t", "\x01", "\xc3\xa4",
                                         "\xf0\x9f\x98\x80", ",", "?", "OR", "NEAR", " NOT ", "\\", "%"};
    struct call_record *r = stored(1);
    struct store_query q;
    unsigned good = 0, state = 1, count;
    bool more;
    store_query_defaults(&q);
    say(r, "a", "b");
    for (int i = 0; i < 3000; i++) {
        char text[128] = "", expression[WORD_QUERY_SIZE];
        for (int k = 0; k < i % 20; k++) {
            state = state * 1103515245u + 12345u;
            strcat(text, PIECES[(state >> 16) % (sizeof PIECES / sizeof *PIECES)]);
        }
        if (word_query_make(slice_str(text), expression) != WORD_QUERY_GOOD)
            continue;
        q.words = expression;
        cr_assert_eq(store_calls(reader, &q, count_one, &count, &more), 0, "%s", expression);
        good++;
    }
    cr_expect_gt(good, 500);
    record_free(r);
}

Test(word_query, quotes_all_and_says_what_it_refuses)
{
    char out[WORD_QUERY_SIZE], big[10240];
    static const struct {
        const char *text, *expression;
        enum word_query_verdict verdict;
    } CASES[] = {{"refund policy", "\"refund\" \"policy\"", WORD_QUERY_GOOD},
                 {"\"refund policy\"", "\"refund policy\"", WORD_QUERY_GOOD},
                 {"\"refund policy", "\"refund policy\"", WORD_QUERY_GOOD},
                 {"refu*", "\"refu\" *", WORD_QUERY_GOOD},
                 {"\"my refu\"* a", "\"my refu\" * \"a\"", WORD_QUERY_GOOD},
                 {"a\"b\"c", "\"a\" \"b\" \"c\"", WORD_QUERY_GOOD},
                 {"NOT a", "\"NOT\" \"a\"", WORD_QUERY_GOOD},
                 {"- \"--\" a", "\"a\"", WORD_QUERY_GOOD},
                 {"", "", WORD_QUERY_EMPTY},
                 {" * \"\" -- ", "", WORD_QUERY_EMPTY},
                 {"a*", NULL, WORD_QUERY_SHORT_PREFIX},
                 {"\"refund p\"*", NULL, WORD_QUERY_SHORT_PREFIX},
                 {"1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7", NULL, WORD_QUERY_TOO_MANY},
                 {"a\xff", NULL, WORD_QUERY_NO_TEXT}};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        cr_expect_eq(word_query_make(slice_str(CASES[i].text), out), CASES[i].verdict, "%s", CASES[i].text);
        if (CASES[i].expression)
            cr_expect_str_eq(out, CASES[i].expression);
    }
    memset(big, 'a', sizeof big);
    cr_expect_eq(word_query_make(slice_of(big, sizeof big), out), WORD_QUERY_NO_TEXT);
    memset(big, '"', WORD_QUERY_TEXT_MAX);
    cr_expect_eq(word_query_make(slice_of(big, WORD_QUERY_TEXT_MAX), out), WORD_QUERY_EMPTY);
    cr_expect_eq(word_query_make(slice_of("a\0b", 3), out), WORD_QUERY_GOOD);
    cr_expect_str_eq(out, "\"a\" \"b\"");
}

/* ---- what goes ---- */

static bool on_the_disk(const char *word)
{
    char pattern[HELP_DIR_SIZE + 16], command[HELP_DIR_SIZE + 200];
    snprintf(pattern, sizeof pattern, "%s/db", dir);
    snprintf(command, sizeof command, "grep -rqai %s %s", word, pattern);
    return system(command) == 0;
}

static void settle(void)
{
    struct why why;
    store_close(store); /* the log goes into the file */
    cr_assert_eq(store_open(dir, counters, &store, &why), 0);
}

Test(notes, a_transcript_goes_with_its_recording_and_leaves_nothing_behind)
{
    struct call_record *r = help_record(3);
    r->recording.deleted_us = 0;
    cr_assert_eq(store_put_call(store, r), 0);
    say(r, "the password is swordfish", "thank you");
    annotate(r, 0, "asked for a password", "ann", 1);
    store_reader_close(reader);
    settle();
    cr_expect(on_the_disk("swordfish"), "the search finds what is there");
    cr_assert_eq(store_delete_recording(store, r, HELP_T0_US, "request"), 0);
    cr_assert_eq(store_commit(store), 0);
    settle();
    cr_expect_not(on_the_disk("swordfish"));
    cr_assert_eq(store_reader_open(dir, &reader), 0);
    cr_expect_null(notes(r).transcript);
    cr_expect_eq(notes(r).annotation_count, 1, "what people say of it stays with the call");
    cr_expect_eq(found_in("password", STORE_WORDS_TRANSCRIPT), 0);
    cr_expect_eq(say(r, "the password is swordfish", "again"), ERR_EXISTS, "it does not come back");
    record_free(r);
}

Test(notes, of_captured_calls_go_from_a_day_that_stays_for_imported_ones)
{
    struct call_record *captured = stored(1), *brought = help_call(2, HELP_T0_US + 1);
    snprintf(brought->import.id, sizeof brought->import.id, "a");
    brought->import.at_us = HELP_T0_US + 90 * HELP_DAY_US;
    cr_assert_eq(store_put_call(store, brought), 0);
    say(captured, "the password is swordfish", "x");
    annotate(captured, 0, "swordfish again", "ann", 1);
    say(brought, "haddock", "y");
    cr_expect_eq(help_drop_days(store, HELP_T0_US + 2 * HELP_DAY_US, 0, brought->import.at_us - 1), 0);
    cr_expect(found("haddock") == 1 && found("swordfish") == 0);
    cr_expect(notes(captured).transcript == NULL && notes(captured).annotation_count == 0 && notes(brought).transcript != NULL);
    store_reader_close(reader);
    settle();
    cr_expect_not(on_the_disk("swordfish"));
    cr_assert_eq(store_reader_open(dir, &reader), 0);
    record_free(captured);
    record_free(brought);
}

Test(notes, a_crash_in_a_change_leaves_the_index_whole)
{
    struct call_record *r = stored(1);
    struct record_notes got;
    say(r, "one", "two");
    settle();
    pid_t child = fork();
    if (child == 0) {
        struct store_note drop = {.what = STORE_TRANSCRIPT_DROP, .uid = r->uid, .started_us = r->started_us};
        struct store *other;
        struct why why;
        store = NULL;
        _exit(store_open(dir, counters, &other, &why) == 0 && store_change_note(other, &drop) == 0 ? 0 : 1);
    }
    int status = 1;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert_eq(status, 0);
    got = notes(r);
    cr_expect_not_null(got.transcript);
    cr_expect_eq(found("one"), 1);
    record_free(r);
}

Test(notes, come_back_as_they_were)
{
    struct call_record *r = stored(1);
    annotate(r, 0, "first", "ann", 10);
    annotate(r, 0, "second", "ann", 11);
    forget(r, 1);
    annotate(r, 2, "changed", "bob", 12);
    say(r, "one", "two");
    struct record_notes was = notes(r), is;
    forget(r, 2);
    forget(r, 0);
    cr_assert_eq(store_restore_notes(store, r->uid, r->started_us, &was), 0);
    cr_assert_eq(store_commit(store), 0);
    is = notes(r);
    cr_assert_eq(is.annotation_count, 1);
    cr_expect(is.annotations[0].n == 2 && slice_is(is.annotations[0].edited_by, "bob") && slice_is(is.annotations[0].author, "ann"));
    cr_expect(is.transcript && is.transcript->segment_count == 2 && is.transcript->created_us == 5);
    cr_expect_eq(found("two"), 1);
    record_free(r);
}

/* ---- texts ---- */

Test(note_text, is_readable_text_of_a_size)
{
    static const char *const BAD[] = {"", " \n\t", "a\x01", "a\x7f", "a\r", "\xc2\x85", "\xff", "\xed\xa0\x80"};
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++)
        cr_expect_not(note_text_valid(slice_str(BAD[i]), 100), "%zu", i);
    cr_expect(note_text_valid(slice_str("two\nlines\tand <b>\xf0\x9f\x98\x80"), 100));
    cr_expect_not(note_text_valid(slice_str("abcde"), 4));
    cr_expect(note_name_valid(slice_none()) && note_name_valid(slice_str("whisper 3")) && !note_name_valid(slice_str("a\nb")));
}

Test(note_text, segments_stand_by_their_start)
{
    struct record_segment s[] = {{900, 1000, "callee", slice_str("c")}, {100, 200, "caller", slice_str("a")}, {-1, -1, "caller", slice_str("a2")},
                                 {100, 300, "callee", slice_str("b")}};
    char order[8] = "";
    cr_assert(note_segments_sort(s, 4));
    for (int i = 0; i < 4; i++)
        strncat(order, (const char *)s[i].text.data, s[i].text.size);
    cr_expect_str_eq(order, "aa2bc");
}
