/* What people and programs attach to a call: a customer's number, a case, a campaign. A few keys with
 * a text each. They belong to the uid of a call, not to its row: a call that only just began can have
 * them, and no newer row of it takes them away. */
#pragma once

#include "base/slice.h"

#define RECORD_TAGS_MAX      16
#define RECORD_TAG_KEY_MAX   32  /* letters, digits and _ . - */
#define RECORD_TAG_VALUE_MAX 256 /* bytes of UTF-8 without control characters */

struct record_tag {
    char key[RECORD_TAG_KEY_MAX + 1];
    char value[RECORD_TAG_VALUE_MAX + 1];
};

struct record_tags {
    unsigned count;
    struct record_tag tag[RECORD_TAGS_MAX]; /* by key */
};

bool record_tag_key_valid(struct slice key);
bool record_tag_value_valid(struct slice value);
/* What is to become of the tags of many calls: keys that go, and then some that come. */
struct record_tag_change {
    struct record_tags add;
    unsigned remove_count;
    char remove[RECORD_TAGS_MAX][RECORD_TAG_KEY_MAX + 1];
};
enum record_tags_verdict { RECORD_TAGS_SAME, RECORD_TAGS_CHANGED, RECORD_TAGS_FULL };

/* Those of keys that it has not, as far as there is room. */
enum record_tags_verdict record_tags_add(struct record_tags *t, const struct record_tags *more);
/* FULL: not all of it has room; nothing was changed. */
enum record_tags_verdict record_tags_change(struct record_tags *t, const struct record_tag_change *change);
/* Replaces the value of a key, or adds it in its place. False: not valid, or there is no room. */
bool record_tags_set(struct record_tags *t, struct slice key, struct slice value);
