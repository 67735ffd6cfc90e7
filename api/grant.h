/* What a token or an account is given: role, scopes, limit. In from the JSON of a request, out to that of an answer. */
#pragma once

#include "api/handlers.h"
#include "base/json_read.h"

struct grant {
    char role[24];
    char scopes[STORE_SCOPES_TEXT];
    struct store_limit limit;
};

enum grant_taken { GRANT_TAKEN, GRANT_OTHER, GRANT_REFUSED };
/* One member of the body; GRANT_OTHER: it is none of ours, GRANT_REFUSED: the problem is set. */
enum grant_taken grant_take(struct exchange *x, struct slice name, const struct json_value *value,
                            struct grant *g);
/* The scopes leave something of the role. False: the problem is set. */
bool grant_holds(struct exchange *x, const struct grant *g);
/* "role", "scopes" (those that are held in the end) and "limit" of an object. */
void grant_json(struct json *j, const struct grant *g);
void grant_scopes_json(struct json *j, unsigned scopes);
void grant_limit_json(struct json *j, const struct store_limit *l);
/* A list of texts, each of which is good, as one text with commas between, at most eight. False: the problem is set. */
bool grant_list(struct exchange *x, const char *name, const struct json_value *value,
                bool (*good)(struct slice item), char *out, size_t size);
/* 400 on the member `field`. Always false. */
bool grant_refuse(struct exchange *x, const char *field, const char *what);
