/* Sends a body to one address over HTTP or HTTPS, or gets what is there; libcurl is met here alone. Only
 * that address is ever spoken to: no redirect is followed, no proxy asked, and the certificate of an https
 * address is checked. Of the answer the status counts; unless somebody takes its body, that is thrown away,
 * and reading it ends at 64 KiB. */
#pragma once

#include "base/error.h"
#include "base/slice.h"

struct post;

struct post_config {
    const char *url;
    const char *ca_file; /* PEM certificates to trust instead of the system's; "" or NULL: the system's */
    int timeout_ms;      /* of one attempt, all in all */
    void *context;
    bool (*give_up)(void *context); /* asked while it goes on; may be NULL */
    /* A piece of the body of an answer with that status; false ends it. NULL: nobody wants it. */
    bool (*take)(void *context, unsigned status, const void *data, size_t size);
};

/* Borrows the texts of `config`. Nothing is sent yet. One thread uses it. */
int post_open(const struct post_config *config, struct post **ret_post);
void post_close(struct post *p);
/* `headers`: "Name: value", ended by NULL. The HTTP status of the answer, or 0 with what kept it from
 * coming in `why`. */
unsigned post_send(struct post *p, struct slice body, const char *const *headers, struct why *why);

/* The same at `url`, which has the scheme and host of the one it was opened with. A body without data: GET. */
unsigned post_ask(struct post *p, const char *url, struct slice body, const char *const *headers, struct why *why);

/* http://host... or https://host... without user names, control characters and spaces. *ret_local: the
 * host is this machine, by address or as localhost; *ret_secure: https. */
bool post_url_parse(struct slice url, bool *ret_secure, bool *ret_local);
