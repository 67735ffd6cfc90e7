/* Tokens that may see only some calls. */
#include <criterion/criterion.h>

#include "api/limit.h"

Test(limit, a_call_that_belongs_nowhere_is_outside_of_every_limit, .timeout = 60)
{
    struct call_record *r = record_new();
    const struct store_limit none = {0}, site = {.sites = "here, there"}, trunk = {.trunks = "x"},
                             tenant = {.tenants = "a,b"};
    cr_assert(limit_allows_record(&none, r));
    cr_assert(!limit_allows_record(&site, r));
    cr_assert(!limit_allows_record(&trunk, r));
    cr_assert(!limit_allows_record(&tenant, r));
    r->to_site = slice_str("there");
    cr_assert(limit_allows_record(&site, r));
    r->tenant = slice_str("c");
    cr_assert(!limit_allows_record(&tenant, r));
    record_free(r);
}
