/* Inside the process that decodes: it raises its walls, then makes sound of jobs until the socket closes. What it is told
 * first and says first is packed here for both sides. */
#pragma once

#include "app/confine/walls.h"
#include "storage/pack.h"

#define CHILD_COMMAND     "--decoder" /* of earshot, for nobody but itself */
#define CHILD_SOCKET      3
#define CHILD_PLACE       4
#define CHILD_PLACE_BYTES 4096

struct child_hello {
    int err;
    unsigned walls;    /* WALL_ bits that stand */
    struct slice text; /* of an error */
};

void child_setup_pack(struct pack *p, struct walls *w);
void child_hello_pack(struct pack *p, struct child_hello *h);
/* Never returns but with an exit code. */
int child_main(void);
