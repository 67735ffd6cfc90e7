/* Words that somebody looks for -> an expression of SQLite's full-text index. What was typed is only ever quoted text in it: none of
 * it is an operator.
 *
 *     refund policy     both words, in any order       -> "refund" "policy"
 *     "refund policy"   one behind the other           -> "refund policy"
 *     refu*             words that begin so            -> "refu" *
 */
#pragma once

#include "base/slice.h"

#define WORD_QUERY_WORDS_MAX 16
#define WORD_QUERY_TEXT_MAX  512
#define WORD_QUERY_SIZE      (4 * WORD_QUERY_TEXT_MAX)
#define WORD_PREFIX_MIN      2 /* characters ahead of a star */

enum word_query_verdict { WORD_QUERY_GOOD, WORD_QUERY_EMPTY, WORD_QUERY_TOO_MANY, WORD_QUERY_SHORT_PREFIX, WORD_QUERY_NO_TEXT };

/* `text`: UTF-8; what no index holds (punctuation, controls) parts words or is left out of them by the index itself. */
enum word_query_verdict word_query_make(struct slice text, char ret_expression[WORD_QUERY_SIZE]);
