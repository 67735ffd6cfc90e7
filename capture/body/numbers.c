/* Decimal numbers, without locale and without exponents. */
#include "capture/body/numbers.h"

#define DIGITS_MAX 15 /* as many as a double holds */

/* Takes digits off the front; returns how many, or more than DIGITS_MAX. */
static size_t take_digits(struct slice *s, double *value, double *scale)
{
    size_t n = 0;
    while (n < s->size && s->data[n] >= '0' && s->data[n] <= '9' && n <= DIGITS_MAX) {
        *value = *value * 10 + (s->data[n] - '0');
        *scale *= 10;
        n++;
    }
    *s = slice_from(*s, n);
    return n;
}

/* Nothing, or letters, a percent sign and spaces. */
static bool is_unit(struct slice s)
{
    for (size_t i = 0; i < s.size; i++) {
        uint8_t c = s.data[i] | 32;
        if ((c < 'a' || c > 'z') && s.data[i] != '%' && s.data[i] != ' ')
            return false;
    }
    return true;
}

double number_decimal(struct slice s)
{
    double value = 0, scale = 1;
    s = slice_trim(s);
    bool negative = s.size && *s.data == '-';
    if (negative || (s.size && *s.data == '+'))
        s = slice_from(s, 1);
    size_t whole = take_digits(&s, &value, &scale), fraction = 0;
    scale = 1;
    if (s.size && *s.data == '.') {
        s = slice_from(s, 1);
        fraction = take_digits(&s, &value, &scale);
    }
    if (whole + fraction == 0 || whole + fraction > DIGITS_MAX || !is_unit(s))
        return NAN;
    value /= scale;
    return negative ? -value : value;
}
