/* earshot-fax call CODING ECM VERSION PAGES ROWS SENT RECEIVED   (draws SENT, sends it; its packets
 * to standard output) earshot-fax pages FILE */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fax.h"

int main(int count, char **words)
{
    if (count == 3 && strcmp(words[1], "pages") == 0)
        return pages_print(words[2]);
    if (count != 9 || strcmp(words[1], "call") != 0) {
        fprintf(stderr, "usage: earshot-fax call mh|mr|mmr 0|1 VERSION PAGES ROWS SENT RECEIVED | "
                        "pages FILE\n");
        return 2;
    }
    const struct fax_call call = {.coding = words[2],
                                  .ecm = atoi(words[3]),
                                  .version = atoi(words[4]),
                                  .sent = words[7],
                                  .received = words[8]};
    int err = pages_draw(call.sent, (unsigned)atoi(words[5]), (unsigned)atoi(words[6]));
    return err ? err : fax_call(&call);
}
