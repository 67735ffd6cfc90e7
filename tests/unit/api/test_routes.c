#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "requests.h"

static const struct route *find(const char *method, const char *path,
                                struct http_request *ret_request)
{
    const char *methods;

    *ret_request = request_for(method, path, NULL);
    return route_find(ret_request, &methods);
}

Test(routes, paths_lead_to_their_route_and_give_their_values)
{
    struct http_request rq;
    const struct route *r = find("GET", "/api/v1/calls/abc-1/streams/7/series", &rq);

    cr_assert_not_null(r);
    cr_expect_str_eq(r->path, "/api/v1/calls/{uid}/streams/{sid}/series");
    cr_expect_str_eq(rq.path_value[0], "abc-1");
    cr_expect_str_eq(rq.path_value[1], "7");
    cr_expect_str_eq(find("HEAD", "/api/v1/calls/x", &rq)->path, "/api/v1/calls/{uid}");
    cr_expect_str_eq(find("GET", "/", &rq)->path, "/");
}

Test(routes, what_is_nearly_a_path_is_none)
{
    static const char *const PATHS[] = {"/api/v1/calls/",      "/api/v1/calls/a/",
                                        "/api/v1/call",        "/API/v1/calls",
                                        "/api/v1/callsx",      "/api/v1/calls/a.b",
                                        "/api/v1/calls/_",     "/api/v1/calls/a/messages/",
                                        "/metrics/",           "/api/v1",
                                        "/index.html",         "/page.jsx",
                                        "/api/v1/calls/a/b/c", "/api/v1/recordings//audio"};
    struct http_request rq;
    char longest[100] = "/api/v1/calls/";

    for (size_t i = 0; i < sizeof PATHS / sizeof PATHS[0]; i++)
        cr_expect_null(find("GET", PATHS[i], &rq), "%s", PATHS[i]);
    memset(longest + 14, 'a', HTTP_PATH_WORD_SIZE);
    cr_expect_null(find("GET", longest, &rq), "a value that does not fit");
    longest[14 + HTTP_PATH_WORD_SIZE - 1] = '\0';
    cr_expect_not_null(find("GET", longest, &rq), "the longest value");
}

Test(routes, an_address_of_record_is_one_value_and_holds_what_such_addresses_hold)
{
    static const struct {
        const char *path, *value;
    } CASES[] = {
        {"/api/v1/aors/alice@example.com", "alice@example.com"},
        {"/api/v1/aors/sip:alice.b_c~d!e'f(g)&h=i+j$k,l*m@[2001:db8::1]:5061",
         "sip:alice.b_c~d!e'f(g)&h=i+j$k,l*m@[2001:db8::1]:5061"},
        {"/api/v1/aors/%2B43%401.2.3.4%3a5060", "+43@1.2.3.4:5060"},
        {"/api/v1/aors/alice", "alice"},
    };
    struct http_request rq;
    char longest[HTTP_PATH_VALUE_SIZE + 20] = "/api/v1/aors/";

    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        cr_assert_not_null(find("GET", CASES[i].path, &rq), "%s", CASES[i].path);
        cr_expect_str_eq(rq.path_value[0], CASES[i].value);
    }
    cr_expect_null(find("GET", "/api/v1/aors/", &rq));
    cr_expect_null(find("GET", "/api/v1/aors/a/b", &rq));
    cr_expect_null(find("GET", "/api/v1/aors/a%41", &rq), "an escape that is not ours");
    cr_expect_null(find("GET", "/api/v1/calls/a%40b", &rq), "a uid holds no address");
    memset(longest + 13, '@', HTTP_PATH_VALUE_SIZE);
    cr_expect_null(find("GET", longest, &rq), "a value that does not fit");
    longest[13 + HTTP_PATH_VALUE_SIZE - 1] = '\0';
    cr_expect_not_null(find("GET", longest, &rq), "the longest value");
}

Test(routes, other_methods_are_told_which_are_allowed)
{
    static const char *const METHODS[] = {"POST",  "PUT", "DELETE", "OPTIONS",
                                          "TRACE", "get", "PATCH"};

    struct http_request both = request_for("DELETE", "/api/v1/calls/a/tags", NULL);
    const char *allowed = NULL;
    cr_expect_null(route_find(&both, &allowed));
    cr_expect_str_eq(allowed, "GET, HEAD, PUT");
    both = request_for("PUT", "/api/v1/recordings/a", NULL);
    cr_expect_null(route_find(&both, &allowed));
    cr_expect_str_eq(allowed, "GET, HEAD, DELETE");
    for (size_t i = 0; i < sizeof METHODS / sizeof METHODS[0]; i++) {
        struct http_request rq = request_for(METHODS[i], "/api/v1/calls", NULL);
        const char *methods = NULL;
        cr_expect_null(route_find(&rq, &methods));
        cr_expect_str_eq(methods, "GET, HEAD");
        rq.path = "/nothing";
        cr_expect_null(route_find(&rq, &methods));
        cr_expect_null(methods);
    }
}

Test(routes, everything_under_the_api_needs_a_scope_and_only_the_rest_may_be_quick)
{
    unsigned count;
    const struct route *r = routes(&count);

    for (unsigned i = 0; i < count; i++) {
        bool login = strcmp(r[i].path, "/api/v1/sessions") == 0 && strcmp(r[i].method, "POST") == 0;
        bool description = strncmp(r[i].path, "/api/v1/openapi.", 16) == 0 || strcmp(r[i].path, "/api/v1/docs") == 0;
        if (strncmp(r[i].path, "/api/", 5) == 0 && !description && !login)
            cr_expect_neq(r[i].scope, SCOPE_PUBLIC, "%s", r[i].path);
        if (r[i].flags & ROUTE_QUICK)
            cr_expect_eq(r[i].scope, SCOPE_PUBLIC, "%s: the accepting thread reads no tokens",
                         r[i].path);
    }
}

/* ---- the table and openapi.yaml say the same ---- */

#define DESCRIBED_MAX 96

struct described {
    char path[100];
    struct {
        bool there;
        char params[2000]; /* " from to ..." */
    } operation[4];        /* of METHODS */
    bool other;
};

static const char *const METHODS[] = {"get", "put", "post", "delete"};

static struct described described[DESCRIBED_MAX];
static unsigned described_count;

static void add_param(char *params, size_t size, const char *line)
{
    const char *name = strstr(line, "{name: ");
    size_t at = strlen(params);

    if (name == NULL || strstr(line, "in: query") == NULL)
        return;
    name += 7;
    snprintf(params + at, size - at, "%.*s ", (int)strcspn(name, ","), name);
}

/* "    get:"; 4: another. */
static unsigned method_of(const char *line)
{
    unsigned m = 0;
    while (m < 4 && (strncmp(line + 4, METHODS[m], strlen(METHODS[m])) != 0 || strcmp(line + 4 + strlen(METHODS[m]), ":") != 0))
        m++;
    return m;
}

static void read_description(void)
{
    char line[4096];
    bool in_paths = false;
    struct described *d = NULL;
    unsigned m = 4;
    char path[1000];

    snprintf(path, sizeof path, "%s/../../api/openapi.yaml", TEST_DATA);
    FILE *f = fopen(path, "r");
    cr_assert_not_null(f, "%s", path);
    while (fgets(line, sizeof line, f)) {
        line[strcspn(line, "\n")] = '\0';
        if (line[0] != ' ')
            in_paths = strcmp(line, "paths:") == 0;
        if (!in_paths)
            continue;
        if (strncmp(line, "  /", 3) == 0) {
            cr_assert_lt(described_count, DESCRIBED_MAX);
            d = &described[described_count++];
            snprintf(d->path, sizeof d->path, "%.*s", (int)strlen(line) - 3, line + 2);
            m = 4;
        } else if (d && strncmp(line, "    ", 4) == 0 && line[4] != ' ') {
            m = method_of(line);
            d->other |= m == 4;
            if (m < 4)
                d->operation[m].there = true, strcpy(d->operation[m].params, " ");
        } else if (d && m < 4) {
            add_param(d->operation[m].params, sizeof d->operation[m].params, line);
        }
    }
    fclose(f);
}

static struct described *described_find(const char *path)
{
    for (unsigned i = 0; i < described_count; i++)
        if (strcmp(described[i].path, path) == 0)
            return &described[i];
    return NULL;
}

static bool has_word(const char *words, const char *word)
{
    char needle[128];

    snprintf(needle, sizeof needle, " %s ", word);
    return strstr(words, needle) != NULL;
}

Test(routes, the_table_and_the_description_agree)
{
    unsigned count;
    const struct route *r = routes(&count);

    read_description();
    unsigned methods = 0;
    for (unsigned i = 0; i < described_count; i++)
        for (unsigned m = 0; m < 4; m++)
            methods += described[i].operation[m].there;
    cr_expect_eq(methods, count);
    for (unsigned i = 0; i < count; i++) {
        struct described *d = described_find(r[i].path);
        unsigned words = 0, params = 0;
        cr_assert_not_null(d, "%s is not in openapi.yaml", r[i].path);
        unsigned m = 0;
        while (m < 3 && strcasecmp(METHODS[m], r[i].method) != 0)
            m++;
        const char *described_params = d->operation[m].params;
        cr_assert(d->operation[m].there && !d->other, "%s %s", r[i].method, r[i].path);
        for (const char *const *p = r[i].params; p && *p; p++, params++)
            cr_expect(has_word(described_params, *p), "%s: %s is not in openapi.yaml", r[i].path, *p);
        for (const char *p = described_params + 1; *p; p++)
            words += *p == ' ';
        cr_expect_eq(words, params, "%s %s: openapi.yaml has%s", r[i].method, r[i].path, described_params);
    }
}
