/* The page's files and openapi.yaml, from memory. */
#include <string.h>

#include "api/assets.h"
#include "api/handlers.h"

void handle_file(struct exchange *x)
{
    for (unsigned i = 0; i < ASSET_COUNT; i++) {
        if (strcmp(ASSETS[i].path, x->rq->path) != 0)
            continue;
        x->rs->content_type = ASSETS[i].type;
        x->rs->constant = slice_of(ASSETS[i].data, ASSETS[i].size);
        x->rs->page = true;
        return;
    }
    problem(x->rs, x->rq, 404, "not_found", NULL, "There is nothing at this path.");
}
