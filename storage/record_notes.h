/* What people say about a call (annotations) and what was said in it (a transcript, made elsewhere and brought here). Like tags they
 * belong to the uid of a call, not to its row. An annotation goes with the call, a transcript with the recording: it is its content. */
#pragma once

#include "storage/pack.h"

#define NOTE_ANNOTATIONS_MAX 100
#define NOTE_TEXT_MAX        4096 /* bytes of an annotation, and of a segment */
#define NOTE_SEGMENTS_MAX    20000
#define NOTE_TRANSCRIPT_MAX  (1u << 20) /* bytes of all segments */
#define NOTE_NAME_MAX        64         /* of an author, an engine, a language */
#define NOTE_TIME_MAX_MS     (INT64_C(7) * 86400000)

struct record_annotation {
    uint32_t n;         /* its number in the call, 1.. */
    bool timed;         /* it is about a moment or a span, not about the whole call */
    int64_t at_ms;      /* counted as the diagnosis counts: since the answer, of a call without one since its INVITE */
    int64_t length_ms;  /* 0: a moment */
    struct slice text;
    struct slice author, edited_by; /* who brought it; who changed it last, empty: nobody */
    int64_t created_us, updated_us;
};

struct record_segment {
    int64_t start_ms, end_ms; /* on the sound of the recording; -1: not known */
    const char *party;        /* caller, callee, unknown */
    struct slice text;
};

struct record_transcript {
    struct slice language, engine; /* as who brought it names them; empty: not */
    struct slice author;
    int64_t created_us, updated_us;
    uint32_t segment_count;
    struct record_segment *segments; /* by their start */
};

struct record_notes {
    uint32_t annotation_count;
    struct record_annotation *annotations; /* by their number */
    struct record_transcript *transcript;  /* NULL: none */
};

/* 1 to `max` bytes of UTF-8 with something to read; of control characters only tabs and line feeds. */
bool note_text_valid(struct slice text, size_t max);
/* A name of at most NOTE_NAME_MAX bytes in one line; empty is fine. */
bool note_name_valid(struct slice name);
/* Puts segments in order of their start, those without one where they stand behind one that has. */
bool note_segments_sort(struct record_segment *segments, uint32_t count);

/* Visits for packed rows; what is read lies in the arena of `p`. */
void note_pack_annotation(struct pack *p, void *annotation);
void note_pack_transcript(struct pack *p, struct record_transcript *t);
/* All of a call. */
void note_pack_all(struct pack *p, struct record_notes *notes);
