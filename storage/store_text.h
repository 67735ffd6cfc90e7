/* Is a text part of another one, as LIKE '%text%' means it: letters of ASCII in either case, everything else as it is. */
#pragma once

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TEXT_PART_MAX 512

struct text_part {
    size_t size;
    uint8_t first[2];            /* in both cases */
    uint8_t low[TEXT_PART_MAX];
};

/* What is longer is cut, which only finds more. */
void text_part(const char *text, struct text_part *ret_part);
bool text_holds(const char *text, size_t size, const struct text_part *part);
/* Is it one of the words of ",word,word,"? In either case. */
bool text_lists(const char *words, const char *word, size_t size);
/* holds(part, text, ...): is it in one of them? listed(words, word, ...): is one of them listed? */
int text_holds_register(sqlite3 *handle);
