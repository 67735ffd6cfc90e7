/* The facts of the calls of a day, by their id, and the look through them. Private to store_columns.c and store_facts.c; the lock is the caller's. */
#pragma once

#include <sqlite3.h>

#include "storage/store_columns.h"

#define FACTS_NAMES  255  /* 0: NULL */
#define FACTS_AGENTS 256  /* 0: NULL; each row may look through all of them */
#define FACTS_OTHER  255  /* a name that had no room */
#define FACTS_NAME_SIZE  24
#define FACTS_AGENT_SIZE 96
#define FACTS_WORDS  8

struct fact {
    int64_t started_us;
    int32_t duration_ms;              /* -1: NULL */
    float mos, r_fb, loss, jitter_ms; /* rounded; NAN: NULL */
    uint16_t sip_code, q850;
    uint16_t agent;                   /* FACTS_AGENTS: another one */
    uint8_t kind, outcome, direction, scale; /* names */
    uint8_t bits;                     /* 0: there is no such call, or it has not ended */
    uint16_t word[FACTS_WORDS];       /* hashes of its addresses and codecs, 0: no more */
};

struct facts {
    struct fact *of;
    size_t count;
    bool inexact; /* some did not fit, e.g. a name */
    unsigned names, agents;
    char name[FACTS_NAMES][FACTS_NAME_SIZE];
    char (*agent)[FACTS_AGENT_SIZE];
};

void facts_free(struct facts *f);
/* Room for ids below `count`. */
bool facts_grow(struct facts *f, size_t count);
/* None of [from, to) is known. */
void facts_clear(struct facts *f, size_t from, size_t to);
void facts_forget_names(struct facts *f);
/* A row of SQL_FACTS*. */
void facts_put(struct facts *f, int64_t id, sqlite3_stmt *row);
/* As columns_find(). */
bool facts_find(const struct facts *f, const struct store_query *q, bool whole, size_t limit, struct columns_found *ret_found);
