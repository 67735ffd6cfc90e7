#include "storage/record_notes.h"

#include <stdlib.h>

#include "base/utf8.h"

static bool is_control(struct slice character)
{
    uint8_t c = character.data[0];
    return (c < 0x20 && c != '\n' && c != '\t') || c == 0x7f ||
           (c == 0xc2 && character.size == 2 && character.data[1] < 0xa0);
}

bool note_text_valid(struct slice text, size_t max)
{
    struct slice rest = text;
    if (text.size > max || slice_trim(text).size == 0)
        return false;
    while (rest.size) {
        size_t n = utf8_length(rest);
        if (n == 0 || is_control(slice_sub(rest, 0, n)))
            return false;
        rest = slice_from(rest, n);
    }
    return true;
}

bool note_name_valid(struct slice name)
{
    return name.size == 0 ||
           (note_text_valid(name, NOTE_NAME_MAX) && memchr(name.data, '\n', name.size) == NULL);
}

/* ---- order ---- */

struct place {
    int64_t at_ms;
    uint32_t index;
};

static int place_order(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    if (x->at_ms != y->at_ms)
        return x->at_ms < y->at_ms ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

bool note_segments_sort(struct record_segment *segments, uint32_t count)
{
    struct place *places = calloc(count + 1, sizeof *places);
    struct record_segment *copy = calloc(count + 1, sizeof *copy);
    bool good = places && copy;
    int64_t last = -1;
    for (uint32_t i = 0; good && i < count; i++) {
        last = segments[i].start_ms >= 0 ? segments[i].start_ms : last;
        places[i] = (struct place){last, i};
        copy[i] = segments[i];
    }
    if (good)
        qsort(places, count, sizeof *places, place_order);
    for (uint32_t i = 0; good && i < count; i++)
        segments[i] = copy[places[i].index];
    free(places);
    free(copy);
    return good;
}

/* ---- rows ---- */

void note_pack_annotation(struct pack *p, void *annotation)
{
    struct record_annotation *a = annotation;
    pack_u32(p, &a->n);
    pack_bool(p, &a->timed);
    pack_i64(p, &a->at_ms);
    pack_i64(p, &a->length_ms);
    pack_text(p, &a->text);
    pack_text(p, &a->author);
    pack_text(p, &a->edited_by);
    pack_i64(p, &a->created_us);
    pack_i64(p, &a->updated_us);
}

static void segment_pack(struct pack *p, void *segment)
{
    struct record_segment *s = segment;
    pack_i64(p, &s->start_ms);
    pack_i64(p, &s->end_ms);
    pack_word(p, &s->party);
    pack_text(p, &s->text);
}

void note_pack_transcript(struct pack *p, struct record_transcript *t)
{
    pack_text(p, &t->language);
    pack_text(p, &t->engine);
    pack_text(p, &t->author);
    pack_i64(p, &t->created_us);
    pack_i64(p, &t->updated_us);
    t->segments = pack_items(p, t->segments, &t->segment_count, sizeof *t->segments, segment_pack);
}

void note_pack_all(struct pack *p, struct record_notes *notes)
{
    bool there = notes->transcript != NULL;
    notes->annotations = pack_items(p, notes->annotations, &notes->annotation_count,
                                    sizeof *notes->annotations, note_pack_annotation);
    pack_bool(p, &there);
    if (there && p->out == NULL && !p->failed) {
        notes->transcript = arena_alloc(p->arena, sizeof *notes->transcript);
        p->failed |= notes->transcript == NULL;
    }
    if (there && !p->failed)
        note_pack_transcript(p, notes->transcript);
}
