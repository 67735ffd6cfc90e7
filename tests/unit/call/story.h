/* Short stories of messages in tables, and what a call's hops, legs and tries look like afterwards
 * (texts of scene.h). Who speaks is one letter: A the caller, P and Q proxies, B to F phones, X a
 * stranger; their addresses are 10.0.0.n. */
#pragma once

#include "tests/unit/call/scene.h"

#define STORY_LINES 28

struct story_line {
    double at_ms;
    char from, to;      /* '\0': the story is over */
    const char *what;   /* "INVITE", "180", "200 BYE" */
    const char *branch; /* default "1" */
    const char *tag;    /* To tag */
    int cseq;           /* default 1 */
    const char *more;   /* headers */
    const char *sdp;
};

struct story {
    const char *name;
    struct story_line line[STORY_LINES];
    const char *hops, *legs, *tries; /* NULL: not looked at */
    enum call_outcome outcome;
    unsigned code;
    unsigned advances;
    bool over; /* the call has ended before the capture does */
};

const char *story_address(char who); /* "10.0.0.1:5060" */
void story_tell(struct scene *s, const struct story_line *line, const char *call);
/* Plays it for one call, waits 40 s, finishes and compares. */
void story_check(const struct story *story);
