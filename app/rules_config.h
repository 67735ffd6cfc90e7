/* From the settings to what a worker asks: the default decision, the time zone, the book of the rules in force. */
#pragma once

#include "app/rules.h"
#include "app/settings.h"

/* What becomes of calls that no rule decides, and what rules leave open. */
struct rule_decision rules_otherwise(const struct settings *s);
int rules_configure_check(const struct settings *s, struct why *why);
/* The time zone is the process's: called once, before there are threads. */
void rules_use_zone(const struct settings *s);

/* The moment as the clock on the wall shows it. */
int64_t rules_local(int64_t time_us);

struct call_record;

/* The facts that a record tells; `f` borrows from it. Times of the wall are those of the process's time zone. */
void rules_facts(struct rule_facts *f, const struct call_record *r);

/* The rules in force, for workers that take them while somebody puts others. */
struct rules_book;
/* Holds `first`. NULL without memory. */
struct rules_book *rules_book_new(struct rules *first);
void rules_book_free(struct rules_book *b);
/* Held for the caller. Any thread. */
struct rules *rules_book_take(struct rules_book *b);
/* Calls that begin from now on are judged by `next`. Any thread. */
void rules_book_put(struct rules_book *b, struct rules *next);
