/* Trunks and aliases: what people give a name. What they mean is not known here: values go to the program and come back as texts that a
 * configuration file would have. */
#pragma once

#include "base/addr.h"
#include "base/buf.h"
#include "base/error.h"

#define NAMED_ID_SIZE    64 /* of a trunk's name, of the network of an alias */
#define NAMED_ALIAS_SIZE 72

enum named_kind { NAMED_TRUNK, NAMED_ALIAS };
/* Lists have commas between. */
enum named_value { NAMED_PEERS, NAMED_DOMAINS, NAMED_PREFIXES, NAMED_CAPACITY, NAMED_TENANT, NAMED_TITLE, NAMED_VALUES };
enum named_change { NAMED_NEW, NAMED_OTHER, NAMED_GONE };

/* Borrows all of it. */
struct named {
    enum named_kind kind;
    const char *id;
    bool configured; /* stands in the configuration: stays as it is */
    const char *value[NAMED_VALUES]; /* never NULL out of the program; "": not said */
};

typedef void named_fn(void *context, const struct named *n);

/* Is what stands there still what whoever changes it has seen? Asked when nobody else can change it any more. */
struct named_seen {
    bool (*still)(void *context, const struct named *now);
    void *context;
};

/* The program's side; called from any HTTP thread. */
struct api_named_source {
    void *context;
    /* All of a kind, those of the configuration first. NULL: there are none. */
    void (*each)(void *context, enum named_kind kind, named_fn *fn, void *fn_context);
    /* ERR_EXISTS, ERR_NOT_FOUND, ERR_DENIED (it is configured), ERR_BUSY (`seen`, which may be NULL, says no), ERR_INVALID with a sentence. With `ret_change` only tried: it gets what
     * would be another. Else stored and in force when it returns 0. */
    int (*change)(void *context, enum named_change how, const struct named *n, const struct named_seen *seen, struct buf *ret_change, struct why *why);
    /* What people call this address. False: nothing. */
    bool (*alias_of)(void *context, struct addr a, char out[NAMED_ALIAS_SIZE]);
    /* A network as it is written here, "10.1.0.0/16". False: it is none. */
    bool (*network)(struct slice text, char out[NAMED_ID_SIZE]);
};

struct json;
/* What is known of it, as members of the object that is open. */
void named_members_json(struct json *j, const struct named *n);
/* Writes "alias", null when there is none. `s` NULL: nobody named anything. */
void named_alias_json(struct json *j, const struct api_named_source *s, struct addr a);
