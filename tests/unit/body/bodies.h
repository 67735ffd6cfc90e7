/* What the tests of this room share. */
#pragma once

#include <criterion/criterion.h>

#include "base/slice.h"
#include "tests/support/guard.h"

/* Cases name the fields they care about. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

#define IS(slice, text) cr_expect(slice_is(slice, text), "%.*s is not %s", SLICE_ARGS(slice), text)
#define NONE(slice)     cr_expect_eq((slice).size, 0, "%.*s", SLICE_ARGS(slice))

/* Runs the statements for every beginning of `text`, each in front of an unmapped page, as `cut`. */
#define EVERY_TRUNCATION(text, cut, ...)                                                                               \
    for (size_t n_ = 0; n_ < (text).size; n_++) {                                                                      \
        struct slice cut = guard_copy(slice_sub(text, 0, n_));                                                         \
        __VA_ARGS__;                                                                                                   \
        guard_free(cut);                                                                                               \
    }
